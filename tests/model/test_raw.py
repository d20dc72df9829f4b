"""Any bytes become a raw article or a reason that says what would be accepted."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsflow.model import RawArticle, Reason, Rejected
from newsflow.model.raw import RawLimits, parse_raw
from tests.model.schema_laws import reference_validator

PAGE: dict[str, Any] = {
    "source": "barid-sahel",
    "fetched_at": "2025-03-12T10:31:40+03:00",
    "content_type": "text/html",
    "content": "<p>نص</p>",
    "url": "https://barid-sahel.example/1",
}
ENVELOPE = {"specversion": "1.0", "id": "7", "source": "/fetcher", "type": "newsflow.raw-article.v1"}


def raw(**changes: Any) -> bytes:
    return orjson.dumps({name: value for name, value in {**PAGE, **changes}.items() if value is not ...})


def accepted(value: bytes | None, *headers: tuple[str, bytes | None]) -> RawArticle:
    parsed = parse_raw(value, headers)
    assert isinstance(parsed, RawArticle), parsed
    return parsed


def refused(value: bytes | None, *headers: tuple[str, bytes | None]) -> Rejected:
    parsed = parse_raw(value, headers)
    assert isinstance(parsed, Rejected), parsed
    assert parsed.stage == "Normalise"
    return parsed


def test_all_members_find_their_place() -> None:
    parsed = accepted(
        raw(
            guid="g-1",
            title="عنوان",
            published="12 مارس",
            language="ar",
            authors=["سامر"],
            section="s",
            canonical_url="https://c",
            feed="f",
            agency="a",
            version=3,
            paywall=True,
        )
    )
    assert parsed == RawArticle(
        source="barid-sahel",
        fetched_at=datetime(2025, 3, 12, 7, 31, 40, tzinfo=UTC),
        content_type="text/html",
        content="<p>نص</p>",
        url="https://barid-sahel.example/1",
        guid="g-1",
        title="عنوان",
        published="12 مارس",
        language="ar",
        authors=("سامر",),
        section="s",
        canonical_url="https://c",
        feed="f",
        agency="a",
        version="3",
        extra={"paywall": True},
    )


def test_hints_that_are_null_count_as_absent() -> None:
    assert accepted(raw(title=None, authors=None, guid=None, version=None)) == accepted(raw())


def test_a_withdrawal_needs_no_content() -> None:
    parsed = accepted(raw(action="withdraw", content=..., content_type=...))
    assert parsed.withdrawn
    assert parsed.content == ""


def test_parameters_of_the_media_type_are_taken_off() -> None:
    assert accepted(raw(content_type="Text/HTML ; charset=windows-1256")).content_type == "text/html"


@pytest.mark.parametrize(
    ("changes", "reason", "words"),
    [
        ({"source": ...}, Reason.SCHEMA_VIOLATION, "source is missing"),
        ({"source": "Barid Sahel"}, Reason.SCHEMA_VIOLATION, "lower-case letters"),
        ({"content": ..., "content_type": ...}, Reason.SCHEMA_VIOLATION, "content_type, content are missing"),
        ({"url": ...}, Reason.SCHEMA_VIOLATION, "url or guid is required"),
        ({"url": None}, Reason.SCHEMA_VIOLATION, "url or guid is required"),
        ({"fetched_at": "12 مارس"}, Reason.SCHEMA_VIOLATION, "RFC 3339"),
        ({"fetched_at": "0001-01-01T00:00:00+14:00"}, Reason.SCHEMA_VIOLATION, "is not an instant"),
        ({"fetched_at": "9999-12-31T23:59:59-14:00"}, Reason.SCHEMA_VIOLATION, "is not an instant"),
        ({"action": "delete"}, Reason.SCHEMA_VIOLATION, "action is 'delete'; accepted: publish, withdraw"),
        ({"authors": ["a", 3]}, Reason.SCHEMA_VIOLATION, "authors[1] is 3; accepted: string"),
        ({"title": "ط" * 3000}, Reason.SCHEMA_VIOLATION, "title is 3,000 characters long; accepted: up to 2,000"),
        ({"content": {"html": "<p>"}}, Reason.SCHEMA_VIOLATION, "content is an object; accepted: string"),
        ({"content_type": "application/pdf"}, Reason.UNSUPPORTED_CONTENT_TYPE, "text/html or text/plain"),
        ({"content_type": "text/html\n"}, Reason.SCHEMA_VIOLATION, "content_type"),
        ({"content_type": 7}, Reason.SCHEMA_VIOLATION, "content_type is 7"),
        ({"title": 1, "section": 1, "feed": 1, "agency": 1}, Reason.SCHEMA_VIOLATION, "and 1 more"),
        ({"x": "\x00", "d": [[[]]], "e": 2**60}, None, ""),
    ],
)
def test_what_breaks_the_contract_is_named(changes: dict[str, Any], reason: Reason | None, words: str) -> None:
    if reason is None:
        accepted(raw(**changes))
        return
    rejected = refused(raw(**changes))
    assert rejected.reason is reason
    assert words in rejected.message


@pytest.mark.parametrize(
    ("value", "kind"),
    [(b"[]", "an array"), (b"null", "null"), (b"3", "a number"), (b'"a"', "a string"), (b"true", "a boolean")],
)
def test_only_an_object_is_an_event(value: bytes, kind: str) -> None:
    rejected = refused(value)
    assert rejected.reason is Reason.SCHEMA_VIOLATION
    assert rejected.message == f"the value is {kind}; accepted: one JSON object"


def test_a_tombstone_says_how_to_withdraw() -> None:
    rejected = refused(None)
    assert rejected.reason is Reason.SCHEMA_VIOLATION
    assert "action withdraw" in rejected.message


def test_size_is_limited_in_bytes_before_anything_is_read() -> None:
    value = raw()
    assert isinstance(parse_raw(value, limits=RawLimits(max_bytes=len(value))), RawArticle)
    rejected = parse_raw(b"\xff" * (len(value) + 1), limits=RawLimits(max_bytes=len(value)))
    assert isinstance(rejected, Rejected)
    assert rejected.reason is Reason.TOO_LARGE
    assert f"{len(value) + 1:,}" in rejected.message


def test_a_value_that_is_wrong_a_hundred_thousand_times_is_explained_in_a_sentence() -> None:
    rejected = refused(raw(authors=[3] * 100_000))
    assert rejected.reason is Reason.SCHEMA_VIOLATION
    assert len(rejected.message) < 500


def test_a_message_never_carries_the_article() -> None:
    rejected = refused(raw(source="س" * 100_000, title="t" * 100_000, published={"a": "b" * 100_000}))
    assert len(rejected.message) < 1000


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/vnd.example+json", ""]
)
def test_json_media_types_in_the_header_are_accepted(media_type: str) -> None:
    accepted(raw(), ("Content-Type", media_type.encode()))


@pytest.mark.parametrize(
    "media_type", ["application/avro", "text/html", "application/cloudevents-batch+json", "\udcff"]
)
def test_other_media_types_in_the_header_are_refused(media_type: str) -> None:
    rejected = refused(raw(), ("content-type", media_type.encode("utf-8", "surrogateescape")))
    assert rejected.reason is Reason.UNSUPPORTED_CONTENT_TYPE
    assert "application/cloudevents+json" in rejected.message


STRUCTURED = ("content-type", b"application/cloudevents+json; charset=utf-8")


@pytest.mark.parametrize("headers", [(STRUCTURED,), ()])
def test_a_cloudevent_in_structured_mode_is_unwrapped(headers: tuple[tuple[str, bytes], ...]) -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    parsed = accepted(orjson.dumps({**ENVELOPE, "traceparent": trace, "data": PAGE}), *headers)
    assert parsed.extra == {"cloudevent": {**ENVELOPE, "traceparent": trace}}
    assert parsed.url == PAGE["url"]


def test_base64_data_of_a_cloudevent_is_read() -> None:
    envelope = {**ENVELOPE, "data_base64": base64.b64encode(raw()).decode(), "datacontenttype": "application/json"}
    assert accepted(orjson.dumps(envelope), STRUCTURED).content == PAGE["content"]


@pytest.mark.parametrize(
    ("envelope", "reason"),
    [
        ({**ENVELOPE, "specversion": "0.3", "data": PAGE}, Reason.SCHEMA_VIOLATION),
        ({**ENVELOPE, "data": "text"}, Reason.SCHEMA_VIOLATION),
        (ENVELOPE, Reason.SCHEMA_VIOLATION),
        (PAGE, Reason.SCHEMA_VIOLATION),
        ({**ENVELOPE, "data": {**PAGE, "source": 3}}, Reason.SCHEMA_VIOLATION),
        ({**ENVELOPE, "data": PAGE, "datacontenttype": "text/xml"}, Reason.UNSUPPORTED_CONTENT_TYPE),
        ({**ENVELOPE, "data_base64": "%%%"}, Reason.BAD_ENCODING),
        ({**ENVELOPE, "data_base64": 3}, Reason.BAD_ENCODING),
        ({**ENVELOPE, "data_base64": "//79"}, Reason.BAD_ENCODING),
    ],
)
def test_a_broken_cloudevent_is_refused(envelope: dict[str, Any], reason: Reason) -> None:
    assert refused(orjson.dumps(envelope), STRUCTURED).reason is reason


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab:"\\', max_size=3), inner, max_size=3),
    max_leaves=8,
)
_events = st.dictionaries(st.sampled_from([*PAGE, "guid", "action", "authors", "specversion", "data", "x"]), _json).map(
    lambda changes: orjson.dumps({**PAGE, **changes})
)
_headers = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "Content-Type", "ce_id", ""]),
        st.none() | st.binary(max_size=20) | st.sampled_from([b"application/json", STRUCTURED[1]]),
    ),
    max_size=3,
).map(tuple)


@pytest.mark.property
@given(value=st.none() | st.binary(max_size=300) | _events, headers=_headers)
@settings(max_examples=800, deadline=None)
def test_any_bytes_are_an_article_or_a_reason(
    value: bytes | None, headers: tuple[tuple[str, bytes | None], ...]
) -> None:
    parsed = parse_raw(value, headers)
    if isinstance(parsed, Rejected):
        assert parsed.message
        assert len(parsed.message) < 1000
    else:
        assert parsed.fetched_at.tzinfo is UTC
        assert parsed.url is not None or parsed.guid is not None
    assert parse_raw(value, headers) == parsed


@pytest.mark.property
@given(_events)
@settings(max_examples=300, deadline=None)
def test_what_is_accepted_is_valid_by_the_reference(value: bytes) -> None:
    members = orjson.loads(value)
    if isinstance(parse_raw(value), RawArticle) and "data" not in members:
        assert reference_validator("raw-article").is_valid(members)
