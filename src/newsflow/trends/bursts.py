"""When a count is a burst, and how long the burst lasts: one burst is raised once.

A burst is *raised* in a window whose count is large, far above the usual, and most unlikely. It *goes on* as long as
counts stay well above the usual, and has *ended* after some windows in a row that do not. So a count that swings
around one threshold raises nothing twice. A burst whose window is corrected below what raises one is *retracted*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from newsflow.trends.baseline import Expected
from newsflow.trends.tail import tail_log10


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
