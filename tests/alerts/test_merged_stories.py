"""A subscriber hears of a story once, also when it turns out to be another one that was told, or was not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest

from newsflow.alerts.outbox import Outbox
from newsflow.alerts.planner import AlertPlanner
from newsflow.alerts.state import StoryState, SubscriberState, WithheldAlert
from newsflow.alerts.values import Policy
from newsflow.ledger import Ledger, open_ledger
from newsflow.ledger.story_links import lead_on
from newsflow.model import Action, Article, Decision, Outcome, PublishedVersion
from newsflow.model.codec import encode_article
from newsflow.routing import Match, Routes, Subscription
from newsflow.testing import Clock
from tests.alerts.planner_helpers import MONDAY_NOON, at, gone, reported

SYRIA = Subscription("syria", Match(topics_any=frozenset({"sy"})), alert_to=("hook",))
THREE = replace(SYRIA, policy=Policy(sources=3, update_sources=2))


@pytest.fixture
def clock() -> Clock:
    return Clock(MONDAY_NOON)


@pytest.fixture
def ledger(clock: Clock) -> Iterator[Ledger]:
    opened = open_ledger("sqlite://", clock=clock)
    yield opened
    opened.close()


def merge(ledger: Ledger, ended: str, kept: str) -> None:
    ledger.transact(lambda db: lead_on(db, [(ended, kept)]))


def planner(ledger: Ledger, subscription: Subscription = SYRIA) -> AlertPlanner:
    return AlertPlanner(Routes(subscriptions=(subscription,)), ledger)


def raised(ledger: Ledger) -> list[tuple[str, str, list[str]]]:
    values = [orjson.loads(each.value) for each in Outbox(ledger).alerts()]
    return sorted((value["step"], value["story"], value["why"]["sources"]) for value in values)


# With the planner.


def test_a_story_that_was_told_goes_on_under_its_id_in_another(ledger: Ledger, clock: Clock) -> None:
    assert planner(ledger).take([reported("b", "two", story="s2")], clock()) == 1
    merge(ledger, "s2", "s1")
    assert planner(ledger).take([reported("a", story="s1"), reported("c", "three", story="s2")], clock()) == 0
    last = [gone(each) for each in (reported("b", "two", story="s1"), reported("a"), reported("c", "three"))]
    assert planner(ledger).take(last, clock()) == 1
    assert raised(ledger) == [("first", "s2", ["two"]), ("withdrawn", "s2", [])]


def test_of_two_that_were_told_the_first_goes_on(ledger: Ledger, clock: Clock) -> None:
    assert planner(ledger).take([reported("b", "two", story="s2")], clock()) == 1
    clock.move(minutes=5)
    assert planner(ledger).take([reported("a", story="s1")], clock()) == 1
    merge(ledger, "s2", "s1")
    assert planner(ledger).take([reported("c", "three", story="s1")], clock()) == 0
    held = ledger.transact(lambda db: db.query("SELECT story, state FROM alert_story"))
    assert [row[0] for row in held] == ["s1"]
    state = StoryState.from_json(held[0][1])
    assert (state.told_as, len(state.origins)) == ("s2", 3)
    assert state.last_alert is not None
    assert state.last_alert.sources == 2


def test_reports_of_both_count_together(ledger: Ledger, clock: Clock) -> None:
    asked = planner(ledger, THREE)
    assert asked.take([reported("a"), reported("b", "two", story="s2")], clock()) == 0
    merge(ledger, "s2", "s1")
    assert asked.take([reported("c", "three", story="s1")], clock()) == 1
    assert raised(ledger) == [("first", "s1", ["river-post", "three", "two"])]


def test_what_waits_of_both_goes_out_once(ledger: Ledger, clock: Clock) -> None:
    asked = planner(ledger, replace(SYRIA, policy=Policy(cap_per_hour=1)))
    assert asked.take([reported("x", story="other")], clock()) == 1
    assert asked.take([reported("a"), reported("b", "two", story="s2")], clock()) == 0
    merge(ledger, "s2", "s1")
    clock.move(hours=1, minutes=1)
    assert asked.tick(clock()) == 1
    assert ("first", "s1", ["river-post", "two"]) in raised(ledger)
    clock.move(hours=2)
    assert asked.tick(clock()) == 0


def test_the_sooner_of_two_that_wait() -> None:
    waiting = {"s1": WithheldAlert("cap", at(2)), "s2": WithheldAlert("quiet", at(1))}
    assert SubscriberState(withheld=waiting).rename("s2", "s1").withheld == {"s1": waiting["s2"]}
    assert SubscriberState(withheld=waiting).rename("s3", "s1").withheld == waiting


# Told at once.


def publish(ledger: Ledger, article: Article, former: Sequence[str] = ()) -> int:
    """Route and record an article as the job does; how many alerts that raised."""
    outcome = Outcome.WITHDRAWN if article.action is Action.WITHDRAW else Outcome.ADDED
    decision = Decision(outcome, datetime(2026, 3, 2, tzinfo=UTC), article, former_stories=tuple(former))
    routed = Routes(subscriptions=(SYRIA,)).route(article, decision)
    event = f"event of {article.id} {article.version}"
    stored = PublishedVersion(event, article.id, article.version, encode_article(article), routed.feeds, routed.alerts)
    return len(ledger.record([stored])[0].alerts)


def test_at_once_nobody_is_told_again_of_what_was_merged(ledger: Ledger) -> None:
    assert publish(ledger, reported("b", "two", story="s2")) == 1
    assert publish(ledger, reported("a", story="s1"), former=["s2"]) == 0
    assert publish(ledger, reported("c", "three", story="s3")) == 1
    assert publish(ledger, gone(reported("b", "two", story="s1")), former=["s2"]) == 1
    assert raised(ledger) == [
        ("first", "s2", ["two"]),
        ("first", "s3", ["three"]),
        ("withdrawn", "s2", ["two"]),
    ]
