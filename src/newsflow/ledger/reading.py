"""What can be asked of the ledger without changing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

import orjson

from newsflow.ledger.database import Database, Row, from_micros, storable
from newsflow.ledger.tables import EVENT_COLUMNS, DecidedEvent, event_of
from newsflow.model import Outcome, Reason, Rejected

PAGE = 500


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
    """Rows by table."""
    tables = (
        "event",
        "article",
        "article_version",
        "emission",
        "text_print",
        "dead_letter",
        "alert",
        "delivery",
        "retagging",
    )
    return {table: int(db.query(f"SELECT COUNT(*) FROM {table}")[0][0]) for table in tables}


def find_event(db: Database, event_id: str) -> DecidedEvent | None:
    """What became of an event, None when it was never decided."""
    rows = db.query(f"SELECT {EVENT_COLUMNS} FROM event WHERE event_id = ?", [event_id])
    return event_of(rows[0]) if rows else None


def events_at(db: Database, topic: str, partition: int, offset: int) -> list[DecidedEvent]:
    """The events that were read at one place; more than one where a topic was created again."""
    sql = (
        f"SELECT {EVENT_COLUMNS} FROM event WHERE topic = ? AND partition_no = ? AND offset_no = ? ORDER BY decided_at"
    )
    return [event_of(row) for row in db.query(sql, [storable(topic), partition, offset])]


def events_of(db: Database, article_id: str, versions: Iterable[int]) -> list[str]:
    """Ids of the events that made these versions of an article."""
    sql = "SELECT event_id FROM article_version WHERE article_id = ? AND version {in_numbers} ORDER BY version"
    return [row[0] for row in db.query(sql, [article_id, db.list_of(list(versions))])]


def latest_version(db: Database, article_id: str) -> StoredVersion | None:
    """The newest recorded version of an article."""
    rows = db.query(f"{_VERSIONS} WHERE article_id = ? ORDER BY version DESC LIMIT 1", [article_id])
    return _version_of(rows[0]) if rows else None


def versions_page(db: Database, since_micros: int, after: tuple[int, str, int]) -> list[StoredVersion]:
    """The next recorded versions by (time, article, version) behind `after`."""
    sql = (
        f"{_VERSIONS} WHERE recorded_at >= ? AND (recorded_at > ? OR recorded_at = ? AND "
        "(article_id > ? OR article_id = ? AND version > ?)) ORDER BY recorded_at, article_id, version LIMIT ?"
    )
    at, article_id, version = after
    rows = db.query(sql, [max(since_micros, at), at, at, article_id, article_id, version, PAGE])
    return [_version_of(row) for row in rows]


def current_page(
    db: Database, since_micros: int, until_micros: int, after: tuple[int, str, int]
) -> list[StoredVersion]:
    """As `versions_page`, but only what is the last version of a living article."""
    sql = (
        "SELECT e.article_id, e.version, e.event_id, e.recorded_at, e.value, e.feeds FROM emission e "
        "JOIN article a ON a.id = e.article_id AND a.version = e.version "
        "WHERE a.accepted = 1 AND a.withdrawn = 0 AND a.duplicate_of IS NULL AND e.recorded_at BETWEEN ? AND ? "
        "AND (e.recorded_at > ? OR e.recorded_at = ? AND (e.article_id > ? OR e.article_id = ? AND e.version > ?)) "
        "ORDER BY e.recorded_at, e.article_id, e.version LIMIT ?"
    )
    at, article_id, version = after
    start = max(since_micros, at)
    rows = db.query(sql, [start, until_micros, at, at, article_id, article_id, version, PAGE])
    return [_version_of(row) for row in rows]


def versions_of(db: Database, ids: list[str]) -> list[StoredVersion]:
    """All recorded versions of these articles."""
    rows = db.query(f"{_VERSIONS} WHERE article_id {{in_texts}} ORDER BY article_id, version", [db.list_of(ids)])
    return [_version_of(row) for row in rows]


def dead_letters_page(db: Database, since_micros: int, reason: str | None, limit: int) -> list[DeadLetter]:
    """Dead letters since a time, the oldest first."""
    sql = (
        "SELECT event_id, topic, partition_no, offset_no, reason, message, stage, error_class, decided_at "
        "FROM dead_letter WHERE decided_at >= ? AND (? = '' OR reason = ?) "
        "ORDER BY decided_at, topic, partition_no, offset_no LIMIT ?"
    )
    return [_dead_of(row) for row in db.query(sql, [since_micros, reason or "", reason or "", limit])]


_VERSIONS = "SELECT article_id, version, event_id, recorded_at, value, feeds FROM emission"


def _version_of(row: Row) -> StoredVersion:
    return StoredVersion(row[0], row[1], row[2], from_micros(row[3]), bytes(row[4]), tuple(orjson.loads(row[5])))


def _dead_of(row: Row) -> DeadLetter:
    rejected = Rejected(Reason(row[4]), row[5], row[6], row[7])
    return DeadLetter(row[0], row[1], row[2], row[3], rejected, from_micros(row[8]))


def chunked(ids: Iterable[str], size: int = PAGE) -> Iterator[list[str]]:
    """Lists of up to `size`, each id once."""
    unique = list(dict.fromkeys(ids))
    return (unique[start : start + size] for start in range(0, len(unique), size))
