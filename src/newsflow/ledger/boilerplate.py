"""Passages that many articles of one source carry: footers, notices, legal lines, standing introductions. They are
learnt as they come, and have no weight from the next article on. What is learnt is written with the decisions it comes
from, and depends on the articles decided before alone: on no clock, nor on how they were cut into batches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from newsflow.dedup.fingerprint import Hashes
from newsflow.ledger.database import Database, storable

LEAST_CARRIERS = 3
"""Articles of one source, each of another story, that carry a passage, the new one among them."""
MOST_SHINGLES = 4_096
"""Of one source in one language; beyond, what was learnt last stays."""
_NONE: Hashes = np.empty(0, np.uint32)


class Boilerplate:
    """What is known of one language's sources. Lives for one transaction."""

    def __init__(self, db: Database, language: str) -> None:
        self._db, self._language = db, language
        rows = db.query("SELECT source, shingles FROM boilerplate WHERE language = ?", [language])
        self._known: dict[str, Hashes] = {row[0]: np.frombuffer(bytes(row[1]), "<u4") for row in rows}
        self._learnt: dict[str, int] = {}

    def of(self, *sources: str) -> Hashes:
        """The passages that any of these sources is known for."""
        known = [self._known[source] for source in sources if source in self._known]
        return np.concatenate(known) if known else _NONE

    def learn(self, source: str, at: int, mine: Hashes, others: Sequence[Hashes]) -> None:
        """Learn from an article of a source and others of it, one of each story: what the articles about one happening
        have in common is their news."""
        if len(others) < LEAST_CARRIERS - 1 or not len(mine):
            return
        values, counts = np.unique(np.concatenate([mine, *others]), return_counts=True)
        carried = np.intersect1d(values[counts >= LEAST_CARRIERS], mine, assume_unique=True)
        known = self._known.get(source, _NONE)
        new = np.setdiff1d(carried, known)
        if len(new):
            together = np.union1d(known, new)
            self._known[source] = together if len(together) <= MOST_SHINGLES else new[:MOST_SHINGLES]
            self._learnt[source] = at

    def save(self) -> None:
        """Write what was learnt."""
        rows = [
            (storable(self._language), storable(source), self._known[source].astype("<u4").tobytes(), at)
            for source, at in sorted(self._learnt.items())
        ]
        update = (
            "ON CONFLICT (language, source) DO UPDATE SET shingles = excluded.shingles, learnt_at = excluded.learnt_at"
        )
        self._db.insert("boilerplate", "language, source, shingles, learnt_at", rows, update)
