"""The names of places, and of what stands for a country: read from a prepared file, found in one pass over a text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import ahocorasick_rs

from newsflow.tagging.places.names import EXACT, Script, grammar_of, script_of, stem_of
from newsflow.tagging.text import FoldedText

FILE = Path(__file__).with_name("gazetteer.tsv")


class Place(NamedTuple):
    """An entry: a city, a subdivision, or something that stands for a country, as a parliament or a club."""

    kind: str
    country: str
    subdivision: str
    at: str
    people: int
    name: str


class Name(NamedTuple):
    """One name of a place. `tail`: how it goes on behind its pattern; `words`: the languages in which it is a word, `*`
    for all."""

    text: str
    tail: str
    place: int
    words: str


class Found(NamedTuple):
    """Where a name stands, as positions of the folded text, and whose it may be."""

    start: int
    end: int
    skip: int
    names: tuple[Name, ...]


class Gazetteer:
    """All entries. Immutable to its users; one a process."""

    def __init__(self, path: Path = FILE) -> None:
        content = path.read_bytes()
        self.version = blake2b(content, digest_size=6).hexdigest()
        self.places: list[Place] = []
        self._names: list[tuple[str, int, str]] = []
        for number, line in enumerate(content.decode().splitlines()):
            kind, country, subdivision, at, people, name, *names = line.split("\t")
            self.places.append(Place(kind, country, subdivision, at, int(people or 0), name))
            for each in names:
                text, _, words = each.partition("!")
                self._names.append((text, number, words))

    @cached_property
    def _exact(self) -> _Automaton:
        """Names of Latin letters as they are."""
        found: dict[str, list[Name]] = {}
        for text, place, words in self._names:
            if script_of(text) is Script.LATIN:
                lower = text.lower()
                for tail in ("", "s"):
                    found.setdefault(f" {lower}{tail} ", []).append(Name(text, tail, place, words))
        return _Automaton(found)

    @cached_property
    def _stems(self) -> _Automaton:
        """Names of all scripts by their stems."""
        found: dict[str, list[Name]] = {}
        for text, place, words in self._names:
            lower, script = text.lower(), script_of(text)
            if script is Script.UNBROKEN:
                found.setdefault(f" {lower} ", []).append(Name(text, "", place, words))
            elif script is Script.ATTACHED:
                found.setdefault(lower, []).append(Name(text, "", place, words))
            elif len(text) > 1 and text == text.upper() != lower:  # initials
                found.setdefault(f" {lower} ", []).append(Name(text, "", place, words))
            else:
                stem = stem_of(lower)
                found.setdefault(f" {stem}", []).append(Name(text, lower[len(stem) :], place, words))
        return _Automaton(found)

    def find(self, text: FoldedText, language: str) -> list[Found]:
        """Every name in a text, the longest where they overlap, in order."""
        automaton = self._exact if language in EXACT else self._stems
        found = sorted(self._standing(automaton, text, language), key=lambda each: (each.start, -each.end))
        kept: list[Found] = []
        for each in found:
            if not kept or each.start >= kept[-1].end - 1:
                kept.append(each)
            elif (each.start, each.end) == (kept[-1].start, kept[-1].end):
                kept[-1] = kept[-1]._replace(names=kept[-1].names + each.names)
        return kept

    def _standing(self, automaton: _Automaton, text: FoldedText, language: str) -> Iterator[Found]:
        folded, cased, grammar = text.folded, text.cased, grammar_of(language)
        for index, first, stop in automaton.find(folded):
            names = automaton.names[index]
            start = first if folded[first] == " " else folded.rfind(" ", 0, first)
            before = folded[start + 1 : first] if start != first else ""
            end = stop if folded[stop - 1] == " " else folded.find(" ", stop) + 1
            rest = folded[stop : end - 1] if end > stop else ""
            if before and before not in grammar.before:
                continue
            kept = tuple(
                name
                for name in names
                if (not rest and not name.tail or end == stop or grammar.may_follow(rest, name.tail))
                and _has_capitals(name.text, cased, start + 1 + len(before))
            )
            if kept:
                yield Found(start, end, len(before), kept)


def _has_capitals(name: str, cased: str, at: int) -> bool:
    """Whether a name that has a capital begins with one; initials are all capitals."""
    if name == name.lower():
        return True
    if len(name) > 1 and name == name.upper():
        return cased[at : at + len(name)] == name
    return cased[at].isupper()


class _Automaton:
    def __init__(self, names: dict[str, list[Name]]) -> None:
        self.names = [tuple(each) for each in names.values()]
        self._found: Any = ahocorasick_rs.AhoCorasick(list(names))

    def find(self, folded: str) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = self._found.find_matches_as_indexes(folded, overlapping=True)
        return found


@cache
def gazetteer() -> Gazetteer:
    """The shipped one, read when first asked for."""
    return Gazetteer()
