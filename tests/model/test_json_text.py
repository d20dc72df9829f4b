"""Strict reading of JSON: exact about what two readers could understand differently."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsflow.model.event import Reason
from newsflow.model.strict_json import NotJson, read_json

# Few names and signs, so that repeats, escapes and colons meet often.
_names = st.text(st.sampled_from('ab\\":é'), max_size=3)
_numbers = st.integers(-(2**66), 2**66) | st.floats(allow_nan=False, allow_infinity=False)


class Pairs(list[tuple[str, Any]]):
    """An object as the list of its members, which may hold a name twice."""


_values = st.recursive(
    st.none() | st.booleans() | _numbers | _names,
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(_names, inner), max_size=4).map(Pairs),
    max_leaves=12,
)


def _written(value: Any, space: str) -> str:
    if isinstance(value, Pairs):
        return "{" + ",".join(f"{json.dumps(name)}{space}:{_written(each, space)}" for name, each in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_written(each, space) for each in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _refused(value: Any) -> bool:
    """What the strict reader must refuse: a name twice, an integer beyond 64 bits."""
    if isinstance(value, Pairs):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(_refused(each) for _, each in value)
    if isinstance(value, list):
        return any(_refused(each) for each in value)
    return isinstance(value, int) and not -(2**63) <= value <= 2**64 - 1


@pytest.mark.property
@given(value=_values, space=st.sampled_from(["", " ", "\n", "\t ", "\r\n"]))
@example(Pairs([("a", 1), ("a", 2)]), " ")
@example(Pairs([("\\", 1), ("\\", 2)]), "")
@example(Pairs([("a", 1), ("a", 2), ("b\\", 3)]), "")
@example(Pairs([("a", '":'), ("b", "x\\")]), "")
@example(Pairs([("a", '" :'), ("b", '\\":')]), "")
@example(Pairs([("a", Pairs([("a", 1)])), ("b", [Pairs([("a", 1)])])]), "")
@settings(max_examples=800, deadline=None)
def test_refuses_exactly_repeated_names_and_rounded_integers(value: Any, space: str) -> None:
    text = _written(value, space)
    parsed = read_json(text.encode(), 64)
    if _refused(value):
        assert isinstance(parsed, NotJson)
        assert parsed.reason is Reason.MALFORMED_JSON
    else:
        assert parsed == json.loads(text)


@pytest.mark.property
@given(
    st.binary(max_size=200)
    | st.text(st.sampled_from('{}[]":,\\ud8001eE+-.NaInfity \n\x00'), max_size=40).map(str.encode)
)
@settings(max_examples=800, deadline=None)
def test_any_bytes_are_read_or_explained(value: bytes) -> None:
    parsed = read_json(value, 8)
    if isinstance(parsed, NotJson):
        assert parsed.reason in (Reason.MALFORMED_JSON, Reason.BAD_ENCODING)
        assert parsed.message
        parsed.message.encode()


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        (b"", Reason.MALFORMED_JSON, "empty"),
        (b" \n", Reason.MALFORMED_JSON, "empty"),
        (b'{"a":', Reason.MALFORMED_JSON, "line 1, column 6"),
        (b'{"a":1}{"a":2}', Reason.MALFORMED_JSON, "not JSON"),
        (b'{"a":NaN}', Reason.MALFORMED_JSON, "NaN is not a JSON number"),
        (b'{"a":-Infinity}', Reason.MALFORMED_JSON, "-Infinity is not a JSON number"),
        (b'{"a":1e999}', Reason.MALFORMED_JSON, "not JSON"),
        (b'{"a":1,"a":2}', Reason.MALFORMED_JSON, "'a' stands twice"),
        (rb'{"a":"<i class=\"b\": 1>","a":2}', Reason.MALFORMED_JSON, "'a' stands twice"),
        (rb'{"b":"x\u0022:","a":1,"a":2}', Reason.MALFORMED_JSON, "'a' stands twice"),
        (rb'{"b":"x\"\u003A","a":1,"a":2}', Reason.MALFORMED_JSON, "'a' stands twice"),
        (rb'{"b":"x\\\":y\":","a":1,"a":2}', Reason.MALFORMED_JSON, "'a' stands twice"),
        (b'{"a":' + b"9" * 5000 + b"}", Reason.MALFORMED_JSON, "not JSON"),
        (b'{"a":"' + b'x":' * 20_000 + b'","b":1,"b":2}', Reason.MALFORMED_JSON, "not JSON"),
        (b'{"a":"' + b"x" * 40_000 + b'","b":1,"b":2}', Reason.MALFORMED_JSON, "'b' stands twice"),
        (b'{ "b": 1, "a": "' + b'x\\" :' * 20_000 + b'", "b": 2 }', Reason.MALFORMED_JSON, "'b' stands twice"),
        (b'{"a":18446744073709551616}', Reason.MALFORMED_JSON, "beyond 64 bits"),
        (b'{"a":-9223372036854775809}', Reason.MALFORMED_JSON, "beyond 64 bits"),
        (b"[" * 200_000, Reason.MALFORMED_JSON, "not JSON"),
        (b"[" * 9 + b"]" * 9, Reason.MALFORMED_JSON, "nest deeper than 8"),
        (b'{"a":"\\ud83d"}', Reason.BAD_ENCODING, "half of a surrogate pair"),
        (b'{"a":"\xed\xa0\xbd"}', Reason.BAD_ENCODING, "byte 0xed at 6"),
        ("سوريا".encode("cp1256"), Reason.BAD_ENCODING, "not UTF-8"),
        ('{"a":1}'.encode("utf-16"), Reason.BAD_ENCODING, "UTF-16"),
        ('{"a":1}'.encode("utf-16-le"), Reason.BAD_ENCODING, "UTF-16"),
        ('{"a":1}'.encode("utf-32"), Reason.BAD_ENCODING, "UTF-32"),
        (b"\x1f\x8b\x08\x00", Reason.BAD_ENCODING, "gzip"),
        (b"\x28\xb5\x2f\xfd\x00", Reason.BAD_ENCODING, "zstd"),
        (b'\x00\x00\x00\x00\x07{"a":1}', Reason.BAD_ENCODING, "schema registry"),
    ],
)
def test_says_what_is_wrong(value: bytes, reason: Reason, words: str) -> None:
    parsed = read_json(value, 8)
    assert isinstance(parsed, NotJson)
    assert parsed.reason is reason
    assert words in parsed.message
    assert "accepted:" in parsed.message
    assert len(parsed.message) < 300


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":1e25}', {"a": 1e25}),
        (b'{"a":18446744073709551615,"b":-9223372036854775808}', {"a": 2**64 - 1, "b": -(2**63)}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a":"1 : 2"}', {"a": "1 : 2"}),
        (b'{ "a" : "' + b'x\\":' * 20_000 + b'" }', {"a": 'x":' * 20_000}),
        (b"[[[[[[[[1]]]]]]]]", [[[[[[[[1]]]]]]]]),
    ],
)
def test_reads_what_is_sound(value: bytes, expected: Any) -> None:
    assert read_json(value, 8) == expected
