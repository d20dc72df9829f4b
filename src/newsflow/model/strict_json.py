"""Strict JSON: what two readers could understand differently is refused, each with its own message.

`orjson` reads; it is strict about UTF-8, NaN and escapes, but keeps the last of two equal members and rounds
integers beyond 64 bits. Both are looked for afterwards, exactly and only where a cheap count says they may be.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn

import orjson

from newsflow.model.event import Reason

UTF8_BOM = b"\xef\xbb\xbf"
ACCEPTED = "accepted: one JSON object in UTF-8, not compressed (Kafka's own compression is fine)"
SIGNATURES = (
    (b"\x1f\x8b", "gzip data"),
    (b"\x28\xb5\x2f\xfd", "zstd data"),
    (b"\x04\x22\x4d\x18", "lz4 data"),
    (b"PK\x03\x04", "a zip archive"),
    (b"Obj\x01", "an Avro file"),
    (b"\xff\xfe", "UTF-16 or UTF-32 text"),
    (b"\xfe\xff", "UTF-16 text"),
    (b"\x00\x00\xfe\xff", "UTF-32 text"),
)
_SPACED_NAME = re.compile(rb'"[ \t\r\n]+:')
_LONG_BYTES = 32_768
_INT64_MIN, _UINT64_MAX = -(2**63), 2**64 - 1


@dataclass(frozen=True, slots=True)
class NotJson:
    """Why bytes are not JSON that we accept."""

    reason: Reason
    message: str


class _RefusedError(ValueError):
    pass


def read_json(value: bytes, max_depth: int) -> Any | NotJson:
    """The parsed JSON value, or why there is none. Integers are of 64 bits, names unique in their object.

    A byte order mark of UTF-8 is skipped. `max_depth` counts arrays and objects within each other.
    """
    if value.startswith(UTF8_BOM):
        value = value[len(UTF8_BOM) :]
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        return _explain_refusal(value, error)
    names, deep, rounded = _survey(parsed, max_depth)
    if deep:
        return NotJson(Reason.MALFORMED_JSON, f"arrays and objects nest deeper than {max_depth}; accepted: up to that")
    if rounded or _may_repeat(value, parsed, names):
        return _read_exactly(value, parsed)
    return parsed


def _survey(parsed: Any, max_depth: int) -> tuple[int, bool, bool]:
    """How many names there are, whether it is too deep, and whether an integer may have been rounded."""
    names, rounded, depth = 0, False, 0
    level = [parsed]
    while level:
        depth += 1
        below: list[Any] = []
        for each in level:
            if isinstance(each, dict):
                names += len(each)
                below += each.values()
            elif isinstance(each, list):
                below += each
            elif isinstance(each, float) and not _INT64_MIN < each < 2**63:
                rounded = True
        if depth > max_depth and any(isinstance(each, dict | list) for each in level):
            return names, True, rounded
        level = below
    return names, False, rounded


def _may_repeat(value: bytes, parsed: Any, names: int) -> bool:
    """False only when no object holds a name twice.

    Each name in the text ends in `":` unless space stands between. More of these than names means a repeated name, or
    a string that holds a quote and a colon. A long value is full of these, and is written again to tell.
    """
    if len(value) > _LONG_BYTES:
        return orjson.dumps(parsed) != value
    # Tabs and line breaks stand only between tokens: within a string they are escaped.
    spaced = b" :" in value or b"\n" in value or b"\t" in value or b"\r" in value
    return bool(spaced and _SPACED_NAME.search(value)) or value.count(b'":') != names


def _read_exactly(value: bytes, parsed: Any) -> Any | NotJson:
    try:
        json.loads(value, object_pairs_hook=_unique, parse_int=_int64)
    except _RefusedError as refused:
        return NotJson(Reason.MALFORMED_JSON, str(refused))
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _RefusedError(f"the member {name[:80]!r} stands twice in one object; accepted: each name once")
        seen.add(name)
    return members


def _int64(digits: str) -> int:
    if len(digits) > 20 or not _INT64_MIN <= int(digits) <= _UINT64_MAX:
        shown = digits if len(digits) <= 40 else digits[:39] + "…"
        raise _RefusedError(
            f"the integer {shown} is beyond 64 bits and would lose digits; accepted: send it as a string"
        )
    return int(digits)


def _explain_refusal(value: bytes, error: orjson.JSONDecodeError) -> NotJson:
    if not value.strip(b" \t\r\n"):
        return NotJson(Reason.MALFORMED_JSON, f"the value is empty; {ACCEPTED}")
    binary = _binary_format(value)
    if binary is not None:
        return NotJson(Reason.BAD_ENCODING, f"the value looks like {binary}; {ACCEPTED}")
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as wrong:
        where = f"byte 0x{value[wrong.start]:02x} at {wrong.start}"
        return NotJson(Reason.BAD_ENCODING, f"the value is not UTF-8 ({where}); {ACCEPTED}")
    return _explain_text(text, error)


def _binary_format(value: bytes) -> str | None:
    for signature, name in SIGNATURES:
        if value.startswith(signature):
            return name
    if value[0] == 0 and value[5:6] in (b"{", b"["):
        return "a schema registry's framing (a zero byte and a schema id before the JSON)"
    return "UTF-16 or UTF-32 text" if b"\x00" in value[:4] else None


def _explain_text(text: str, error: orjson.JSONDecodeError) -> NotJson:
    """Say what orjson would not read, by asking a reader that is laxer."""
    what = f"{error.msg.partition(': line')[0]} at line {error.lineno}, column {error.colno}"
    try:
        lax = json.loads(text, parse_constant=_refuse_constant)
        json.dumps(lax, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        message = f"a \\u escape is half of a surrogate pair ({what}); accepted: whole characters"
        return NotJson(Reason.BAD_ENCODING, message)
    except _RefusedError as refused:
        return NotJson(Reason.MALFORMED_JSON, str(refused))
    except (ValueError, RecursionError):
        pass
    return NotJson(Reason.MALFORMED_JSON, f"not JSON: {what}; {ACCEPTED}")


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is not a JSON number; accepted: a finite number, a string, or null")
