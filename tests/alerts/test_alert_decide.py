"""When alerts go out: once a story, and only as its policy says."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.alerts.state import HOUR
from newsflow.alerts.values import AlertStep, Digest, Policy, QuietHours, Severity
from newsflow.model import Article
from tests.alerts.planner_helpers import Run, at, gone, reported

NIGHT = QuietHours("UTC", time(22), time(7))


def test_a_story_is_told_once_however_many_articles_it_has() -> None:
    run = Run()
    for number in range(10):
        run.article(at(minutes=number), reported(f"a{number}", f"outlet-{number}"))
    assert run.shown() == [("Mon 12:00", "first", "a0")]


def test_an_article_without_a_story_is_its_own() -> None:
    run = Run()
    run.article(at(), reported("a", story=None))
    run.article(at(1), reported("b", story=None))
    assert run.shown() == [("Mon 12:00", "first", "a"), ("Mon 13:00", "first", "b")]


def test_the_same_version_again_and_older_ones_change_nothing() -> None:
    run = Run(Policy(update_sources=1))
    run.article(at(), reported("a", version=3))
    state = dict(run.stories)
    for version in (1, 2, 3):
        assert run.article(at(1), reported("a", version=version)) == []
    assert run.stories == state


def test_the_first_alert_waits_for_enough_independent_sources() -> None:
    run = Run(Policy(sources=3))
    run.article(at(0), reported("a", "one"))
    run.article(at(1), reported("b", "two", agency="Wire"))
    run.article(at(2), reported("c", "three", agency="Wire"))
    run.article(at(3), reported("d", "one"))
    assert run.alerts == []
    (alert,) = run.article(at(4), reported("e", "four"))
    assert alert.step is AlertStep.FIRST
    assert alert.why.sources == ("Wire", "four", "one")
    assert alert.why.story == "3 independent sources, 3 asked for"
    assert [each.id for each in alert.articles] == ["a", "b", "c", "d", "e"]


def test_updates_come_at_each_step_of_sources_and_never_else() -> None:
    run = Run(Policy(update_sources=2))
    for number in range(6):
        run.article(at(number), reported(f"a{number}", f"outlet-{number}"))
    assert [(time, step) for time, step, _ in run.shown()] == [
        ("Mon 12:00", "first"),
        ("Mon 14:00", "update"),
        ("Mon 16:00", "update"),
    ]
    assert run.alerts[1].why.story == "3 independent sources, 1 when last told"


def test_a_new_country_is_told_once() -> None:
    run = Run(Policy(new_country=True))
    run.article(at(0), reported("a"))
    run.article(at(1), reported("b", countries=("SY", "LB")))
    run.article(at(2), reported("c", countries=("LB",)))
    assert [step for _, step, _ in run.shown()] == ["first", "update"]
    assert run.alerts[1].why.story.endswith("new: LB")


def test_a_retraction_is_an_update_and_the_last_one_the_end() -> None:
    run = Run()
    one, two = reported("a", "one"), reported("b", "two")
    run.article(at(0), one)
    run.article(at(1), two)
    run.article(at(2), gone(one))
    run.article(at(3), gone(two))
    assert [step for _, step, _ in run.shown()] == ["first", "update", "withdrawn"]
    assert run.alerts[1].why.story.endswith("1 withdrawn since")
    assert [each.action.value for each in run.alerts[2].articles] == ["withdraw", "withdraw"]


def test_retractions_may_be_left_out_but_not_the_end() -> None:
    run = Run(Policy(retraction=False))
    one, two = reported("a", "one"), reported("b", "two")
    for hour, article in enumerate((one, two, gone(one), gone(two))):
        run.article(at(hour), article)
    assert [step for _, step, _ in run.shown()] == ["first", "withdrawn"]


def test_a_story_that_was_never_told_ends_in_silence() -> None:
    run = Run(Policy(sources=2))
    one = reported("a")
    run.article(at(0), one)
    run.article(at(1), gone(one))
    assert run.alerts == []


def test_a_story_that_comes_back_is_an_update_under_another_id() -> None:
    run = Run()
    one = reported("a")
    run.article(at(0), one)
    run.article(at(1), gone(one))
    run.article(at(2), reported("b", "two"))
    assert [step for _, step, _ in run.shown()] == ["first", "withdrawn", "update"]
    assert len({alert.id for alert in run.alerts}) == 3


def test_cool_down_delays_an_update_and_the_update_tells_all() -> None:
    run = Run(Policy(update_sources=1, cool_down=timedelta(hours=2)))
    for number in range(4):
        run.article(at(minutes=10 * number), reported(f"a{number}", f"outlet-{number}"))
    run.until(at(24))
    assert run.shown() == [("Mon 12:00", "first", "a0"), ("Mon 14:00", "update", "a0 a1 a2 a3")]


def test_a_withdrawal_does_not_wait_for_the_cool_down() -> None:
    run = Run(Policy(cool_down=timedelta(hours=2)))
    run.article(at(0), reported("a"))
    run.article(at(minutes=5), gone(reported("a")))
    assert [time for time, _, _ in run.shown()] == ["Mon 12:00", "Mon 12:05"]


def test_quiet_hours_hold_and_the_morning_brings_one_digest() -> None:
    run = Run(Policy(quiet=NIGHT))
    run.article(at(9), reported("a", story="s1"))
    for number in range(3):
        run.article(at(11 + number), reported(f"n{number}", story=f"s{number}"))
    run.article(at(14), reported("n3", "two", story="s2"))
    run.until(at(30))
    assert run.shown() == [("Mon 21:00", "first", "a"), ("Tue 07:00", "digest", "n0 n2")]
    assert run.alerts[1].why.story == "2 stories held back in quiet hours"


def test_a_single_story_of_the_night_comes_as_what_it_is() -> None:
    run = Run(Policy(quiet=NIGHT))
    run.article(at(12), reported("a"))
    run.until(at(30))
    assert run.shown() == [("Tue 07:00", "first", "a")]


def test_what_is_over_by_the_morning_is_not_told() -> None:
    run = Run(Policy(quiet=NIGHT))
    run.article(at(12), reported("a"))
    run.article(at(13), gone(reported("a")))
    run.until(at(30))
    assert run.alerts == []
    assert run.subscriber.withheld == {}


def test_what_is_critical_breaks_through_the_quiet() -> None:
    run = Run(Policy(quiet=NIGHT, critical_sources=2))
    run.article(at(12), reported("a", "one"))
    (alert,) = run.article(at(13), reported("b", "two"))
    assert (alert.severity, alert.step) == (Severity.CRITICAL, AlertStep.FIRST)
    assert run.subscriber.withheld == {}


def test_quiet_hours_follow_the_wall_clock_through_the_change_of_clocks() -> None:
    berlin = QuietHours("Europe/Berlin", time(22), time(7))
    assert berlin.ends(datetime.fromisoformat("2026-03-28T22:30:00+00:00")) == datetime.fromisoformat(
        "2026-03-29T05:00:00+00:00"
    )
    assert berlin.ends(datetime.fromisoformat("2026-03-27T22:30:00+00:00")) == datetime.fromisoformat(
        "2026-03-28T06:00:00+00:00"
    )
    assert berlin.ends(datetime.fromisoformat("2026-03-28T12:00:00+00:00")) is None
    assert berlin.ends(datetime.fromisoformat("2026-10-24T20:30:00+00:00")) == datetime.fromisoformat(
        "2026-10-25T06:00:00+00:00"
    )
    # An hour that does not exist, and one that is there twice, in which the first one counts.
    for begin, end, now, ends in (
        (time(2, 30), time(4), "2026-03-29T01:10:00+00:00", "2026-03-29T02:00:00+00:00"),
        (time(2, 30), time(4), "2026-10-25T00:40:00+00:00", "2026-10-25T03:00:00+00:00"),
    ):
        hours = QuietHours("Europe/Berlin", begin, end)
        before = datetime.fromisoformat(now)
        found = hours.ends(before) or hours.ends(before + timedelta(minutes=30))
        assert found == datetime.fromisoformat(ends)


def test_quiet_hours_of_some_days() -> None:
    weekend = QuietHours("UTC", time(0), time(0), frozenset({5, 6}))
    saturday = at(24 * 5)
    assert weekend.ends(saturday) == saturday.replace(hour=0) + timedelta(days=1)
    assert weekend.ends(at()) is None


def test_the_cap_holds_what_is_over_it_and_sends_one_summary() -> None:
    run = Run(Policy(cap_per_hour=2))
    for number in range(6):
        run.article(at(minutes=number), reported(f"a{number}", story=f"s{number}"))
    run.until(at(24))
    assert run.shown() == [
        ("Mon 12:00", "first", "a0"),
        ("Mon 12:01", "first", "a1"),
        ("Mon 13:00", "digest", "a2 a3 a4 a5"),
    ]


@pytest.mark.parametrize(
    ("digest", "times"),
    [
        (Digest("hour"), ["Mon 13:00", "Mon 15:00"]),
        (Digest("day", time(8), "Asia/Dubai"), ["Tue 04:00"]),
    ],
)
def test_digests_come_on_time_and_only_when_there_is_something(digest: Digest, times: list[str]) -> None:
    run = Run(Policy(digest=digest))
    run.article(at(minutes=5), reported("a", story="s1"))
    run.article(at(minutes=6), reported("b", "two", story="s1"))
    run.article(at(2, 30), reported("c", story="s2"))
    run.until(at(30))
    assert [time for time, _, _ in run.shown()] == times
    assert {step for _, step, _ in run.shown()} == {"digest"}


def test_a_digest_that_falls_into_quiet_hours_comes_after_them() -> None:
    run = Run(Policy(digest=Digest("day", time(3)), quiet=NIGHT))
    run.article(at(), reported("a"))
    run.until(at(48))
    assert [time for time, _, _ in run.shown()] == ["Tue 07:00"]


def test_a_mute_holds_everything_and_then_tells_what_still_stands() -> None:
    from dataclasses import replace

    run = Run()
    run.subscriber = replace(run.subscriber, muted_until=at(4))
    for number in range(3):
        run.article(at(number), reported(f"a{number}", story=f"s{number}"))
    run.article(at(3), gone(reported("a1", story="s1")))
    run.until(at(5))
    assert run.shown() == [("Mon 16:00", "digest", "a0 a2")]


def test_the_same_story_told_to_two_subscriptions_has_two_ids_and_the_same_one_the_same_id() -> None:
    one, two = Run(), Run()
    assert one.article(at(), reported("a"))[0].id == two.article(at(5), reported("b", "two"))[0].id


POLICIES = st.builds(
    Policy,
    sources=st.integers(1, 3),
    update_sources=st.integers(0, 2),
    new_country=st.booleans(),
    retraction=st.booleans(),
    critical_sources=st.sampled_from([0, 3]),
    cool_down=st.sampled_from([timedelta(0), timedelta(minutes=45)]),
    cap_per_hour=st.integers(0, 2),
    quiet=st.sampled_from([None, NIGHT, QuietHours("Asia/Tehran", time(13), time(18))]),
    digest=st.sampled_from([None, Digest("hour"), Digest("day", time(6), "Europe/Kyiv")]),
)
EVENTS = st.lists(
    st.tuples(
        st.integers(0, 90),
        st.sampled_from(["a", "b", "c", "d", "e"]),
        st.sampled_from(["s1", "s2"]),
        st.sampled_from(["one", "two", "three", "four"]),
        st.sampled_from([("SY",), ("SY", "LB")]),
        st.booleans(),
    ),
    max_size=40,
)


@pytest.mark.property
@given(policy=POLICIES, events=EVENTS)
def test_whatever_comes_the_promises_hold(policy: Policy, events: list[tuple[object, ...]]) -> None:
    run = Run(policy)
    now, versions = at(), dict[str, int]()
    standing: dict[str, dict[str, bool]] = {"s1": {}, "s2": {}}
    for minutes, name, story, source, countries, withdraw in events:
        now += timedelta(minutes=minutes)  # type: ignore[arg-type]
        key = f"{story}-{name}"
        versions[key] = versions.get(key, 0) + 1
        article: Article = reported(key, str(source), str(story), versions[key], countries=countries)  # type: ignore[arg-type]
        if withdraw:
            article = gone(article)
            versions[key] += 1
        standing[str(story)][key] = not withdraw
        run.article(now, article)
    run.until(now + timedelta(days=4))
    assert run.subscriber.withheld == {}, "nothing waits for ever"
    firsts = [alert.story for alert in run.alerts if alert.step is AlertStep.FIRST]
    assert len(firsts) == len(set(firsts)), "a story has one first alert"
    for alert in run.alerts:
        assert alert.articles
        quiet = policy.quiet.ends(alert.at) if policy.quiet else None
        assert quiet is None or alert.severity is Severity.CRITICAL
        recent = [each for each in run.alerts if alert.at - HOUR < each.at <= alert.at]
        assert not policy.cap_per_hour or len(recent) <= policy.cap_per_hour
    ids = [alert.id for alert in run.alerts]
    assert len(ids) == len(set(ids)), "no two alerts are one to their reader"
