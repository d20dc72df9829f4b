"""Counts over time, kept in the ledger: articles are counted once, windows closed in order, corrections numbered.

What is published of a window is decided here first, in the transaction that closes it, and waits in an outbox until
the broker has it. So a retry publishes the same bytes, and nothing of it depends on a runner's state.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from newsflow.ledger import Ledger
from newsflow.trends.baseline import DayCount
from newsflow.trends.bursts import Burst, JudgedWindow, TrendSettings, judge_corrected, judge_new
from newsflow.trends.counting import (
    ALL,
    DAY_S,
    STORY,
    Cell,
    Contribution,
    CountChange,
    WindowRule,
    change_of,
    ends_before,
)
from newsflow.trends.records import BURST, PublishedCount, TrendRecord, burst_record, count_record, series_id
from newsflow.trends.tables import TrendTables, storable_contribution

T = TypeVar("T")

SAMPLE = 10
"""Articles that a burst names at most."""


@dataclass(frozen=True, slots=True)
class CountedBatch:
    """What a batch did: one change a contribution, in order; `late` of them changed a window that is closed.
    `due` are the slices of its articles that a window must still look at, also where a retry changed nothing: the
    engine may have lost its timer with the first attempt."""

    changes: tuple[CountChange, ...]
    late: int
    due: frozenset[int]


class Trends:
    """The counts of one grid of windows in a ledger. Every method may block on the database and raises LedgerError
    when it does not answer in time; then nothing of the call was kept."""

    def __init__(self, ledger: Ledger, settings: TrendSettings) -> None:
        self._ledger, self.settings, self._rule = ledger, settings, settings.windows

    def count(self, contributions: Sequence[Contribution]) -> CountedBatch:
        """Count versions of articles, in one transaction. A version that was counted before changes nothing."""
        clean = [storable_contribution(each) for each in contributions]
        return self._run(lambda tables: _count(tables, self._rule, clean))

    def close_next(self, upto: int | None = None) -> int | None:
        """Close, or correct, the first window that is due and does not end after `upto` (seconds since 1970; None:
        whatever is due), or after the newest closed one; its end. None when no window is due: call it until then."""

        def close(tables: TrendTables) -> int | None:
            tables.lock()
            closed = tables.closed()
            end = tables.next_due(None if upto is None else max(upto, closed or upto))
            if end is not None:
                tables.put_out(WindowCloser(tables, self.settings, end, closed, self._ledger.now()).close())
            return end

        return self._run(close)

    def outbox(self, limit: int = 1_000) -> list[TrendRecord]:
        """Records that are still to be written, in the order they were decided."""
        return self._run(lambda tables: tables.outbox(limit), writes=False)

    def written(self, records: Sequence[TrendRecord]) -> None:
        """The broker has these records. Another process may have said so before."""
        self._run(lambda tables: tables.take_out([record.id for record in records]))

    def closed(self) -> int | None:
        """The end of the newest closed window; None when none was closed."""
        return self._run(TrendTables.closed, writes=False)

    def totals(self, after: int) -> dict[int, dict[Cell, int]]:
        """The published counts of all windows that ended after a time, by their ends."""
        return self._run(lambda tables: tables.totals(after), writes=False)

    def bursts(self) -> list[Burst]:
        """All bursts that are remembered, the oldest first."""
        return self._run(TrendTables.bursts, writes=False)

    def _run(self, work: Callable[[TrendTables], T], *, writes: bool = True) -> T:
        return self._ledger.transact(lambda db: work(TrendTables(db, self._rule)), writes=writes)


def _count(tables: TrendTables, rule: WindowRule, contributions: Sequence[Contribution]) -> CountedBatch:
    tables.lock()
    closed = tables.closed()
    held = tables.articles(each.article_id for each in contributions)
    deltas: Counter[tuple[int, Cell]] = Counter()
    changes, changed, late = [], set(), 0
    for each in contributions:
        before = held.get(each.article_id)
        changes.append(change_of(before, each, rule, closed))
        if changes[-1] in (CountChange.REPEAT, CountChange.TOO_LATE):
            continue
        # An article stays in the slice it was first counted in.
        start, cells = (each.slice_start, ()) if before is None else (before.slice_start, before.cells)
        held[each.article_id] = replace(each, slice_start=start)
        changed.add(each.article_id)
        late += set(cells) != set(each.cells) and closed is not None and rule.ends(start)[0] <= closed
        deltas.update((start, cell) for cell in each.cells)
        deltas.subtract((start, cell) for cell in cells)
    tables.keep_articles(held[article_id] for article_id in sorted(changed))
    tables.add({key: by for key, by in deltas.items() if by})
    slices = {held[each.article_id].slice_start for each in contributions if each.article_id in held}
    return CountedBatch(tuple(changes), late, tables.due_slices(slices))


class WindowCloser:
    """Closes one window, or looks at it again: what changed of its counts, and what that says about bursts. It lives
    for one transaction, and is the `CountHistory` that judging asks."""

    def __init__(
        self, tables: TrendTables, settings: TrendSettings, end: int, closed: int | None, now: datetime
    ) -> None:
        self._tables, self._rule, self._burst_rule = tables, settings.windows, settings.bursts
        self._end, self._now = end, now
        self._corrected = closed is not None and end <= closed
        self._bursts: dict[Cell, list[Burst]] = {}
        self._goes_on_as: dict[str, str] = {}
        """Stories that were merged into others, with the ids of these."""

    def close(self) -> list[TrendRecord]:
        """Close the window and return what is to be published of it."""
        self._sums = self._tables.sums(self._end)
        changed = self._tables.due_cells(self._end)
        records = [*self._publish(changed), *self._judge(changed)]
        self._tables.looked_at(self._end)
        if not self._corrected:
            self._tables.set_closed(self._end)
            final = self._end - self._rule.lateness_s - self._rule.size_s
            days = self._burst_rule.baseline_days + 1
            self._tables.forget(final, min(final, self._end - days * DAY_S))
        return records

    def _publish(self, changed: Iterable[Cell]) -> list[TrendRecord]:
        published = self._tables.published(self._end)
        counts: dict[Cell, PublishedCount] = {}
        records: list[TrendRecord] = []
        for cell in changed:
            articles, before = self._sums.get(cell, 0), published.get(cell, PublishedCount())
            if articles != before.articles:
                counts[cell] = count = PublishedCount(articles, before.revision + 1)
                records.append(count_record(self._rule, self._end, cell, count, before, self._now))
        self._tables.publish(self._end, counts)
        return records

    def _judge(self, changed: Sequence[Cell]) -> Iterator[TrendRecord]:
        told = self._tables.stories(self._end) if STORY in self._burst_rule.dimensions else {}
        bursts = self._tables.bursts()
        self._goes_on_as = self._tables.leads_to({*told, *(each.name for each in bursts if each.dimension == STORY)})
        stories: Counter[str] = Counter()
        for story, articles in told.items():
            stories[self._now_of(story)] += articles
        for burst in bursts:
            name = self._now_of(burst.name) if burst.dimension == STORY else burst.name
            self._bursts.setdefault((burst.dimension, name), []).append(burst)
        for window in self._to_judge(changed, stories):
            for after in self._judged(window):
                self._tables.keep_burst(after)
                if after.revision > max((each.revision for each in window.bursts if each.id == after.id), default=0):
                    yield burst_record(self._rule, after, self._now)
        # After the judging: a story is measured by the largest of other days, not by itself.
        self._tables.set_largest_story(self._end, max(stories.values(), default=0))

    def _judged(self, window: JudgedWindow) -> list[Burst]:
        """The bursts that a window raises or changes."""
        if self._corrected:
            after, taken_in = judge_corrected(window, self, self._burst_rule), list[Burst]()
        else:
            after, taken_in = judge_new(window, self, self._burst_rule), window.taken_in()
        return taken_in if after is None else [after, *taken_in]

    def _now_of(self, story: str) -> str:
        return self._goes_on_as.get(story, story)

    def _to_judge(self, changed: Sequence[Cell], stories: Mapping[str, int]) -> Iterator[JudgedWindow]:
        """In the order of names: large counts, and those with a burst that this window may change."""
        rule = self._burst_rule
        looked_at = changed if self._corrected else self._sums
        counts = {cell: self._sums.get(cell, 0) for cell in looked_at if cell[0] in rule.dimensions}
        counts |= {(STORY, story): articles for story, articles in stories.items()}
        chosen = {cell for cell, articles in counts.items() if articles >= rule.min_articles}
        chosen |= {cell for cell, bursts in self._bursts.items() if any(map(self._may_change, bursts))}
        for cell in sorted(chosen):
            articles = counts.get(cell, self._sums.get(cell, 0))
            burst_id = series_id(self._rule, BURST, self._end, cell)
            yield JudgedWindow(cell, self._end, articles, self._bursts.get(cell, []), burst_id)

    def _may_change(self, burst: Burst) -> bool:
        return burst.raised.end == self._end if self._corrected else burst.last_end is None

    def history(self, cell: Cell, end: int, days: int) -> Sequence[DayCount]:
        counts = self._largest_stories if cell[0] == STORY else self._histories.get(cell, {})
        totals = self._histories.get((ALL, ALL), {})
        return [DayCount(each, counts.get(each, 0), totals.get(each, 0)) for each in ends_before(end, days)]

    def evidence(self, cell: Cell) -> tuple[int, tuple[str, ...]]:
        found = [each for each in self._articles if cell in each.cells or cell == (STORY, self._now_of(each.story))]
        return len({each.source for each in found}), tuple(each.article_id for each in found[:SAMPLE])

    @cached_property
    def _histories(self) -> dict[Cell, dict[int, int]]:
        """All names at once: one query a window, not one a name."""
        earlier = ends_before(self._end, self._burst_rule.baseline_days)
        return self._tables.histories(earlier, {ALL, *self._burst_rule.dimensions})

    @cached_property
    def _largest_stories(self) -> dict[int, int]:
        return self._tables.largest_stories(ends_before(self._end, self._burst_rule.baseline_days))

    @cached_property
    def _articles(self) -> list[Contribution]:
        return self._tables.window_articles(self._end)
