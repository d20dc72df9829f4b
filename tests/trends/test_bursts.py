"""Bursts: none in ten quiet weeks, one for each that is planted; and the rules one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.trends.baseline import DayCount, Expected, expect, tail_log10
from newsflow.trends.bursts import Burst, BurstRule, BurstState, Observation, follow, is_burst
from newsflow.trends.counting import DAY_S, WindowRule
from tests.trends.simulated_news import START, WEEK_S, Watch, plant, raised, simulate

RULE = BurstRule()
GRIDS = [WindowRule(), WindowRule(3_600, 3_600), WindowRule(6 * 3_600, 3_600)]
AT = START + 8 * WEEK_S


@pytest.mark.property
@pytest.mark.parametrize("seed", range(8))
def test_ten_quiet_weeks_raise_nothing(seed: int) -> None:
    watch = Watch(simulate(seed, 10, GRIDS[0]), RULE).run()
    assert raised(watch.said) == {}


@pytest.mark.property
@pytest.mark.parametrize("grid", GRIDS[1:], ids=lambda rule: str(rule.layout))
@pytest.mark.parametrize("per_hour", [40.0, 3_000.0])
def test_ten_quiet_weeks_raise_nothing_on_other_grids_and_in_other_volumes(grid: WindowRule, per_hour: float) -> None:
    watch = Watch(simulate(100, 10, grid, per_hour), RULE).run()
    assert raised(watch.said) == {}


@pytest.mark.property
@pytest.mark.parametrize("day_h", [10, 27, 5 * 24 + 15])
@pytest.mark.parametrize(
    ("name", "per_hour"),
    [("topic-0-0", 40), ("topic-2-1", 45), ("topic-4-0", 80), ("topic-6-2", 160), ("topic-7-1", 300)],
)
def test_a_planted_burst_is_raised_within_two_windows_and_once(name: str, per_hour: float, day_h: int) -> None:
    """By day, by night and at a weekend, for topics from 0.15 to 45 articles an hour."""
    news = simulate(3, 10, GRIDS[0])
    begins = AT + day_h * 3_600
    plant(news, name, begins, per_hour, hours=5, seed=1)
    # The seed's weeks before raise nothing: see above.
    watch = Watch(news, RULE).run(since=AT - WEEK_S)
    assert raised(watch.said) == {name: 1}
    burst = watch.said[0]
    assert begins < burst.raised.end <= begins + 2 * GRIDS[0].size_s
    assert [each.state for each in watch.said] == [BurstState.RAISED, BurstState.ENDED]
    assert begins + 5 * 3_600 < (watch.said[1].ended_end or 0) <= begins + 9 * 3_600


@pytest.mark.property
def test_the_second_burst_is_not_hidden_by_the_first() -> None:
    news = simulate(3, 10, GRIDS[0])
    for days in (0, 1, 7):
        plant(news, "topic-4-0", AT + days * DAY_S + 36_000, 90, hours=2, seed=days)
    assert raised(Watch(news, RULE).run(since=AT - WEEK_S).said) == {"topic-4-0": 3}


@pytest.mark.property
def test_a_level_that_stays_raises_once_and_becomes_usual() -> None:
    news = simulate(3, 10, GRIDS[0])
    plant(news, "topic-3-0", START + 4 * WEEK_S, 60, hours=6 * 168, seed=1)
    assert raised(Watch(news, RULE).run().said) == {"topic-3-0": 1}


def test_no_history_raises_nothing() -> None:
    assert expect([DayCount(AT - DAY_S, 100, 100)] * 6, AT, warm_up_days=7) is None


def test_days_on_which_nothing_was_counted_are_gaps() -> None:
    days = [DayCount(AT - n * DAY_S, 20, 400) for n in range(1, 15)]
    down = [DayCount(AT - n * DAY_S, 0, 0) for n in range(15, 29)]
    assert expect(days + down, AT, 7) == expect(days, AT, 7)


def test_weekends_are_compared_with_the_week_in_the_shape_of_all_news() -> None:
    def day(n: int) -> DayCount:
        weekend = n % 7 in (0, 1)
        return DayCount(AT - n * DAY_S, 20 if weekend else 40, 200 if weekend else 400)

    found = expect([day(n) for n in range(1, 29)], AT, 7)
    assert found is not None
    assert 20 < found.mean < 23


@given(st.lists(st.integers(0, 500), min_size=7, max_size=28), st.integers(0, 400))
def test_what_is_expected_is_sound_for_any_history(counts: list[int], end_day: int) -> None:
    end = AT + end_day * DAY_S
    found = expect([DayCount(end - n * DAY_S, count, count + 5) for n, count in enumerate(counts, 1)], end, 7)
    assert found is not None
    assert 0 < found.mean < 4 * max(*counts, 10)
    assert found.dispersion >= 2
    assert math.isfinite(found.dispersion)


@given(st.integers(1, 400), st.floats(0.05, 300), st.floats(1.05, 20))
def test_the_tail_is_the_sum_of_its_probabilities(count: int, mean: float, dispersion: float) -> None:
    size, share = mean / (dispersion - 1), 1 - 1 / dispersion
    below = math.fsum(
        math.exp(
            math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
            - size * math.log(dispersion) + k * math.log(share)
        )
        for k in range(count)
    )  # fmt: skip
    found = tail_log10(count, mean, dispersion)
    if count <= mean:
        assert found == 0.0
    elif below < 1 - 1e-6:
        assert 10**found == pytest.approx(1 - below, rel=1e-3, abs=1e-9)
    assert tail_log10(count + 1, mean, dispersion) <= found <= 0


def test_the_tail_of_huge_counts_is_finite_and_quick() -> None:
    assert -1e6 < tail_log10(100_000, 3.0, 2.0) < -1_000
    assert tail_log10(10_001, 10_000.0, 2.0) > -1


SEEN = Observation(AT, 60, 5, Expected(5.0, 2.0, 28))


@pytest.mark.parametrize(
    ("change", "burst"),
    [
        ({}, True),
        ({"articles": 9}, False),
        ({"sources": 1}, False),
        ({"expected": Expected(30.0, 2.0, 28)}, False),
        ({"articles": 14}, False),
    ],
)
def test_a_burst_is_large_and_far_above_the_usual_and_unlikely(change: dict[str, object], burst: bool) -> None:
    assert is_burst(replace(SEEN, **change), RULE) is burst  # type: ignore[arg-type]


def test_a_burst_that_dips_goes_on_and_ends_after_quiet_windows() -> None:
    usual = Expected(5.0, 2.0, 28)
    burst = Burst("id", "topic", "storms", SEEN, BurstState.RAISED, 1, SEEN.articles, SEEN.end)
    for step, articles in enumerate([80, 4, 4, 4, 30, 4, 4, 4], start=1):
        burst = follow(burst, AT + step * 900, articles, usual, RULE)
        assert burst.state is BurstState.RAISED
    assert (burst.peak, burst.peak_end, burst.revision) == (80, AT + 900, 1)
    burst = follow(burst, AT + 9 * 900, 4, usual, RULE)
    assert (burst.state, burst.revision, burst.ended_end) == (BurstState.ENDED, 2, AT + 9 * 900)
    assert burst.last_end == AT + 9 * 900
