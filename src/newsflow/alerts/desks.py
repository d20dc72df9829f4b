"""Runs the alert desks of all subscriptions over the ledger: articles in, alerts into the outbox."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from newsflow.alerts import Alert, Desk, encode_alert, story_name
from newsflow.ledger import Ledger
from newsflow.ledger.alerts import DeskTables
from newsflow.model import Action, Article, PendingAlert
from newsflow.routing import Routes, Subscription, article_meets, describe

REMEMBERED = timedelta(days=30)
"""Stories nobody wrote about for so long are forgotten."""


class AlertDesks:
    """The desks of every subscription that asks for alerts. Call from one thread at a time; processes may share a
    ledger. All that is remembered lies in the ledger, so the same articles again raise nothing again."""

    def __init__(self, routes: Routes, ledger: Ledger) -> None:
        self._ledger = ledger
        self._subscriptions = {each.id: each for each in routes.subscriptions if each.alert_to}
        self._desks = {name: desk_of(each) for name, each in self._subscriptions.items()}

    def take(self, articles: Sequence[Article], now: datetime) -> int:
        """Take in article versions, in order, in one transaction; how many alerts that raised.

        Raises `LedgerError`: then nothing of them was taken in, and all of them may be given again.
        """
        if not articles or not self._desks:
            return 0
        return self._ledger.at_desks(lambda tables: self._take(tables, articles, now))

    def tick(self, now: datetime) -> int:
        """Let out what has waited long enough; how many alerts that raised."""
        return self._ledger.at_desks(lambda tables: self._tick(tables, now))

    def mute(self, subscription: str, until: datetime | None) -> None:
        """Hold all alerts of a subscription until then; None ends a mute, and what is held goes out soon."""

        def work(tables: DeskTables) -> None:
            state = tables.subscriber(subscription)
            tables.keep(subscription, {}, state.mute(until))

        self._ledger.at_desks(work)

    def _take(self, tables: DeskTables, articles: Sequence[Article], now: datetime) -> int:
        raised: list[PendingAlert] = []
        for name, desk in self._desks.items():
            concerned = [each for each in articles if self._may_concern(name, each)]
            if not concerned:
                continue
            stories = tables.stories(name, map(story_name, concerned))
            subscriber, alerts, changed = tables.subscriber(name), list[Alert](), set[str]()
            for article in concerned:
                story = stories[story_name(article)]
                if not article_meets(self._subscriptions[name].match, article) and article.id not in story.members:
                    continue
                stories[story_name(article)], subscriber, new = desk.article(story, subscriber, article, now)
                changed.add(story_name(article))
                alerts += new
            if changed:
                tables.keep(name, {each: stories[each] for each in changed}, subscriber)
            raised += self._pending(name, alerts)
        return tables.raise_alerts(raised)

    def _may_concern(self, name: str, article: Article) -> bool:
        """A first version concerns whom it matches; a later one may end what an earlier one began."""
        later = article.action is not Action.ADD
        return later or article_meets(self._subscriptions[name].match, article)

    def _tick(self, tables: DeskTables, now: datetime) -> int:
        raised: list[PendingAlert] = []
        for name in tables.due():
            desk = self._desks.get(name)
            if desk is None:
                continue  # the subscription is gone from the files, and may come back
            subscriber = tables.subscriber(name)
            changed, subscriber, alerts = desk.tick(tables.stories(name, subscriber.held), subscriber, now)
            tables.keep(name, changed, subscriber)
            raised += self._pending(name, alerts)
        tables.forget_before(now - REMEMBERED)
        return tables.raise_alerts(raised)

    def _pending(self, name: str, alerts: Iterable[Alert]) -> list[PendingAlert]:
        to = self._subscriptions[name].alert_to
        return [PendingAlert(alert.id, name, encode_alert(alert), to) for alert in alerts]


def desk_of(subscription: Subscription) -> Desk:
    """Return the desk of one subscription."""
    match = subscription.match
    return Desk(subscription.id, describe(match), subscription.severity, subscription.policy, match.topics)
