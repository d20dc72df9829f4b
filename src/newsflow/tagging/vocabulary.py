"""All written forms of all terms, found in one pass: a text gives pattern numbers, and these the entries they serve."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Set
from typing import Any

import ahocorasick_rs

from newsflow.tagging.leaves import Entry, Leaf, LeafTable
from newsflow.tagging.postings import Postings

Hit = tuple[int, int, int]
"""Pattern, start and end in the folded text."""


class Vocabulary:
    """Immutable, shared by all articles."""

    def __init__(self, table: LeafTable) -> None:
        self._table = table
        self._automaton: Any = ahocorasick_rs.AhoCorasick(list(table.patterns)) if table.patterns else None
        pairs = ((entry.pattern, place) for place, entry in enumerate(table.entries))
        self._entries = Postings(pairs, len(table.patterns))
        self.plain_leaves = self._plain_leaves()
        """By pattern the leaf that it alone serves, in all languages, as it stands; -1 where there is more to know. Of
        100,000 saved searches nearly all are such, and their entries are spread over the whole memory."""
        self.languages = frozenset(_language(leaf) for leaf in table.leaves)
        """Those of all terms; empty for terms of every language."""

    def _plain_leaves(self) -> array[int]:
        found = array("i", [-1]) * len(self._table.patterns)
        served = Counter(entry.pattern for entry in self._table.entries)
        for pattern, leaf, skip, capitals in self._table.entries:
            if served[pattern] == 1 and not (skip or capitals or self._table.leaves[leaf].key.language):
                found[pattern] = leaf
        return found

    def hits(self, folded: str) -> list[Hit]:
        """Every pattern wherever it stands in a folded text, overlapping ones too, in order of their ends."""
        if self._automaton is None:
            return []
        found: list[Hit] = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        return found

    def entries(self, pattern: int, languages: Set[str]) -> tuple[Entry, ...]:
        """The entries of a pattern, those of terms of these languages."""
        entries, leaves = self._table.entries, self._table.leaves
        found = (entries[place] for place in self._entries.at(pattern))
        return tuple(entry for entry in found if _language(leaves[entry.leaf]) in languages)


def _language(leaf: Leaf) -> str:
    return leaf.key.language.partition("-")[0]


class Searched(dict[int, tuple[Entry, ...]]):
    """Entries by pattern, of the languages searched; fills itself as patterns are met."""

    def __init__(self, vocabulary: Vocabulary, languages: Set[str]) -> None:
        super().__init__()
        self._vocabulary, self._languages = vocabulary, languages

    def __missing__(self, pattern: int) -> tuple[Entry, ...]:
        found = self[pattern] = self._vocabulary.entries(pattern, self._languages)
        return found
