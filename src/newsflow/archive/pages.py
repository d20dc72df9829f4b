"""Pages that are put aside: what is too large to travel in its record goes to the blob store, and its raw event names
it.

A table of the ledger says whose they are, for takedowns; how long they stay is the blob store's rule (ADR 87).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson

from newsflow.archive.archive import names_of
from newsflow.blobs import BlobStore
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database, storable, to_micros
from newsflow.model.claim import Blob

Pair = tuple[bytes, bytes]
"""Key and value of a raw event."""


@dataclass(frozen=True)
class PutAside:
    """Puts contents of more than `most_bytes` of UTF-8 aside. Called again with the same events it gives the same
    bytes."""

    blobs: Callable[[], BlobStore]
    ledger: Ledger
    most_bytes: int

    def __call__(self, events: Iterable[Pair]) -> list[Pair]:
        """The events as they travel. Their contents are stored when it returns. Raises `SinkError` while the blob store
        is unavailable, `LedgerError`."""
        return [self._one(key, value) if len(value) > self.most_bytes else (key, value) for key, value in events]

    def _one(self, key: bytes, value: bytes) -> Pair:
        members = orjson.loads(value)
        content = str(members.get("content") or "").encode()
        if len(content) <= self.most_bytes:
            return key, value
        dataref = Blob.of(content).dataref
        row = (dataref, storable(key.decode("utf-8", "replace")), *names_of(members), to_micros(self.ledger.now()))
        # Known before it is there: what a takedown does not know of, it does not remove.
        self.ledger.transact(lambda db: _note(db, row))
        self.blobs().put(content)
        named = ((name, each) if name != "content" else ("dataref", dataref) for name, each in members.items())
        return key, orjson.dumps(dict(named))


def _note(db: Database, row: Sequence[Any]) -> None:
    again = "ON CONFLICT (dataref, record_key) DO UPDATE SET put_at = excluded.put_at"
    db.insert("page_blob", "dataref, record_key, url_name, guid_name, put_at", [row], again)


def pages_of(db: Database, names: Sequence[str]) -> list[str]:
    """The references to pages that events of articles with these names travelled by, and no other article's."""
    theirs = "url_name {in_texts} OR guid_name {in_texts}"
    listed = [db.list_of(names)] * 2
    refs = {row[0] for row in db.query(f"SELECT dataref FROM page_blob WHERE {theirs}", listed)}
    others = (
        "SELECT dataref FROM page_blob WHERE dataref {in_texts} AND NOT (COALESCE(url_name, '') {in_texts}) "
        "AND NOT (COALESCE(guid_name, '') {in_texts})"
    )
    return sorted(refs - {row[0] for row in db.query(others, [db.list_of(sorted(refs)), *listed])})


def forget_notes(ledger: Ledger, older_than: timedelta) -> None:
    """Forget whose pages were that are not in the blob store any more."""
    before = to_micros(ledger.now() - older_than)
    ledger.transact(lambda db: db.execute("DELETE FROM page_blob WHERE put_at < ?", [before]))
