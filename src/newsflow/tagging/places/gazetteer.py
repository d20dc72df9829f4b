"""The names of places, and of what stands for a country: read from a prepared file, found in one pass over a text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

from newsflow.tagging.places.names import Script, grammar_of, script_of, scripts_of, stem_of
from newsflow.tagging.text import FoldedText

FILE = Path(__file__).with_name("gazetteer.tsv")
_ARTICLE = "ال"
_EVERYWHERE = "*"
_LEAST_STEM, _LARGE = 5, 1_000_000
_ANY, _FIRST, _ALL = range(3)
"""Which letters of a name have to be capitals."""


class Place(NamedTuple):
    """An entry: a city, a subdivision, or something that stands for a country, as a parliament or a club."""

    number: int
    kind: str
    country: str
    subdivision: str
    at: str
    people: int
    name: str


class Name(NamedTuple):
    """One name of a place, folded. `tail`: how it goes on behind its pattern."""

    number: int
    text: str
    tail: str
    place: Place
    words: str
    """Languages in which it is a word, with commas between; `*` for all."""
    capitals: int

    def is_word(self, language: str) -> bool:
        """Whether it is a word of a language too, or the name of persons."""
        return bool(self.words) and (self.words[0] == _EVERYWHERE or language in self.words.split(","))


class Found(NamedTuple):
    """Where a name stands, as positions of the folded text, and whose it may be."""

    start: int
    end: int
    skip: int
    names: tuple[Name, ...]


class Gazetteer:
    """All entries. Immutable to its users; one a process."""

    def __init__(self, path: Path = FILE) -> None:
        self._names: list[tuple[str, Place, str]] = []
        """Text, place, and the languages in which it is a word."""
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
            kind, country, subdivision, at, people, name, *names = line.split("\t")
            place = Place(number, kind, country, subdivision, at, int(people or 0), name)
            for each in names:
                text, _, words = each.partition("!")
                self._names.append((text, place, words))
        self._automata: dict[frozenset[Script], _Automaton] = {}

    def place(self, number: int) -> Place:
        """Whose name the one of this number is."""
        return self._names[number][1]

    def term(self, number: int) -> str:
        """A name as a term of a rule would be written: with a mark where more may follow."""
        text = self._names[number][0]
        return text if text.isascii() or script_of(text) in (Script.UNBROKEN, Script.LATIN) else f"{stem_of(text)}*"

    def terms(self) -> Iterator[str]:
        """All names, as terms."""
        return map(self.term, range(len(self._names)))

    def of_country(self, country: str) -> Iterator[tuple[str, Place]]:
        """The names of a country's places, with whose they are."""
        return ((text, place) for text, place, _ in self._names if place.country == country)

    def _automaton(self, scripts: frozenset[Script]) -> _Automaton:
        """What finds names of some scripts, or as they are where there are none; initials are found in any language."""
        if scripts not in self._automata:
            found: dict[str, list[Name]] = {}
            for number, (text, place, words) in enumerate(self._names):
                capitals, script = _capitals(text), script_of(text)
                if script in scripts or capitals == _ALL or (not scripts and script is Script.LATIN):
                    for pattern, tail in _patterns(text, capitals, place) if scripts else _as_written(text):
                        found.setdefault(pattern, []).append(Name(number, text, tail, place, words, capitals))
            self._automata[scripts] = _Automaton(found)
        return self._automata[scripts]

    def find(self, text: FoldedText, language: str) -> list[Found]:
        """Every name in a text, the longest where they overlap, in order."""
        scripts = scripts_of(language)
        automaton = self._automaton(scripts)
        standing = _in_forms(automaton, text, language) if scripts else _as_they_are(automaton, text)
        found = sorted(standing, key=_by_place)
        kept: list[Found] = []
        for each in found:
            if not kept or each.start >= kept[-1].end - 1:
                kept.append(each)
            elif (each.start, each.end) == (kept[-1].start, kept[-1].end):
                kept[-1] = kept[-1]._replace(names=kept[-1].names + each.names)
        return kept


def _by_place(found: Found) -> tuple[int, int]:
    return found.start, -found.end


class _Automaton:
    def __init__(self, names: dict[str, list[Name]]) -> None:
        self.names = [tuple(each) for each in names.values()]
        self.cased = bytes(all(name.capitals for name in each) for each in self.names)
        """By pattern, whether all its names begin with a capital."""
        import ahocorasick_rs

        self._found: Any = ahocorasick_rs.AhoCorasick(list(names))

    def find(self, folded: str) -> list[tuple[int, int, int]]:
        """Numbers of patterns, with where each begins and ends."""
        found: list[tuple[int, int, int]] = self._found.find_matches_as_indexes(folded, overlapping=True)
        return found


def _as_written(text: str) -> Iterator[tuple[str, str]]:
    yield f" {text.lower()} ", ""
    yield f" {text.lower()}s ", ""


def _patterns(text: str, capitals: int, place: Place) -> Iterator[tuple[str, str]]:
    """What is looked for of a name in a language that has forms, and how the name goes on behind it. Short names of
    lesser cities stay as they are: with endings, they are words."""
    lower, script = text.lower(), script_of(text)
    short = capitals and len(stem_of(lower)) < _LEAST_STEM and 0 < place.people < _LARGE
    if script is Script.UNBROKEN or capitals == _ALL or short:
        yield f" {lower} ", ""
    elif script is Script.ATTACHED:
        yield lower, ""
        if text.startswith(_ARTICLE):  # it merges with the preposition l-
            yield f"لل{text[2:]}", ""
    else:
        stem = stem_of(lower)
        yield f" {stem}", lower[len(stem) :]


def _capitals(text: str) -> int:
    lower = text.lower()
    return _ANY if text == lower else _ALL if len(text) > 1 and text == text.upper() else _FIRST


def _has_capitals(name: Name, cased: str, at: int) -> bool:
    """Whether a name that has a capital begins with one; initials are all capitals."""
    if name.capitals == _ALL:
        return cased[at : at + len(name.text)] == name.text
    return name.capitals == _ANY or cased[at].isupper()


def _as_they_are(automaton: _Automaton, text: FoldedText) -> Iterator[Found]:
    cased = text.cased
    for index, start, end in automaton.find(text.folded):
        if automaton.cased[index] and not cased[start + 1].isupper():
            continue
        names = tuple([name for name in automaton.names[index] if _has_capitals(name, cased, start + 1)])
        if names:
            yield Found(start, end, 0, names)


def _in_forms(automaton: _Automaton, text: FoldedText, language: str) -> Iterator[Found]:
    folded, cased, grammar = text.folded, text.cased, grammar_of(language)
    for index, first, stop in automaton.find(folded):
        if automaton.cased[index] and not cased[first + 1].isupper():
            continue
        start = first if folded[first] == " " else folded.rfind(" ", 0, first)
        before = folded[start + 1 : first]
        if before and before not in grammar.before:
            continue
        whole = folded[stop - 1] == " "
        end = stop if whole else folded.find(" ", stop) + 1
        rest = "" if whole else folded[stop : end - 1]
        at = start + 1 + len(before)
        names = [name for name in automaton.names[index] if whole or grammar.may_follow(rest, name.tail)]
        if kept := tuple([name for name in names if _has_capitals(name, cased, at)]):
            yield Found(start, end, len(before), kept)


@cache
def gazetteer_version() -> str:
    """12 hex digits over the shipped one."""
    return blake2b(FILE.read_bytes(), digest_size=6).hexdigest()


@cache
def gazetteer() -> Gazetteer:
    """The shipped one, read when first asked for."""
    return Gazetteer()
