"""When a count is a burst, and how long the burst lasts: one burst is raised once.

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
from newsflow.trends.counting import STORY, Cell
from newsflow.trends.windows import WindowRule


@dataclass(frozen=True, slots=True)
class BurstRule:
    """What makes a burst. `tail_log10`: log10 of the probability below which no usual day gives as much; days of
    history are `baseline_days` at most, and nothing is raised with fewer than `warm_up_days`."""

    dimensions: tuple[str, ...] = ("topic", "story")
    min_articles: int = 10
    min_sources: int = 2
    ratio: float = 2.5
    tail_log10: float = -8.0
    end_ratio: float = 1.5
    quiet_windows: int = 4
    baseline_days: int = 28
    warm_up_days: int = 7


class BurstState(StrEnum):
    """Where a burst stands."""

    RAISED = "raised"
    ENDED = "ended"
    RETRACTED = "retracted"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen in one window of one name: `articles` of `sources` different sources, `sample` ids of them."""

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
    """One burst of one name. `raised` is the window that raised it, `peak` its largest count so far in the window
    that ended at `peak_end`. `revision` counts what was said about it. `ended_end` is the last of its windows."""

    id: str
    dimension: str
    name: str
    raised: Sighting
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


def is_candidate(articles: int, rule: BurstRule) -> bool:
    """Whether a count is worth to be compared with what is usual."""
    return articles >= rule.min_articles


def is_burst(seen: Sighting, rule: BurstRule) -> bool:
    """Whether a window raises a burst."""
    return (
        seen.articles >= rule.min_articles
        and seen.sources >= rule.min_sources
        and seen.articles >= rule.ratio * seen.expected.mean
        and seen.tail_log10 <= rule.tail_log10
    )


def goes_on(articles: int, expected: Expected, rule: BurstRule) -> bool:
    """Whether a window keeps a burst that was raised earlier alive."""
    return articles >= max(rule.min_articles / 2, rule.end_ratio * expected.mean)


def raise_burst(burst_id: str, dimension: str, name: str, seen: Sighting, before: Burst | None) -> Burst:
    """A burst that begins; `before` is one of the same id that was retracted."""
    revision = 1 if before is None else before.revision + 1
    return Burst(burst_id, dimension, name, seen, BurstState.RAISED, revision, seen.articles, seen.end)


def follow(burst: Burst, end: int, articles: int, expected: Expected, rule: BurstRule) -> Burst:
    """A raised burst after the window that ended at `end`: it goes on, cools, or has ended (a revision more)."""
    if goes_on(articles, expected, rule):
        higher = articles > burst.peak
        return replace(burst, cool=0, peak=max(burst.peak, articles), peak_end=end if higher else burst.peak_end)
    if burst.cool + 1 < rule.quiet_windows:
        return replace(burst, cool=burst.cool + 1)
    return replace(burst, cool=0, state=BurstState.ENDED, revision=burst.revision + 1, ended_end=end)


def retract(burst: Burst, seen: Sighting) -> Burst:
    """A burst whose window turned out to hold no more than `seen`."""
    return replace(burst, state=BurstState.RETRACTED, revision=burst.revision + 1, raised=seen)


def covering(bursts: Sequence[Burst], end: int) -> Burst | None:
    """The burst, raised or ended, that the window ending at `end` belongs to; None when it is in none."""
    for burst in bursts:
        last = burst.last_end
        counts = burst.state is not BurstState.RETRACTED
        if counts and burst.raised.end <= end and (last is None or end <= last):
            return burst
    return None


# One window of one name, judged: whether a burst begins, goes on, ends, or never was.


class Counts(Protocol):
    """What judging asks about counts."""

    def history(self, cell: Cell, end: int, days: int) -> Sequence[DayCount]:
        """The same window of up to `days` earlier days. Of stories: the largest story of each."""

    def evidence(self, cell: Cell) -> tuple[int, tuple[str, ...]]:
        """How many different sources the judged window's articles have, and the ids of some of them."""

    def burst_id(self, cell: Cell, end: int) -> str:
        """The id of a burst that this window raises."""


@dataclass(frozen=True, slots=True)
class Case:
    """A window of one name to be judged. `bursts` are those of the name that are not long past."""

    cell: Cell
    end: int
    articles: int
    bursts: Sequence[Burst]

    @property
    def alive(self) -> Burst | None:
        """The burst that was raised and has not ended."""
        return next((each for each in self.bursts if each.state is BurstState.RAISED), None)


def judge_new(case: Case, counts: Counts, rule: BurstRule) -> Burst | None:
    """What a window that is closed for the first time makes of its name's burst; None when nothing is to be kept.

    Call it in the order of windows.
    """
    rule = _rule_of(case, rule)
    if case.alive is not None:
        expected = _expected(case, counts, rule)
        if expected is None:  # Its history was forgotten: then there is nothing to measure an end by but its own.
            expected = case.alive.raised.expected
        return follow(case.alive, case.end, case.articles, expected, rule)
    return _raised(case, counts, rule)


def judge_corrected(case: Case, counts: Counts, rule: BurstRule, *, recent: bool) -> Burst | None:
    """What the correction of a closed window makes of a burst. `recent`: late articles may still raise one."""
    rule = _rule_of(case, rule)
    began = next((each for each in case.bursts if each.raised.end == case.end), None)
    if began is not None and began.state is not BurstState.RETRACTED:
        seen = _sighting(case, counts, began.raised.expected)
        return None if is_burst(seen, rule) else retract(began, seen)
    if not recent or case.alive is not None or covering(case.bursts, case.end) is not None:
        return None
    return _raised(case, counts, rule)


def _rule_of(case: Case, rule: BurstRule) -> BurstRule:
    """A burst of one source has one source."""
    return replace(rule, min_sources=1) if case.cell[0] == "source" else rule


def _raised(case: Case, counts: Counts, rule: BurstRule) -> Burst | None:
    if not is_candidate(case.articles, rule):
        return None
    expected = _expected(case, counts, rule)
    if expected is None or case.articles < rule.ratio * expected.mean:
        return None
    seen = _sighting(case, counts, expected)
    if not is_burst(seen, rule):
        return None
    burst_id = counts.burst_id(case.cell, case.end)
    before = next((each for each in case.bursts if each.id == burst_id), None)
    return raise_burst(burst_id, *case.cell, seen, before)


def _expected(case: Case, counts: Counts, rule: BurstRule) -> Expected | None:
    days = counts.history(case.cell, case.end, rule.baseline_days)
    return expect(days, case.end, rule.warm_up_days, weekly=case.cell[0] != STORY)


def _sighting(case: Case, counts: Counts, expected: Expected) -> Sighting:
    sources, sample = counts.evidence(case.cell)
    return Sighting(case.end, case.articles, sources, expected, sample)


# What a trends job is told.


@dataclass(frozen=True, slots=True)
class TrendSettings:
    """What is read, how it is counted, and what is a burst. `fresh_h`: an article published longer before it was
    first seen is no news of that hour and counts nowhere."""

    input_topic: str = "news.article.v1"
    group: str = "newsflow.trends"
    fresh_h: float = 48.0
    windows: WindowRule = field(default_factory=WindowRule)
    bursts: BurstRule = field(default_factory=BurstRule)

    @property
    def fresh(self) -> timedelta:
        """`fresh_h` as a duration."""
        return timedelta(hours=self.fresh_h)
