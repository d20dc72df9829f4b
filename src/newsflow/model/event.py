"""A raw event: one Kafka record, or one line of an input file."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True)
class Event:
    """One record at its place. On files `topic` is the file's name, `partition` 0, `offset` the line (from 0)."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    """Milliseconds since 1970-01-01T00:00:00Z, as the broker keeps it; 0 when unknown."""
    key: bytes | None
    value: bytes | None
    headers: Headers = ()

    @cached_property
    def digest(self) -> str:
        """32 hex digits over key and value: tells two records at one place of a re-created topic apart."""
        state = hashlib.blake2b(digest_size=16)
        for part in (self.key, self.value):
            state.update(b"\x00" if part is None else b"\x01" + len(part).to_bytes(8, "big") + part)
        return state.hexdigest()

    @cached_property
    def event_id(self) -> str:
        """32 hex digits of place and bytes: the same record read again has the same id."""
        place = f"{self.topic}\n{self.partition}\n{self.offset}\n{self.digest}".encode("utf-8", "surrogateescape")
        return hashlib.blake2b(place, digest_size=16).hexdigest()
