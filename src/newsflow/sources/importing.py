"""Archives to raw events: read record by record, published in batches, and gone on with where it was left."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TypeVar

from newsflow.ledger import Ledger
from newsflow.sources.items import raw_event
from newsflow.sources.outlets import Outlet
from newsflow.sources.records import FORMATS, Left, Read, Reading
from newsflow.sources.records.record import source_for

T = TypeVar("T")
BATCH_RECORDS, BATCH_BYTES = 500, 16 << 20
_EDGE_BYTES = 1 << 20


@dataclass
class Imported:
    """What became of a file's records; `left` counts by why. `before` were read by an earlier run."""

    records: int = 0
    events: int = 0
    before: int = 0
    left: Counter[str] = field(default_factory=Counter)


def import_file(
    path: Path,
    file_format: str,
    reading: Reading,
    ledger: Ledger,
    outlet: Outlet,
    show: Callable[[Imported], object] = lambda _: None,
) -> Imported:
    """Publish a file's records from where the last import of it ended. Raises what the outlet raises, `UsageError` for
    a file that cannot be read, `LedgerError`.

    A place is kept after each batch that was stored: killed in between, the batch comes again, the same to the byte.
    """
    name = _identity(path, file_format, reading)
    done = Imported(before=_place(ledger, name))
    made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    records = islice(FORMATS[file_format](path, reading), done.before, None)
    # Each record is made an event at once: texts of a whole batch are not held beside its events.
    for batch in batches((_event(record, reading, made) for record in records), _size_of):
        events = [found for found in batch if not isinstance(found, Left)]
        done.left.update(found.why for found in batch if isinstance(found, Left))
        outlet.write(events)
        done.records += len(batch)
        done.events += len(events)
        _keep_place(ledger, name, str(path), done.before + done.records)
        show(done)
    return done


def batches(items: Iterable[T], size_of: Callable[[T], int]) -> Iterator[list[T]]:
    """What is to be published together: neither too many nor, by their sizes in bytes, too much."""
    batch: list[T] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if len(batch) == BATCH_RECORDS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size_of(found: tuple[bytes, bytes] | Left) -> int:
    return 0 if isinstance(found, Left) else len(found[1])


def _event(record: Read, reading: Reading, made: datetime) -> tuple[bytes, bytes] | Left:
    """Key and value of a record's raw event. Without a time of its own it was fetched when its file was written."""
    if isinstance(record, Left):
        return record
    source = source_for(record.members, reading.source)
    if source is None:
        return Left("no source")
    return raw_event({**record.members, "source": source}, {}, record.at or made)


def _identity(path: Path, file_format: str, reading: Reading) -> str:
    """Names what is imported: the file by size and both its ends, and how it is read. A maildir by its place."""
    state = hashlib.sha256(repr((file_format, reading.source, sorted(reading.columns.items()))).encode())
    if path.is_dir():
        state.update(str(path.resolve()).encode())
    else:
        with path.open("rb") as stream:
            state.update(stream.read(_EDGE_BYTES))
            size = stream.seek(0, 2)
            stream.seek(max(0, size - _EDGE_BYTES))
            state.update(stream.read() + str(size).encode())
    return state.hexdigest()[:32]


def _place(ledger: Ledger, name: str) -> int:
    sql = "SELECT records FROM import_file WHERE id = ?"
    rows = ledger.transact(lambda db: db.query(sql, [name]), writes=False)
    return int(rows[0][0]) if rows else 0


def _keep_place(ledger: Ledger, name: str, path: str, records: int) -> None:
    row = (name, path, records)
    update = "ON CONFLICT (id) DO UPDATE SET path = excluded.path, records = excluded.records"
    ledger.transact(lambda db: db.insert("import_file", "id, path, records", [row], update))
