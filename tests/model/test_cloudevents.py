"""Headers of what is emitted, and of dead letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.model import Event, Headers, Reason, Rejected
from newsflow.model.headers import (
    MAX_HEADER_CHARS,
    content_type,
    dead_letter_headers,
    emitted_headers,
    event_ms,
    header,
    instant_text,
)
from newsflow.model.names import emission_id

AT = datetime(2025, 3, 12, 7, 31, 40, tzinfo=UTC)
TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = Event(
    "news.article.raw.v1", 3, 41, 1741764700000, b"k", b"{", (("ce_id", b"7"), ("traceparent", TRACE), ("x", None))
)
LATER = AT + timedelta(days=1)
REJECTED = Rejected(Reason.MALFORMED_JSON, "not JSON: سطر 1", "Normalise", "orjson.JSONDecodeError")


def as_dict(headers: Headers) -> dict[str, bytes | None]:
    assert len({name for name, _ in headers}) == len(headers)
    return dict(headers)


def test_emitted_headers_are_cloudevents_in_binary_mode() -> None:
    headers = emitted_headers(
        name="article", ce_id="id-1", job="ingest", time=AT, decided_at=LATER, subject="a1", incoming=EVENT.headers
    )
    assert as_dict(headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"id-1",
        "ce_source": b"/newsflow/ingest",
        "ce_type": b"newsflow.article.v1",
        "ce_time": b"2025-03-12T07:31:40Z",
        "newsflow-decided-at": b"2025-03-13T07:31:40Z",
        "ce_subject": b"a1",
        "ce_dataschema": b"urn:newsflow:schema:article:v1",
        "content-type": b"application/json",
        "traceparent": TRACE,
    }


@pytest.mark.parametrize(
    ("incoming", "envelope", "passed"),
    [
        ((("Traceparent", b"1"),), {"traceparent": "2"}, b"1"),
        ((), {"traceparent": "2", "tracestate": 3}, b"2"),
        ((("traceparent", None),), {}, None),
        ((("traceparent", b"x" * 9_999),), None, None),
    ],
)
def test_trace_context_is_passed_on(
    incoming: Headers, envelope: dict[str, object] | None, passed: bytes | None
) -> None:
    headers = emitted_headers(
        name="alert", ce_id="i", job="j", time=AT, decided_at=AT, incoming=incoming, envelope=envelope
    )
    assert as_dict(headers).get("traceparent") == passed
    assert "tracestate" not in as_dict(headers)
    assert "ce_subject" not in as_dict(headers)


def test_a_dead_letter_keeps_its_own_headers_and_says_why() -> None:
    headers = dead_letter_headers(EVENT, REJECTED, job="ingest", time=AT, attempt=2)
    assert headers[:3] == EVENT.headers
    assert as_dict(headers) | {} == {
        "ce_id": b"7",
        "traceparent": TRACE,
        "x": None,
        "newsflow.error.id": emission_id(EVENT.event_id, "dead-letter", "malformed-json").encode(),
        "newsflow.error.stage": b"Normalise",
        "newsflow.error.reason": b"malformed-json",
        "newsflow.error.message": "not JSON: سطر 1".encode(),
        "newsflow.error.class": b"orjson.JSONDecodeError",
        "newsflow.error.attempt": b"2",
        "newsflow.error.time": b"2025-03-12T07:31:40Z",
        "newsflow.error.job": b"ingest",
        "newsflow.origin.topic": b"news.article.raw.v1",
        "newsflow.origin.partition": b"3",
        "newsflow.origin.offset": b"41",
        "newsflow.origin.timestamp": b"1741764700000",
        "__connect.errors.topic": b"news.article.raw.v1",
        "__connect.errors.partition": b"3",
        "__connect.errors.offset": b"41",
        "__connect.errors.connector.name": b"ingest",
        "__connect.errors.task.id": b"0",
        "__connect.errors.stage": b"Normalise",
        "__connect.errors.class.name": b"newsflow.Normalise",
        "__connect.errors.exception.class.name": b"orjson.JSONDecodeError",
        "__connect.errors.exception.message": "not JSON: سطر 1".encode(),
    }


def test_a_second_dead_lettering_replaces_the_first_explanation() -> None:
    first = dead_letter_headers(EVENT, REJECTED, job="ingest", time=AT)
    replayed = Event(EVENT.topic, 0, 99, 0, EVENT.key, EVENT.value, first)
    other = Rejected(Reason.NO_TEXT, "no text", "normalise")
    second = dead_letter_headers(replayed, other, job="ingest", time=AT, attempt=2)
    assert as_dict(second)["newsflow.error.reason"] == b"no-text"
    assert as_dict(second)["newsflow.origin.offset"] == b"99"
    assert as_dict(second)["__connect.errors.exception.class.name"] == b"newsflow.no-text"
    assert second[:3] == EVENT.headers


def test_a_long_or_broken_message_still_fits_a_header() -> None:
    rejected = Rejected(Reason.TRANSFORM_ERROR, "\ud800" + "ط" * 100_000, "tag")
    message = as_dict(dead_letter_headers(EVENT, rejected, job="ingest", time=AT))["newsflow.error.message"]
    assert message is not None
    assert message.startswith("?ط".encode())
    assert len(message.decode()) == MAX_HEADER_CHARS


def test_headers_are_found_without_case_and_the_last_counts() -> None:
    headers: Headers = (
        ("Content-Type", b"text/plain"),
        ("content-type", b"Application/JSON; charset=utf-8"),
        ("n", None),
    )
    assert content_type(headers) == "application/json"
    assert header(headers, "N") is None
    assert header(headers, "absent") is None
    assert header((("a", b"\xff"),), "a") == "\ufffd"
    assert content_type(()) is None
    assert content_type((("content-type", b" "),)) is None


def test_instants_are_utc_with_z() -> None:
    local = datetime(2025, 3, 12, 11, 31, 40, 5, tzinfo=timezone(timedelta(hours=4)))
    assert instant_text(local) == "2025-03-12T07:31:40.000005Z"
    with pytest.raises(ValueError, match="has no zone"):
        instant_text(datetime(2025, 3, 12))  # noqa: DTZ001


_FIRST = datetime(1, 1, 3, tzinfo=UTC)


class _Stamp(datetime):
    """An instant of a library's own kind, as pandas has one."""


