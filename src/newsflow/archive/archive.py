"""The raw archive: raw events in files below `archive/` of the blob store, by the day they were kept, and an index of
them in the ledger.

What counts is what the index says. A file is named there before it is written, and counts when it is whole; so whoever
is killed leaves nothing that is read, and does it again without a second copy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from newsflow.archive.segments import Packed, Segment, digest_of, pack, unpack
from newsflow.blobs import BlobMissingError, BlobStore
from newsflow.dedup.identity import guid_name, url_name
from newsflow.errors import SinkError
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database, from_micros, storable, to_micros

PREFIX = "archive/"
LEAST_KEPT = timedelta(days=1)
"""What is younger is not removed: it may still be being written."""
_PAGE = 1_000
_LOOKED_BACK_US = 8 * 86_400 * 1_000_000
_COLUMNS = "e.digest, e.segment, e.starts, e.bytes, e.kept_at, e.source, e.address"
_WHOLE = "JOIN archive_segment s ON s.name = e.segment AND s.whole = 1"


@dataclass(frozen=True, slots=True)
class Entry:
    """A raw event in the archive. `digest` names it; `address` is its URL, else its guid; `segment` the file that it
    is in, below `archive/`, from byte `starts` on."""

    digest: str
    segment: str
    starts: int
    size_bytes: int
    kept_at: datetime
    source: str
    address: str

    @property
    def kind(self) -> str:
        """How its file is written: `warc.gz` or `jsonl.gz`."""
        return self.segment.partition(".")[2]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for: all of it must hold. `names` as the ledger's `identity` has them; `digest` may be the
    beginning of one."""

    digest: str | None = None
    names: tuple[str, ...] = ()
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def condition(self) -> tuple[str, list[Any]]:
        told: list[tuple[str, list[Any]]] = []
        if self.digest is not None:
            told.append(("e.digest >= ? AND e.digest < ?", [self.digest, self.digest + "g"]))
        if self.source is not None:
            told.append(("e.source = ?", [self.source]))
        if self.since is not None:
            told.append(("e.kept_at >= ?", [to_micros(self.since)]))
        if self.until is not None:
            told.append(("e.kept_at < ?", [to_micros(self.until)]))
        return " AND ".join(f"({sql})" for sql, _ in told) or "1 = 1", [each for _, given in told for each in given]


@dataclass
class _Event:
    """A raw event that is to be kept."""

    digest: str
    value: bytes
    members: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, value: bytes) -> _Event:
        return cls(digest_of(value), value, orjson.loads(value))

    def names(self) -> tuple[str | None, str | None]:
        return names_of(self.members)


