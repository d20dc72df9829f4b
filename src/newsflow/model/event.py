"""A raw event (one Kafka record, or one line of an input file), and what may become of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
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


class Outcome(StrEnum):
    """The one thing that became of a raw event: a closed list that counters, headers, ledger and docs share."""

    ADDED = "added"
    """A new article."""
    REPLACED = "replaced"
    """A known article with another text: its version went up by one."""
    WITHDRAWN = "withdrawn"
    """The publisher took a known article back."""
    REPEAT = "repeat"
    """A known article with the text it already had."""
    STALE = "stale"
    """An older state of an article than the one already known."""
    DUPLICATE = "duplicate"
    """Another article already says (nearly) the same."""
    DEAD_LETTERED = "dead-lettered"
    """It could not be processed; the original bytes are in the dead-letter topic."""


class Reason(StrEnum):
    """Why an event was dead-lettered. Values are never reused for something else."""

    MALFORMED_JSON = "malformed-json"
    SCHEMA_VIOLATION = "schema-violation"
    TOO_LARGE = "too-large"
    BAD_ENCODING = "bad-encoding"
    BAD_URL = "bad-url"
    UNSUPPORTED_CONTENT_TYPE = "unsupported-content-type"
    NO_TEXT = "no-text"
    UNKNOWN_SOURCE = "unknown-source"
    TIME_LIMIT = "time-limit"
    TRANSFORM_ERROR = "transform-error"
    SINK_REJECTED = "sink-rejected"


class Action(StrEnum):
    """What an emitted article asks its reader to do."""

    ADD = "add"
    REPLACE = "replace"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Rejected:
    """An event that cannot go on, as a value: stages return it, they do not raise it.

    `message` is one sentence for a person: what was wrong, which value, what would be accepted.
    `error_class` is the qualified name of the exception behind it, empty when there was none.
    """

    reason: Reason
    message: str
    stage: str
    error_class: str = ""
