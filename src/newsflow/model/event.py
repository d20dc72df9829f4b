"""A raw event (one Kafka record, or one line of an input file), and what may become of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

Headers = tuple[tuple[str, bytes | None], ...]
NEVER_MS = 1 << 53
"""Later than any record."""


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
            state.update(b"\x00" if part is None else b"\x01" + len(part).to_bytes(8, "big"))
            state.update(part or b"")
        return state.hexdigest()

    @cached_property
    def event_id(self) -> str:
        """32 hex digits of place and bytes: the same record read again has the same id."""
        return event_id_of(self.topic, self.partition, self.offset, self.digest)


def event_id_of(topic: str, partition: int, offset: int, digest: str) -> str:
    """The id of the event at a place whose record has this digest. Who knows id and place can tell by it whether other
    bytes are the same, without having kept them."""
    place = f"{topic}\n{partition}\n{offset}\n{digest}".encode("utf-8", "surrogateescape")
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
    """Why an event was dead-lettered. Values are never reused for something else.

    Each says when it applies and what to do then; `make docs` writes both to docs/reference/outcomes.md, and the values
    to the schema of dead letters.
    """

    MALFORMED_JSON = "malformed-json"
    """The value is not JSON, or JSON that two readers could understand differently.

    Fix the producer.
    """
    SCHEMA_VIOLATION = "schema-violation"
    """The value is JSON, but not a [raw article](schemas.md#raw-article); also a null value.

    The message names the member and what would be accepted.
    """
    TOO_LARGE = "too-large"
    """The value is larger than `limits.event_bytes`, or its compressed batch expands beyond `limits.expand_bytes`.

    Send the article without what is embedded in it, or raise the limit.
    """
    BAD_ENCODING = "bad-encoding"
    """The value is not UTF-8: another encoding, compressed, or framed by a schema registry.

    Send plain UTF-8; Kafka's own compression is fine.
    """
    BAD_URL = "bad-url"
    """The URL is not an absolute http or https URL.

    Fix the producer.
    """
    UNSUPPORTED_CONTENT_TYPE = "unsupported-content-type"
    """The content is neither `text/html` nor `text/plain`, or a header says that the value is not JSON.

    Convert it first.
    """
    NO_TEXT = "no-text"
    """Nothing that reads as an article was found in the page; or a text or feed item has neither text nor headline.

    Often a gallery or a video page; a [source profile](../how-to/add-a-source.md) can help.
    """
    NOT_AN_ARTICLE = "not-an-article"
    """The page is a block page, a consent or log-in wall, an error page or a list of teasers.

    Fetch the article itself; for a page that is one after all, name its `selectors.body` in a
    [source profile](../how-to/add-a-source.md), or send it with `content_is: article`.
    """
    UNKNOWN_SOURCE = "unknown-source"
    """The source has no profile, and `sources.closed` is set.

    Add a profile, then replay.
    """
    TIME_LIMIT = "time-limit"
    """To read it or to find its topics took longer than `limits.extract_s`.

    Look at the article; it may be hostile.
    """
    TRANSFORM_ERROR = "transform-error"
    """A stage failed in a way it did not expect.

    A fault of newsflow or of a rule; report it with the dead letter.
    """
    SINK_REJECTED = "sink-rejected"
    """A destination refused the record for good.

    The message holds its answer.
    """
    BLOB_MISSING = "blob-missing"
    """The record is a claim, and the [blob store](configuration.md) has no such blob, or other bytes under its name.

    Bring the store back, or name the right one in `blobs.url`; then replay.
    """


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
