"""Whatever lies on the topic, each event ends in exactly one outcome, and the batch around it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records, rows
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.ingest.steps import process
from newsflow.model import Event, Headers, Outcome

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)

header_names = st.sampled_from(
    ["ce_id", "content-type", "traceparent", "newsflow.error.attempt", "ce_specversion", "x"]
) | st.text(max_size=20)
headers: st.SearchStrategy[Headers] = st.lists(
    st.tuples(header_names, st.none() | st.binary(max_size=40)), max_size=5
).map(tuple)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
members = st.fixed_dictionaries(
    {},
    optional={
        "source": st.sampled_from(["outlet-01", ""]) | json_values,
        "url": st.sampled_from(["https://outlet-01.example/a", "http://[::1", "file:///x", "//x"]) | json_values,
        "guid": st.text(max_size=5) | json_values,
        "fetched_at": st.sampled_from(["2025-05-01T10:00:00Z", "2025-13-01T10:00:00Z", "now"]) | json_values,
        "content_type": st.sampled_from(["text/plain", "text/html", "image/png"]) | json_values,
        "content": st.text(max_size=400)
        | st.sampled_from(["<html><p>" + "Two convoys left the harbour at dawn. " * 9, "\x00\u202e", " "])
        | json_values,
        "title": st.text(max_size=60) | json_values,
        "published": st.text(max_size=30) | json_values,
        "language": st.sampled_from(["ar", "xx-yy-zz", ""]) | json_values,
        "action": st.sampled_from(["publish", "withdraw", "delete"]) | json_values,
    },
)
values = st.none() | st.binary(max_size=200) | members.map(lambda m: dumps(m)) | json_values.map(lambda v: dumps(v))
events = st.lists(st.tuples(st.none() | st.binary(max_size=30), values, headers), min_size=1, max_size=6)


def dumps(value: object) -> bytes:
    """JSON where it can be written, otherwise the text of it: both must be survived."""
    try:
        return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS)
    except TypeError:
        return repr(value).encode("utf-8", "surrogatepass")


@pytest.fixture(scope="module")
def tools(shipped_rules: SharedRules, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    url = f"sqlite:///{tmp_path_factory.mktemp('ledger')}/ledger.sqlite3"
    built = Runtime(load_config(environ={}, flags={"ledger.url": url}).config, rules=shipped_rules)
    yield built
    built.close()


@pytest.mark.property
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(raw=events, place=st.integers(0, 2**40))
def test_any_bytes_end_in_one_outcome(
    tools: Runtime, raw: list[tuple[bytes | None, bytes | None, Headers]], place: int
) -> None:
    batch = [Event("t", 0, place + i, 1, key, value, heads) for i, (key, value, heads) in enumerate(raw)]
    before = sum(tools.ledger.outcomes().values())
    known = sum(tools.ledger.event(event.event_id) is not None for event in batch)
    items = process(batch, tools)
    decided = [item for item in items if not item.promoted]
    assert [item.event for item in decided] == batch
    assert all(item.decision is not None and item.decision.outcome in Outcome for item in decided)
    assert sum(tools.ledger.outcomes().values()) == before + len(batch) - known
    written = output_records(items, "test")
    dead = [each for each in written if each.kind == "dead-letter"]
    assert len(dead) == sum(item.rejected is not None for item in decided)
    originals = {event.event_id: event for event in batch}
    for letter in dead:
        assert (letter.key, letter.value) == (originals[letter.event_id].key, originals[letter.event_id].value)
    assert all(b"\n" not in row.value for row in rows(items, "test"))


@pytest.mark.property
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(raw=events)
def test_asked_again_the_same_is_written(tools: Runtime, raw: list[tuple[bytes | None, bytes | None, Headers]]) -> None:
    batch = [Event("again", 1, i, 1, key, value, heads) for i, (key, value, heads) in enumerate(raw)]
    first = output_records(process(batch, tools), "test")
    later = output_records(process(batch, tools), "test")
    assert later == first