@given(
    st.timedeltas(timedelta(0), datetime(9999, 12, 29, tzinfo=UTC) - _FIRST),
    st.sampled_from([0, 1, 10, 500_000, 999_999]),
    st.integers(-1_439, 1_439),
)
def test_an_instant_is_written_as_iso_8601_has_it(since: timedelta, micros: int, zone_min: int) -> None:
    zone = timezone(timedelta(minutes=zone_min))
    at = (_FIRST + since).astimezone(zone)
    for moment in (at, at.replace(microsecond=micros)):
        text = instant_text(moment)
        assert text == moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
        stamp = _Stamp(*moment.timetuple()[:6], moment.microsecond, zone)
        assert instant_text(stamp) == text


NOW_MS, WRITTEN_MS = 1_800_000_000_000, 1_750_000_000_000


@pytest.mark.parametrize(
    ("ce_time", "written_ms", "expected_ms"),
    [
        ("2025-03-12T07:31:40Z", WRITTEN_MS, 1_741_764_700_000),
        ("2025-03-12T07:31:40.123456Z", WRITTEN_MS, 1_741_764_700_123),
        ("2025-03-12T09:31:40+02:00", WRITTEN_MS, 1_741_764_700_000),
        ("2025-03-12T07:31:40Z", 0, 1_741_764_700_000),
        ("2025-03-12T07:31:40Z", 86_400_000, 1_741_764_700_000),  # written by something without a clock
        ("2026-01-01T00:00:00Z", WRITTEN_MS, WRITTEN_MS),
        ("9999-12-31T23:59:59-14:00", 0, NOW_MS),
        ("0001-01-01T00:00:00+14:00", WRITTEN_MS, 0),
        ("2025-03-12T07:31:40", WRITTEN_MS, WRITTEN_MS),
        ("10000-01-01T00:00:00Z", WRITTEN_MS, WRITTEN_MS),
        ("1741764700", WRITTEN_MS, WRITTEN_MS),
        ("yesterday", WRITTEN_MS, WRITTEN_MS),
        ("", WRITTEN_MS, WRITTEN_MS),
        (None, WRITTEN_MS, WRITTEN_MS),
        (None, 0, 0),
        (None, NOW_MS + 1, NOW_MS),
        (None, 1 << 62, NOW_MS),
    ],
)
def test_the_event_time_of_a_record(ce_time: str | None, written_ms: int, expected_ms: int) -> None:
    headers = (("ce_time", None if ce_time is None else ce_time.encode()),)
    assert event_ms(Event("t", 0, 0, written_ms, None, b"", headers), NOW_MS) == expected_ms


@given(st.binary(), st.integers(0, 1 << 63), st.integers(0, 1 << 50))
def test_any_bytes_have_an_event_time(ce_time: bytes, written_ms: int, now_ms: int) -> None:
    at_ms = event_ms(Event("t", 0, 0, written_ms, None, b"", (("ce_time", ce_time),)), now_ms)
    assert 0 <= at_ms <= now_ms
