"""Record headers: CloudEvents 1.0 in Kafka's binary mode, and the headers that explain a dead letter.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from newsflow.model.event import Event, Headers, Rejected
from newsflow.model.names import ce_source, ce_type, emission_id, schema_id

JSON_TYPE = "application/json"
STRUCTURED_TYPE = "application/cloudevents+json"
PASSED_ON = ("traceparent", "tracestate")
"""Trace context goes from the raw event to everything that comes of it. https://www.w3.org/TR/trace-context/"""

DECIDED_AT_HEADER = "newsflow-decided-at"
"""When a decision was made: the one thing in which two runs over the same input differ."""

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


_FIRST_KNOWN_MS = 946_684_800_000
"""2000-01-01T00:00:00Z. A record that says it is older was written by something without a clock."""
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
    decided_at: datetime,
    subject: str | None = None,
    incoming: Headers = (),
    envelope: Mapping[str, Any] | None = None,
) -> Headers:
    """The headers of a value that follows the schema `name`, emitted by `job`.

    `time` is that of the event, and `decided_at` when the ledger decided, never the clock: a retry writes the same
    bytes. `subject` is the article's id. Trace context is passed on from `incoming`, the raw event's headers, else from
    `envelope`, the attributes of a raw event in structured mode.
    """
    pairs: list[tuple[str, bytes | None]] = [
        ("ce_specversion", b"1.0"),
        ("ce_id", ce_id.encode()),
        ("ce_source", ce_source(job).encode()),
        ("ce_type", ce_type(name).encode()),
        ("ce_time", instant_text(time).encode()),
        (DECIDED_AT_HEADER, instant_text(decided_at).encode()),
    ]
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
        (ORIGIN_PREFIX, place | {"timestamp": str(event.timestamp_ms)}),
        (CONNECT_PREFIX, place | connect),
    )
    return (*own, *((prefix + name, _header_text(text)) for prefix, members in added for name, text in members.items()))


def instant_text(at: datetime) -> str:
    """An aware instant as RFC 3339 with `Z`. Raises `ValueError` for a naive one: it names no instant."""
    if at.tzinfo is None:
        raise ValueError(f"{at.isoformat()} has no zone; accepted: an aware datetime")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _header_text(text: str) -> bytes:
    cut = text if len(text) <= MAX_HEADER_CHARS else text[: MAX_HEADER_CHARS - 1] + "…"
    return cut.encode("utf-8", "replace")


def _trace(incoming: Headers, envelope: Mapping[str, Any]) -> Iterator[tuple[str, bytes | None]]:
    for name in PASSED_ON:
        text = header(incoming, name) or envelope.get(name)
        if isinstance(text, str) and len(text) <= MAX_HEADER_CHARS:
            yield name, text.encode("utf-8", "replace")
