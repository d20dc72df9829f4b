"""Conditions on the story, the text and the hours; feeds of single subscribers; the debug feed."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.alerts.values import DailyHours, Policy
from newsflow.errors import ConfigError
from newsflow.model import Action, Article, Outcome
from newsflow.model.names import feed_of, feed_topic, subscriber_feed, subscription_of
from newsflow.model.schemas import violations
from newsflow.routing import Match, Routes, Subscription, article_meets, describe, encode_debug, load_routes
from newsflow.routing.values import Route, facts, objections
from tests.routing.routing_helpers import article, decision


def routes_of(folder: Path, text: str) -> Routes:
    (folder / "routes.yaml").write_text("version: 1\n" + text, encoding="utf-8")
    return load_routes([folder / "routes.yaml"])


def condition(folder: Path, match: str) -> Match:
    return routes_of(folder, f"routes:\n  - id: r\n    match: {match}\n").routes[0].match


# The size of the story so far


@pytest.mark.parametrize(
    ("sizes", "takes", "words"),
    [
        ("{min: 3}", {3, 4, 99}, "story of 3 or more"),
        ("{max: 2}", {None, 1, 2}, "story of 1 to 2"),
        ("{min: 2, max: 3}", {2, 3}, "story of 2 to 3"),
    ],
)
def test_the_size_of_the_story(tmp_path: Path, sizes: str, takes: set[int | None], words: str) -> None:
    match = condition(tmp_path, f"{{story_size: {sizes}}}")
    assert {size for size in (None, 1, 2, 3, 4, 99) if article_meets(match, article(story_size=size))} == takes
    assert describe(match) == words


def test_a_story_that_shrinks_still_ends_for_whom_it_reached() -> None:
    match = Match(story_min=2)
    assert article_meets(match, article(story_size=1, action=Action.WITHDRAW))
    assert objections(match, facts(article(story_size=1))) == ("story of 1 article so far, not 2 or more",)


def test_a_story_cannot_be_larger_than_it_may_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"routes\.yaml:4: routes\[0\]\.match\.story_size: .*min up to max"):
        condition(tmp_path, "{story_size: {min: 3, max: 2}}")


@pytest.mark.parametrize("match", ["{story_size: {min: 2}}", "{rule: {any: [порт]}}"])
def test_what_a_withdrawal_cannot_tell_is_left_to_a_desk(tmp_path: Path, match: str) -> None:
    routes = routes_of(tmp_path, f"subscriptions: [{{id: s, match: {match}, alert: {{to: [x]}}}}]\n")
    about = article(story_size=1, title="Хлеб")
    assert not routes.subscriptions[0].told_at_once
    for outcome in (Outcome.ADDED, Outcome.WITHDRAWN):
        assert routes.route(about, decision(about, outcome)).alerts == ()


# Free rules


def test_a_free_rule_speaks_the_language_of_topic_rules(tmp_path: Path) -> None:
    match = condition(tmp_path, "{rule: {all: [{any: [порт~, harbour, ميناء]}], none: [football]}}")
    assert article_meets(match, article())
    assert article_meets(match, article(title="Работы в порту", language="ru"))
    assert article_meets(match, article(title="افتتاح الميناء", language="ar"))
    assert not article_meets(match, article(title="Harbour football cup", language="en"))
    assert not article_meets(match, article(title="Хлеб", language="ru"))
    assert "ميناء" in describe(match)
    (objection,) = objections(match, facts(article(title="Хлеб")))
    assert objection.startswith("the text does not meet the rule")


def test_a_free_rule_may_refer_to_shipped_rules_and_score(tmp_path: Path) -> None:
    match = condition(tmp_path, "{rule: {terms: !ref syria, threshold: 6}}")
    twice = article(title="Syria and Syria", body="…", language="en")
    assert article_meets(match, twice)
    assert not article_meets(match, replace(twice, title="Syria"))


def test_rules_that_mean_the_same_are_one_and_many_are_found_in_one_pass(tmp_path: Path) -> None:
    routes = routes_of(
        tmp_path,
        "routes:\n"
        "  - {id: a, match: {rule: {any: [порт]}}, feeds: [one]}\n"
        "  - {id: b, match: {rule: {any: [порт]}}, feeds: [two]}\n"
        "subscriptions:\n"
        "  - {id: c, match: {rule: {any: [хлеб]}}, feed: true}\n",
    )
    first, second = (route.match.rule for route in routes.routes)
    assert first == second
    about = article()
    assert routes.route(about, decision(about)).feeds == ("one", "two")


@pytest.mark.parametrize(
    ("rule", "line", "words"),
    [
        ("{any: []}", 5, "routes[0].match.rule.any: an empty list"),
        ("{none: [x]}", 5, "nothing here can match"),
        ("{any: [x], id: mine}", 5, "routes[0].match.rule.id: unknown 'id'; accepted: all, any, include"),
        ("{any: [!ref syira]}", 5, "!ref syira: no such rule"),
        ("{near: [a, b], within: many}", 5, "rule.within: 'many' is not accepted"),
        ("text", 5, "'text' is a text; accepted: a mapping"),
        ("{}", 5, "is empty; accepted: at least 1"),
    ],
)
def test_errors_in_free_rules_point_into_the_file(tmp_path: Path, rule: str, line: int, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        routes_of(tmp_path, f"routes:\n  - id: r\n    match:\n      rule: {rule}\n")
    assert words in str(caught.value).replace("should be non-empty", "is empty; accepted: at least 1")
    assert caught.value.line == line
    assert caught.value.file.endswith("routes.yaml")


# Hours


def at(text: str) -> Article:
    return article(first_seen=datetime.fromisoformat(text).astimezone(UTC))


@pytest.mark.parametrize(
    ("schedule", "inside", "outside"),
    [
        ("{zone: Asia/Dubai, from: '08:00', until: '18:00', days: [mon]}", "2026-03-02T04:00Z", "2026-03-02T14:00Z"),
        ("{zone: Asia/Dubai, from: '22:00', until: '06:00', days: [fri]}", "2026-03-07T01:59Z", "2026-03-07T02:00Z"),
        ("{zone: Europe/Berlin, days: [sat, sun]}", "2026-02-27T23:00Z", "2026-02-27T22:59Z"),
        # The clocks go from 2 to 3: half past two comes an hour after half past one, when they show half past three.
        ("{zone: Europe/Berlin, from: '02:30', until: '04:30'}", "2026-03-29T01:30Z", "2026-03-29T01:29Z"),
        ("[{zone: UTC, from: 8:00, until: 9:00}, {zone: UTC, from: 20:00, until: 21:00}]", "2026-03-02T20:59Z", "2026-03-02T12:00Z"),
    ],
)  # fmt: skip
def test_a_schedule_asks_when_the_article_was_first_seen(
    tmp_path: Path, schedule: str, inside: str, outside: str
) -> None:
    routes = routes_of(tmp_path, f"routes:\n  - {{id: r, feeds: [x], schedule: {schedule}}}\n")
    for seen, feeds in ((inside, ("x",)), (outside, ())):
        about = at(seen)
        assert routes.route(about, decision(about)).feeds == feeds


def test_why_an_article_is_outside_the_hours_is_said() -> None:
    match = Match(schedule=(DailyHours("Asia/Dubai", time(8), time(18), frozenset({0, 1})),))
    (words,) = objections(match, facts(at("2026-03-01T12:00Z")))
    assert words == "first seen sun 16:00 Asia/Dubai, outside mon, tue 08:00-18:00 Asia/Dubai"
    assert describe(match) == "first seen mon, tue 08:00-18:00 Asia/Dubai"


@pytest.mark.parametrize(
    ("schedule", "words"),
    [
        ("{zone: Asia/Dubay}", "there is no time zone 'Asia/Dubay'; did you mean 'Asia/Dubai'"),
        ("[{zone: UTC}, {zone: Mars}]", "subscriptions[0].schedule[1].zone: there is no time zone 'Mars'"),
        ("{from: '08:00'}", "'zone' is missing; required: zone"),
        ("{zone: UTC, until: '24:00'}", "a time of day, as `07:30`"),
        ("{zone: UTC, days: [monday]}", "accepted: mon, tue"),
        ("[]", "is empty; accepted: at least 1"),
        ("always", "'always' is a text; accepted: a mapping"),
    ],
)
def test_errors_in_schedules(tmp_path: Path, schedule: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        routes_of(tmp_path, f"subscriptions:\n  - id: s\n    schedule: {schedule}\n")
    assert words in str(caught.value)
    assert caught.value.line == 4


MINUTES = st.integers(0, 1439).map(lambda number: time(number // 60, number % 60))


@pytest.mark.property
@given(
    start=MINUTES,
    end=MINUTES,
    days=st.frozensets(st.integers(0, 6)),
    seen=st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)),  # noqa: DTZ001
    zone=st.sampled_from(["UTC", "Asia/Dubai", "Asia/Kathmandu"]),
)
def test_hours_agree_with_the_wall_clock(
    start: time, end: time, days: frozenset[int], seen: datetime, zone: str
) -> None:
    """In zones whose clocks never change, as a calendar on the wall would tell."""
    from zoneinfo import ZoneInfo

    wall = seen.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    clock, today, before = wall.time(), wall.weekday(), (wall.weekday() - 1) % 7
    allowed = days or frozenset(range(7))
    over_midnight = end <= start
    expected = (today in allowed and start <= clock and (over_midnight or clock < end)) or (
        over_midnight and before in allowed and clock < end
    )
    match = Match(schedule=(DailyHours(zone, start, end, days),))
    assert article_meets(match, article(first_seen=seen.replace(tzinfo=UTC))) == expected


# Feeds of single subscribers


def test_a_subscriber_s_feed_gets_later_versions_and_the_end_also_when_they_no_longer_match() -> None:
    routes = Routes(subscriptions=(Subscription("desk", Match(topics_any=frozenset({"syria"})), feed=True),))
    before, after = article("syria"), article("iran")
    assert routes.route(before, decision(before)).feeds == ("subscriber.desk",)
    for outcome in (Outcome.REPLACED, Outcome.WITHDRAWN):
        assert routes.route(after, decision(after, outcome, ["subscriber.desk"])).feeds == ("subscriber.desk",)
        assert routes.route(after, decision(after, outcome)).feeds == ()


@pytest.mark.parametrize("left", [(), (Subscription("desk"),)])
def test_a_subscription_that_is_gone_or_wants_no_feed_gets_nothing_more(left: tuple[Subscription, ...]) -> None:
    routes, about = Routes((Route("t", every_topic=True),), left), article("syria")
    had = ["syria", "subscriber.desk"]
    assert routes.route(about, decision(about, Outcome.REPLACED, had)).feeds == ("syria",)
    assert routes.route(about, decision(about, Outcome.WITHDRAWN, had)).feeds == ("syria",)


def test_the_feed_of_a_subscriber_is_no_topic_of_a_withdrawn_article() -> None:
    asks = Subscription("s", Match(tagged=False), alert_to=("hook",))
    routes = Routes(subscriptions=(asks, Subscription("desk", feed=True)))
    about = article()
    withdrawn = routes.route(about, decision(about, Outcome.WITHDRAWN, ["subscriber.desk"]))
    assert [alert.subscription for alert in withdrawn.alerts] == ["s"]


@given(st.from_regex(r"[a-z0-9]+(-[a-z0-9]+)*", fullmatch=True).filter(lambda text: len(text) < 200))
def test_feeds_and_their_kafka_topics(name: str) -> None:
    own = subscriber_feed(name)
    assert feed_topic(own) == f"news.subscriber.{name}.v1"
    assert (feed_of(feed_topic(own)), feed_of(feed_topic(name))) == (own, name)
    assert (subscription_of(own), subscription_of(name)) == (name, None)


@pytest.mark.parametrize("feed", ["subscriber.", "subscriber.a.b", "subscriber.A", "subscriber.-a", "a.b"])
def test_feeds_that_are_none(feed: str) -> None:
    with pytest.raises(ValueError, match="accepted"):
        feed_topic(feed)


# The debug feed


def test_the_debug_feed_says_who_got_an_article_and_why_not(tmp_path: Path) -> None:
    routes = routes_of(
        tmp_path,
        "routes: [{id: topics, match: {tagged: true}, feeds: topics, stores: [archive]}]\n"
        "subscriptions:\n"
        "  - {id: desk, match: {languages: [ar]}, feed: true}\n"
        "  - {id: all, alert: {to: [hook]}}\n"
        "debug: {match: {topics: {any: [syria]}}}\n",
    )
    about = article("syria", story="s", story_size=2)
    decided = decision(about)
    assert routes.debugs(about)
    assert not routes.debugs(article("iran"))
    value = encode_debug(about, decided, routes.route(about, decided), routes.explain(about, decided))
    members = orjson.loads(value)
    assert list(violations("debug", members)) == []
    assert (members["feeds"], members["stores"]) == (["syria"], ["archive"])
    assert members["alerts"] == [{"subscription": "all", "to": ["hook"]}]
    assert members["verdicts"][1] == {
        "kind": "subscription",
        "id": "desk",
        "taken": False,
        "reasons": ["language ru, not ar"],
    }


def test_debug_is_off_unless_asked_for_and_is_asked_for_once(tmp_path: Path) -> None:
    assert not load_routes().debugs(article("syria"))
    (tmp_path / "one.yaml").write_text("version: 1\ndebug: {}\n")
    (tmp_path / "two.yaml").write_text("version: 1\ndebug: {match: {topics: {any: [syira]}}}\n")
    assert load_routes([tmp_path / "one.yaml"]).debugs(article())
    with pytest.raises(ConfigError, match=r"two\.yaml:2: debug: the debug feed is already asked for in .*one\.yaml"):
        load_routes([tmp_path / "one.yaml", tmp_path / "two.yaml"])
    with pytest.raises(ConfigError, match="did you mean 'syria'"):
        load_routes([tmp_path / "two.yaml"], topics={"syria"})


def test_samples_keep_the_versions_of_an_article_together() -> None:
    match = Match(one_in=7)
    for number in range(50):
        first = article(id=f"{number:032x}")
        later = replace(first, version=2, title="Other words", action=Action.REPLACE, topics=())
        assert article_meets(match, first) == article_meets(match, later)


def test_a_schedule_and_a_policy_go_together(tmp_path: Path) -> None:
    (subscription,) = routes_of(
        tmp_path, "subscriptions: [{id: s, schedule: {zone: UTC, days: [mon]}, alert: {to: [x], cool_down: 15m}}]\n"
    ).subscriptions
    assert subscription.policy == Policy()
    assert subscription.match.schedule == (DailyHours("UTC", time(), time(), frozenset({0})),)
