"""Counts over time in the ledger: articles are counted once, windows closed in order, corrections numbered.

Everything that is published of a window is settled here first, in the transaction that closes it, and waits in an
outbox until the broker has it. So a retry publishes the same bytes, and nothing of it depends on a runner's state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from newsflow.ledger.database import Database, from_micros, storable, to_micros
from newsflow.ledger.trend_tables import CountedArticle, TrendTables
from newsflow.trends.baseline import DayCount
from newsflow.trends.bursts import Burst, Case, TrendSettings, judge_corrected, judge_new
from newsflow.trends.counting import ALL, STORY, Cell, Change, Contribution, change_of, difference, settled
from newsflow.trends.records import BURST, TREND, WindowCount, encode_burst, encode_count, revision_id, series_id
from newsflow.trends.windows import DAY_S

# Closing a window: what changed of its counts, and what that says about bursts. Within a transaction.


SAMPLE = 10
"""Articles that a burst names."""

Record = tuple[str, str, str, bytes]
"""Id, kind, series and value."""


class WindowCloser:
    """One window that is closed, or looked at again. It answers what judging asks about counts."""

    def __init__(self, tables: TrendTables, settings: TrendSettings, end: int, closed: int | None) -> None:
        self._tables, self._settings, self._rule, self._end = tables, settings, settings.windows, end
        self._corrected = closed is not None and end <= closed
        self._recent = closed is None or closed - end <= self._rule.size_s
        self._bursts: dict[Cell, list[Burst]] = {}

    def close(self) -> list[Record]:
        """Settle the window and return what is to be published of it."""
        self._sums = self._tables.sums(self._end)
        changed = self._tables.due_cells(self._end)
        records = [*self._publish(changed), *self._judge(changed)]
        self._tables.looked_at(self._end)
        if not self._corrected:
            self._tables.set_closed(self._end)
            self._forget()
        return records

    def _publish(self, changed: Iterable[Cell]) -> list[Record]:
        before = self._tables.published(self._end)
        counts: dict[Cell, tuple[int, int]] = {}
        records: list[Record] = []
        for cell in changed:
            articles, (was, revision) = self._sums.get(cell, 0), before.get(cell, (0, 0))
            if articles == was:
                continue
            counts[cell] = (articles, revision + 1)
            replaces = was if revision else None
            count = WindowCount(self._end, cell, articles, revision + 1, replaces)
            series = series_id(self._rule, TREND, self._end, cell)
            record_id = revision_id(series, TREND, revision + 1)
            records.append((record_id, TREND, series, encode_count(count, self._rule)))
        self._tables.publish(self._end, counts)
        return records

    def _judge(self, changed: Sequence[Cell]) -> Iterator[Record]:
        stories = self._tables.stories(self._end) if STORY in self._settings.bursts.dimensions else {}
        for burst in self._tables.bursts():
            self._bursts.setdefault((burst.dimension, burst.name), []).append(burst)
        for cell, articles in self._cases(changed, stories):
            bursts = self._bursts.get(cell, [])
            case = Case(cell, self._end, articles, bursts)
            after = self._verdict(case)
            if after is None:
                continue
            self._tables.keep_burst(after)
            if after.revision > max((each.revision for each in bursts if each.id == after.id), default=0):
                record_id = revision_id(after.id, BURST, after.revision)
                yield record_id, BURST, after.id, encode_burst(after, self._rule)
        # After the judging: a story is measured by the largest of other days, not by itself.
        self._tables.set_peak(self._end, max(stories.values(), default=0))

    def _verdict(self, case: Case) -> Burst | None:
        rule = self._settings.bursts
        if self._corrected:
            return judge_corrected(case, self, rule, recent=self._recent)
        return judge_new(case, self, rule)

    def _cases(self, changed: Sequence[Cell], stories: dict[str, int]) -> list[tuple[Cell, int]]:
        """Names to judge, in order: large counts, and those with a burst that this window may change."""
        rule = self._settings.bursts
        looked_at = changed if self._corrected else self._sums
        counts = {cell: self._sums.get(cell, 0) for cell in looked_at if cell[0] in rule.dimensions}
        counts |= {(STORY, story): articles for story, articles in stories.items()}
        chosen = {cell for cell, articles in counts.items() if articles >= rule.min_articles}
        chosen |= {cell for cell, bursts in self._bursts.items() if any(map(self._may_change, bursts))}
        return [(cell, counts.get(cell, self._sums.get(cell, 0))) for cell in sorted(chosen)]

    def _may_change(self, burst: Burst) -> bool:
        return burst.raised.end == self._end if self._corrected else burst.last_end is None

    def history(self, cell: Cell, end: int, days: int) -> Sequence[DayCount]:
        """See `newsflow.trends.bursts.Counts`."""
        counts = self._peaks if cell[0] == STORY else self._histories.get(cell, {})
        totals = self._histories.get((ALL, ALL), {})
        ends = (end - day * DAY_S for day in range(1, days + 1))
        return [DayCount(each, counts.get(each, 0), totals.get(each, 0)) for each in ends]

    def evidence(self, cell: Cell) -> tuple[int, tuple[str, ...]]:
        """See `newsflow.trends.bursts.Counts`."""
        found = [each for each in self._articles if _is_of(each, cell)]
        return len({each.source for each in found}), tuple(each.id for each in found[:SAMPLE])

    def burst_id(self, cell: Cell, end: int) -> str:
        """See `newsflow.trends.bursts.Counts`."""
        return series_id(self._rule, BURST, end, cell)

    @cached_property
    def _earlier(self) -> list[int]:
        """The ends of the same window on earlier days."""
        return [self._end - day * DAY_S for day in range(1, self._settings.bursts.baseline_days + 1)]

    @cached_property
    def _histories(self) -> dict[Cell, dict[int, int]]:
        """All names at once: one query a window, not one a name."""
        return self._tables.histories(self._earlier, {ALL, *self._settings.bursts.dimensions})

    @cached_property
    def _peaks(self) -> dict[int, int]:
        return self._tables.peaks(self._earlier)

    @cached_property
    def _articles(self) -> list[CountedArticle]:
        return self._tables.window_articles(self._end)

    def _forget(self) -> None:
        final = self._end - self._rule.lateness_s - self._rule.size_s
        days = self._settings.bursts.baseline_days + 1
        self._tables.forget(final, min(final, self._end - days * DAY_S))


def _is_of(article: CountedArticle, cell: Cell) -> bool:
    return article.story == cell[1] if cell[0] == STORY else cell in article.cells


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
