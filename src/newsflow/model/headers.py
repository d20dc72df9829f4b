"""Record headers: CloudEvents 1.0 in Kafka's binary mode, and the headers that explain a dead letter.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from newsflow.model.event import Event, Headers, Rejected
from newsflow.model.names import ce_source, ce_type, emission_id, schema_id

JSON_TYPE = "application/json"
STRUCTURED_TYPE = "application/cloudevents+json"
PASSED_ON = ("traceparent", "tracestate")
"""Trace context goes from the raw event to everything that comes of it. https://www.w3.org/TR/trace-context/"""

DECIDED_AT_HEADER = "newsflow-decided-at"
"""When a decision was made: the one thing in which two runs over the same input differ."""
RECORD_TIME_HEADER = "newsflow-record-time"
"""The time of the raw record that an article came with."""

ERROR_PREFIX = "newsflow.error."
ORIGIN_PREFIX = "newsflow.origin."
CONNECT_PREFIX = "__connect.errors."
DEAD_LETTER_PREFIXES = (ERROR_PREFIX, ORIGIN_PREFIX, CONNECT_PREFIX)
MAX_HEADER_CHARS = 2_000


def header(headers: Headers, name: str) -> str | None:
    """The last header called `name` as text, None when it is not there or null. Bytes that are not UTF-8 show as
    U+FFFD. Names are compared without case, as CloudEvents asks."""
    wanted = name.lower()
    for key, value in reversed(headers):
        if key.lower() == wanted:
            return None if value is None else value.decode("utf-8", "replace")
    return None


_KEPT = (ERROR_PREFIX + "attempt", ORIGIN_PREFIX + "timestamp")


def own_headers(headers: Headers) -> Headers:
    """The headers that a dead letter came with. How often it was one goes with them: the next one counts on; and when
    it was first written, since a replay makes no news of it."""
    return tuple(pair for pair in headers if pair[0] in _KEPT or not pair[0].startswith(DEAD_LETTER_PREFIXES))


def attempt_of(headers: Headers) -> int:
    """How often the record was a dead letter; 0 when it was none. Never counts retries: those repeat bytes."""
    text = header(headers, ERROR_PREFIX + "attempt") or ""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0


_FIRST_KNOWN_MS = 946_684_800_000
"""2000-01-01T00:00:00Z. A record that says it is older was written by something without a clock."""


def record_time(event: Event) -> datetime | None:
    """When a raw record was written; None where that is unknown, as on files. One that was a dead letter and is
    published again was written when it was the first time."""
    first = header(event.headers, ORIGIN_PREFIX + "timestamp") or ""
    first_ms = int(first) if first.isascii() and first.isdecimal() and len(first) < 16 else 0
    if event.timestamp_ms < _FIRST_KNOWN_MS:
        return None
    written_ms = min(event.timestamp_ms, first_ms if first_ms >= _FIRST_KNOWN_MS else event.timestamp_ms)
    try:
        return datetime.fromtimestamp(written_ms / 1_000, UTC)
    except (ValueError, OverflowError, OSError):  # beyond the calendar
        return None


def fetched_before_written(article: Event) -> timedelta:
    """How long before its raw record was written an article of news.article.v1 was fetched, by its headers; zero where
    they do not say."""
    try:
        written, fetched = (
            datetime.fromisoformat(header(article.headers, name) or "") for name in (RECORD_TIME_HEADER, "ce_time")
        )
        return written - fetched
    except (ValueError, TypeError, OverflowError):  # not both of them instants
        return timedelta()


_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def event_ms(event: Event, now_ms: int) -> int:
    """The event time of a record, in milliseconds since 1970: its `ce_time`, else when it was written.

    Never later than either when it was written, where that is known, or `now_ms`: no clock makes others late.
    """
    at_ms, text = event.timestamp_ms, header(event.headers, "ce_time")
    if text:
        try:
            given_ms = (datetime.fromisoformat(text) - _1970) // _MS
        except (ValueError, TypeError):  # not a date, or one without a zone: it names no instant
            given_ms = at_ms
        at_ms = min(given_ms, at_ms) if at_ms >= _FIRST_KNOWN_MS else given_ms
    return max(min(at_ms, now_ms), 0)


