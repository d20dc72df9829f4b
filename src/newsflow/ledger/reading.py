"""What can be asked of the ledger without changing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from newsflow.ledger.database import Database, from_micros, storable, to_micros
from newsflow.ledger.tables import DEAD_COLUMNS, EVENT_COLUMNS, DecidedEvent, event_of
from newsflow.model import Outcome, Reason, Rejected

PAGE = 500
_TABLES = (
    "event", "article", "article_version", "emission", "text_print", "dead_letter", "alert", "delivery", "retagging",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A published article version: `value` is its article.v1 bytes, `feeds` where it went."""

    article_id: str
    version: int
    event_id: str
    recorded_at: datetime
    value: bytes
    feeds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Where a dead letter came from, and why it is one. Its bytes are in the dead-letter topic."""

    event_id: str
    topic: str
    partition: int
    offset: int
    rejected: Rejected
    decided_at: datetime


def count_outcomes(db: Database) -> Counter[tuple[Outcome, Reason | None]]:
    """Events by outcome and reason, those whose rows were pruned included."""
    live = db.query("SELECT outcome, COALESCE(reason, ''), COUNT(*) FROM event GROUP BY 1, 2")
    pruned = db.query("SELECT outcome, reason, events FROM pruned_outcome")
    counts: Counter[tuple[Outcome, Reason | None]] = Counter()
    for outcome, reason, events in [*live, *pruned]:
        counts[Outcome(outcome), Reason(reason) if reason else None] += int(events)
    return counts


def count_rows(db: Database) -> dict[str, int]:
    return {table: int(db.query(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in _TABLES}


def events_at(db: Database, topic: str, partition: int, offset: int) -> list[DecidedEvent]:
    """The events that were read at one place; more than one where a topic was created again."""
    place = "topic = ? AND partition_no = ? AND offset_no = ?"
    sql = f"SELECT {EVENT_COLUMNS} FROM event WHERE {place} ORDER BY decided_at"
    return [event_of(row) for row in db.query(sql, [storable(topic), partition, offset])]


def events_of(db: Database, article_id: str) -> list[DecidedEvent]:
    """The events about an article, in the order they were decided. Goes through all events: there is no index."""
    sql = f"SELECT {EVENT_COLUMNS} FROM event WHERE article_id = ? ORDER BY decided_at, topic, partition_no, offset_no"
    return [event_of(row) for row in db.query(sql, [article_id])]


def retaggings_of(db: Database, article_id: str) -> dict[int, tuple[str, str]]:
    """The versions of an article that new rules made: version of the rules, and state."""
    sql = "SELECT version, rules, state FROM retagging WHERE article_id = ?"
    return {version: (rules, state) for version, rules, state in db.query(sql, [article_id])}


def latest_version(db: Database, article_id: str) -> StoredVersion | None:
    found = _versions(db, "WHERE e.article_id = ? ORDER BY e.version DESC LIMIT 1", [article_id])
    return found[0] if found else None


def versions_of(db: Database, ids: list[str]) -> list[StoredVersion]:
    """All recorded versions of these articles."""
    return _versions(db, "WHERE e.article_id {in_texts} ORDER BY e.article_id, e.version", [db.list_of(ids)])


_CURRENT = (
    "JOIN article a ON a.id = e.article_id AND a.version = e.version "
    "AND a.accepted = 1 AND a.withdrawn = 0 AND a.duplicate_of IS NULL"
)


def count_current(db: Database, since_micros: int) -> int:
    """How many articles that are neither withdrawn nor held back have their last version recorded since then."""
    return int(db.query(f"SELECT COUNT(*) FROM emission e {_CURRENT} WHERE e.recorded_at >= ?", [since_micros])[0][0])


def versions_page(
    db: Database, since_micros: int, until_micros: int, last: StoredVersion | None, *, living: bool
) -> list[StoredVersion]:
    """The next versions recorded within a time, by (time, article, version), behind `last`; with `living`, only
    the last version of each article that is neither withdrawn nor held back."""
    at, article_id, version = (-1, "", 0) if last is None else _order(last)
    rest = (
        f"{_CURRENT if living else ''} WHERE e.recorded_at BETWEEN ? AND ? "
        "AND (e.recorded_at > ? OR e.recorded_at = ? AND (e.article_id > ? OR e.article_id = ? AND e.version > ?)) "
        "ORDER BY e.recorded_at, e.article_id, e.version LIMIT ?"
    )
    return _versions(db, rest, [max(since_micros, at), until_micros, at, at, article_id, article_id, version, PAGE])


def _order(stored: StoredVersion) -> tuple[int, str, int]:
    return to_micros(stored.recorded_at), stored.article_id, stored.version


def _versions(db: Database, rest: str, parameters: Sequence[Any]) -> list[StoredVersion]:
    columns = "e.article_id, e.version, e.event_id, e.recorded_at, e.value, e.feeds"
    return [
        StoredVersion(article_id, version, event_id, from_micros(recorded_at), bytes(value), tuple(orjson.loads(feeds)))
        for article_id, version, event_id, recorded_at, value, feeds in db.query(
            f"SELECT {columns} FROM emission e {rest}", parameters
        )
    ]


def dead_letters_page(db: Database, since_micros: int, reason: str | None, limit: int) -> list[DeadLetter]:
    """Dead letters since a time, the oldest first."""
    sql = (
        f"SELECT {DEAD_COLUMNS} FROM dead_letter WHERE decided_at >= ? AND (? = '' OR reason = ?) "
        "ORDER BY decided_at, topic, partition_no, offset_no LIMIT ?"
    )
    return _dead_letters(db, sql, [since_micros, reason or "", reason or "", limit])


def newest_dead_letters(db: Database, limit: int) -> list[DeadLetter]:
    sql = f"SELECT {DEAD_COLUMNS} FROM dead_letter ORDER BY decided_at DESC, topic, partition_no, offset_no LIMIT ?"
    return _dead_letters(db, sql, [limit])


def _dead_letters(db: Database, sql: str, parameters: Sequence[Any]) -> list[DeadLetter]:
    return [
        DeadLetter(row[0], row[1], row[2], row[3], Rejected(Reason(row[4]), *row[5:8]), from_micros(row[8]))
        for row in db.query(sql, parameters)
    ]
