"""Counts over time in the ledger: articles are counted once, windows closed in order, corrections numbered.

Everything that is published of a window is settled here first, in the transaction that closes it, and waits in an
outbox until the broker has it. So a retry publishes the same bytes, and nothing of it depends on a runner's state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from newsflow.ledger.database import Database
from newsflow.ledger.times import from_micros, storable, to_micros
from newsflow.ledger.trend_closing import WindowCloser
from newsflow.ledger.trend_tables import TrendTables
from newsflow.trends.bursts import Burst
from newsflow.trends.counting import Cell, Change, Contribution, change_of, difference, settled
from newsflow.trends.settings import TrendSettings

Run = Callable[[Callable[[], Any]], Any]


@dataclass(frozen=True, slots=True)
class Counted:
    """What a batch did: one change a contribution, in order; `late` of them changed a window that is closed.
    `due` are the slices of its articles that a window must still look at, also where a retry changed nothing: the
    engine may have lost its timer with the first attempt."""

    changes: tuple[Change, ...]
    late: int
    due: frozenset[int]


@dataclass(frozen=True, slots=True)
class TrendRecord:
    """A record to be written: `kind` is trend or burst, `series` its key, `id` its `ce_id`."""

    id: str
    kind: str
    series: str
    settled_at: datetime
    value: bytes


class Trends:
    """The counts of one grid of windows. Made by `Ledger.trends`; every method may block on the database and raises
    LedgerError when it does not answer in time, and then nothing of the call was kept."""

    def __init__(
        self, db: Database, settings: TrendSettings, run: Run, read: Run, clock: Callable[[], datetime]
    ) -> None:
        self._db, self._settings, self._run, self._read, self._clock = db, settings, run, read, clock
        self._rule = settings.windows
        self._tables = TrendTables(db, self._rule)

    def count(self, contributions: Sequence[Contribution]) -> Counted:
        """Take in versions of articles, in one transaction. A version that was taken in before changes nothing."""
        clean = [_storable(each) for each in contributions]
        counted: Counted = self._run(lambda: self._alone(lambda: self._count(clean)))
        return counted

    def close_next(self, upto: int | None = None) -> int | None:
        """Close, or correct, the first window that is due and does not end after `upto` (seconds since 1970; None:
        whatever is due), or after the newest closed one; its end. None when no window is due: call it until then."""
        end: int | None = self._run(lambda: self._alone(lambda: self._close_next(upto)))
        return end

    def outbox(self, limit: int = 1_000) -> list[TrendRecord]:
        """Records that are still to be written, in the order they were settled."""
        sql = "SELECT id, kind, series, settled_at, value FROM trend_outbox WHERE layout = ? ORDER BY number LIMIT ?"
        rows = self._read(lambda: self._db.query(sql, [self._rule.layout, limit]))
        return [TrendRecord(row[0], row[1], row[2], from_micros(int(row[3])), bytes(row[4])) for row in rows]

    def written(self, records: Sequence[TrendRecord]) -> None:
        """The broker has these records. Another process may have said so before."""
        ids = [record.id for record in records]
        sql = "DELETE FROM trend_outbox WHERE layout = ? AND id {in_texts}"
        self._run(lambda: self._db.execute(sql, [self._rule.layout, self._db.list_of(ids)]))

    def closed(self) -> int | None:
        """The end of the newest closed window; None when none was closed."""
        found: int | None = self._read(self._tables.closed)
        return found

    def totals(self, after: int) -> dict[int, dict[Cell, int]]:
        """The published counts of all windows that ended after a time, by their ends."""
        sql = (
            "SELECT window_end, dimension, name, articles FROM trend_window WHERE layout = ? AND window_end > ? "
            "ORDER BY window_end"
        )
        windows: dict[int, dict[Cell, int]] = {}
        for end, dimension, name, articles in self._read(lambda: self._db.query(sql, [self._rule.layout, after])):
            windows.setdefault(int(end), {})[dimension, name] = int(articles)
        return windows

    def bursts(self) -> list[Burst]:
        """All bursts that are remembered, the oldest first."""
        found: list[Burst] = self._read(self._tables.bursts)
        return found

    def _alone(self, work: Callable[[], Any]) -> Any:
        self._db.lock(["trends"])
        return work()

    def _count(self, contributions: Sequence[Contribution]) -> Counted:
        closed, rule = self._tables.closed(), self._rule
        held = self._tables.articles(each.article_id for each in contributions)
        deltas: Counter[tuple[int, Cell]] = Counter()
        changes, changed, late = [], set(), 0
        for each in contributions:
            before = held.get(each.article_id)
            changes.append(change_of(before, each, rule, closed))
            if changes[-1] in (Change.REPEAT, Change.TOO_LATE):
                continue
            held[each.article_id] = after = settled(before, each)
            changed.add(each.article_id)
            by = difference(before, after)
            late += bool(by) and closed is not None and rule.first_end(after.slice_start) <= closed
            for cell, number in by.items():
                deltas[after.slice_start, cell] += number
        self._tables.keep_articles(held[article_id] for article_id in sorted(changed))
        self._tables.add({place: by for place, by in deltas.items() if by})
        slices = {held[each.article_id].slice_start for each in contributions if each.article_id in held}
        return Counted(tuple(changes), late, self._tables.due_slices(slices))

    def _close_next(self, upto: int | None) -> int | None:
        closed = self._tables.closed()
        limit = None if upto is None else max(upto, closed or upto)
        end = self._tables.next_due(limit)
        if end is not None:
            self._put_out(WindowCloser(self._tables, self._settings, end, closed).close())
        return end

    def _put_out(self, records: Sequence[tuple[str, str, str, bytes]]) -> None:
        sql = "SELECT COALESCE(MAX(number), 0) FROM trend_outbox WHERE layout = ?"
        ((last,),) = self._db.query(sql, [self._rule.layout])
        now = to_micros(self._clock())
        rows = [
            (self._rule.layout, record_id, int(last) + place, kind, series, now, value)
            for place, (record_id, kind, series, value) in enumerate(records, start=1)
        ]
        sql = (
            "INSERT INTO trend_outbox (layout, id, number, kind, series, settled_at, value) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)"
        )
        self._db.execute_many(sql, rows)


def _storable(each: Contribution) -> Contribution:
    """Text that both databases take: a language or an id may hold anything that JSON can."""
    cells = tuple((dimension, storable(name)) for dimension, name in each.cells)
    return replace(each, article_id=storable(each.article_id), story=storable(each.story), cells=cells)
