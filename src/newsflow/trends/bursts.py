"""When a count is a burst, and how long the burst lasts: one burst is raised once. And the settings of the job trends.

A burst is *raised* in a window whose count is large, far above the usual, and most unlikely. It *goes on* as long as
counts stay well above the usual, and has *ended* after some windows in a row that do not. So a count that swings
around one threshold raises nothing twice. A burst whose window is corrected below what raises one is *retracted*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import Protocol

from newsflow.trends.baseline import DayCount, Expected, expect, tail_log10
from newsflow.trends.counting import STORY, Cell, WindowRule


@dataclass(frozen=True, slots=True)
class BurstRule:
    """What makes a burst. `tail_log10`: log10 of the probability below which no usual day gives as much. What is
    usual is learnt from up to `baseline_days`; nothing is raised with fewer than `warm_up_days`."""

    dimensions: tuple[str, ...] = ("topic", "story")
    min_articles: int = 10
    min_sources: int = 2
    ratio: float = 2.5
    tail_log10: float = -8.0
    end_ratio: float = 1.5
    quiet_windows: int = 4
    baseline_days: int = 28
    warm_up_days: int = 7


@dataclass(frozen=True, slots=True)
class TrendSettings:
    """What is read, how it is counted, and what is a burst. `fresh_h`: an article published longer before it was
    first seen is not news of that hour and counts nowhere."""

    input_topic: str = "news.article.v1"
    group: str = "newsflow.trends"
    fresh_h: float = 48.0
    windows: WindowRule = field(default_factory=WindowRule)
    bursts: BurstRule = field(default_factory=BurstRule)

    @property
    def fresh(self) -> timedelta:
        return timedelta(hours=self.fresh_h)


class BurstState(StrEnum):
    """Where a burst stands."""

    RAISED = "raised"
    ENDED = "ended"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Observation:
    """One window of one name: `articles` of `sources` different sources, what was expected, `sample` ids of them."""

    end: int
    articles: int
    sources: int
    expected: Expected
    sample: tuple[str, ...] = ()

    @property
    def tail_log10(self) -> float:
        """log10 of the probability that a usual day has as many articles in this window."""
        return tail_log10(self.articles, self.expected.mean, self.expected.dispersion)


@dataclass(frozen=True, slots=True)
class Burst:
    """One burst of one name. `raised` is the window that raised it, `peak` its largest count so far, in the window
    that ended at `peak_end`. `revision` counts what was published of it. `cool` counts windows in a row that do not
    keep it alive. `ended_end` is the end of the window that ended it."""

    id: str
    dimension: str
    name: str
    raised: Observation
    state: BurstState
    revision: int
    peak: int
    peak_end: int
    cool: int = 0
    ended_end: int | None = None

    @property
    def last_end(self) -> int | None:
        """The end of the last of its windows; None while it goes on."""
        if self.state is BurstState.RAISED:
            return None
        return max(self.peak_end, self.raised.end) if self.ended_end is None else self.ended_end


def is_burst(seen: Observation, rule: BurstRule) -> bool:
    """Whether a window raises a burst."""
    return (
        seen.articles >= rule.min_articles
        and seen.sources >= rule.min_sources
        and seen.articles >= rule.ratio * seen.expected.mean
        and seen.tail_log10 <= rule.tail_log10
    )


def follow(burst: Burst, end: int, articles: int, expected: Expected, rule: BurstRule) -> Burst:
    """A raised burst after the window that ended at `end`: it goes on, cools, or has ended (a revision more)."""
    if articles >= max(rule.min_articles / 2, rule.end_ratio * expected.mean):
        higher = articles > burst.peak
        return replace(burst, cool=0, peak=max(burst.peak, articles), peak_end=end if higher else burst.peak_end)
    if burst.cool + 1 < rule.quiet_windows:
        return replace(burst, cool=burst.cool + 1)
    return _ended(burst, end)


def _ended(burst: Burst, end: int) -> Burst:
    return replace(burst, cool=0, state=BurstState.ENDED, revision=burst.revision + 1, ended_end=end)


class CountHistory(Protocol):
    """What judging a window asks about counts."""

    def history(self, cell: Cell, end: int, days: int) -> Sequence[DayCount]:
        """The same window of up to `days` earlier days. Of stories: the largest story of each."""

    def evidence(self, cell: Cell) -> tuple[int, tuple[str, ...]]:
        """How many different sources the judged window's articles have, and the ids of some of them."""


@dataclass(frozen=True, slots=True)
class JudgedWindow:
    """A window of one name to be judged. `bursts` are those of the name that are not long past, the oldest first (of a
    story also those of stories that it took in); `burst_id` is the id of a burst that this window raises."""

    cell: Cell
    end: int
    articles: int
    bursts: Sequence[Burst]
    burst_id: str

    @property
    def alive(self) -> Burst | None:
        """The burst that was raised and has not ended."""
        return next((each for each in self.bursts if each.state is BurstState.RAISED), None)

    def taken_in(self) -> list[Burst]:
        """Further bursts that were raised, of stories that this one took in since: they end, and the first goes on."""
        raised = [each for each in self.bursts if each.state is BurstState.RAISED]
        return [_ended(each, self.end) for each in raised[1:]]


def judge_new(window: JudgedWindow, counts: CountHistory, rule: BurstRule) -> Burst | None:
    """What a window that is closed for the first time makes of its name's burst; None when nothing is to be kept.

    Call it in the order of windows.
    """
    burst = window.alive
    if burst is None:
        return _raised(window, counts, rule)
    # Where its history was forgotten, only its own beginning is left to measure its end by.
    expected = _expected(window, counts, rule) or burst.raised.expected
    return follow(burst, window.end, window.articles, expected, rule)


def judge_corrected(window: JudgedWindow, counts: CountHistory, rule: BurstRule) -> Burst | None:
    """What the correction of a closed window makes of a burst: it is retracted where the window no longer raises it.

    None is raised: whether many articles of a time gone by are late or a backfill, nobody can tell.
    """
    began = next((each for each in window.bursts if each.raised.end == window.end), None)
    if began is None or began.state is BurstState.RETRACTED:
        return None
    seen = _observation(window, counts, began.raised.expected)
    if is_burst(seen, _rule_of(window, rule)):
        return None
    return replace(began, state=BurstState.RETRACTED, revision=began.revision + 1, raised=seen)


def _raised(window: JudgedWindow, counts: CountHistory, rule: BurstRule) -> Burst | None:
    if window.articles < rule.min_articles:
        return None
    expected = _expected(window, counts, rule)
    if expected is None or window.articles < rule.ratio * expected.mean:
        return None
    seen = _observation(window, counts, expected)
    if not is_burst(seen, _rule_of(window, rule)):
        return None
    return Burst(window.burst_id, *window.cell, seen, BurstState.RAISED, 1, seen.articles, seen.end)


def _rule_of(window: JudgedWindow, rule: BurstRule) -> BurstRule:
    """A burst of one source has one source."""
    return replace(rule, min_sources=1) if window.cell[0] == "source" else rule


def _expected(window: JudgedWindow, counts: CountHistory, rule: BurstRule) -> Expected | None:
    days = counts.history(window.cell, window.end, rule.baseline_days)
    return expect(days, window.end, rule.warm_up_days, weekly=window.cell[0] != STORY)


def _observation(window: JudgedWindow, counts: CountHistory, expected: Expected) -> Observation:
    sources, sample = counts.evidence(window.cell)
    return Observation(window.end, window.articles, sources, expected, sample)
