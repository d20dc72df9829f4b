"""Items of a feed to raw articles: by what an item is known again, whether the feed has its whole text, what is
published. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from newsflow.dedup.identity import hash_of
from newsflow.ledger.database import storable
from newsflow.model.headers import instant_text
from newsflow.model.names import raw_key
from newsflow.model.url import canonicalise_url, is_homepage
from newsflow.sources.parse import Item, plain

LEAST_WHOLE_CHARS, LEAST_WHOLE_SUMMARY_CHARS = 500, 1_500
"""From so many characters on the content of an item, and a summary without one, is taken for the whole text."""
MADE_GUID = "urn:newsflow:item:"
"""What a guid begins with that we made: of an item without an address or a guid, or with one that is too long."""
_MORE = (
    r"read (?:more|on|the (?:full|whole|rest)[^.]{0,40})|continue reading[^.]{0,120}|weiterlesen|mehr lesen|"
    r"lire la suite|leer más|seguir leyendo|leia mais|leggi tutto|lees verder|czytaj (?:więcej|dalej)|"
    r"читать (?:далее|полностью)|читати далі|devamını oku|[اإ]قرأ المزيد|ادامه مطلب|阅读全文|続きを読む"
)
_CUT_OFF = re.compile(rf"(?:…|\.\.\.|\[\s*(?:…|\.\.\.)\s*\]|\b(?:{_MORE}))[\s.»›>→)\]]*$", re.IGNORECASE)
_LIMITS = {"title": 2_000, "published": 500, "language": 35, "section": 500, "agency": 500, "guid": 2_048}
"""Characters that the contract of raw articles takes."""
_SUMMARY_CHARS = 20_000


@dataclass(frozen=True, slots=True)
class Known:
    """An item, the name it is known by within its source, and the `url` and `guid` it is published under: at least one.
    `digest` tells its states apart, by what a reader would see changed."""

    item: Item
    key: str
    url: str | None
    guid: str | None
    digest: str


def known_items(items: Sequence[Item]) -> list[Known]:
    """Items in their order, each once.

    An address names an item, whatever guid stands beside it this time; but not where several items of different titles
    have it, nor a front page. A guid that several addresses share names none of them. What has neither is known by its
    text.
    """
    places = [_place(item) for item in items]
    titles, guids = defaultdict(set), defaultdict(set)
    for item, place in zip(items, places, strict=True):
        titles[place].add(_folded(item.title))
        guids[item.guid].add(place or _folded(item.title) or item.content or item.summary)
    found: dict[str, Known] = {}
    for item, place in zip(items, places, strict=True):
        named = place is not None and len(titles[place]) == 1
        guid = item.guid if item.guid and len(guids[item.guid]) == 1 else None
        known = _known(item, place if named else None, guid)
        found.setdefault(known.key, known)
    return list(found.values())


def _place(item: Item) -> str | None:
    try:
        canonical = canonicalise_url(item.link) if item.link else None
    except ValueError:
        return None
    return None if canonical is None or is_homepage(canonical) else canonical


def _folded(title: str | None) -> str:
    return " ".join((title or "").casefold().split())


def _known(item: Item, place: str | None, guid: str | None) -> Known:
    text = plain(item.content or item.summary)
    digest = hash_of("item", _folded(item.title), text)
    if place is not None:
        return Known(item, hash_of("url", place), item.link, guid, digest)
    if guid is not None:
        return Known(item, hash_of("guid", guid), None, guid, digest)
    # Nothing but its text names it, so another text is another item.
    key = hash_of("text", _folded(item.title), item.published or "", text)
    return Known(item, key, None, MADE_GUID + key, digest)


def says_anything(item: Item) -> bool:
    """Whether a feed alone gives an article: at least a headline."""
    return bool(item.title or plain(item.content or item.summary))


def has_whole_text(known: Known, wanted: str = "auto") -> bool:
    """Whether the article is taken from the feed. `wanted` is `auto`, `feed` or `page`, as a list of feeds says."""
    if known.url is None or wanted == "feed":
        return True
    if wanted == "page":
        return False
    text = plain(known.item.content or known.item.summary)
    least = LEAST_WHOLE_CHARS if known.item.content else LEAST_WHOLE_SUMMARY_CHARS
    return len(text) >= least and _CUT_OFF.search(text[-200:]) is None


# Raw articles


def hints_of(known: Known, source: str, feed: str, language: str | None) -> dict[str, Any]:
    """The members of a raw article that do not depend on where its text is from."""
    item = known.item
    members = {
        "source": source,
        "url": known.url,
        "guid": known.guid,
        "title": item.title,
        "published": item.published,
        "language": item.language or language,
        "authors": list(item.authors),
        "section": item.section,
        "feed": feed,
    }
    return {name: storable(value) if isinstance(value, str) else value for name, value in members.items() if value}


def text_of_feed(item: Item) -> dict[str, Any]:
    """The members that hold the text as the feed has it."""
    kind = "text/plain" if item.is_text else "text/html"
    return {"content_type": kind, "content": storable(item.content or item.summary), "content_is": "article"}


def summary_of(item: Item) -> dict[str, Any]:
    """What is kept of a feed's text beside the page: the publisher's own words about it."""
    text = plain(item.content or item.summary)[:_SUMMARY_CHARS]
    return {"summary": text} if text else {}


def key_of(members: Mapping[str, Any]) -> bytes:
    """The key of a raw event with these members."""
    return raw_key(members["source"], members.get("url") or members["guid"])


def raw_event(hints: Mapping[str, Any], text: Mapping[str, Any], at: datetime) -> tuple[bytes, bytes]:
    """Key and value of a raw-article.v1, cut to what its contract takes. `text`: `content_type` and `content`, or
    `action`."""
    members = {**hints, "fetched_at": instant_text(at), **text}
    members = {name: value for name, value in members.items() if value or name == "content"}
    for name, most in _LIMITS.items():
        if len(members.get(name) or "") > most:
            members[name] = MADE_GUID + hash_of("guid", members["guid"]) if name == "guid" else members[name][:most]
    if "authors" in members:
        members["authors"] = [each[:500] for each in members["authors"][:100]]
    key = key_of(members)
    try:
        return key, orjson.dumps(members)
    except TypeError:  # half a character of UTF-16, which no JSON holds
        clean = {name: storable(value) if isinstance(value, str) else value for name, value in members.items()}
        clean["authors"] = list(map(storable, members.get("authors", ())))
        return key, orjson.dumps(clean)
