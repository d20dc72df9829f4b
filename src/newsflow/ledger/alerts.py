"""Alerts that wait to be sent: each delivery is a row, and is handed to one sender at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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
from newsflow.ledger.database import Database, Row, from_micros, storable, to_micros
from newsflow.model import PendingAlert

# Deliveries of the same line (subscription and destination) as `d` that were raised before it.
_BEFORE = (
    "SELECT 1 FROM delivery e WHERE e.state = 'pending' AND e.destination = d.destination "
    "AND e.subscription = d.subscription AND e.created_at < d.created_at"
)


@dataclass(frozen=True, slots=True)
class PendingDelivery:
    """One alert for one destination. `value` is the alert.v1 bytes, `attempts` how often it failed."""

    id: str
    subscription: str
    destination: str
    value: bytes
    attempts: int


def lease_deliveries(
    db: Database, limit: int, now_micros: int, lease_micros: int, destination: str | None = None
) -> list[PendingDelivery]:
    """Up to `limit` deliveries that are due, in the order they were raised; nobody else is given them until the
    lease ends. While a delivery waits or is leased, those of the same subscription and destination after it wait.

    A sender that dies loses its lease, so its deliveries come again: a receiver drops repeats by the alert's id.
    """
    # Without the lock one process could take the head of a line and another, at the same moment, what stands behind.
    db.lock(["outbox"])
    due = (
        "SELECT alert_id, destination FROM delivery d WHERE state = 'pending' AND due_at <= ?"
        + ("" if destination is None else " AND destination = ?")
        + f" AND NOT EXISTS ({_BEFORE} AND e.due_at > ?) ORDER BY created_at, alert_id LIMIT ?"
    )
    chosen = [] if destination is None else [destination]
    places = db.query(due, [now_micros, *chosen, now_micros, limit])
    claim = "UPDATE delivery SET due_at = ? WHERE alert_id = ? AND destination = ? AND state = 'pending'"
    db.execute_many(claim, [(now_micros + lease_micros, *place) for place in places])
    return [delivery for place in places for delivery in _load(db, place)]


def release_deliveries(db: Database, places: Sequence[tuple[str, str]], now_micros: int) -> None:
    """Give back what was leased and not tried: alert id and destination of each."""
    sql = "UPDATE delivery SET due_at = ? WHERE alert_id = ? AND destination = ? AND state = 'pending'"
    db.execute_many(sql, [(now_micros, *place) for place in places])


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one destination. `next_due_micros`: when the first of them may be tried (again).

    `failed_tries`: how often what waits was tried in vain; `error`: what the destination said to the oldest of them.
    """

    destination: str
    deliveries: int
    oldest_micros: int
    next_due_micros: int
    failed_tries: int = 0
    error: str | None = None


def backlog(db: Database) -> list[Backlog]:
    """What waits, by destination. Only the head of each line says when it is due."""
    sql = (
        "SELECT destination, COUNT(*), MIN(created_at), SUM(attempts) FROM delivery WHERE state = 'pending' "
        "GROUP BY destination"
    )
    heads = (
        "SELECT destination, MIN(due_at) FROM delivery d WHERE state = 'pending' "
        f"AND NOT EXISTS ({_BEFORE}) GROUP BY destination"
    )
    due = {destination: int(micros) for destination, micros in db.query(heads)}
    return [
        Backlog(name, int(count), int(oldest), due[name], int(tries), _first_error(db, name) if tries else None)
        for name, count, oldest, tries in sorted(db.query(sql))
    ]


def _first_error(db: Database, destination: str) -> str | None:
    sql = (
        "SELECT error FROM delivery WHERE destination = ? AND state = 'pending' AND error IS NOT NULL "
        "ORDER BY created_at LIMIT 1"
    )
    rows = db.query(sql, [destination])
    return rows[0][0] if rows else None


def _load(db: Database, place: Sequence[str]) -> list[PendingDelivery]:
    sql = (
        "SELECT alert.id, alert.subscription, destination, value, attempts FROM delivery "
        "JOIN alert ON alert.id = delivery.alert_id WHERE alert_id = ? AND destination = ?"
    )
    return [PendingDelivery(row[0], row[1], row[2], bytes(row[3]), row[4]) for row in db.query(sql, place)]


