"""The tables of alert desks: states of stories and subscribers, and the alerts they raise. Within a transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

import orjson

from newsflow.alerts.state import (
    StoryState,
    SubscriberState,
    story_from_json,
    story_to_json,
    subscriber_from_json,
    subscriber_to_json,
)
from newsflow.ledger.database import Database
from newsflow.ledger.times import to_micros
from newsflow.model import PendingAlert


class DeskTables:
    """What `Ledger.at_desks` hands to its work. Use it only there."""

    def __init__(self, db: Database, now_micros: int) -> None:
        self._db, self._now = db, now_micros

    def subscriber(self, subscription: str) -> SubscriberState:
        """What is remembered of a subscription; an empty state when it is new."""
        rows = self._db.query("SELECT state FROM alert_subscriber WHERE subscription = ?", [subscription])
        return subscriber_from_json(orjson.loads(rows[0][0])) if rows else SubscriberState()

    def stories(self, subscription: str, names: Iterable[str]) -> dict[str, StoryState]:
        """What is remembered of stories, by name; an empty state for those that are new."""
        wanted = list(dict.fromkeys(names))
        sql = "SELECT story, state FROM alert_story WHERE subscription = ? AND story {in_texts}"
        rows = self._db.query(sql, [subscription, self._db.list_of(wanted)]) if wanted else []
        found: dict[str, str] = dict(rows)
        return {name: story_from_json(orjson.loads(found[name])) if name in found else StoryState() for name in wanted}

    def keep(self, subscription: str, stories: dict[str, StoryState], subscriber: SubscriberState) -> None:
        """Store what is to be remembered."""
        sql = (
            "INSERT INTO alert_story (subscription, story, changed_at, state) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (subscription, story) DO UPDATE SET changed_at = excluded.changed_at, state = excluded.state"
        )
        rows = [
            (subscription, name, self._now, orjson.dumps(story_to_json(stories[name])).decode())
            for name in sorted(stories)
        ]
        self._db.execute_many(sql, rows)
        due = min((held.until for held in subscriber.held.values()), default=None)
        self._db.execute(
            "INSERT INTO alert_subscriber (subscription, next_tick_at, state) VALUES (?, ?, ?) "
            "ON CONFLICT (subscription) DO UPDATE SET next_tick_at = excluded.next_tick_at, state = excluded.state",
            [
                subscription,
                None if due is None else to_micros(due),
                orjson.dumps(subscriber_to_json(subscriber)).decode(),
            ],
        )

    def due(self) -> list[str]:
        """Subscriptions that have a story whose wait is over."""
        sql = "SELECT subscription FROM alert_subscriber WHERE next_tick_at <= ? ORDER BY next_tick_at, subscription"
        return [row[0] for row in self._db.query(sql, [self._now])]

    def raise_alerts(self, alerts: Sequence[PendingAlert]) -> int:
        """Put alerts into the outbox, in order; how many were new. One whose id is there already is passed over."""
        new = 0
        for alert in alerts:
            inserted = self._db.execute(
                "INSERT INTO alert (id, subscription, event_id, article_id, version, created_at, destinations, value) "
                "VALUES (?, ?, '', '', 0, ?, ?, ?) ON CONFLICT (id) DO NOTHING",
                [alert.id, alert.subscription, self._now, orjson.dumps(alert.destinations).decode(), alert.value],
            )
            if not inserted:
                continue
            new += 1
            for destination in dict.fromkeys(alert.destinations):
                self._deliver(alert, destination)
        return new

    def _deliver(self, alert: PendingAlert, destination: str) -> None:
        """One delivery, behind all that waits in its line, whatever the clock says."""
        last = "SELECT MAX(created_at) FROM delivery WHERE destination = ? AND subscription = ? AND state = 'pending'"
        ((behind,),) = self._db.query(last, [destination, alert.subscription])
        self._db.execute(
            "INSERT INTO delivery (alert_id, destination, subscription, created_at, state, attempts, due_at) "
            "VALUES (?, ?, ?, ?, 'pending', 0, ?) ON CONFLICT DO NOTHING",
            [alert.id, destination, alert.subscription, max(self._now, (behind or 0) + 1), self._now],
        )

    def forget_before(self, time: datetime) -> int:
        """Forget stories that did not change since then; how many. Those that wait are changed when let out."""
        return self._db.execute("DELETE FROM alert_story WHERE changed_at < ?", [to_micros(time)])
