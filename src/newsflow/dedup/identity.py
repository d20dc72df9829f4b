"""What makes two events be about one article: its names, those that release 0.1 gave it, and the net under them. Pure.

The net: what one name brings together can still be told apart. Two texts that have next to nothing in common, from
addresses that differ in a parameter which only its value made a tracker's, or from two addresses of which the pages say
that they are one, or with one guid under two addresses, are two articles.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from newsflow.dedup.fingerprint import MAX_CHARS, matching_tokens
from newsflow.model import Article
from newsflow.model.former_url import former_url
from newsflow.model.url import EVERY, canonicalise_url, doubtful_parameters, link_of

UNLIKE_BODIES, UNLIKE_TITLES = 0.05, 0.5
"""Two texts are unlike where they share less than this of the smaller body's word triples, and of the shorter title's
words."""
FORMER_MARK = "0.1:"
"""Before a name that release 0.1 would give an article: kept for the way back, looked up by nobody here."""

GUID, CANONICAL_LINK = "guid", "canonical link"
NO_PARAMETERS: frozenset[str] = frozenset()


# Names. Each is 32 hex digits.


def identity_keys(article: Article) -> tuple[str, ...]:
    """The names an article is known by, strongest first: its canonical URL, then (source, guid).

    A page that moves to another URL but keeps its guid, or the other way round, shares one of them with what is known,
    and so stays the same article. A guid is the same under both schemes.
    """
    names = []
    if article.url:
        names.append(url_name(article.url))
    if article.guid:
        names.append(guid_name(article.source, article.guid))
    return tuple(names)


def url_name(url: str) -> str:
    """The name that an article has by the address that it was found at."""
    return hash_of("url", _name(url))


def guid_name(source: str, guid: str) -> str:
    """The name that an article has by its guid."""
    guid = guid.strip()
    return hash_of("guid", source, f"http{guid[5:]}" if guid.startswith("https://") else guid)


def url_keys(url: str) -> tuple[str, ...]:
    """The names that an article may have by an address that somebody types; by release 0.1 too."""
    forms = [_name(url), former_url(url)]
    with suppress(ValueError):
        forms.append(_name(canonicalise_url(url)))
    names = [hash_of("url", form) for form in forms if form is not None]
    return tuple(dict.fromkeys([*names, *(FORMER_MARK + name for name in names)]))


def own_key(article: Article) -> str | None:
    """The name by its address, where the page says that it is at another: given where the page was found out."""
    address = address_of(article)
    if not article.url or address is None or _place(address) == _place(article.url):
        return None
    own = address_name(article)
    if own is None or _place(own) == _place(_name(article.url)):
        return None
    return hash_of("url", own)


def _place(url: str) -> str:
    return url.partition("?")[0].rstrip("/")


def written_guid_key(article: Article) -> str | None:
    """The name by its guid as it is written, which release 0.1 gave."""
    return hash_of("guid", article.source, article.guid) if article.guid else None


def former_keys(article: Article, names: Sequence[str]) -> tuple[str, ...]:
    """The names that release 0.1 may have given it, where they are not `names`. Articles that differ now may share
    them."""
    former: list[str | None] = []
    if article.url:
        former = [former_url(url) for url in dict.fromkeys((address_of(article), article.url)) if url is not None]
        stated = article.raw.get("canonical_url")  # believed by 0.1, perhaps
        former += [former_url(stated) or _name(stated)] if isinstance(stated, str) else []
    keys = [hash_of("url", name) for name in dict.fromkeys(former) if name is not None]
    if (guid := written_guid_key(article)) and not article.url:
        keys.append(guid)
    return tuple(key for key in keys if key not in names)


def address_of(article: Article) -> str | None:
    """Where it was found, as its publisher wrote it."""
    address = article.raw.get("url")
    return address if isinstance(address, str) else article.url


def address_name(article: Article, counted: frozenset[str] = NO_PARAMETERS) -> str | None:
    """The canonical URL of its address, with the parameters that are `counted`."""
    address = address_of(article)
    try:
        return None if address is None else canonicalise_url(address, counted)
    except ValueError:
        return None


def counting(article: Article, counted: frozenset[str]) -> Article:
    """The article whose URL has the `counted` parameters of its address, though they look like a tracker's."""
    address = address_of(article)
    if not counted or article.url is None or address is None or address_name(article) is None:
        return article
    if counted.isdisjoint(doubtful_parameters(address)) or own_key(article) is not None:
        return article
    kept = counted | {part.partition("=")[0].lower() for part in article.url.partition("?")[2].split("&")}
    return replace(article, url=link_of(canonicalise_url(address, kept, drop=EVERY), address))


