"""Removes from the blob store what is not needed any more: blobs that no row of the ledger names, and no record that a
topic may still hold; and, by its own rule, what is old in the archive, which nothing names."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from datetime import timedelta

from newsflow.archive.archive import Archive
from newsflow.archive.pages import forget_notes
from newsflow.blobs import BlobStore, StoredBlob
from newsflow.config.settings import Config
from newsflow.errors import ConfigError, SinkError
from newsflow.ingest.claims import open_blobs
from newsflow.ledger import Ledger
from newsflow.model.claim import Blob
from newsflow.model.topics import declared_templates

log = logging.getLogger(__name__)

_VALUES = {"emission": ("article_id", "version"), "alert": ("id",)}
"""Tables whose `value` may be a blob too, and what their rows are known by."""


def tidy(config: Config, ledger: Ledger) -> tuple[int, int]:
    """Remove blobs that are not named and what is old in the archive; how many blobs and how many files those were. A
    store that is unavailable is left for the next time. Raises `LedgerError`."""
    removed = remove_unnamed(config, ledger)
    forget_notes(ledger, 2 * longest_retention())
    archive = config.archive
    retention = timedelta(days=archive.retention_d) if archive.retention_d else None
    try:
        return removed, Archive(lambda: open_blobs(config), ledger).prune(retention, archive.most_bytes or None)
    except ConfigError:
        return removed, 0
    except SinkError as error:
        log.warning("the archive is pruned another time: %s", error)
        return removed, 0


def remove_unnamed(config: Config, ledger: Ledger) -> int:
    """Remove what `unnamed` finds; how many those were. A store that is unavailable is left for the next time: to
    forget late harms nobody. One that jobs would refuse holds nothing of theirs. Raises `LedgerError`."""
    removed = 0
    try:
        store = open_blobs(config)
        for stored in unnamed(store, ledger, longest_retention()):
            # Whoever puts it again now makes it young.
            if not store.is_younger(stored):
                store.remove(stored.blob)
                removed += 1
    except ConfigError:
        return 0
    except SinkError as error:
        log.warning("blobs are removed another time: %s", error)
    return removed


def longest_retention() -> timedelta:
    """How long a record may name a blob for, in every topic that forgets. A compacted one never does: there, the ledger
    says what is needed."""
    finite = (int(topic.config["retention.ms"]) for topic in declared_templates())
    return timedelta(milliseconds=max(finite))


def unnamed(store: BlobStore, ledger: Ledger, kept_for: timedelta) -> list[StoredBlob]:
    """Blobs last written longer than `kept_for` ago, which the ledger does not hold either."""
    before = ledger.now() - kept_for
    old = [stored for stored in store.blobs() if stored.written_at < before]
    held = set(_held(ledger, sorted({stored.blob.size_bytes or 0 for stored in old}))) if old else set()
    return [stored for stored in old if stored.blob not in held]


def _held(ledger: Ledger, sizes: Sequence[int]) -> Iterator[Blob]:
    """What the ledger holds of these sizes, one value in memory at a time."""
    for table, keys in _VALUES.items():
        sql = f"SELECT {', '.join(keys)} FROM {table} WHERE LENGTH(value) {{in_numbers}}"
        rows = ledger.transact(lambda db, sql=sql: db.query(sql, [db.list_of(sizes)]), writes=False)  # type: ignore[misc]
        one = f"SELECT value FROM {table} WHERE {' AND '.join(f'{key} = ?' for key in keys)}"
        for row in rows:
            found = ledger.transact(lambda db, one=one, row=row: db.query(one, list(row)), writes=False)  # type: ignore[misc]
            yield from (Blob.of(bytes(value)) for (value,) in found)