def content_type(headers: Headers) -> str | None:
    """The media type of a record's value, lower case and without parameters; None when not given."""
    text = header(headers, "content-type")
    return None if text is None else text.partition(";")[0].strip().lower() or None


def emitted_headers(
    *,
    name: str,
    ce_id: str,
    job: str,
    time: datetime,
    decided_at: datetime | None,
    subject: str | None = None,
    incoming: Headers = (),
    envelope: Mapping[str, Any] | None = None,
) -> Headers:
    """The headers of a value that follows the schema `name`, emitted by `job`.

    `time` is that of the event, and `decided_at` when the ledger decided, never the clock: a retry writes the same
    bytes. It is None for what 0.1 decided, which said it in `time`. `subject` is the article's id. Trace context is
    passed on from `incoming`, the raw event's headers, else from `envelope`, the attributes of a raw event in
    structured mode.
    """
    pairs: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_source", ce_source(job).encode()),
        ("ce_type", ce_type(name).encode()),
        ("ce_time", instant_text(time).encode()),
    ]
    if decided_at is not None:
        pairs.append((DECIDED_AT_HEADER, instant_text(decided_at).encode()))
    if subject is not None:
        pairs.append(("ce_subject", subject.encode()))
    pairs += [("ce_dataschema", schema_id(name).encode()), ("content-type", JSON_TYPE.encode())]
    return (*pairs, *_trace(incoming, envelope or {}))


def dead_letter_headers(
    event: Event, rejected: Rejected, *, job: str, time: datetime, attempt: int = 1, qualifier: str = ""
) -> Headers:
    """The headers of a dead letter: the event's own, untouched, then why and where it came from.

    `time` is when it was decided, `attempt` counts from 1; `qualifier` tells apart what several refused for one
    reason. What an earlier dead-lettering of the same record wrote is replaced. Kafka Connect's names are written
    too, so that tools that know those can read it.
    """
    own = tuple(pair for pair in event.headers if not pair[0].startswith(DEAD_LETTER_PREFIXES))
    place = {"topic": event.topic, "partition": str(event.partition), "offset": str(event.offset)}
    error = {
        "id": emission_id(event.event_id, "dead-letter", rejected.reason + qualifier),
        "stage": rejected.stage,
        "reason": rejected.reason.value,
        "message": rejected.message,
        "class": rejected.error_class,
        "attempt": str(attempt),
        "time": instant_text(time),
        "job": job,
    }
    connect = {
        "connector.name": job,
        "task.id": "0",
        "stage": rejected.stage,
        "class.name": f"newsflow.{rejected.stage}",
        "exception.class.name": rejected.error_class or f"newsflow.{rejected.reason.value}",
        "exception.message": rejected.message,
    }
    added = (
        (ERROR_PREFIX, error),
        (ORIGIN_PREFIX, place | {"timestamp": str(_first_written_ms(event))}),
        (CONNECT_PREFIX, place | connect),
    )
    return (*own, *((prefix + name, _header_text(text)) for prefix, members in added for name, text in members.items()))


def _first_written_ms(event: Event) -> int:
    """Of an event that was a dead letter before, so that a replay does not make it younger."""
    first = record_time(event)
    return event.timestamp_ms if first is None else round(first.timestamp() * 1_000)


def instant_text(at: datetime) -> str:
    """An aware instant as RFC 3339 with `Z`. Raises `ValueError` for a naive one: it names no instant."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no zone; accepted: an aware datetime")
    if type(at) is datetime:  # as nearly all are; orjson takes no subclass, and less than half the time
        return orjson.dumps(at.astimezone(UTC), option=orjson.OPT_UTC_Z)[1:-1].decode()
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _header_text(text: str) -> bytes:
    cut = text if len(text) <= MAX_HEADER_CHARS else text[: MAX_HEADER_CHARS - 1] + "…"
    return cut.encode("utf-8", "replace")


def _trace(incoming: Headers, envelope: Mapping[str, Any]) -> Iterator[tuple[str, bytes | None]]:
    for name in PASSED_ON:
        text = header(incoming, name) or envelope.get(name)
        if isinstance(text, str) and len(text) <= MAX_HEADER_CHARS:
            yield name, text.encode("utf-8", "replace")
