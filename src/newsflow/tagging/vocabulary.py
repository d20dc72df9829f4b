"""All written forms of all terms, found in one pass: a text gives pattern numbers, and these the entries they serve."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ahocorasick_rs
import numpy as np
from numpy.typing import NDArray

from newsflow.tagging.leaves import Entry, LeafTable
from newsflow.tagging.postings import Numbers, Postings

Hit = tuple[int, int, int]
"""Pattern, start and end in the folded text."""
Searched = NDArray[np.bool_]
"""For each language of the terms, whether it is looked for."""


class Vocabulary:
    """Immutable, shared by all articles."""

    def __init__(self, table: LeafTable) -> None:
        entries: list[Entry] = table.entries
        languages = [leaf.key.language.partition("-")[0] for leaf in table.leaves]
        self._languages = list(dict.fromkeys(languages))
        number = {language: place for place, language in enumerate(self._languages)}
        self._automaton: Any = ahocorasick_rs.AhoCorasick(list(table.patterns)) if table.patterns else None
        self._entries = Postings(((entry.pattern, place) for place, entry in enumerate(entries)), len(table.patterns))
        self._leaf = np.array([entry.leaf for entry in entries], dtype=np.int32)
        self._language = np.array([number[languages[entry.leaf]] for entry in entries], dtype=np.int32)

    def searched(self, languages: Iterable[str] | None) -> Searched:
        """What `find` takes for these languages; None is every one."""
        wanted = set(self._languages if languages is None else languages)
        return np.array([language in wanted for language in self._languages], dtype=np.bool_)

    def hits(self, folded: str) -> list[Hit]:
        """Every pattern wherever it stands in a folded text, overlapping ones too, in order of their ends."""
        if self._automaton is None:
            return []
        found: list[Hit] = self._automaton.find_matches_as_indexes(folded, overlapping=True)
        return found

    def entries(self, hits: Iterable[Hit], searched: Searched) -> tuple[Numbers, Numbers]:
        """Entries of the patterns that were hit, of the languages searched, and the leaf of each."""
        patterns = np.array([*{hit[0] for hit in hits}], dtype=np.int32)
        entries = self._entries.of(patterns)
        entries = entries[searched[self._language[entries]]]
        return entries, self._leaf[entries]
