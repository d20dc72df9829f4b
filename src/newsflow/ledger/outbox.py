"""Alerts that wait to be sent: each delivery is a row, and is handed to one sender at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from newsflow.ledger.database import Database
from newsflow.ledger.times import storable

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
