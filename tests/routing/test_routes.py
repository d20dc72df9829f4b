"""Where articles go."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.alerts.values import Policy, decode_alert
from newsflow.model import Decision, Outcome
from newsflow.routing import Match, Route, Routes, Subscription, load_routes
from newsflow.routing.values import facts, in_sample, meets, objections
from tests.routing.routing_helpers import NOON, article, decision, topic

WATCH = Subscription(
    "syria-russia",
    Match(topics_all=frozenset({"syria", "russia"})),
    alert_to=("webhook",),
)
SHIPPED = load_routes()
WATCHED = replace(SHIPPED, subscriptions=(WATCH,))


def test_nobody_is_alerted_whom_no_file_names() -> None:
    assert SHIPPED.subscriptions == ()


def test_an_article_goes_to_each_of_its_topics_and_raises_one_alert() -> None:
    about = article(topic("syria", text="Сирия"), topic("russia", text="Россия"))
    routed = WATCHED.route(about, decision(about))
    assert routed.feeds == ("syria", "russia")
    assert routed.stores == ("articles",)
    assert [(alert.subscription, alert.destinations) for alert in routed.alerts] == [("syria-russia", ("webhook",))]
    why = decode_alert(routed.alerts[0].value)["why"]
    assert why["rule"] == "topics all of russia, syria"
    assert {(span["topic"], span["text"]) for span in why["spans"]} == {("syria", "Сирия"), ("russia", "Россия")}
    assert [verdict.id for verdict in routed.why] == ["topic-feeds", "archive", "syria-russia"]


def test_an_untagged_article_is_stored_and_goes_to_no_feed() -> None:
    about = article()
    routed = WATCHED.route(about, decision(about))
    assert (routed.feeds, routed.stores, routed.alerts) == ((), ("articles",), ())


def test_a_new_version_also_goes_where_an_earlier_one_went() -> None:
    about = article("russia")
    routed = WATCHED.route(about, decision(about, Outcome.REPLACED, feeds=["syria", "russia"]))
    assert routed.feeds == ("russia", "syria")


def test_a_withdrawal_goes_to_the_feeds_that_had_the_article_and_to_no_other() -> None:
    about = article("ukraine")
    routed = WATCHED.route(about, decision(about, Outcome.WITHDRAWN, feeds=["syria", "russia"]))
    assert routed.feeds == ("syria", "russia")
    assert decode_alert(routed.alerts[0].value)["step"] == "withdrawn"


@pytest.mark.parametrize("outcome", [Outcome.REPEAT, Outcome.STALE, Outcome.DUPLICATE, Outcome.DEAD_LETTERED])
def test_what_was_not_accepted_goes_nowhere(outcome: Outcome) -> None:
    about = article("syria", "russia")
    routed = WATCHED.route(about, decision(about, outcome, feeds=["syria"]))
    assert (routed.feeds, routed.stores, routed.alerts) == ((), (), ())


def test_copies_reach_only_the_feed_that_asks_for_them() -> None:
    routes = Routes(
        subscriptions=(
            Subscription("all", feed=True, copies=True, alert_to=("desk",)),
            Subscription("clean", feed=True),
        )
    )
    about = article("syria")
    assert routes.route(about, decision(about)).feeds == ("subscriber.all", "subscriber.clean")
    copy = routes.route(about, decision(about, Outcome.DUPLICATE))
    assert (copy.alerts, copy.feeds) == ((), ("subscriber.all",))


def test_a_route_that_stops_hides_the_article_from_later_ones() -> None:
    first = Route("own", Match(sources=("river-*",)), feeds=("own",), stop=True)
    routes = Routes((first, Route("rest", feeds=("rest",))))
    here, there = article("syria"), article("syria", source="hill-times")
    assert routes.route(here, decision(here)).feeds == ("own",)
    assert routes.route(there, decision(there)).feeds == ("rest",)
    passed = routes.explain(here, decision(here))[1]
    assert (passed.taken, passed.reasons) == (False, ("route own took it and stops",))


def test_alert_ids_come_from_subscription_story_and_step() -> None:
    one = article("syria", "russia", story="s1")
    other = replace(one, id="b" * 32, source="hill-times", title="Other words")
    lonely = replace(one, story=None)

    def ids(about: object) -> list[str]:
        assert isinstance(about, type(one))
        return [alert.id for alert in WATCHED.route(about, decision(about)).alerts]

    assert ids(one) == ids(other)
    assert ids(one) != ids(lonely)
    again = [alert.value for alert in WATCHED.route(one, decision(one)).alerts]
    assert again == [alert.value for alert in WATCHED.route(one, decision(one)).alerts]


@pytest.mark.parametrize(
    ("match", "objection"),
    [
        (Match(tagged=True), None),
        (Match(tagged=False), "tagged: has russia, syria"),
        (Match(topics_all=frozenset({"syria", "russia"})), None),
        (Match(topics_all=frozenset({"syria", "iran"})), "has russia, syria, lacks iran"),
        (Match(topics_any=frozenset({"iran", "syria"})), None),
        (Match(topics_any=frozenset({"iran"})), "has russia, syria, none of iran"),
        (Match(topics_none=frozenset({"russia"})), "has russia, which is left out"),
        (Match(topics_any=frozenset({"russia"}), min_score=0.9), "has syria at 0.9, none of russia"),
        (Match(languages=("ar",)), None),
        (Match(languages=("AR-eg",)), None),
        (Match(languages=("a", "en")), "language ar-EG, not a, en"),
        (Match(sources=("river-*", "x")), None),
        (Match(sources=("River-*",)), "source river-post, not River-*"),
        (Match(not_sources=("river-post",)), "source river-post is left out"),
    ],
)
def test_conditions(match: Match, objection: str | None) -> None:
    seen = facts(article(topic("syria", 1.0), topic("russia", 0.5), language="ar-EG"))
    assert meets(match, seen) == (objection is None)
    assert objections(match, seen) == (() if objection is None else (objection,))


def test_every_objection_is_named() -> None:
    seen = facts(article())
    match = Match(topics_any=frozenset({"iran"}), languages=("en",), sources=("x",))
    assert len(objections(match, seen)) == 3


def test_a_sample_takes_its_share_and_always_the_same() -> None:
    taken = [number for number in range(10_000) if in_sample(f"{number:032x}", 10)]
    assert 850 < len(taken) < 1150
    assert taken == [number for number in range(10_000) if in_sample(f"{number:032x}", 10)]


def test_whoever_has_a_policy_is_left_to_the_desks() -> None:
    about = article("syria")
    plain, calm = (
        Subscription("plain", alert_to=("x",)),
        Subscription("calm", alert_to=("x",), policy=Policy(sources=2)),
    )
    alerts = Routes(subscriptions=(plain, calm)).route(about, decision(about)).alerts
    assert [alert.subscription for alert in alerts] == ["plain"]


NAMES = st.sampled_from(["syria", "russia", "iran", "ukraine"])
SETS = st.frozensets(NAMES, max_size=3)
MATCHES = st.builds(
    Match,
    tagged=st.sampled_from([None, True, False]),
    topics_any=SETS,
    topics_all=SETS,
    topics_none=SETS,
    min_score=st.sampled_from([0.0, 0.5, 1.0]),
    languages=st.lists(st.sampled_from(["ar", "ru", "en"]), max_size=2).map(tuple),
    one_in=st.sampled_from([1, 2]),
)


@pytest.mark.property
@given(
    matches=st.lists(MATCHES, max_size=4),
    tags=st.lists(NAMES, unique=True),
    earlier=st.lists(NAMES, unique=True),
    outcome=st.sampled_from(Outcome),
    stop=st.booleans(),
)
def test_routing_and_its_explanation_agree(
    matches: list[Match], tags: list[str], earlier: list[str], outcome: Outcome, stop: bool
) -> None:
    routes = Routes(
        tuple(Route(f"r{at}", match, every_topic=True, stop=stop) for at, match in enumerate(matches)),
        tuple(Subscription(f"s{at}", match, alert_to=("desk",)) for at, match in enumerate(matches)),
    )
    about = article(*tags, language="ru")
    decided = Decision(outcome, NOON, about, tuple(earlier))
    routed = routes.route(about, decided)
    taken = tuple(verdict for verdict in routes.explain(about, decided) if verdict.taken)
    assert taken == routed.why
    assert len(routes.explain(about, decided)) == 2 * len(matches)
    assert all(verdict.reasons for verdict in routes.explain(about, decided))
    assert len(set(routed.feeds)) == len(routed.feeds)
    if outcome in (Outcome.REPLACED, Outcome.WITHDRAWN):
        assert set(earlier) <= set(routed.feeds)
