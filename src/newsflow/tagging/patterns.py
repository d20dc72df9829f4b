"""Terms to leaves, and the vocabulary that finds all their written forms in one pass over a text.

A *leaf* is one term under its conditions, shared by all rules that use it alike; a *pattern* is one written form.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence, Set
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsflow.tagging.forms import expand, forms_language
from newsflow.tagging.rule import Case, Term, TermField, rule_language

new_tuple = tuple.__new__
"""Half the time of a call of a named tuple's class, where they are made by the dozen."""

LeafId = int
Clause = frozenset[LeafId]
"""Leaves of which one must be seen."""


class LeafKey(NamedTuple):
    """What makes two uses of a term the same leaf. Weights are a matter of the rule."""

    text: str
    language: str
    case: Case
    field: TermField | None
    bare: bool
    unless: tuple[str, ...]
    needs: tuple[str, ...]
    without: tuple[str, ...]
    exact: bool
    definite: bool


class Entry(NamedTuple):
    """A pattern's meaning for one leaf."""

    pattern: int
    leaf: LeafId
    skip: int
    capitals: tuple[int, ...]


class Entries:
    """Entries, in columns: as tuples they are read from a file ten times as slowly."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._columns = array("i"), array("i"), array("i"), array("i")
        numbers: dict[tuple[int, ...], int] = {}
        for entry in entries:
            row = (*entry[:3], numbers.setdefault(entry.capitals, len(numbers)))
            for column, value in zip(self._columns, row, strict=True):
                column.append(value)
        self._capitals = list(numbers)

    def __len__(self) -> int:
        return len(self._columns[0])

    def __getitem__(self, place: int) -> Entry:
        pattern, leaf, skip, capitals = (column[place] for column in self._columns)
        return Entry(pattern, leaf, skip, self._capitals[capitals])

    def __iter__(self) -> Iterator[Entry]:
        return map(self.__getitem__, range(len(self)))


class Leaf(NamedTuple):
    """One term, compiled. `unless`, `needs` and `without` name helper leaves.

    `simple`: a hit of its pattern is a hit of it, whatever the article.
    """

    id: LeafId
    key: LeafKey
    unless: tuple[LeafId, ...]
    needs: tuple[LeafId, ...]
    without: tuple[LeafId, ...]
    simple: bool

    @property
    def language(self) -> str:
        """Without script or region; empty for every language."""
        return rule_language(self.key.language) if self.key.language else ""

    @property
    def bound(self) -> bool:
        """Whether it takes more than the capitals it wants."""
        key = self.key
        return bool(key.field or key.exact or key.case == "certain" or self.unless or self.needs or self.without)


class LeafTable:
    """Hands out leaves and collects the patterns they are found by."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.entries: list[Entry] = []
        self.patterns: dict[str, int] = {}
        """Numbers of patterns, from 0."""
        self._ids: dict[LeafKey, LeafId] = {}

    def of(self, term: Term) -> LeafId:
        """The leaf of a term; made when it is met first."""
        key = LeafKey(**{name: getattr(term, name) for name in LeafKey._fields})
        found = self._ids.get(key)
        return self._make(key) if found is None else found

    def _helpers(self, texts: tuple[str, ...], language: str) -> tuple[LeafId, ...]:
        return tuple(self.of(Term(text, language, case="any")) for text in texts)

    def _make(self, key: LeafKey) -> LeafId:
        unless, needs, without = (self._helpers(texts, key.language) for texts in (key.unless, key.needs, key.without))
        identity = len(self.leaves)
        self._ids[key] = identity
        language = forms_language(key.text, key.language)
        forms = list(expand(key.text, language, case=key.case != "any", bare=key.bare, definite=key.definite))
        plain = not (key.exact or any(form.capitals for form in forms))
        # The language is not a condition here: patterns of other languages are not seen at all.
        simple = plain and not (key.field or unless or needs or without)
        self.leaves.append(Leaf(identity, key, unless, needs, without, simple))
        for form in forms:
            pattern = self.patterns.setdefault(form.pattern, len(self.patterns))
            self.entries.append(Entry(pattern, identity, form.skip, form.capitals))
        return identity


Numbers = NDArray[np.int32]


