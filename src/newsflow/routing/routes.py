"""Routes and subscriptions, what they make of an article, and the debug.v1 value that tells it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import orjson

from newsflow.alerts.build import article_alert, story_key
from newsflow.alerts.values import AlertStep, alert_id, encode_alert
from newsflow.model import Article, Decision, Outcome, PendingAlert
from newsflow.model.names import subscriber_feed, subscription_of
from newsflow.routing.values import (
    Facts,
    FreeRules,
    Match,
    Route,
    Routed,
    Subscription,
    Verdict,
    describe,
    facts,
    meets,
    objections,
    rules_of,
)

Taker = Route | Subscription

_ACCEPTED = frozenset({Outcome.ADDED, Outcome.REPLACED, Outcome.WITHDRAWN})


@dataclass(frozen=True)
class Routes:
    """Everything the files of routes say. Immutable and safe to share between threads."""

    routes: tuple[Route, ...] = ()
    subscriptions: tuple[Subscription, ...] = ()
    debug: Match | None = None
    """Of which articles the debug feed tells what became; None for none."""

    def __len__(self) -> int:
        return len(self.routes) + len(self.subscriptions)

    def route(self, article: Article, decision: Decision) -> Routed:
        """Where an article goes. `article` is the decision's article with its tags.

        A new version also goes to every feed that had an earlier one, of a topic or a subscriber, so that no reader
        is left with an old text; a withdrawal goes to those only. A duplicate goes to the feeds of routes and
        subscriptions that ask for copies, what else was not accepted (a repeat, …) nowhere. Alerts are raised for
        subscriptions that are told at once; those of the others are planned (`newsflow.alerts.planner`).
        """
        seen = self._facts(article, decision)
        routes, subscriptions = self._takers(seen, decision)
        return Routed(
            feeds=self.open_feeds(_feeds(routes, subscriptions, article, decision)),
            stores=_unique(store for route in routes for store in route.stores),
            alerts=tuple(_alerts(subscriptions, article, decision)),
            why=(*map(_taken, routes), *map(_taken, subscriptions)),
        )

    def explain(self, article: Article, decision: Decision) -> tuple[Verdict, ...]:
        """What every route and subscription says of an article, and why those that pass it over do."""
        seen = self._facts(article, decision)
        routes, subscriptions = self._takers(seen, decision)
        stopped_by = next((route.id for route in routes if route.stop), "")
        takers: list[Taker] = [*routes, *subscriptions]
        asked: list[Taker] = [*self.routes, *self.subscriptions]
        return tuple(
            _taken(each) if each in takers else _passed_over(each, seen, decision, stopped_by) for each in asked
        )

    def stores_of(self, article: Article) -> tuple[str, ...]:
        """The stores that keep an article, by its own topics."""
        seen = facts(article, rules=self._rules)
        return _unique(store for route in self._taking(seen) for store in route.stores)

    def published(self, topics: Collection[str]) -> frozenset[str]:
        """Those of these topics whose feeds some article may go to."""
        found: set[str] = set()
        for route in self.routes:
            match = route.match
            if route.every_topic and match.tagged is not False:
                found |= set(topics) - match.topics_none
            found |= set(topics) & set(route.feeds)
            if route.stop and match in (Match(), Match(tagged=True)):
                break  # No article with a topic goes on from here.
        return frozenset(found)

    def open_feeds(self, feeds: Iterable[str]) -> tuple[str, ...]:
        """The feeds without those of subscribers that are gone or no longer want one: their Kafka topic may be gone."""
        return _unique(feed for feed in feeds if (name := subscription_of(feed)) is None or name in self._with_feed)

    def debugs(self, article: Article) -> bool:
        """Whether the debug feed tells what became of an article."""
        return self.debug is not None and meets(self.debug, facts(article, rules=self._rules))

    @cached_property
    def _with_feed(self) -> frozenset[str]:
        return frozenset(each.id for each in self.subscriptions if each.feed)

    @cached_property
    def _rules(self) -> FreeRules | None:
        """The free rules of all conditions, so that they are looked for together."""
        conditions = [*(route.match for route in self.routes), *(each.match for each in self.subscriptions)]
        found = [match.rule.rule for match in conditions if match.rule is not None]
        return rules_of(*found) if found else None

    def _facts(self, article: Article, decision: Decision) -> Facts:
        """A withdrawal has the topics of the feeds that had the article."""
        told = decision.feeds if decision.outcome is Outcome.WITHDRAWN else ()
        return facts(article, (feed for feed in told if subscription_of(feed) is None), self._rules)

    def _takers(self, seen: Facts, decision: Decision) -> tuple[list[Route], list[Subscription]]:
        routes = [route for route in self._taking(seen) if _carries(route, decision)]
        return routes, [each for each in self.subscriptions if _open_to(each, decision) and meets(each.match, seen)]

    def _taking(self, seen: Facts) -> Iterator[Route]:
        for route in self.routes:
            if meets(route.match, seen):
                yield route
                if route.stop:
                    return


def _carries(route: Route, decision: Decision) -> bool:
    return decision.outcome in _ACCEPTED or (route.copies and decision.outcome is Outcome.DUPLICATE)


def _open_to(subscription: Subscription, decision: Decision) -> bool:
    if decision.outcome is Outcome.DUPLICATE:
        return subscription.copies and subscription.feed
    return decision.outcome in _ACCEPTED


def _feeds(
    routes: Iterable[Route], subscriptions: Iterable[Subscription], article: Article, decision: Decision
) -> tuple[str, ...]:
    if decision.outcome is Outcome.WITHDRAWN:
        return _unique(decision.feeds)
    if decision.outcome not in _ACCEPTED | {Outcome.DUPLICATE}:
        return ()
    topics = [topic.id for topic in article.topics]
    routed = [feed for route in routes for feed in (*(topics if route.every_topic else ()), *route.feeds)]
    routed += [subscriber_feed(each.id) for each in subscriptions if each.feed]
    return _unique(routed if decision.outcome is Outcome.DUPLICATE else (*routed, *decision.feeds))


def _alerts(taking: Iterable[Subscription], article: Article, decision: Decision) -> Iterator[PendingAlert]:
    if decision.outcome not in _ACCEPTED:
        return
    step = AlertStep.WITHDRAWN if decision.outcome is Outcome.WITHDRAWN else AlertStep.FIRST
    story = story_key(article)
    for subscription in taking:
        if subscription.alert_to and subscription.told_at_once:
            alert = article_alert(
                article,
                subscription=subscription.id,
                step=step,
                severity=subscription.severity,
                rule=describe(subscription.match),
                topics=subscription.match.topics,
                at=decision.event_at,
            )
            told = "" if step is AlertStep.FIRST else alert_id(subscription.id, story, AlertStep.FIRST)
            earlier = [alert_id(subscription.id, former, AlertStep.FIRST) for former in decision.former_stories]
            to, value = subscription.alert_to, encode_alert(alert)
            yield PendingAlert(alert.id, subscription.id, value, to, follows=told, told_as=tuple(earlier))


def _taken(taker: Taker) -> Verdict:
    return Verdict(taker.kind, taker.id, True, (describe(taker.match),))


def _passed_over(taker: Taker, seen: Facts, decision: Decision, stopped_by: str) -> Verdict:
    reasons = objections(taker.match, seen)
    if not reasons and stopped_by and taker.kind == "route" and decision.outcome in _ACCEPTED:
        reasons = (f"route {stopped_by} took it and stops",)
    return Verdict(taker.kind, taker.id, False, reasons or (f"outcome {decision.outcome.value} goes to no one here",))


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


def encode_debug(article: Article, decision: Decision, routed: Routed, verdicts: Iterable[Verdict]) -> bytes:
    """The debug.v1 bytes of what routing said of an article. The same answer gives the same bytes."""
    about: dict[str, Any] = {
        "id": article.id,
        "version": article.version,
        "outcome": decision.outcome.value,
        "source": article.source,
        "language": article.language,
        "title": article.title,
        "story": article.story,
        "story_size": article.story_size,
    }
    members = {name: value for name, value in about.items() if value is not None}
    return orjson.dumps(members | routed_to_json(article, routed, verdicts))


def routed_to_json(article: Article, routed: Routed, verdicts: Iterable[Verdict]) -> dict[str, Any]:
    """Where an article goes, and what every route and subscription said of it, as JSON members."""
    return {
        "topics": {topic.id: topic.score for topic in article.topics},
        "feeds": list(routed.feeds),
        "stores": list(routed.stores),
        "alerts": [{"subscription": each.subscription, "to": list(each.destinations)} for each in routed.alerts],
        "verdicts": [
            {"kind": each.kind, "id": each.id, "taken": each.taken, "reasons": list(each.reasons)} for each in verdicts
        ],
    }
