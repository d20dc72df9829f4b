"""Bytes of one raw event to a `RawArticle`, or the reason why not. Pure; raises nothing for bad input."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from newsflow.contracts.explain import explain
from newsflow.contracts.json_text import NotJson, read_json
from newsflow.contracts.schemas import load_schema, validator
from newsflow.model.article import RawArticle
from newsflow.model.cloudevents import STRUCTURED_TYPE, content_type
from newsflow.model.event import Headers
from newsflow.model.outcome import Reason, Rejected

STAGE = "Normalise"
SCHEMA = "raw-article"
CONTENT_TYPES = ("text/html", "text/plain")
KNOWN_MEMBERS = frozenset(load_schema(SCHEMA)["properties"])
_ENVELOPE = frozenset(("specversion", "id", "source", "type"))


@dataclass(frozen=True, slots=True)
class RawLimits:
    """How large a raw event may be. A value over a limit is a dead letter, not a failure."""

    max_bytes: int = 8 * 1024 * 1024
    """Bytes of the record's value."""
    max_depth: int = 32
    """How deep arrays and objects may nest."""


DEFAULT_LIMITS = RawLimits()


class _RefusedError(Exception):
    """Carries a `Rejected` out of a helper; never leaves this module."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.rejected = Rejected(reason, message, STAGE)
        super().__init__(message)


def parse_raw(value: bytes | None, headers: Headers = (), limits: RawLimits = DEFAULT_LIMITS) -> RawArticle | Rejected:
    """Return the raw article that `value` holds, or why it holds none, for any bytes and headers at all.

    Accepted is one JSON object in UTF-8 (a byte order mark is skipped), valid by raw-article.v1, alone or as the
    `data` of a CloudEvent in structured mode. An envelope's attributes are kept as the extra member `cloudevent`.
    """
    try:
        members = _read(value, headers, limits)
        return _build(_checked(members))
    except _RefusedError as refused:
        return refused.rejected


def _read(value: bytes | None, headers: Headers, limits: RawLimits) -> Mapping[str, Any]:
    if value is None:
        raise _RefusedError(
            Reason.SCHEMA_VIOLATION,
            "the value is null (a tombstone); to take an article back send a raw article with action withdraw",
        )
    if len(value) > limits.max_bytes:
        raise _RefusedError(
            Reason.TOO_LARGE, f"the value has {len(value):,} bytes; accepted: up to {limits.max_bytes:,}"
        )
    media_type = content_type(headers)
    _check_media_type(media_type, "the header content-type")
    members = _object(value, limits)
    if media_type == STRUCTURED_TYPE or _is_envelope(members):
        return _unwrap(members, limits)
    return members


def _object(value: bytes, limits: RawLimits) -> Mapping[str, Any]:
    parsed = read_json(value, limits.max_depth)
    if isinstance(parsed, NotJson):
        raise _RefusedError(parsed.reason, parsed.message)
    return _as_object(parsed, "the value")


def _as_object(parsed: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(parsed, dict):
        raise _RefusedError(Reason.SCHEMA_VIOLATION, f"{what} is {_kind(parsed)}; accepted: one JSON object")
    return parsed


def _check_media_type(media_type: str | None, where: str) -> None:
    """Refuse what says of itself that it is no JSON."""
    if media_type is None or media_type == "application/json" or media_type == STRUCTURED_TYPE:
        return
    if media_type.endswith("+json") and "batch" not in media_type:
        return
    raise _RefusedError(
        Reason.UNSUPPORTED_CONTENT_TYPE,
        f"{where} is {_short(media_type)}; accepted: application/json or {STRUCTURED_TYPE}, one event a record",
    )


def _is_envelope(members: Mapping[str, Any]) -> bool:
    """True for a CloudEvent in structured mode that no header announced, as on files."""
    return (
        "specversion" in members
        and members.keys() >= _ENVELOPE
        and ("data" in members or "data_base64" in members)
        and "fetched_at" not in members
    )


def _unwrap(envelope: Mapping[str, Any], limits: RawLimits) -> dict[str, Any]:
    version = envelope.get("specversion")
    if version != "1.0":
        raise _RefusedError(
            Reason.SCHEMA_VIOLATION, f"specversion of the CloudEvent is {_short(version)}; accepted: 1.0"
        )
    data_type = envelope.get("datacontenttype")
    if isinstance(data_type, str):
        _check_media_type(_bare(data_type), "datacontenttype of the CloudEvent")
    if "data_base64" in envelope:
        data = _object(_from_base64(envelope["data_base64"]), limits)
    else:
        data = _as_object(envelope.get("data"), "data of the CloudEvent")
    attributes = {name: value for name, value in envelope.items() if name not in ("data", "data_base64")}
    return {**data, "cloudevent": attributes}


def _from_base64(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError) as error:
        message = f"data_base64 of the CloudEvent is no base64: {error}; accepted: base64 of one JSON object"
        raise _RefusedError(Reason.BAD_ENCODING, message) from error


def _checked(members: Mapping[str, Any]) -> Mapping[str, Any]:
    media_type = members.get("content_type")
    if isinstance(media_type, str) and _bare(media_type) not in CONTENT_TYPES:
        raise _RefusedError(
            Reason.UNSUPPORTED_CONTENT_TYPE,
            f"content_type is {_short(media_type)}; accepted: {' or '.join(CONTENT_TYPES)}",
        )
    if not validator(SCHEMA).is_valid(members):
        raise _RefusedError(Reason.SCHEMA_VIOLATION, explain(SCHEMA, members))
    return members


def _build(members: Mapping[str, Any]) -> RawArticle:
    version = members.get("version")
    return RawArticle(
        source=members["source"],
        fetched_at=_instant(members["fetched_at"]),
        content_type=_bare(members.get("content_type", "text/plain")),
        content=members.get("content", ""),
        url=members.get("url"),
        guid=members.get("guid"),
        title=members.get("title"),
        published=members.get("published"),
        language=members.get("language"),
        authors=tuple(members.get("authors") or ()),
        section=members.get("section"),
        canonical_url=members.get("canonical_url"),
        feed=members.get("feed"),
        agency=members.get("agency"),
        version=None if version is None else str(version),
        withdrawn=members.get("action") == "withdraw",
        extra={name: value for name, value in members.items() if name not in KNOWN_MEMBERS},
    )


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        # What the format allows and no calendar holds: 0001-01-01T00:00:00+14:00 lies before the year 1.
        message = f"fetched_at {_short(text)} is no instant: {error}; accepted: RFC 3339, as 2024-12-15T13:21:00Z"
        raise _RefusedError(Reason.SCHEMA_VIOLATION, message) from error


def _bare(media_type: str) -> str:
    """The media type without parameters such as `charset`: content is text already, whatever it was sent as."""
    return media_type.partition(";")[0].strip().lower()


def _kind(value: Any) -> str:
    names = {type(None): "null", bool: "a boolean", str: "a string", list: "an array"}
    return names.get(type(value), "a number")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"
