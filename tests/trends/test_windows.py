"""The grid of windows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.config.load import load_config
from newsflow.errors import ConfigError
from newsflow.trends.counting import DAY_S, WindowRule, instant

rules = st.sampled_from([WindowRule(), WindowRule(900, 900), WindowRule(86_400, 3_600), WindowRule(604_800, 86_400)])
instants = st.integers(-2_000_000_000, 7_000_000_000).map(lambda s: datetime.fromtimestamp(s, UTC)) | st.datetimes(
    timezones=st.just(UTC)
).filter(lambda at: 1900 < at.year < 2200)


@given(rules, instants)
def test_a_slice_holds_its_instants_and_windows_hold_their_slices(rule: WindowRule, at: datetime) -> None:
    start = rule.slice_of(at)
    assert instant(start) <= at < instant(start + rule.period_s)
    ends = list(rule.ends(start))
    assert len(ends) == rule.size_s // rule.period_s
    assert all(instant(end - rule.size_s) <= at < instant(end) for end in ends)
    assert not instant(ends[0] - rule.period_s) > at
    assert instant(ends[-1] + rule.period_s - rule.size_s) > at


@given(rules, instants)
def test_a_window_has_its_like_on_every_other_day(rule: WindowRule, at: datetime) -> None:
    assert rule.slice_of(at + timedelta(days=1)) == rule.slice_of(at) + DAY_S


def test_zones_do_not_matter() -> None:
    rule, at = WindowRule(), datetime(2023, 5, 1, 0, 14, 59, 999_999, UTC)
    assert rule.slice_of(at) == rule.slice_of(at.astimezone(timezone(timedelta(hours=5, minutes=45))))
    assert rule.slice_of(at) + rule.period_s == rule.slice_of(at + timedelta(microseconds=1))


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ({"trends.window_s": 1_000}, "not made of periods"),
        ({"trends.window_s": 7_000, "trends.period_s": 7_000}, "a day is not made"),
        ({"trends.bursts.end_ratio": 3}, "would end as it is raised"),
        ({"trends.bursts.warm_up_days": 29}, "nothing could be raised"),
        ({"trends.bursts.dimensions": ["weather"]}, "weather"),
        ({"trends.period_s": 1}, "trends.period_s"),
    ],
)
def test_settings_that_do_not_fit_are_refused(flags: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        load_config(environ={}, flags=flags)
