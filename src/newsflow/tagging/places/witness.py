"""What the names of places say of an article's countries: whose a name is here, and whether it can be believed alone.

A name that several places have is that of the one whose state stands behind it, else of a country that the article
names otherwise, else of the largest. A name that is a word of the language, that the article uses for another country,
or that follows a capitalised word as a person's last name does counts only beside another witness of its country.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from itertools import zip_longest
from typing import NamedTuple

from newsflow.tagging.places.gazetteer import Found, Gazetteer, Name
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

    @property
    def country(self) -> str:
        return self.name.place.country


Named = Sequence[tuple[Span, str]]
"""What the rules of countries found, with their codes."""


def witnesses(scan: Scan, gazetteer: Gazetteer, language: str, named: Named) -> list[Witness]:
    """The witnesses of an article in order, without those that a rule has counted for their country."""
    found = gazetteer.find(scan.text, language)
    if not found:
        return []
    sure: set[str] = set()
    if max(len(each.names) for each in found) > 1:
        sure = {code for _, code in named}.union(_sure(found, language))
    kept: list[Witness] = []
    ordered, at = sorted(named), 0
    for each, behind in zip_longest(found, found[1:]):
        while at < len(ordered) and ordered[at][0].end - 1 <= each.start:
            at += 1
        others = _codes_until(each.end - 1, ordered, at)
        if others and not others.isdisjoint({name.place.country for name in each.names}):
            continue
        witness = _witness(each, behind, scan, language, sure)
        if witness is not None:
            kept.append(witness._replace(weak=True) if others else witness)
    if not (weak := {witness.name.place.number for witness in kept if witness.weak}):
        return kept
    return [each._replace(weak=True) if each.name.place.number in weak else each for each in kept]


def _codes_until(end: int, named: Named, at: int) -> set[str]:
    """The countries of what the rules found from number `at` on, up to a position."""
    found = set()
    while at < len(named) and named[at][0].start < end:
        found.add(named[at][1])
        at += 1
    return found


def _sure(found: Sequence[Found], language: str) -> Iterator[str]:
    """The countries of names that only one country has and that are no words."""
    for each in found:
        first = each.names[0].place.country
        if all(name.place.country == first for name in each.names) and not each.names[0].is_word(language):
            yield first


def _witness(each: Found, behind: Found | None, scan: Scan, language: str, sure: Collection[str]) -> Witness | None:
    if behind is not None and _lies_in(each, behind, scan):
        within = {name.place.country for name in behind.names}
        names = [name for name in each.names if name.place.country in within]
        return Witness(each, names[0], names[0].is_word(language)) if names else None
    name, doubtful = _meant(each.names, sure)
    weak = doubtful or name.is_word(language) or (_may_be_last_name(name, language) and _is_last_name(each, scan))
    return Witness(each, name, weak)


def _meant(names: Sequence[Name], sure: Collection[str]) -> tuple[Name, bool]:
    """The place that a name is of, and whether that is in doubt."""
    if len(names) == 1:
        return names[0], False
    ordered = sorted(names, key=_people, reverse=True)
    told = [name for name in ordered if name.place.country in sure]
    if told:
        return told[0], False
    first, second = ordered[:2]
    doubtful = first.place.country != second.place.country and _people(first) < _MUCH_LARGER * _people(second)
    return first, doubtful


def _people(name: Name) -> int:
    return name.place.people or _LARGE


def _lies_in(each: Found, behind: Found, scan: Scan) -> bool:
    """Whether a state stands behind a place, between commas or brackets."""
    if behind.start != each.end - 1 or all(name.place.kind != "subdivision" for name in behind.names):
        return False
    field, _, end = scan.text.original_span(each.start, each.end, each.skip)
    other, start, _ = scan.text.original_span(behind.start, behind.end, behind.skip)
    return field == other and _BETWEEN.fullmatch(scan.text.field(field)[end:start]) is not None


def _may_be_last_name(name: Name, language: str) -> bool:
    return bool(name.capitals) and language not in _NOUNS_WITH_CAPITALS and name.place.kind in ("city", "subdivision")


def _is_last_name(each: Found, scan: Scan) -> bool:
    """Whether a name follows a capitalised word within a sentence of the body, as that of a person does."""
    cased = scan.text.cased
    word = cased[cased.rfind(" ", 0, each.start) + 1 : each.start]
    if (
        not word[:1].isupper()
        or word in _NOT_FIRST_NAMES
        or word == word.upper() != word[0]
        or scan.text.in_title(each.start)
    ):
        return False
    field, start, _ = scan.text.original_span(each.start, each.end, each.skip)
    return _LAST_NAME.search(scan.text.field(field)[max(0, start - _BEFORE_CHARS) : start]) is not None
