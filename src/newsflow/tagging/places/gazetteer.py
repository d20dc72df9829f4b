"""The places and what stands for a country, with their names: read from a prepared file, each when it is asked for."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from newsflow.tagging.places.names import Script, script_of, stem_of

FILE = Path(__file__).with_name("gazetteer.tsv")
_HEAD = 6
"""Columns before the names."""


class Place(NamedTuple):
    """An entry: a city, a subdivision, or something that stands for a country, as a parliament or a club."""

    number: int
    kind: str
    country: str
    subdivision: str
    at: str
    people: int
    name: str


class Gazetteer:
    """All entries. Immutable to its users; one a process."""

    def __init__(self, path: Path = FILE) -> None:
        self._lines = path.read_text(encoding="utf-8").splitlines()
        counts = (line.count("\t") + 1 - _HEAD for line in self._lines)
        self._first = [0, *accumulate(counts)]
        """By line, the number of its first name."""
        self._places: dict[int, Place] = {}
        """By line."""
        self._of_names: dict[int, Place] = {}
        self._terms: dict[int, str] = {}

    def __len__(self) -> int:
        """How many names there are."""
        return self._first[-1]

    def names(self) -> Iterator[tuple[str, str, int]]:
        """Every name, folded, with the languages in which it is a word, and the people of its place."""
        for line in self._lines:
            columns = line.split("\t")
            people = int(columns[_HEAD - 2] or 0)
            for each in columns[_HEAD:]:
                text, _, words = each.partition("!")
                yield text, words, people

    def place(self, number: int) -> Place:
        """Whose name the one of this number is."""
        found = self._of_names.get(number)
        if found is None:
            found = self._of_names[number] = self._at(bisect_right(self._first, number) - 1)
        return found

    def _at(self, line: int) -> Place:
        if line not in self._places:
            kind, country, subdivision, at, people, name = self._lines[line].split("\t", _HEAD)[:_HEAD]
            self._places[line] = Place(line, kind, country, subdivision, at, int(people or 0), name)
        return self._places[line]

    def name(self, number: int) -> tuple[str, str]:
        """A name, and the languages in which it is a word."""
        line = bisect_right(self._first, number) - 1
        text, _, words = self._lines[line].split("\t")[_HEAD + number - self._first[line]].partition("!")
        return text, words

    def term(self, number: int) -> str:
        """A name as a term of a rule would be written: with a mark where more may follow."""
        if number not in self._terms:
            text, _ = self.name(number)
            whole = text.isascii() or script_of(text) in (Script.UNBROKEN, Script.LATIN)
            self._terms[number] = text if whole else f"{stem_of(text)}*"
        return self._terms[number]

    def terms(self) -> Iterator[str]:
        """All names, as terms."""
        return map(self.term, range(len(self)))

    def of_country(self, country: str) -> Iterator[tuple[str, Place]]:
        """The names of a country's places, with whose they are."""
        for number, line in enumerate(self._lines):
            if line.split("\t", 2)[1] == country:
                for name in range(self._first[number], self._first[number + 1]):
                    yield self.name(name)[0], self.place(name)


@cache
def gazetteer_version() -> str:
    """12 hex digits over the shipped one."""
    return blake2b(FILE.read_bytes(), digest_size=6).hexdigest()


@cache
def gazetteer() -> Gazetteer:
    """The shipped one, read when first asked for."""
    return Gazetteer()
