"""Records as lines and as JSON: readable, harmless on a terminal, and never a crash."""

from __future__ import annotations

import base64
import json
import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.cli.output import FIRST_STRONG_ISOLATE, POP_ISOLATE, isolate, one_line
from newsflow.cli.tail import as_line, as_object, instant
from newsflow.model import Event
from newsflow.resources import schemas_dir

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"


def event(value: object, headers: tuple[tuple[str, bytes | None], ...] = (), key: bytes | None = b"k") -> Event:
    content = value if isinstance(value, bytes) or value is None else orjson.dumps(value)
    return Event("news.test.v1", 2, 17, 1_734_268_860_000, key, content, headers)


ARTICLE = {
    "id": "a1",
    "version": 2,
    "action": "replace",
    "source": "ufuq-news",
    "title": "انقطاع الكهرباء في ميناء سَروان (فيديو)",
    "language": "ar",
    "published": {"at": "2026-03-01T08:00:00Z"},
    "content_hash": "0",
    "topics": [{"id": "syria"}, {"id": "russia"}],
}


def test_an_article_is_one_line_with_its_title_isolated() -> None:
    line = as_line(event(ARTICLE))
    assert line.startswith("2024-12-15T13:21:00Z  2:17")
    assert f"{FIRST_STRONG_ISOLATE}{ARTICLE['title']}{POP_ISOLATE}" in line
    for part in ("replace v2", "ar", "ufuq-news", "[syria, russia]", "published 2026-03-01T08:00:00Z"):
        assert part in line


@pytest.mark.parametrize("name", ["trend", "burst"])
def test_counts_and_bursts_are_one_line(name: str) -> None:
    for path in sorted((schemas_dir() / name / "valid").glob("*.json")):
        value = orjson.loads(path.read_bytes())
        line = as_line(event(value))
        for part in (value["window"]["end"], value["name"], f"{value['articles']} articles"):
            assert part in line
        assert ("corrected from" in line) == (name == "trend" and "replaces" in value)


def test_a_dead_letter_says_why_and_where_from() -> None:
    headers = (
        ("newsflow.error.reason", b"malformed-json"),
        ("newsflow.error.stage", b"Normalise"),
        ("newsflow.error.message", b"expected { at 1"),
        ("newsflow.origin.topic", b"news.article.raw.v1"),
        ("newsflow.origin.partition", b"3"),
        ("newsflow.origin.offset", b"41"),
    )
    line = as_line(event(b"{\xff\x1b[31m", headers))
    assert "malformed-json (Normalise, news.article.raw.v1 3:41)" in line
    assert "expected { at 1" in line
    assert "\x1b" not in line
    found = as_object(event(b"{\xff", headers))
    assert (found["reason"], found["message"]) == ("malformed-json", "expected { at 1")
    assert base64.b64decode(found["value_base64"]) == b"{\xff"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"source": "s", "fetched_at": "x", "content": "abc", "content_type": "text/html", "url": "u"}, "3 characters"),
        ({"source": "s", "fetched_at": "x", "action": "withdraw", "guid": "g"}, "withdraw  s"),
        (
            {"copy": {"source": "b", "url": "u2"}, "original": {"source": "a", "guid": "g"}, "method": "exact"},
            "exact (?)  b \u2068u2\u2069  says what a \u2068g\u2069 said",
        ),
        (
            {"subscription": "port-watch", "step": "first", "severity": "warning", "articles": [{"title": "T"}]},
            "first  warning  port-watch  \u2068T\u2069",
        ),
        ({"some": "thing"}, '\u2068{"some":"thing"}\u2069'),
        ({"content_hash": 1}, '\u2068{"content_hash":1}\u2069'),
        (
            {"content_hash": 1, "action": "add", "version": 1, "language": [], "source": {}, "topics": [7]},
            "content_hash",
        ),
        (None, "deleted: \u2068k\u2069"),
    ],
)
def test_other_kinds(value: object, expected: str) -> None:
    assert expected in as_line(event(value))


def test_json_keeps_everything() -> None:
    found = as_object(event({"a": [1]}, (("h", b"\xff"), ("null", None)), key=None))
    assert found == {
        "topic": "news.test.v1",
        "partition": 2,
        "offset": 17,
        "timestamp": "2024-12-15T13:21:00Z",
        "key": None,
        "headers": {"h": "\ufffd", "null": None},
        "value": {"a": [1]},
    }
    assert as_object(event(None))["value"] is None


@pytest.mark.parametrize("timestamp_ms", [0, -1, 10**18])
def test_a_time_beyond_the_calendar_is_a_dash(timestamp_ms: int) -> None:
    assert instant(timestamp_ms).strip() == "-"


def test_text_is_cut_and_closed() -> None:
    assert isolate("abcdef", 4) == "\u2068abc…\u2069"
    assert one_line(" a\n\tb\u2028c ") == "a b c"


@pytest.mark.property
@given(st.text(), st.integers(0, 50))
def test_no_text_moves_the_cursor_or_turns_the_line(text: str, most: int) -> None:
    shown = one_line(text, most)
    assert not set(shown) & set(BIDI)
    assert not any(unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") for char in shown)
    assert not most or len(shown) <= most
    shown.encode("utf-8")
    framed = isolate(text, most)
    assert framed[0] + framed[-1] == FIRST_STRONG_ISOLATE + POP_ISOLATE


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
names = st.sampled_from(
    ["content_hash", "copy", "original", "subscription", "fetched_at", "title", "articles", "topics"]
)
values = st.none() | st.binary() | json_values.map(json.dumps).map(str.encode)
shaped = st.dictionaries(names | st.sampled_from(["source", "step", "method", "published"]), json_values).map(
    lambda members: json.dumps(members).encode()
)
headers = st.lists(
    st.tuples(
        st.sampled_from(["newsflow.error.reason", "newsflow.origin.topic", "ce_id", "x"]), st.none() | st.binary()
    )
)


@pytest.mark.property
@given(values | shaped, headers, st.none() | st.binary(), st.integers(-(2**63), 2**63 - 1))
def test_any_record_can_be_shown(
    value: bytes | None, pairs: list[tuple[str, bytes | None]], key: bytes | None, timestamp_ms: int
) -> None:
    record = Event("t", 0, 0, timestamp_ms, key, value, tuple(pairs))
    line = as_line(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.count(FIRST_STRONG_ISOLATE) == line.count(POP_ISOLATE)
    orjson.dumps(as_object(record))