def _name(url: str) -> str:
    """The canonical form of an article's URL: both schemes, and an address with `www.` or without, name one article.
    What of its parameters counts was decided before."""
    try:
        return canonicalise_url(url, EVERY)
    except ValueError:  # an article that somebody wrote by hand
        return url


def hash_of(*parts: str) -> str:
    """32 hex digits over the parts."""
    state = hashlib.blake2b(digest_size=16)
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        state.update(len(raw).to_bytes(8, "big") + raw)
    return state.hexdigest()


# The net.


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two articles that one name brought together. `reasons` is what did: `?name` for a parameter, GUID or
    CANONICAL_LINK. `own` is the second one under a URL of its own."""

    reasons: tuple[str, ...]
    own: Article
    addresses: tuple[str, str]

    @property
    def last_name(self) -> str:
        """What the second one may be known by where the first has its names: it is the page at an address that another
        one said was its own."""
        return hash_of("address", address_name(self.own) or "")

    @property
    def parameters(self) -> frozenset[str]:
        """The parameters that count from now on."""
        return frozenset(reason[1:] for reason in self.reasons if reason.startswith("?"))


def find_conflict(before: Article, after: Article, counted: frozenset[str], *, by_guid: bool) -> Conflict | None:
    """Whether `after` is another article than `before`, whose URL (with `by_guid` only its guid) it shares. `counted`
    are the parameters that count for its source already."""
    names = address_name(before, counted), address_name(after, counted)
    if None in names:
        return None
    if names[0] != names[1]:
        reasons: tuple[str, ...] = (GUID if by_guid else CANONICAL_LINK,)
    else:
        ours, theirs = (doubtful_parameters(address_of(each) or "") for each in (before, after))
        differing = {name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)}
        reasons = tuple(f"?{name}" for name in sorted(differing - counted))
    if not reasons or not are_unlike(before, after):
        return None
    return _conflict(reasons, before, after, counted)


def _conflict(reasons: tuple[str, ...], before: Article, after: Article, counted: frozenset[str]) -> Conflict:
    own = after
    if reasons == (CANONICAL_LINK,):
        address = address_of(after) or ""
        own = replace(after, url=link_of(canonicalise_url(address, counted), address))
    elif reasons != (GUID,):
        own = counting(after, counted | {reason[1:] for reason in reasons})
    return Conflict(reasons, own, (address_of(before) or "", address_of(after) or ""))


def are_unlike(left: Article, right: Article) -> bool:
    """Whether two articles have next to nothing in common, neither in their titles nor in their bodies."""
    titles = [set(matching_tokens(each.title)) for each in (left, right)]
    if _share(*titles) >= UNLIKE_TITLES:
        return False
    bodies = [_triples(matching_tokens(each.body[:MAX_CHARS])) for each in (left, right)]
    return _share(*bodies) < UNLIKE_BODIES


def _triples(tokens: Sequence[str]) -> set[tuple[str, str, str]]:
    return set(zip(tokens, tokens[1:], tokens[2:], strict=False))


def _share(left: set[Any], right: set[Any]) -> float:
    smaller = min(len(left), len(right))
    return len(left & right) / smaller if smaller else 0.0
