"""Made-up weeks of news: topics of all sizes with the shape of days and weeks, articles in clusters."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from newsflow.trends.baseline import DayCount
from newsflow.trends.bursts import Burst, BurstRule, BurstState, JudgedWindow, judge_new
from newsflow.trends.counting import DAY_S, STORY, Cell, WindowRule

WEEK_S = 7 * DAY_S
MONDAY = 4 * DAY_S
"""1970-01-05T00:00:00Z."""
START = MONDAY + 2_000 * WEEK_S
SHARES = (0.0005, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15)
"""Of all articles that are about a topic, eight sizes; each size comes with three habits."""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class News:
    """Counts of slices, `[topic, slice]`, from `START` on; `stories[slice]` are the sizes of its stories."""

    rule: WindowRule
    topics: Counts
    total: Counts
    names: tuple[str, ...]
    largest_story: Counts


def simulate(seed: int, weeks: int, rule: WindowRule, per_hour: float = 300.0) -> News:
    """Weeks in which nothing out of the ordinary happens.

    By night a fifth of the day's news, at weekends half. A third of the topics keeps other hours (another part of
    the world), another third has a weekly report (six-fold for two hours). Counts are negative binomial, the
    variance 1 to 2.5 times the mean; stories have a heavy tail.
    """
    random = np.random.default_rng(seed)
    times = START + np.arange(weeks * WEEK_S // rule.period_s) * rule.period_s
    level = per_hour * rule.period_s / 3_600
    rows, names = [], []
    for number, share in enumerate(SHARES):
        for habit in range(3):
            mean = level * share * _shape(times, shift_h=8 * (habit == 1))
            if habit == 2:
                report = (times % WEEK_S >= (number * 29 % 168) * 3_600) & (
                    times % WEEK_S < (number * 29 % 168 + 2) * 3_600
                )
                mean = np.where(report, 6 * mean, mean)
            rows.append(_clustered(random, mean, 1.0 + 0.5 * (number % 4)))
            names.append(f"topic-{number}-{habit}")
    total = _clustered(random, level * _shape(times), 2.0)
    largest = 1 + random.geometric(0.45, len(times)) + random.geometric(0.6, len(times))
    return News(rule, np.array(rows), np.maximum(total, np.max(rows, axis=0)), tuple(names), largest.astype(np.int64))


def _shape(times: npt.NDArray[np.int64], shift_h: int = 0) -> npt.NDArray[np.float64]:
    hours = (times / 3_600 + shift_h) % 24
    by_day = 0.6 - 0.4 * np.cos(2 * math.pi * (hours - 3) / 24)
    weekend = (times - MONDAY) % WEEK_S >= 5 * DAY_S
    return by_day * np.where(weekend, 0.5, 1.0)


def _clustered(random: np.random.Generator, mean: npt.NDArray[np.float64], dispersion: float) -> Counts:
    if dispersion <= 1:
        return random.poisson(mean)
    return random.negative_binomial(np.maximum(mean, 1e-9) / (dispersion - 1), 1 / dispersion)


@dataclass
class Watch:
    """Judges window after window by the real rules, and keeps what a ledger would."""

    news: News
    rule: BurstRule
    bursts: dict[Cell, list[Burst]] = field(default_factory=lambda: defaultdict(list))
    said: list[Burst] = field(default_factory=list)

    def run(self, since: int = 0) -> Watch:
        """Judge every window that ends behind `since`; those before are history alone."""
        steps = self.news.rule.size_s // self.news.rule.period_s
        windows = np.cumsum(np.pad(self.news.topics, ((0, 0), (1, 0))), axis=1)
        self._row = {name: row for row, name in enumerate(self.news.names)}
        # Lists: to ask an array for single numbers takes longer than to judge them.
        self.sums = (windows[:, steps:] - windows[:, :-steps]).tolist()
        totals = np.cumsum(np.pad(self.news.total, (1, 0)))
        self.totals = (totals[steps:] - totals[:-steps]).tolist()
        self.peaks = np.lib.stride_tricks.sliding_window_view(self.news.largest_story, steps).max(axis=1).tolist()
        for index in range(len(self.totals)):
            end = START + self.news.rule.size_s + index * self.news.rule.period_s
            if end > since:
                self._close(index, end)
        return self

    def _close(self, index: int, end: int) -> None:
        for cell, articles in self._cells(index):
            known = self.bursts[cell]
            before = {each.id: each for each in known}
            after = judge_new(JudgedWindow(cell, end, articles, known, f"{cell}{end}"), self, self.rule)
            if after is None:
                continue
            if after.id not in before or before[after.id].revision != after.revision:
                self.said.append(after)
            self.bursts[cell] = [each for each in known if each.id != after.id] + [after]

    def _cells(self, index: int) -> Iterator[tuple[Cell, int]]:
        for row, name in enumerate(self.news.names):
            articles = self.sums[row][index]
            cell = ("topic", name)
            alive = any(each.state is BurstState.RAISED for each in self.bursts[cell])
            if articles >= self.rule.min_articles or alive:
                yield cell, articles
        yield (STORY, f"story-{index}"), self.peaks[index]

    def history(self, cell: Cell, end: int, days: int) -> Sequence[DayCount]:
        counts = self.peaks if cell[0] == STORY else self.sums[self._row[cell[1]]]
        period_s = self.news.rule.period_s
        newest, step = (end - DAY_S - START - self.news.rule.size_s) // period_s, DAY_S // period_s
        if newest < 0:
            return []
        taken = slice(newest, newest - days * step if newest >= days * step else None, -step)
        ends = range(end - DAY_S, end - (days + 1) * DAY_S, -DAY_S)
        return list(map(DayCount, ends, counts[taken], self.totals[taken]))

    def evidence(self, cell: Cell) -> tuple[int, tuple[str, ...]]:
        return 5, ()


def plant(news: News, name: str, start: int, per_hour: float, hours: int, seed: int) -> None:
    """Let a topic grow: so many articles an hour more, from `start` on."""
    random = np.random.default_rng(seed)
    first, count = (start - START) // news.rule.period_s, hours * 3_600 // news.rule.period_s
    more = random.poisson(per_hour * news.rule.period_s / 3_600, count)
    news.topics[news.names.index(name), first : first + count] += more
    news.total[first : first + count] += more


def raised(said: Sequence[Burst]) -> Counter[str]:
    return Counter(each.name for each in said if each.state is BurstState.RAISED)
