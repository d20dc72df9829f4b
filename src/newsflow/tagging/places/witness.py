"""What the names of places say of an article's countries: whose a name is here, and whether it can be believed alone.

A name that several places have is that of the one whose state stands behind it, else of a country that the article
names otherwise, else of the largest. A name that is a word of the language, that the article uses for another country,
or that follows a capitalised word as a person's last name does counts only beside another witness of its country.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from newsflow.tagging.patterns import new_tuple
from newsflow.tagging.places.find import Found, Name
from newsflow.tagging.scan import Scan, Span

_MUCH_LARGER = 3
_LARGE = 10_000_000
"""The people that an entry without a number counts as having, where a name is that of several."""
_BETWEEN = re.compile(r"\s?[,،(]\s?")
"""Between a place and the state it lies in."""
_LAST_NAME = re.compile(r"(?<![.!?:;\"“”«»(\n–-])\s([^\W\d_][\w’'-]*|\w\.)\s\Z")
_BEFORE_CHARS = 30
_DIRECTIONS = "North South East West Greater Central Northern Southern Eastern Western Downtown Upper Lower"
_NOT_FIRST_NAMES = frozenset(_DIRECTIONS.split())
_NOUNS_WITH_CAPITALS = frozenset(("de", "lb"))


class Witness(NamedTuple):
    """A name that stands for a country. `weak`: not believed alone."""

    found: Found
    name: Name
    weak: bool


Named = Sequence[tuple[Span, str]]
"""What the rules of countries found, with their codes."""


def witnesses(scan: Scan, found: Sequence[Found], language: str, named: Named) -> list[Witness]:
    """The witnesses of an article in order, without those that a rule has counted for their country. `found`: its
    names of places."""
    sure: set[str] | None = None  # worked out for the first name that several places have
    kept: list[Witness] = []
    weak: set[int] = set()
    ordered, at = sorted(named), 0
    last = len(ordered)
    may_be_persons = language not in _NOUNS_WITH_CAPITALS
    for number, each in enumerate(found, 1):
        start, end, _, names = each
        others: Collection[str] = ()
        while at < last and ordered[at][0][1] - 1 <= start:
            at += 1
        if at < last and ordered[at][0][0] < end - 1:
            others = _codes_until(end - 1, ordered, at)
            if any(name.place.country in others for name in names):
                continue
        behind = found[number] if number < len(found) and found[number].start == end - 1 else None
        if behind is not None and _lies_in(each, behind, scan):
            within = {name.place.country for name in behind.names}
            names = tuple([name for name in names if name.place.country in within])
            if not names:
                continue
            name = names[0]
            doubtful = name.is_word(language)
        else:
            name, doubtful = names[0], False
            if len(names) > 1:
                if sure is None:
                    sure = _sure(found, language, named)
                name, doubtful = _meant(names, sure)
            doubtful = (
                doubtful
                or (bool(name.words) and name.is_word(language))
                or (may_be_persons and bool(name.capitals) and _may_be_of_a_person(name, each, scan))
            )
        if others:
            doubtful = True
        kept.append(new_tuple(Witness, (each, name, doubtful)))
        if doubtful:
            weak.add(name.place.number)
    if weak:
        return [new_tuple(Witness, (each, name, name.place.number in weak)) for each, name, _ in kept]
    return kept


def _codes_until(end: int, named: Named, at: int) -> set[str]:
    """The countries of what the rules found from number `at` on, up to a position."""
    found = set()
    while at < len(named) and named[at][0].start < end:
        found.add(named[at][1])
        at += 1
    return found


def _sure(found: Iterable[Found], language: str, named: Named) -> set[str]:
    """The countries that rules found, and those of names that only one country has and that are no words."""
    sure = {code for _, code in named}
    for *_, names in found:
        first = names[0]
        country = first.place.country
        if country in sure or first.is_word(language):
            continue
        if len(names) == 1 or all(name.place.country == country for name in names):
            sure.add(country)
    return sure


def _meant(names: Iterable[Name], sure: Collection[str]) -> tuple[Name, bool]:
    """The place that a name of several is of, and whether that is in doubt."""
    ordered = sorted(names, key=_people, reverse=True)
    for name in ordered:
        if name.place.country in sure:
            return name, False
    first, second = ordered[:2]
    doubtful = first.place.country != second.place.country and _people(first) < _MUCH_LARGER * _people(second)
    return first, doubtful


def _people(name: Name) -> int:
    return name.place.people or _LARGE


def _lies_in(each: Found, behind: Found, scan: Scan) -> bool:
    """Whether the name behind a place is that of a state, between commas or brackets."""
    if all(name.place.kind != "subdivision" for name in behind.names):
        return False
    field, _, end = scan.text.original_span(each.start, each.end, each.skip)
    other, start, _ = scan.text.original_span(behind.start, behind.end, behind.skip)
    return field == other and _BETWEEN.fullmatch(scan.text.field(field)[end:start]) is not None


def _may_be_of_a_person(name: Name, each: Found, scan: Scan) -> bool:
    """Whether a name with a capital follows a capitalised word within a sentence of the body, as the last name of a
    person does."""
    cased = scan.text.cased
    begin = cased.rfind(" ", 0, each.start) + 1
    if not cased[begin].isupper() or name.place.kind not in ("city", "subdivision"):
        return False
    word = cased[begin : each.start]
    if word in _NOT_FIRST_NAMES or word == word.upper() != word[0] or scan.text.in_title(each.start):
        return False
    field, start, _ = scan.text.original_span(each.start, each.end, each.skip)
    return _LAST_NAME.search(scan.text.field(field)[max(0, start - _BEFORE_CHARS) : start]) is not None
