"""Bytes of one raw event to a `RawArticle`, or the reason why not, in a sentence that says what would be accepted.

Pure; raises nothing for bad input.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from newsflow.errors import dotted
from newsflow.model.article import RawArticle
from newsflow.model.event import Headers, Reason, Rejected
from newsflow.model.framing import unframed
from newsflow.model.headers import STRUCTURED_TYPE, content_type
from newsflow.model.schemas import load_schema, validator
from newsflow.model.strict_json import NotJson, read_json

MAX_SHOWN_CHARS = 60
MAX_VIOLATIONS = 3
MAX_LOOKED_AT = 50
TELLING = ("type", "enum", "required", "anyOf", "format", "pattern", "not", "maxLength")
"""Keywords, the one whose failure says most first."""


def explain(name: str, value: Any) -> str:
    """Return what is wrong with `value` (parsed JSON) by the schema `name`: its first few violations.

    Of several at one place the most telling is named. Values are shown cut short: a message never carries a whole
    article.
    """
    sentences: dict[str, tuple[int, str]] = {}
    # A hostile value can break the contract a million times.
    for error in islice(validator(name).iter_errors(value), MAX_LOOKED_AT):
        place, keyword = _where(error.instance_path), error.kind.name
        weight = TELLING.index(keyword) if keyword in TELLING else len(TELLING)
        # Two missing members, or a missing one and a missing choice, are two things to know.
        place += f" {error.schema_path}" if keyword in ("required", "anyOf") else ""
        if weight < sentences.get(place, (len(TELLING) + 1, ""))[0]:
            sentence = _sentence(load_schema(name), list(error.schema_path), list(error.instance_path), value)
            sentences[place] = (weight, sentence)
    shown = [sentence for _, sentence in sentences.values()]
    more = len(shown) - MAX_VIOLATIONS
    return "; ".join(shown[:MAX_VIOLATIONS]) + (f"; and {more} more" if more > 0 else "")


def _sentence(schema: Any, schema_path: list[Any], path: list[Any], value: Any) -> str:
    keyword_at = next(i for i in range(len(schema_path) - 1, -1, -1) if isinstance(schema_path[i], str))
    keyword = schema_path[keyword_at]
    node = _follow(schema, schema_path[:keyword_at])
    found, where = _follow(value, path), _where(path)
    accepted = _accepted(keyword, node, found)
    if keyword == "required":
        return accepted if not path else f"{where}: {accepted}"
    if keyword == "anyOf" and not path:
        return accepted
    return f"{where} is {_shown(found, keyword)}; accepted: {accepted}"


def _accepted(keyword: str, node: Mapping[str, Any], found: Any) -> str:
    rule = node[keyword]
    match keyword:
        case "required":
            missing = [name for name in rule if name not in found]
            return f"{', '.join(missing)} is missing" if len(missing) == 1 else f"{', '.join(missing)} are missing"
        case "anyOf":
            return " or ".join(", ".join(option.get("required", ("?",))) for option in rule) + " is required"
        case "enum":
            return ", ".join(map(str, rule))
        case "type":
            return " or ".join([rule] if isinstance(rule, str) else rule)
        case "minLength" | "maxLength":
            return f"{'at least' if keyword == 'minLength' else 'up to'} {rule:,} characters"
        case "maxItems":
            return f"up to {rule:,} items"
        case _:
            return str(node.get("description", f"what {keyword} {rule!r} allows")).rstrip(".")


def _shown(found: Any, keyword: str) -> str:
    if keyword in ("minLength", "maxLength"):
        return f"{len(found):,} characters long"
    if keyword == "maxItems":
        return f"{len(found):,} items long"
    if isinstance(found, dict | list):
        return "an object" if isinstance(found, dict) else "an array"
    text = "null" if found is None else repr(found)
    return text if len(text) <= MAX_SHOWN_CHARS else text[: MAX_SHOWN_CHARS - 1] + "…"


def _where(path: Sequence[Any]) -> str:
    return dotted(path) or "the value"


def _follow(value: Any, path: Sequence[Any]) -> Any:
    for step in path:
        value = value[step]
    return value


# From bytes to a raw article.

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
    """The raw article that `value` holds, or why it holds none, for any bytes and headers at all.

    Accepted is one JSON object in UTF-8 (a byte order mark is skipped), valid by raw-article.v1, alone or as the
    `data` of a CloudEvent in structured mode; before it there may be the frame of a schema registry. An envelope's
    attributes are kept as the extra member `cloudevent`.
    """
    try:
        return _build(_checked(_read(value, headers, limits)))
    except _RefusedError as refused:
        return refused.rejected


def _read(value: bytes | None, headers: Headers, limits: RawLimits) -> Mapping[str, Any]:
    if value is None:
        message = "the value is null (a tombstone); to take an article back send a raw article with action withdraw"
        raise _RefusedError(Reason.SCHEMA_VIOLATION, message)
    if len(value) > limits.max_bytes:
        raise _RefusedError(Reason.TOO_LARGE, too_large(len(value), limits.max_bytes))
    media_type = content_type(headers)
    _check_media_type(media_type, "the header content-type")
    members = _object(unframed(value), limits)
    if media_type == STRUCTURED_TYPE or _is_envelope(members):
        return _unwrap(members, limits)
    return members


def too_large(size_bytes: int, most_bytes: int) -> str:
    """What is said of a value of that size."""
    return f"the value has {size_bytes:,} bytes; accepted: up to {most_bytes:,}"


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
    """Refuse what says of itself that it is not JSON."""
    if media_type in (None, "application/json", STRUCTURED_TYPE):
        return
    if media_type.endswith("+json") and "batch" not in media_type:
        return
    message = f"{where} is {_short(media_type)}; accepted: application/json or {STRUCTURED_TYPE}, one event a record"
    raise _RefusedError(Reason.UNSUPPORTED_CONTENT_TYPE, message)


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
        message = f"specversion of the CloudEvent is {_short(version)}; accepted: 1.0"
        raise _RefusedError(Reason.SCHEMA_VIOLATION, message)
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
        message = f"data_base64 of the CloudEvent is not base64: {error}; accepted: base64 of one JSON object"
        raise _RefusedError(Reason.BAD_ENCODING, message) from error


def _checked(members: Mapping[str, Any]) -> Mapping[str, Any]:
    media_type = members.get("content_type")
    if isinstance(media_type, str) and _bare(media_type) not in CONTENT_TYPES:
        message = f"content_type is {_short(media_type)}; accepted: {' or '.join(CONTENT_TYPES)}"
        raise _RefusedError(Reason.UNSUPPORTED_CONTENT_TYPE, message)
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
        content_is=members.get("content_is"),
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
        dataref=None if "content" in members or members.get("action") == "withdraw" else members.get("dataref"),
        extra={name: value for name, value in members.items() if name not in KNOWN_MEMBERS},
    )


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        # What the format allows and no calendar holds: 0001-01-01T00:00:00+14:00 lies before the year 1.
        message = f"fetched_at {_short(text)} is not an instant: {error}; accepted: RFC 3339, as 2024-12-15T13:21:00Z"
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
