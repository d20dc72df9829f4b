"""The texts within the window, findable by key: an index in memory that follows the ledger's table of texts.

The table is the truth; the index only reads on from the last text it knows, so every process sees what all
others decided, and nothing is lost with it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime

import numpy as np

from newsflow.dedup.fingerprint import Fingerprint, Hashes
from newsflow.dedup.index import NearIndex
from newsflow.ledger.database import Database
from newsflow.ledger.tables import TextPrint, load_prints
from newsflow.ledger.times import to_micros

MAX_CANDIDATES = 64
"""Of the texts that share a key, so many that share the most are compared."""
_CACHED_PRINTS = 20_000


class _LanguageIndex:
    """The index of one language, and how far it has read."""

    def __init__(self) -> None:
        self.index = NearIndex()
        self.last = 0
        self._marks: list[tuple[int, int]] = []
        """(seen at, number) of the last text of each reading: what lies before can be forgotten by time."""

    def read_on(self, db: Database, language: str, last_known: int, since: int) -> None:
        if last_known < self.last:  # Another ledger stands at the same address now.
            self.__init__()  # type: ignore[misc]
        if last_known > self.last:
            rows = db.query(
                "SELECT text_no, keys, seen_at FROM text_print WHERE language = ? AND text_no > ? AND seen_at >= ? "
                "ORDER BY text_no",
                [language, self.last, since],
            )
            self.index.add([row[0] for row in rows], [np.frombuffer(row[1], "<u4") for row in rows])
            self._marks.extend((row[2], row[0]) for row in rows[-1:])
            self.last = last_known
        while self._marks and self._marks[0][0] < since:
            self.index.oldest = self._marks.pop(0)[1] + 1


class TextWindow:
    """The texts of all languages. Not thread-safe."""

    def __init__(self) -> None:
        self._languages: dict[str, _LanguageIndex] = {}
        self._prints: OrderedDict[tuple[str, int], TextPrint] = OrderedDict()

    def last_numbers(self, db: Database, languages: Iterable[str], since: datetime) -> dict[str, int]:
        """Read on in these languages, back to `since`; the number of each one's last text. To be called
        while the languages are locked."""
        wanted = sorted(languages)
        rows = db.query("SELECT language, last_text_no FROM language WHERE language {in_texts}", [db.list_of(wanted)])
        last = dict.fromkeys(wanted, 0) | {row[0]: row[1] for row in rows}
        for language, number in last.items():
            self._languages.setdefault(language, _LanguageIndex()).read_on(db, language, number, to_micros(since))
        return last

    def find(self, language: str, prints: Sequence[Fingerprint]) -> list[list[int]]:
        """For each text the numbers of the likeliest look-alikes."""
        keys: list[Hashes] = [each.keys for each in prints]
        return [_likeliest(counts) for counts in self._languages[language].index.find(keys)]

    def load(self, db: Database, language: str, numbers: Iterable[int]) -> dict[int, TextPrint]:
        """The texts with these numbers; those pruned are left out."""
        found, missing = {}, []
        for number in set(numbers):
            cached = self._prints.get((language, number))
            if cached is None:
                missing.append(number)
            else:
                found[number] = cached
        if missing:
            loaded = load_prints(db, language, missing)
            found.update(loaded)
            self._remember(loaded.values())
        return found

    def _remember(self, prints: Iterable[TextPrint]) -> None:
        for each in prints:
            self._prints[each.language, each.text_no] = each
        while self._prints and (len(self._prints) > _CACHED_PRINTS or self._is_over(*next(iter(self._prints)))):
            self._prints.popitem(last=False)

    def _is_over(self, language: str, number: int) -> bool:
        """Tell whether the index has forgotten a text, so that nobody asks for it any more."""
        return number < self._languages[language].index.oldest

    def forget(self) -> None:
        """Start again from the table, as after a transaction of which it is not known whether it was kept."""
        self._languages.clear()
        self._prints.clear()


def _likeliest(counts: dict[int, int]) -> list[int]:
    if len(counts) <= MAX_CANDIDATES:
        return list(counts)
    return sorted(counts, key=lambda number: (-counts[number], number))[:MAX_CANDIDATES]
