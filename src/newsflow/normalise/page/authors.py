"""Names of people in what pages state as author: several are parted, outlets, posts and addresses told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence

from newsflow.normalise.characters import letters_of, tidy_line

MAX_CHARS = 200
_ADDRESS = re.compile(r"[<(\[]?\S+@\S+\.\w+[>)\]]?|https?://\S+|www\.\S+|(?<!\S)@\S+")
_AND = re.compile(r"\s+(?:and|und|et|y|e|i|og|och|en|и|و)\s+|\s*[&;]\s*", re.IGNORECASE)
_COMMA = re.compile(r"\s*[,،、]\s*")
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
    text = tidy_line(_ADDRESS.sub(" ", stated[:MAX_CHARS])).strip(" ,;|-–")
    if not text:
        return []
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


def names_outlet(name: str, outlets: Sequence[str]) -> bool:
    """Whether an author is the outlet itself: its name, or its name with a country's or a paper's ending."""
    key = letters_of(name)
    return any(key == letters_of(outlet) for outlet in outlets if outlet) or bool(
        re.fullmatch(r"[\w-]+\.(?:com|de|net|org|fr|ru|uk|es|it|pl|tv|info)", name.strip(), re.IGNORECASE)
    )
