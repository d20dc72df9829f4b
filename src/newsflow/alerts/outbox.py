"""The outbox: alerts and their deliveries, in the tables `alert` and `delivery` of the ledger.

A delivery is one alert for one destination, and is handed to one sender at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson

from newsflow.ledger import Ledger
from newsflow.ledger.database import Database, from_micros, storable, storable_or_none, to_micros
from newsflow.ledger.records import SEND_WHAT_WAS_OLD, TAKE_PLACE_OF_OLD, state_of
from newsflow.model import PendingAlert

OPEN_AFTER = 5
"""Failures in a row after which a destination's circuit opens."""

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


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for one destination. `next_due`: when the first of it may be tried (again).

    `failed_tries`: how often what waits was tried in vain; `error`: what the destination said to the oldest of it.
    """

    destination: str
    deliveries: int
    oldest: datetime
    next_due: datetime
    failed_tries: int = 0
    error: str | None = None

    @property
    def circuit(self) -> str:
        """The circuit as the outbox shows it: `closed`, `failing` (tried in vain), `open` (tried in vain often)."""
        if self.failed_tries >= OPEN_AFTER:
            return "open"
        return "failing" if self.failed_tries else "closed"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One destination of an alert. `state`: pending, sent, failed, or old: kept, and sent to nobody.
    `due_at` counts while it is pending."""

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