def mark_sent(db: Database, alert_id: str, destination: str, at_micros: int) -> None:
    """The destination has it."""
    sql = "UPDATE delivery SET state = 'sent', sent_at = ?, error = NULL WHERE alert_id = ? AND destination = ?"
    db.execute(f"{sql} AND state <> 'sent'", [at_micros, alert_id, destination])


def mark_failed(db: Database, alert_id: str, destination: str, error: str, retry_at_micros: int | None) -> None:
    """The destination did not take it: due again at `retry_at_micros`, or given up when that is None."""
    state = "pending" if retry_at_micros is not None else "failed"
    sql = (
        "UPDATE delivery SET state = ?, attempts = attempts + 1, error = ?, due_at = COALESCE(?, due_at) "
        "WHERE alert_id = ? AND destination = ? AND state = 'pending'"
    )
    db.execute(sql, [state, storable(error), retry_at_micros, alert_id, destination])


# Alerts that were raised, and what became of them at each destination: for people who ask, and to send again.


@dataclass(frozen=True, slots=True)
class Delivery:
    """One destination of an alert. `state`: pending, sent or failed. `due_at` counts while it is pending."""

    destination: str
    state: str
    attempts: int
    due_at: datetime
    sent_at: datetime | None
    error: str | None


@dataclass(frozen=True, slots=True)
class LoggedAlert:
    """One alert: its alert.v1 bytes, when it was raised, and its destinations by name."""

    id: str
    subscription: str
    created_at: datetime
    value: bytes
    deliveries: tuple[Delivery, ...]


def alerts_page(
    db: Database, limit: int, subscription: str | None = None, state: str | None = None
) -> list[LoggedAlert]:
    """The newest alerts first, of all subscriptions or one; with `state`, those with a delivery in it."""
    conditions = ["1 = 1"]
    parameters: list[object] = []
    if subscription is not None:
        conditions.append("subscription = ?")
        parameters.append(subscription)
    if state is not None:
        conditions.append("EXISTS (SELECT 1 FROM delivery WHERE alert_id = alert.id AND state = ?)")
        parameters.append(state)
    sql = (
        f"SELECT id, subscription, created_at, value FROM alert WHERE {' AND '.join(conditions)} "
        "ORDER BY created_at DESC, id LIMIT ?"
    )
    return [_logged(db, row) for row in db.query(sql, [*parameters, limit])]


def find_alerts(db: Database, prefix: str, limit: int = 10) -> list[LoggedAlert]:
    """Alerts whose id begins with a prefix; the prefix is of letters and digits."""
    sql = "SELECT id, subscription, created_at, value FROM alert WHERE id >= ? AND id < ? ORDER BY id LIMIT ?"
    return [_logged(db, row) for row in db.query(sql, [prefix, prefix + "~", limit])]


def send_again(db: Database, alert_id: str, destination: str | None, now_micros: int) -> int:
    """Make deliveries pending, whatever became of them, behind what waits already; how many."""
    sql = (
        "UPDATE delivery SET state = 'pending', attempts = 0, due_at = ?, created_at = ?, sent_at = NULL, error = NULL "
        "WHERE alert_id = ?" + ("" if destination is None else " AND destination = ?")
    )
    chosen = [] if destination is None else [destination]
    return db.execute(sql, [now_micros, now_micros, alert_id, *chosen])


def _logged(db: Database, row: Row) -> LoggedAlert:
    alert_id, subscription, created_at, value = row
    sql = (
        "SELECT destination, state, attempts, due_at, sent_at, error FROM delivery WHERE alert_id = ? "
        "ORDER BY destination"
    )
    deliveries = tuple(
        Delivery(name, state, attempts, from_micros(due), None if sent is None else from_micros(sent), error)
        for name, state, attempts, due, sent, error in db.query(sql, [alert_id])
    )
    return LoggedAlert(alert_id, subscription, from_micros(created_at), bytes(value), deliveries)


# The tables of alert desks: states of stories and subscribers, and the alerts they raise. Within a transaction.


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
