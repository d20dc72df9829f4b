"""One window of one name, judged: whether a burst begins, goes on, ends, or never was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from newsflow.trends.baseline import DayCount, Expected, expect
from newsflow.trends.bursts import (
    Burst,
    BurstRule,
    BurstState,
    Sighting,
    covering,
    follow,
    is_burst,
    is_candidate,
    raise_burst,
    retract,
)
from newsflow.trends.counting import STORY, Cell


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
