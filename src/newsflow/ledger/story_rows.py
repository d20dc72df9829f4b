"""The rows of stories: what a report is compared by, as bytes; the log, what is due, how far was read."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsflow.ledger.database import Database, Row
from newsflow.stories import Member, Signals
from newsflow.stories.vectors import DIMENSIONS

Vector = NDArray[np.int8]
Place = tuple[str, int]
"""Article id and version."""
Order = tuple[int, int, int, int]
"""What is settled in this order: record time, the latest so far of its partition; partition; offset; which of the
versions that one event made."""

# What a report is compared by, as bytes.

_HEAD = struct.Struct("<HHB")


def pack_signals(signals: Signals, vector: Vector | None) -> bytes:
    """What is read of a text before it is settled."""
    head = _HEAD.pack(len(signals.words), len(signals.keys), vector is not None)
    numbers = (*_columns(signals.words), *_columns(signals.keys))
    return b"".join((head, *numbers, b"" if vector is None else vector.tobytes()))


def unpack_signals(packed: bytes) -> tuple[Signals, Vector | None]:
    """The inverse of `pack_signals`, without how a text writes its terms."""
    words, keys, encoded = _HEAD.unpack_from(packed)
    parts = _Parts(packed)
    return Signals(parts.terms(words), parts.terms(keys), {}), parts.vector() if encoded else None


def pack_member(member: Member, vector: Vector | None) -> bytes:
    """What is kept of a report that was settled; `vector` as it was encoded."""
    head = _HEAD.pack(len(member.words), len(member.keys), vector is not None)
    costs = np.array([member.costs[term] for term in member.keys], "<u2").tobytes()
    numbers = (*_columns(member.words), *_columns(member.keys), costs)
    vectors = b"" if vector is None or member.vector is None else vector.tobytes() + member.vector.tobytes()
    return b"".join((head, *numbers, vectors))


def unpack_member(article_id: str, at: int, language: str, packed: bytes) -> tuple[Member, Vector | None]:
    """The inverse of `pack_member`."""
    words, keys, encoded = _HEAD.unpack_from(packed)
    parts = _Parts(packed)
    word_weights, key_weights = parts.terms(words), parts.terms(keys)
    costs = dict(zip(key_weights, parts.numbers(keys, "<u2"), strict=True))
    vector, centred = (parts.vector(), parts.vector()) if encoded else (None, None)
    return Member(article_id, at, language, word_weights, key_weights, costs, centred), vector


def _columns(terms: Mapping[int, int]) -> tuple[bytes, bytes]:
    return np.array(list(terms), "<u4").tobytes(), np.array(list(terms.values()), "<u2").tobytes()


class _Parts:
    """Reads on in packed bytes."""

    def __init__(self, packed: bytes) -> None:
        self._packed, self._at = packed, _HEAD.size

    def numbers(self, count: int, kind: str) -> list[int]:
        read = np.frombuffer(self._packed, kind, count, self._at)
        self._at += read.nbytes
        found: list[int] = read.tolist()
        return found

    def terms(self, count: int) -> dict[int, int]:
        return dict(zip(self.numbers(count, "<u4"), self.numbers(count, "<u2"), strict=True))

    def vector(self) -> Vector:
        read = np.frombuffer(self._packed, np.int8, DIMENSIONS, self._at)
        self._at += read.nbytes
        return read


# Article versions on their way to their story.


@dataclass(frozen=True, slots=True)
class Told:
    """What an article version says of its story: its id, how many living articles it has, and the ids that lead on to
    it."""

    story: str
    size: int
    former: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """An article version whose story is asked for. `told` is what deduplication alone would say; it holds for what is
    older than the stories that are remembered. `report` (`pack_signals`) is there for what may be new."""

    article_id: str
    version: int
    topic: str
    partition: int
    offset: int
    time_ms: int
    """When its record was written, or an earlier one of its partition that was written later."""
    at: int
    """Event time of its article, in microseconds."""
    language: str
    told: Told
    withdrawn: bool = False
    report: bytes = b""
    later: int = 0
    """Which of the versions that its event made."""

    @property
    def place(self) -> Place:
        return self.article_id, self.version

    @property
    def order(self) -> Order:
        return self.time_ms, self.partition, self.offset, self.later


@dataclass(frozen=True, slots=True)
class LogRow:
    """One change of a story: see the table `story_log`."""

    log_no: int
    kind: str
    article_id: str
    version: int
    story: str
    told: str
    told_size: int
    event_at: int
    settled_at: int
    first_day: int
    language: str = ""
    report: bytes = b""


DAY_US = 86_400_000_000
JOIN, EDIT, WITHDRAW, RETURN, MERGE, SPLIT = "join", "edit", "withdraw", "return", "merge", "split"
_LOG = "log_no, kind, article_id, version, story, told, told_size, event_at, settled_at, first_day, language, report"
PAGE = 2_000


def log_pages(db: Database, after: int) -> Iterator[LogRow]:
    """The log behind a number, in order."""
    sql = f"SELECT {_LOG} FROM story_log WHERE log_no > ? ORDER BY log_no LIMIT ?"
    while rows := db.query(sql, [after, PAGE]):
        for row in rows:
            yield _log_row(row)
        after = rows[-1][0]


def last_log_row(db: Database) -> LogRow | None:
    rows = db.query(f"SELECT {_LOG} FROM story_log ORDER BY log_no DESC LIMIT 1")
    return _log_row(rows[0]) if rows else None


def log_of(db: Database, article_ids: Iterable[str]) -> list[LogRow]:
    """What the log says of these articles, in order."""
    wanted = sorted(set(article_ids))
    if not wanted:
        return []
    sql = f"SELECT {_LOG} FROM story_log WHERE article_id {{in_texts}} AND kind <> 'merge' ORDER BY log_no"
    return [_log_row(row) for row in db.query(sql, [db.list_of(wanted)])]


def decided_of(db: Database, article_ids: Iterable[str]) -> dict[str, str]:
    """The stories that settled articles were decided for."""
    return {row.article_id: row.story for row in log_of(db, article_ids) if row.kind == JOIN}


def members_of(db: Database, story_ids: Iterable[str]) -> list[LogRow]:
    """The reports that were decided for these stories, in order."""
    wanted = db.list_of(sorted(set(story_ids)))
    select = f"SELECT {_LOG} FROM story_log WHERE kind = 'join' AND"
    sql = (
        f"{select} story {{in_texts}} AND story <> article_id "
        f"UNION ALL {select} article_id {{in_texts}} AND story = article_id ORDER BY 1"
    )
    return [_log_row(row) for row in db.query(sql, [wanted, wanted])]


def move(db: Database, article_ids: Sequence[str], story_id: str) -> None:
    """Let reports be of another story than they were decided for."""
    sql = "UPDATE story_log SET story = ? WHERE kind = 'join' AND article_id {in_texts}"
    db.execute(sql, [story_id, db.list_of(sorted(article_ids))])


def _log_row(row: Row) -> LogRow:
    return LogRow(**dict(zip(LogRow.__slots__, (*row[:-1], bytes(row[-1])), strict=True)))


def insert_log(db: Database, rows: Iterable[LogRow]) -> None:
    db.insert("story_log", _LOG, [tuple(getattr(row, name) for name in LogRow.__slots__) for row in rows])


_DUE = (
    "article_id, version, topic, partition_no, offset_no, time_ms, event_at, language, told, told_size, kind, report, "
    "alike"
)
_NO_LONGER_KEPT = "[]"
"""Of `alike`."""


def insert_due(db: Database, waiting: Iterable[Asked]) -> None:
    rows = [
        (e.article_id, e.version, e.topic, e.partition, e.offset, e.time_ms, e.at, e.language, e.told.story,
         e.told.size, _KIND[e.withdrawn], e.report, _NO_LONGER_KEPT)
        for e in waiting
    ]  # fmt: skip
    db.insert("story_due", _DUE, rows)


def delete_due(db: Database, places: Sequence[Place]) -> None:
    db.execute_many("DELETE FROM story_due WHERE article_id = ? AND version = ?", places)


def due_until(db: Database, topic: str, time_ms: int) -> list[Asked]:
    """What waits of a topic, as far as this record time."""
    sql = f"SELECT {_DUE} FROM story_due WHERE topic = ? AND time_ms <= ?"
    return [_due_row(row) for row in db.query(sql, [topic, time_ms])]


def due_of(db: Database, article_ids: Iterable[str]) -> list[Asked]:
    wanted = sorted(set(article_ids))
    if not wanted:
        return []
    sql = f"SELECT {_DUE} FROM story_due WHERE article_id {{in_texts}} ORDER BY article_id, version"
    return [_due_row(row) for row in db.query(sql, [db.list_of(wanted)])]


_KIND = {False: "version", True: "withdraw"}


def _due_row(row: Row) -> Asked:
    article_id, version, topic, partition, offset, time_ms, at, language, told, size, kind, report, _ = row
    return Asked(
        article_id, version, topic, partition, offset, time_ms, at, language, Told(told, size),
        kind == _KIND[True], bytes(report),
        int(version > 1),  # the copy that is promoted, by an event that made another version before it
    )  # fmt: skip


# How far the partitions of a topic were taken in.

SILENT_US = 120_000_000
"""A partition of which nobody wrote for so long holds nothing up."""


@dataclass(slots=True)
class ReadPlace:
    """How far a partition was taken in: see the table `story_place`."""

    time_ms: int = 0
    next_ms: int = 0
    next_offset: int = 0
    heard_at: int = 0


def load_places(db: Database, topic: str) -> dict[int, ReadPlace]:
    sql = "SELECT partition_no, time_ms, next_ms, next_offset, heard_at FROM story_place WHERE topic = ?"
    return {row[0]: ReadPlace(*row[1:]) for row in db.query(sql, [topic])}


def save_places(db: Database, topic: str, places: Mapping[int, ReadPlace]) -> None:
    names = ("time_ms", "next_ms", "next_offset", "heard_at")
    rows: list[tuple[Any, ...]] = [
        (topic, partition, *(getattr(place, name) for name in names)) for partition, place in sorted(places.items())
    ]
    update = ", ".join(f"{name} = excluded.{name}" for name in names)
    columns = f"topic, partition_no, {', '.join(names)}"
    db.insert("story_place", columns, rows, f"ON CONFLICT (topic, partition_no) DO UPDATE SET {update}")
