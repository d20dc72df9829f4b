"""Closing a window: what changed of its counts, and what that says about bursts. Within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from newsflow.ledger.trend_tables import CountedArticle, TrendTables
from newsflow.trends.baseline import DayCount
from newsflow.trends.bursts import Burst
from newsflow.trends.counting import ALL, STORY, Cell
from newsflow.trends.judging import Case, judge_corrected, judge_new
from newsflow.trends.records import (
    BURST,
    TREND,
    WindowCount,
    encode_burst,
    encode_count,
    revision_id,
    series_id,
)
from newsflow.trends.settings import TrendSettings
from newsflow.trends.windows import DAY_S

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
        """See `newsflow.trends.judging.Counts`."""
        counts = self._peaks if cell[0] == STORY else self._histories.get(cell, {})
        totals = self._histories.get((ALL, ALL), {})
        ends = (end - day * DAY_S for day in range(1, days + 1))
        return [DayCount(each, counts.get(each, 0), totals.get(each, 0)) for each in ends]

    def evidence(self, cell: Cell) -> tuple[int, tuple[str, ...]]:
        """See `newsflow.trends.judging.Counts`."""
        found = [each for each in self._articles if _is_of(each, cell)]
        return len({each.source for each in found}), tuple(each.id for each in found[:SAMPLE])

    def burst_id(self, cell: Cell, end: int) -> str:
        """See `newsflow.trends.judging.Counts`."""
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
