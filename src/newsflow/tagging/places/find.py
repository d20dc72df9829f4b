"""Names of places in a text: what is looked for, beside the terms of the rules in the same pass over the text, and
which of it is a name in the forms of the text's language."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from newsflow.tagging.patterns import PatternHit, Postings, new_tuple
from newsflow.tagging.places.gazetteer import Gazetteer, Place
from newsflow.tagging.places.names import Script, grammar_of, script_of, scripts_of, stem_of, unchanged
from newsflow.tagging.text import FoldedText

_ARTICLE = "ال"
_EVERYWHERE = "*"
_LEAST_STEM, _LARGE = 5, 1_000_000
_ANY, _FIRST, _ALL = range(3)
"""Which letters of a name have to be capitals."""
_PLURAL = 1
"""The mark of a pattern with an `s` behind the name, which languages that have forms do not look for."""


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


class Patterns(NamedTuple):
    """What is looked for in texts of all languages, and by pattern the names that it may be the beginning of, each as
    twice its number and the mark of a plural."""

    texts: list[str]
    names: Postings


def patterns_of(gazetteer: Gazetteer) -> Patterns:
    """The patterns of all names of a gazetteer, each once."""
    numbers: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for name, (text, _, people) in enumerate(gazetteer.names()):
        for pattern, plural in _patterns(text, people):
            pairs.append((numbers.setdefault(pattern, len(numbers)), 2 * name + plural))
    return Patterns(list(numbers), Postings(pairs, len(numbers)))


def _patterns(text: str, people: int) -> Iterator[tuple[str, int]]:
    """What is looked for of a name, and whether it is a plural. Short names of lesser cities stay as they are: with
    endings, they are words."""
    lower, script, capitals = text.lower(), script_of(text), _capitals(text)
    short = capitals and len(stem_of(lower)) < _LEAST_STEM and 0 < people < _LARGE
    if script is Script.UNBROKEN or capitals == _ALL or short:
        yield f" {lower} ", 0
        if script is Script.LATIN or capitals == _ALL:
            yield f" {lower}s ", _PLURAL
    elif script is Script.ATTACHED:
        yield lower, 0
        if text.startswith(_ARTICLE):  # it merges with the preposition l-
            yield f"لل{text[2:]}", 0
    elif script is not None:
        yield f" {stem_of(lower)}", 0


def _capitals(text: str) -> int:
    lower = text.lower()
    return _ANY if text == lower else _ALL if len(text) > 1 and text == text.upper() else _FIRST


def _tail_of(text: str, pattern: str) -> str:
    """How a name goes on behind a pattern with an open end."""
    if pattern[0] != " " or pattern[-1] == " ":
        return ""
    lower = text.lower()
    return lower[len(stem_of(lower)) :]


class Finder:
    """Finds names where their patterns stand. Safe to share between threads."""

    def __init__(self, patterns: Patterns, gazetteer: Gazetteer, first: int = 0) -> None:
        """`first`: the number that the first pattern has in the vocabulary that finds them."""
        self._patterns, self._gazetteer, self._first = patterns, gazetteer, first
        self._looked_for: dict[frozenset[Script], _LookedFor] = {}

    def find(self, text: FoldedText, hits: Iterable[PatternHit], language: str) -> list[Found]:
        """Every name in a text, the longest where they overlap, in order. `hits` are those of the patterns."""
        scripts = scripts_of(language)
        looked_for = self._looked_for.get(scripts)
        if looked_for is None:
            looked_for = self._looked_for[scripts] = _LookedFor(self._patterns, self._gazetteer, self._first, scripts)
        standing = _standing(looked_for, text, hits, language)
        if len(standing) > 1:
            standing.sort(key=_by_place)
        kept: list[Found] = []
        end = 0
        for each in standing:
            if each.start >= end:
                kept.append(each)
                end = each.end - 1
            elif (each.start, each.end) == kept[-1][:2]:
                names = sorted(kept[-1].names + each.names)
                kept[-1] = kept[-1]._replace(names=tuple(names))
        return kept


def _by_place(found: Found) -> tuple[int, int]:
    return found.start, -found.end


class _Meant(NamedTuple):
    """What a pattern stands for."""

    capitals: int
    """Which letters have to be capitals in each of the names; `_ALL` where one has to be looked at by itself."""
    names: tuple[Name, ...]
    rests: frozenset[str] | None
    """What may stand behind the pattern in its word, where that is the same for all names, whatever the grammar."""


class _LookedFor(dict[int, _Meant]):
    """By pattern its names in some scripts, or as they are where there are none; initials are found in any language.
    Fills itself as patterns are met."""

    def __init__(self, patterns: Patterns, gazetteer: Gazetteer, first: int, scripts: frozenset[Script]) -> None:
        super().__init__()
        self._patterns, self._gazetteer, self._first, self._scripts = patterns, gazetteer, first, scripts

    def __missing__(self, pattern: int) -> _Meant:
        names = tuple(self._names(pattern - self._first))
        capitals, tails = {name.capitals for name in names}, {name.tail for name in names}
        rests = frozenset(unchanged(*tails)) if len(tails) == 1 and not self._scripts else None
        found = self[pattern] = _Meant(capitals.pop() if len(capitals) == 1 else _ALL, names, rests)
        return found

    def _names(self, pattern: int) -> Iterator[Name]:
        for value in self._patterns.names.at(pattern):
            number, plural = divmod(value, 2)
            text, words = self._gazetteer.name(number)
            capitals = _capitals(text)
            if plural and self._scripts:
                continue
            if capitals == _ALL or script_of(text) in (self._scripts or (Script.LATIN,)):
                tail = _tail_of(text, self._patterns.texts[pattern])
                yield Name(number, text, tail, self._gazetteer.place(number), words, capitals)


def _has_capitals(name: Name, cased: str, at: int) -> bool:
    """Whether a name that has a capital begins with one; initials are all capitals."""
    if name.capitals == _ALL:
        return cased[at : at + len(name.text)] == name.text
    return name.capitals == _ANY or cased[at].isupper()


def _standing(looked_for: _LookedFor, text: FoldedText, hits: Iterable[PatternHit], language: str) -> list[Found]:
    """What of the hits of patterns is a name there, in no order."""
    folded, cased, grammar = text.folded, text.cased, grammar_of(language)
    standing: list[Found] = []
    for pattern, first, stop in hits:
        capitals, names, rests = looked_for[pattern]
        if not names or (capitals == _FIRST and not cased[first + 1].isupper()):
            continue
        start, skip = first, 0
        if folded[first] != " ":
            start = folded.rfind(" ", 0, first)
            skip = first - start - 1
            if skip and folded[start + 1 : first] not in grammar.before:
                continue
        if folded[stop - 1] != " ":
            end = folded.find(" ", stop) + 1
            rest = folded[stop : end - 1]
            if rests is not None:
                if rest not in rests:
                    continue
            elif len(names) > 1 or not grammar.may_follow(rest, names[0].tail):
                names = tuple([name for name in names if grammar.may_follow(rest, name.tail)])
            stop = end
        if capitals == _ALL:
            names = tuple([name for name in names if _has_capitals(name, cased, start + 1 + skip)])
        if names:
            standing.append(new_tuple(Found, (start, stop, skip, names)))
    return standing
