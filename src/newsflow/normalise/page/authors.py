"""Names of people in what pages state as author: several are parted, outlets, posts and addresses told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import islice

from lxml.html import HtmlElement

from newsflow.normalise.characters import letters_of, tidy_line
from newsflow.normalise.page.tree import from_here

MAX_CHARS = 200
_ADDRESS = re.compile(r"[<(\[]?\S+@\S+\.\w+[>)\]]?|https?://\S+|www\.\S+|(?<!\S)@\S+")
_AND = re.compile(r"\s+(?:and|und|et|y|e|i|og|och|en|и|و)\s+|\s*[&;]\s*", re.IGNORECASE)
_COMMA = re.compile(r"\s*[,،、]\s*")
_BESIDE = re.compile(r"\s+(?:[|•·–—/-]\s|[(\[]|(?:for|für|pour|para|per|dla|для)\s)")
_POSTED = re.compile(
    r"^(?:(?:(?:view|show|see) )?all (?:posts|articles|stories) (?:by|from)|"
    r"(?:posted|published|written|reported|story) by|zeige alle beiträge von|"
    r"(?:veröffentlicht|geschrieben|verfasst) von|(?:publié|écrit|rédigé) par|"
    r"(?:publicado|escrito|redactado) por|(?:pubblicato|scritto) da|geschreven door|by|بقلم)\s*[: ]\s*(?=\S)",
    re.IGNORECASE,
)
# Posts and desks, by the beginnings of their words in languages that write them so.
_POST = re.compile(
    r"\b(?:(?:editor|correspond|report|redak|redac|journalis|columnis|agentur|profess)\w*|writer|staff|desk|team|news|bureau|"
    r"agency|chief|student|director|online|media|press)\b",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_][\w'’.-]*")
_PARTICLES = frozenset(
    ("de", "da", "di", "du", "del", "della", "van", "von", "der", "den", "la", "le", "bin", "al", "el")
)


def people_of(stated: str) -> list[str]:
    """The names in an author as a page states it. What does not read as several people stays one name."""
    text = _POSTED.sub("", tidy_line(_ADDRESS.sub(" ", stated[:MAX_CHARS])).strip(" ,;|-–"))
    if not text:
        return []
    before = _BESIDE.split(text)[0]
    if before != text and is_person(before):  # "Ada Quay | Merrow Post", "Ada Quay (Merrow)"
        return [before]
    parts = [part for piece in _COMMA.split(text) for part in _AND.split(piece) if part]
    if len(parts) < 2:
        return [text]
    people = [part for part in parts if is_person(part)]
    if len(people) == len(parts):
        return people
    # "Ada Quay, harbour correspondent": the person, and what she is.
    before = _COMMA.split(text)[0]
    return [before] if is_person(before) and not _AND.search(before) else [text]


def is_person(text: str) -> bool:
    """Whether a text is two to four words that begin as names do, and none that names a post."""
    words = [word for word in text.split() if word.lower() not in _PARTICLES]
    return (
        2 <= len(words) <= 4
        and not _POST.search(text)
        and all(_WORD.fullmatch(word) and not word[0].islower() for word in words)
    )


# Where a visible byline stands: so many elements after the heading.
NEAR, MAX_BYLINE_CHARS = 80, 100
_NAMED = re.compile(r"by-?line|author|autor|auteur|writer|reporter|verfasser|penulis|yazar|muhabir", re.IGNORECASE)
_ELSE = re.compile(
    r"comment|related|teaser|recommend|widget|most-?read|sidebar|footer|social|share|caption|credit", re.IGNORECASE
)
_BY = re.compile(
    r"^(?:written by|story by|by|von|par|por|di|af|av|door|oleh|texte? (?:von|par)|penulis|autore?|autora|auteur|yazan|"
    r"haber|автор(?:ы)?|текст|بقلم|كتبت?|نویسنده|作者|文|記者|记者)\s*[:：/ ]\s*",
    re.IGNORECASE,
)
_OUTSIDE = ("aside", "footer", "nav", "figure", "figcaption")


def visible_byline(tree: HtmlElement) -> list[str]:
    """The people that the byline after the page's heading names; empty where there is none."""
    heading = next(tree.iter("h1"), None)
    if heading is None:
        return []
    for element in islice(from_here(heading), 1, NEAR + 1):
        if isinstance(element.tag, str) and (people := _byline_of(element)):
            return people
    return []


def _byline_of(element: HtmlElement) -> list[str]:
    """The people that an element names as a byline does: by its name, or by a word before theirs. Those of a list are
    all of them; of bylines side by side each may be a teaser's."""
    people, is_led = _people_in(element)
    if not people:
        return []
    around = (*element.itersiblings(element.tag, preceding=True), *element.itersiblings(element.tag))
    beside = [each for each in around if each.get("class") == element.get("class")]
    others = [found for each in beside for found in [_people_in(each)] if found[0]]
    if is_led and any(led for _, led in others):
        return []
    return list(dict.fromkeys([*people, *(name for names, _ in others for name in names)]))


def _people_in(element: HtmlElement) -> tuple[list[str], bool]:
    """The people an element names, and whether a word such as `by` stands before them."""
    is_named, is_else = _what_names(_name_of(element))
    if is_else or element.tag in _OUTSIDE or (element.tag in ("script", "style", "a") and not is_named):
        return [], False
    text = short_text(element)
    said = _BY.sub("", text)
    if not said or (said == text and not is_named) or is_outside(element):
        return [], False
    people = people_of(said)
    return (people if people and all(map(is_person, people)) else []), said != text


@lru_cache(maxsize=4096)
def _what_names(name: str) -> tuple[bool, bool]:
    """Whether an element's names are of a byline, and whether they are of teasers, comments or the page's frame."""
    return _NAMED.search(name) is not None, _ELSE.search(name) is not None


def _name_of(element: HtmlElement) -> str:
    return " ".join(element.get(name) or "" for name in ("class", "id", "itemprop", "rel"))


def is_outside(element: HtmlElement) -> bool:
    """Whether an element belongs to teasers, comments or the page's frame."""
    return any(
        above.tag in _OUTSIDE or _what_names(f"{above.get('class') or ''} {above.get('id') or ''}")[1]
        for above in element.iterancestors()
        if above.tag not in ("body", "html")
    )


def short_text(element: HtmlElement) -> str:
    """The text of an element, or nothing where it is too long for a byline. No more of it is read."""
    parts, length = [], 0
    for text in element.itertext():
        parts.append(text)
        length += len(text.strip())
        if length > MAX_BYLINE_CHARS:
            return ""
    return " ".join("".join(parts).split())


def names_outlet(name: str, outlets: Sequence[str]) -> bool:
    """Whether an author is the outlet itself: its name, or its name with a country's or a paper's ending."""
    key = letters_of(name)
    return any(key == letters_of(outlet) for outlet in outlets if outlet) or bool(
        re.fullmatch(r"[\w-]+\.(?:com|de|net|org|fr|ru|uk|es|it|pl|tv|info)", name.strip(), re.IGNORECASE)
    )