class Outbox:
    """Every method may block on the ledger, and raises `LedgerError` when that does not answer in time."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger, self._run = ledger, ledger.transact

    def lease(
        self, limit: int = 100, *, lease_s: float = 60.0, destination: str | None = None
    ) -> list[PendingDelivery]:
        """Return up to `limit` deliveries that are due, in the order they were raised, of all destinations or one;
        nobody else is given them for `lease_s` seconds. While a delivery waits or is leased, those of the same
        subscription and destination after it wait.

        A sender that dies loses its lease, so its deliveries come again: a receiver drops repeats by the alert's id.
        """
        now = self._now()
        due = (
            "SELECT id, d.subscription, d.destination, value, attempts FROM delivery d "
            "JOIN alert ON alert.id = d.alert_id WHERE d.state = 'pending' AND d.due_at <= ?"
            + ("" if destination is None else " AND d.destination = ?")
            + f" AND NOT EXISTS ({_BEFORE} AND e.due_at > ?) ORDER BY d.created_at, d.alert_id LIMIT ?"
        )
        chosen = [] if destination is None else [destination]

        def work(db: Database) -> list[PendingDelivery]:
            # Without the lock, two processes at one moment could take the head of a line and what is behind it.
            db.lock(["outbox"])
            found = [
                PendingDelivery(row[0], row[1], row[2], bytes(row[3]), row[4])
                for row in db.query(due, [now, *chosen, now, limit])
            ]
            _set_due(db, [(each.id, each.destination) for each in found], now + int(lease_s * 1_000_000))
            return found

        return self._run(work)

    def release(self, deliveries: Sequence[tuple[str, str]]) -> None:
        """Give back what was leased and not tried: alert id and destination of each."""
        now = self._now()
        self._run(lambda db: _set_due(db, deliveries, now))

    def backlog(self) -> list[Backlog]:
        """Return what waits, by destination. Only the head of each line says when it is due."""
        return self._run(_backlog, writes=False)

    def mark_sent(self, alert_id: str, destination: str, at: datetime, but: str | None = None) -> None:
        """Note that the destination has the alert: it is never offered again. `but`: what part of it does not."""
        sql = (
            "UPDATE delivery SET state = 'sent', sent_at = ?, error = ? "
            "WHERE alert_id = ? AND destination = ? AND state <> 'sent'"
        )
        self._run(lambda db: db.execute(sql, [to_micros(at), storable_or_none(but), alert_id, destination]))

    def mark_failed(self, alert_id: str, destination: str, error: str, retry_at: datetime | None) -> None:
        """Note that the destination did not take the alert: due again at `retry_at`, or given up when that is None."""
        state, due = ("failed", None) if retry_at is None else ("pending", to_micros(retry_at))
        sql = (
            "UPDATE delivery SET state = ?, attempts = attempts + 1, error = ?, due_at = COALESCE(?, due_at) "
            "WHERE alert_id = ? AND destination = ? AND state = 'pending'"
        )
        self._run(lambda db: db.execute(sql, [state, storable(error), due, alert_id, destination]))

    def alerts(
        self,
        limit: int = 100,
        *,
        subscription: str | None = None,
        state: str | None = None,
        before: tuple[int, str] | None = None,
    ) -> list[LoggedAlert]:
        """Return alerts, the newest first, of all subscriptions or one; with `state`, those with a delivery in it;
        with `before`, those behind one, by when it was raised (in microseconds) and its id."""
        conditions, parameters = ["1 = 1"], list[object]()
        if subscription is not None:
            conditions.append("subscription = ?")
            parameters.append(subscription)
        if state is not None:
            conditions.append("EXISTS (SELECT 1 FROM delivery WHERE alert_id = alert.id AND state = ?)")
            parameters.append(state)
        if before is not None:
            conditions.append("(created_at < ? OR created_at = ? AND id > ?)")
            parameters += [before[0], *before]
        where = f"{' AND '.join(conditions)} ORDER BY created_at DESC, id LIMIT ?"
        return self._run(lambda db: _logged(db, where, [*parameters, limit]), writes=False)

    def find(self, prefix: str, limit: int = 10) -> list[LoggedAlert]:
        """Return alerts whose id begins with a prefix of letters and digits."""
        where = "id >= ? AND id < ? ORDER BY id LIMIT ?"
        return self._run(lambda db: _logged(db, where, [prefix, prefix + "~", limit]), writes=False)

    def resend(self, alert_id: str, destination: str | None = None) -> int:
        """Make deliveries pending, whatever became of them, behind what waits already; returns how many."""
        now = self._now()
        sql = (
            "UPDATE delivery SET state = 'pending', attempts = 0, due_at = ?, created_at = ?, sent_at = NULL, "
            "error = NULL WHERE alert_id = ?" + ("" if destination is None else " AND destination = ?")
        )
        chosen = [] if destination is None else [destination]
        return self._run(lambda db: db.execute(sql, [now, now, alert_id, *chosen]))

    def _now(self) -> int:
        return to_micros(self._ledger.now())


def alerts_about(db: Database, article_id: str, since: datetime) -> list[LoggedAlert]:
    """The alerts since then that list an article, the oldest first. Goes through all alerts since then."""
    sql = "SELECT id, article_id, value FROM alert WHERE created_at >= ?"
    said = orjson.dumps({"id": article_id})[1:-1]
    ids = [row[0] for row in db.query(sql, [to_micros(since)]) if row[1] == article_id or said in bytes(row[2])]
    return _logged(db, "id {in_texts} ORDER BY created_at, id", [db.list_of(ids)]) if ids else []


def raise_alerts(db: Database, alerts: Sequence[PendingAlert], now_micros: int) -> int:
    """Put alerts into the outbox, in order, within a transaction; returns how many were new. One whose id is there
    already is passed over, unless that one is old and this one news."""
    new = 0
    for alert in alerts:
        destinations = orjson.dumps(alert.destinations).decode()
        inserted = db.execute(
            "INSERT INTO alert (id, subscription, event_id, article_id, version, created_at, destinations, value, old) "
            f"VALUES (?, ?, '', '', 0, ?, ?, ?, ?) ON CONFLICT (id) DO {TAKE_PLACE_OF_OLD}",
            [alert.id, alert.subscription, now_micros, destinations, alert.value, int(alert.old)],
        )
        new += bool(inserted)
        for destination in dict.fromkeys(alert.destinations) if inserted else ():
            _deliver(db, alert, destination, now_micros)
    return new


def _deliver(db: Database, alert: PendingAlert, destination: str, now_micros: int) -> None:
    """One delivery, behind all that waits in its line, whatever the clock says."""
    last = "SELECT MAX(created_at) FROM delivery WHERE destination = ? AND subscription = ? AND state = 'pending'"
    ((behind,),) = db.query(last, [destination, alert.subscription])
    db.execute(
        "INSERT INTO delivery (alert_id, destination, subscription, created_at, state, attempts, due_at) "
        f"VALUES (?, ?, ?, ?, ?, 0, ?) ON CONFLICT (alert_id, destination) DO {SEND_WHAT_WAS_OLD}",
        [alert.id, destination, alert.subscription, max(now_micros, (behind or 0) + 1), state_of(alert), now_micros],
    )


def _set_due(db: Database, deliveries: Sequence[tuple[str, str]], due_micros: int) -> None:
    sql = "UPDATE delivery SET due_at = ? WHERE alert_id = ? AND destination = ? AND state = 'pending'"
    db.execute_many(sql, [(due_micros, *each) for each in deliveries])


def _backlog(db: Database) -> list[Backlog]:
    heads = (
        "SELECT destination, MIN(due_at) FROM delivery d WHERE state = 'pending' "
        f"AND NOT EXISTS ({_BEFORE}) GROUP BY destination"
    )
    due = {destination: from_micros(int(micros)) for destination, micros in db.query(heads)}
    # The oldest error is looked for only where something failed: while all goes well this is asked often.
    sql = (
        "SELECT destination, COUNT(*), MIN(created_at), SUM(attempts), CASE WHEN SUM(attempts) > 0 THEN ("
        "SELECT error FROM delivery e WHERE e.destination = d.destination AND e.state = 'pending' "
        "AND e.error IS NOT NULL ORDER BY e.created_at LIMIT 1) END "
        "FROM delivery d WHERE state = 'pending' GROUP BY destination"
    )
    return [
        Backlog(name, int(count), from_micros(int(oldest)), due[name], int(tries), error)
        for name, count, oldest, tries, error in sorted(db.query(sql))
    ]


def _logged(db: Database, where: str, parameters: Sequence[object]) -> list[LoggedAlert]:
    sql = f"SELECT id, subscription, created_at, value FROM alert WHERE {where}"
    return [
        LoggedAlert(alert_id, subscription, from_micros(created_at), bytes(value), _deliveries(db, alert_id))
        for alert_id, subscription, created_at, value in db.query(sql, parameters)
    ]


def _deliveries(db: Database, alert_id: str) -> tuple[Delivery, ...]:
    sql = (
        "SELECT destination, state, attempts, due_at, sent_at, error FROM delivery WHERE alert_id = ? "
        "ORDER BY destination"
    )
    return tuple(
        Delivery(name, state, attempts, from_micros(due), None if sent is None else from_micros(sent), error)
        for name, state, attempts, due, sent, error in db.query(sql, [alert_id])
    )