class Postings:
    """Lists of numbers by number (0 to `size` - 1), in two flat arrays. Immutable.

    Python lists for each term of 100,000 rules are spread over the whole memory, and to read a few hundred of them for
    an article is to wait for memory. Flat arrays are gathered from in a few calls.
    """

    def __init__(self, pairs: Iterable[tuple[int, int]], size: int) -> None:
        """`pairs` of key and value; the values of a key keep their order."""
        flat = np.array([*pairs], dtype=np.int32).reshape(-1, 2)
        keys, values = flat[:, 0], flat[:, 1]
        self._values: Numbers = values[np.argsort(keys, kind="stable")]
        self._bounds = np.zeros(size + 1, dtype=np.int32)
        np.cumsum(np.bincount(keys, minlength=size), out=self._bounds[1:])

    def at(self, key: int) -> list[int]:
        found: list[int] = self._values[self._bounds[key] : self._bounds[key + 1]].tolist()
        return found

    def of(self, keys: Numbers) -> tuple[Numbers, Numbers]:
        """The values of all the keys, of which there is at least one, one key after the other; and where each ends."""
        starts = self._bounds[keys]
        counts = self._bounds[keys + 1] - starts
        ends = counts.cumsum(dtype=np.int32)
        places = np.repeat(starts - ends + counts, counts)
        places += np.arange(len(places), dtype=np.int32)
        return self._values[places], ends


_START, _FEW_TEXTS, _SHORT_CHARS = 5, 3, 50_000
PatternHit = tuple[int, int, int]
"""Pattern, start and end in the folded text."""


def _automaton_of(patterns: list[str]) -> Any:
    import ahocorasick_rs  # by who tags alone: the ledger folds words with this package

    return ahocorasick_rs.AhoCorasick(patterns)


class Vocabulary:
    """All written forms: a text gives pattern numbers, and these the entries they serve. Immutable.

    Names of places are looked for in the same pass: their patterns have the numbers from `terms` on.
    """

    def __init__(self, table: LeafTable, names: Sequence[str] = ()) -> None:
        self._patterns, self._leaves = [*table.patterns, *names], table.leaves
        self.terms = len(table.patterns)
        """How many of the patterns are of terms."""
        self._automaton: Any = None
        self._texts = 0
        self.entries = Entries(table.entries)
        self._places = Postings(((entry.pattern, place) for place, entry in enumerate(table.entries)), self.terms)
        """Of the entries of each pattern."""
        self.plain_leaves = self._plain_leaves()
        """By pattern the leaf that it alone serves, in all languages, as it stands; -1 where there is more to know. Of
        100,000 saved searches nearly all are such, and their entries are spread over the whole memory."""
        self.languages = frozenset(leaf.language for leaf in table.leaves)
        """Those of all terms; empty for terms of every language."""

    def _plain_leaves(self) -> array[int]:
        found = array("i", [-1]) * self.terms
        served = Counter(entry.pattern for entry in self.entries)
        for pattern, leaf, skip, capitals in self.entries:
            if served[pattern] == 1 and not (skip or capitals or self._leaves[leaf].key.language):
                found[pattern] = leaf
        return found

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_automaton": None, "_texts": 0}

    def hits(self, folded: str) -> list[PatternHit]:
        """Every pattern wherever it stands in a folded text, overlapping ones too, in order of their ends."""
        if self._automaton is None:
            if self._texts < _FEW_TEXTS and len(folded) < _SHORT_CHARS:
                self._texts += 1
                return self._hits_alone(folded)
            self.build()
        found: list[PatternHit] = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        return found

    def build(self) -> None:
        """Make what finds all patterns at once. It takes longer than to look through a few texts without it."""
        self._automaton = _automaton_of(self._patterns)

    def _hits_alone(self, folded: str) -> list[PatternHit]:
        """The same, by those patterns alone of which the text has the beginning."""
        starts = {folded[at : at + size] for size in range(1, _START + 1) for at in range(len(folded))}
        here = [(text, number) for number, text in enumerate(self._patterns) if text[:_START] in starts]
        automaton = _automaton_of([text for text, _ in here])
        found = automaton.find_matches_as_indexes(folded, overlapping=True)
        return [(here[index][1], start, end) for index, start, end in found]

    def entries_of(self, pattern: int, languages: Set[str]) -> tuple[Entry, ...]:
        """The entries of a pattern, those of terms of these languages."""
        found = (self.entries[place] for place in self._places.at(pattern))
        return tuple(entry for entry in found if self._leaves[entry.leaf].language in languages)


class Searched(dict[int, tuple[Entry, ...]]):
    """Entries by pattern, of the languages searched; fills itself as patterns are met."""

    def __init__(self, vocabulary: Vocabulary, languages: Set[str]) -> None:
        super().__init__()
        self._vocabulary, self._languages = vocabulary, languages

    def __missing__(self, pattern: int) -> tuple[Entry, ...]:
        found = self[pattern] = self._vocabulary.entries_of(pattern, self._languages)
        return found
