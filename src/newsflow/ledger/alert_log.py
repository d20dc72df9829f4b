"""Alerts that were raised, and what became of them at each destination: for people who ask, and to send again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from newsflow.ledger.database import Database, Row
from newsflow.ledger.times import from_micros


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