def names_of(members: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The names that an article may have by the URL and the guid of its raw event."""
    url, guid = members.get("url"), members.get("guid")
    return (url_name(url) if url else None), (guid_name(members["source"], guid) if guid else None)


class Archive:
    """Every method may block, and raises `SinkError` while the blob store is unavailable, `LedgerError` while the
    ledger is. `blobs` is called when the store is needed."""

    def __init__(self, blobs: Callable[[], BlobStore], ledger: Ledger) -> None:
        self._blobs, self._ledger = blobs, ledger

    def keep(self, values: Iterable[bytes]) -> int:
        """Keep raw events that are not kept yet; how many those were. They are there for good when it returns. Events
        of articles that were taken down are not kept."""
        events = self._fresh({each.digest: each for each in map(_Event.of, values)})
        packed: dict[str, list[tuple[_Event, Packed]]] = defaultdict(list)
        for event in events:
            piece = pack(event.value, event.members)
            packed[piece.kind].append((event, piece))
        for kind, pieces in packed.items():
            self._write(Segment.of(kind, (piece.data for _, piece in pieces)), [event for event, _ in pieces])
        return len(events)

    def _fresh(self, events: Mapping[str, _Event]) -> list[_Event]:
        names = sorted({name for each in events.values() for name in each.names() if name is not None})

        def look(db: Database) -> tuple[set[str], set[str]]:
            kept = f"SELECT e.digest FROM archive_entry e {_WHOLE} WHERE e.digest {{in_texts}}"
            gone = (
                "SELECT i.name FROM identity i JOIN takedown t ON t.article_id = i.article_id WHERE i.name {in_texts}"
            )
            return (
                {row[0] for row in db.query(kept, [db.list_of(list(events))])},
                {row[0] for row in db.query(gone, [db.list_of(names)])},
            )

        known, taken_down = self._ledger.transact(look, writes=False)
        return [each for each in events.values() if each.digest not in known and taken_down.isdisjoint(each.names())]

    def _write(self, segment: Segment, events: Sequence[_Event]) -> None:
        now = self._ledger.now()
        at, name = to_micros(now), f"{now:%Y-%m-%d}/{segment.name}"
        rows = [
            (event.digest, name, starts, size, at, event.members["source"], storable(_address(event)), *event.names())
            for event, (starts, size) in zip(events, segment.places, strict=True)
        ]
        columns = "digest, segment, starts, bytes, kept_at, source, address, url_name, guid_name"
        places = ", ".join(f"{each} = excluded.{each}" for each in ("segment", "starts", "bytes", "kept_at"))
        kept = "SELECT 1 FROM archive_segment s WHERE s.name = archive_entry.segment AND s.whole = 1"

        def announce(db: Database) -> None:
            self._announce(db, name, at, len(segment.data))
            # One that stands in a file that never became whole is in this one.
            moved = f"ON CONFLICT (digest) DO UPDATE SET {places} WHERE NOT EXISTS ({kept})"
            db.insert("archive_entry", columns, rows, moved)

        self._ledger.transact(announce)
        self._blobs().put_file(PREFIX + name, segment.data)
        self._counting(name, lambda db: self._count(db, name))

    def _counting(self, name: str, work: Callable[[Database], None]) -> None:
        """Have a file that was written count by `work`; or remove it, where that is refused."""
        try:
            self._ledger.transact(work)
        except SinkError:
            self._blobs().remove_file(PREFIX + name)
            raise

    @staticmethod
    def _announce(db: Database, name: str, at: int, size: int) -> None:
        row = (name, at, size, 0)
        db.insert("archive_segment", "name, kept_at, bytes, whole", [row], "ON CONFLICT (name) DO NOTHING")

    @staticmethod
    def _count(db: Database, name: str) -> None:
        """From now on the file counts. Raises `SinkError` for one that was meanwhile removed as left behind."""
        if not db.execute("UPDATE archive_segment SET whole = 1 WHERE name = ?", [name]):
            raise SinkError(f"{PREFIX}{name} took longer to write than it is waited for; it is to be written again")

    # What is there.

    def entries(self, wanted: Wanted) -> Iterator[Entry]:
        """What is kept, in the order in which it was. Reads in pages."""
        condition, given = wanted.condition()
        sql = f"SELECT {_COLUMNS} FROM archive_entry e {_WHOLE} WHERE {condition}"
        order = f"ORDER BY e.kept_at, e.segment, e.starts LIMIT {_PAGE}"
        if wanted.names:
            sql += " AND e.digest IN (" + _named("digest") + ")"
        after, place = "", list[Any]()
        while True:
            named = [wanted.names, wanted.names] if wanted.names else []
            rows = self._ledger.transact(
                lambda db, after=after, place=place, named=named: db.query(  # type: ignore[misc]
                    f"{sql}{after} {order}", [*given, *(db.list_of(each) for each in named), *place]
                ),
                writes=False,
            )
            yield from map(_entry, rows)
            if len(rows) < _PAGE:
                return
            after = " AND (e.kept_at, e.segment, e.starts) > (?, ?, ?)"
            place = [rows[-1][4], rows[-1][1], rows[-1][2]]

    def value(self, entry: Entry) -> bytes:
        """The raw event of an entry. Raises `BlobMissingError` where its file is missing or has other bytes."""
        data = self._blobs().read_file(PREFIX + entry.segment, entry.starts, entry.size_bytes)
        try:
            value = unpack(entry.kind, data)
        except ValueError as error:
            raise BlobMissingError(f"{PREFIX}{entry.segment} at byte {entry.starts}: {error}") from error
        if digest_of(value) != entry.digest:
            raise BlobMissingError(f"{PREFIX}{entry.segment} at byte {entry.starts} holds other bytes than were kept")
        return value

    # What goes.

    def named(self, names: Sequence[str]) -> list[str]:
        """The digests of all events of articles with these names, whether their file is whole or not."""
        rows = self._ledger.transact(lambda db: db.query(_named("digest"), [db.list_of(names)] * 2), writes=False)
        return sorted(row[0] for row in rows)

    def forget(self, digests: Sequence[str]) -> int:
        """Cut events out of their files, for good; how many there were. The rest of a file is written anew. Whoever is
        killed here is to call it again."""
        gone = 0
        while found := self._places(digests):
            for segment, doomed in found.items():
                self._cut(segment, doomed)
                gone += len(doomed)
        return gone

    def _places(self, digests: Sequence[str]) -> dict[str, list[str]]:
        sql = "SELECT segment, digest FROM archive_entry WHERE digest {in_texts} ORDER BY segment"
        found: dict[str, list[str]] = defaultdict(list)
        for segment, digest in self._ledger.transact(lambda db: db.query(sql, [db.list_of(digests)]), writes=False):
            found[segment].append(digest)
        return found

    def _cut(self, name: str, doomed: Sequence[str]) -> None:
        """Write a file anew without some of its events; then it goes, and with it they do."""
        staying = (
            "SELECT digest, starts, bytes, kept_at FROM archive_entry WHERE segment = ? AND NOT (digest {in_texts}) "
            "ORDER BY starts"
        )
        rows = self._ledger.transact(lambda db: db.query(staying, [name, db.list_of(doomed)]), writes=False)
        if rows:
            self._move(name, rows)
        self._blobs().remove_file(PREFIX + name)
        self._ledger.transact(lambda db: _drop(db, name))

    def _move(self, name: str, rows: Sequence[Sequence[Any]]) -> None:
        day, _, file = name.partition("/")
        try:
            whole = self._blobs().read_file(PREFIX + name)
        except BlobMissingError:  # it never was whole, or is lost: there is nothing to be saved
            return
        segment = Segment.of(file.partition(".")[2], (whole[starts : starts + size] for _, starts, size, _ in rows))
        new, at = f"{day}/{segment.name}", rows[0][3]
        self._ledger.transact(lambda db: self._announce(db, new, at, len(segment.data)))
        self._blobs().put_file(PREFIX + new, segment.data)
        moves = [(new, starts, row[0], name) for row, (starts, _) in zip(rows, segment.places, strict=True)]

        def move(db: Database) -> None:
            self._count(db, new)
            db.execute_many("UPDATE archive_entry SET segment = ?, starts = ? WHERE digest = ? AND segment = ?", moves)

        self._counting(new, move)

    def prune(self, retention: timedelta | None, most_bytes: int | None) -> int:
        """Remove files that were kept longer ago than `retention`, the oldest above `most_bytes`, and what killed
        processes left behind; none of the last day. How many those were."""
        now, removed = self._ledger.now(), 0
        young = to_micros(now - LEAST_KEPT)
        before = None if retention is None else to_micros(now - max(retention, LEAST_KEPT))
        kinds: tuple[Callable[[], list[str]], ...] = (
            lambda: self._left_behind(young),
            lambda: self._older(before) if before is not None else [],
            lambda: self._above(most_bytes, young) if most_bytes is not None else [],
        )
        for outlived in kinds:
            while names := outlived():
                for name in names:
                    self._remove(name)
                removed += len(names)
        return removed

    def _remove(self, name: str) -> None:
        """From its first step on the file does not count; killed before the last, it is found as left behind."""
        self._ledger.transact(lambda db: _uncount(db, name))
        self._blobs().remove_file(PREFIX + name)
        self._ledger.transact(lambda db: _drop(db, name))

    def _left_behind(self, young: int) -> list[str]:
        """Files that never were whole, and those of the last days of which every event is in another file too."""
        empty = "NOT EXISTS (SELECT 1 FROM archive_entry e WHERE e.segment = s.name)"
        recent = "SELECT name FROM archive_segment s WHERE kept_at < ? AND kept_at >= ?"
        return self._names(
            f"SELECT name FROM archive_segment WHERE whole = 0 AND kept_at < ? UNION {recent} AND {empty}",
            [young, young, young - _LOOKED_BACK_US],
        )

    def _older(self, before: int) -> list[str]:
        return self._names("SELECT name FROM archive_segment WHERE kept_at < ? ORDER BY kept_at, name", [before])

    def _above(self, most_bytes: int, young: int) -> list[str]:
        """The oldest files without which the archive has at most so many bytes."""
        oldest = f"SELECT name, bytes FROM archive_segment WHERE kept_at < ? ORDER BY kept_at, name LIMIT {_PAGE}"

        def look(db: Database) -> list[str]:
            names, surplus = list[str](), (db.query("SELECT SUM(bytes) FROM archive_segment")[0][0] or 0) - most_bytes
            for name, size in db.query(oldest, [young]) if surplus > 0 else ():
                names += [name] if surplus > 0 else []
                surplus -= size
            return names

        return self._ledger.transact(look, writes=False)

    def _names(self, sql: str, given: Sequence[Any]) -> list[str]:
        rows = self._ledger.transact(lambda db: db.query(f"{sql} LIMIT {_PAGE}", given), writes=False)
        return [row[0] for row in rows]


def _named(column: str) -> str:
    """Entries that have one of these names, two parameters."""
    return (
        f"SELECT {column} FROM archive_entry WHERE url_name {{in_texts}} "
        f"UNION SELECT {column} FROM archive_entry WHERE guid_name {{in_texts}}"
    )


def _uncount(db: Database, name: str) -> None:
    db.execute("DELETE FROM archive_entry WHERE segment = ?", [name])
    db.execute("UPDATE archive_segment SET whole = 0 WHERE name = ?", [name])


def _drop(db: Database, name: str) -> None:
    db.execute("DELETE FROM archive_entry WHERE segment = ?", [name])
    db.execute("DELETE FROM archive_segment WHERE name = ?", [name])


def _address(event: _Event) -> str:
    return str(event.members.get("url") or event.members.get("guid") or "")


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(row[0], row[1], row[2], row[3], from_micros(row[4]), row[5], row[6])
