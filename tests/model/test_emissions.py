"""What the stages emit for the whole sample follows the schemas, by both validators, and repeats byte for byte."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.ingest.stories import tell_stories
from newsflow.model import Event, Reason, Rejected
from newsflow.model.codec import encode_dead_letter
from newsflow.model.headers import header
from newsflow.model.names import ARTICLE_TOPIC, RAW_TOPIC, feed_of, feed_topic, schema_id, subscription_of
from newsflow.model.schemas import SCHEMAS, violations
from newsflow.model.topics import declared_topics
from newsflow.tools.sample.build import sample_events, sources_path
from tests.model.schema_laws import reference_violations
from tests.sample_expectations import expectations

pytestmark = pytest.mark.contract

NOW = datetime(2025, 5, 20, tzinfo=UTC)
BATCH = 16
ROUTES = """
version: 1
routes: [{id: topic-feeds, match: {tagged: true}, feeds: topics}]
subscriptions:
  - {id: desk, match: {topics: {any: [syria, lebanon]}}, feed: true, alert: {to: [hook]}}
  - {id: all, feed: true, copies: true}
debug: {match: {sample: 1 in 2}}
"""
AT_PARSING = {Reason.MALFORMED_JSON, Reason.BAD_ENCODING, Reason.TOO_LARGE, Reason.SCHEMA_VIOLATION}


@pytest.fixture(scope="module")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    folder = tmp_path_factory.mktemp("ledger")
    (folder / "routes.yaml").write_text(ROUTES, encoding="utf-8")
    flags = {"ledger.url": f"sqlite:///{folder}/ledger.sqlite3", "sources.paths": [str(sources_path())]}
    flags |= {"routes.paths": [str(folder / "routes.yaml")]}
    built = Runtime(load_config(environ={}, flags=flags).config)
    yield built
    built.close()


@pytest.fixture(scope="module")
def events() -> list[Event]:
    return [
        Event(RAW_TOPIC, 0, offset, 0, each.key, each.value, each.headers)
        for offset, each in enumerate(sample_events())
    ]


@pytest.fixture(scope="module")
def emitted(tools: Runtime, events: list[Event]) -> list[OutputRecord]:
    return _run(tools, events)


@pytest.fixture(scope="module")
def stories(tools: Runtime, emitted: list[OutputRecord]) -> list[OutputRecord]:
    """What is told of the stories of these articles."""
    written: list[OutputRecord] = []
    tell_stories([(each.key or b"").decode() for each in emitted if each.kind == "article"], tools, written.extend)
    return written


def _run(tools: Runtime, events: list[Event]) -> list[OutputRecord]:
    batches = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    return [each for batch in batches for each in output_records(process(batch, tools), "ingest")]


def _schema_of(emission: OutputRecord) -> str:
    named = header(emission.headers, "ce_dataschema")
    return next(name for name in SCHEMAS if schema_id(name) == named)


def test_every_value_follows_the_schema_its_headers_name(
    emitted: list[OutputRecord], stories: list[OutputRecord]
) -> None:
    checked: set[str] = set()
    for emission in (*emitted, *stories):
        if emission.kind == "dead-letter":
            continue
        name = _schema_of(emission)
        value = orjson.loads(emission.value or b"")
        assert list(violations(name, value)) == [], emission
        assert list(reference_violations(name, value)) == [], emission
        checked.add(name)
    # Counts and bursts come of another job, what was done with letters of commands, how sources fare of many events:
    # tests/trends/test_counts.py, tests/model/test_letter.py and tests/ingest/test_health.py check those.
    others = {"raw-article", "dead-letter", "dead-letter-state", "claim", "trend", "burst", "source-health"}
    assert checked == set(SCHEMAS) - others


def test_every_topic_that_is_written_is_declared_with_that_schema(
    emitted: list[OutputRecord], stories: list[OutputRecord]
) -> None:
    feeds = {feed for emission in emitted if (feed := feed_of(emission.topic))}
    topics = {feed for feed in feeds if subscription_of(feed) is None}
    subscribers = {name for feed in feeds if (name := subscription_of(feed))}
    assert subscribers == {"desk", "all"}
    declared = {spec.name: spec for spec in declared_topics(topics, subscriptions=subscribers)}
    for emission in (*emitted, *stories):
        spec = declared[emission.topic]
        assert spec.schema == ("original" if emission.kind == "dead-letter" else _schema_of(emission))


def test_feeds_carry_the_bytes_and_headers_of_the_article_topic(emitted: list[OutputRecord]) -> None:
    articles = {(each.event_id, each.key): each for each in emitted if each.topic == ARTICLE_TOPIC}
    copies = 0
    for feed in (each for each in emitted if each.kind == "feed"):
        article = articles.get((feed.event_id, feed.key))
        if article is None:  # a copy, which the article topic does not have
            assert (feed.topic, "duplicate_of" in orjson.loads(feed.value or b"")) == (
                feed_topic("subscriber.all"),
                True,
            )
            copies += 1
            continue
        assert (feed.key, feed.value, feed.headers) == (article.key, article.value, article.headers)
    assert copies > 0


def test_trace_context_of_both_modes_is_passed_on(tools: Runtime) -> None:
    page = {"source": "a", "fetched_at": "2025-05-19T00:00:00Z", "content_type": "text/plain"}
    envelope = {"specversion": "1.0", "id": "1", "source": "/f", "type": "t", "traceparent": "00-2"}
    text = "Iran has opened a new port on the Caspian, the ministry said in Tehran on Monday. " * 4
    values = [
        {**page, "guid": "binary", "content": f"A port opens\n\n{text}"},
        {**envelope, "data": {**page, "guid": "structured", "content": f"Another port\n\n{text.upper()} Ships come."}},
    ]
    events = [
        Event(RAW_TOPIC, 1, offset, 0, None, orjson.dumps(value), headers)
        for offset, (value, headers) in enumerate(zip(values, ((("traceparent", b"00-1"),), ()), strict=True))
    ]
    passed = {(each.event_id, header(each.headers, "traceparent")) for each in _run(tools, events)}
    assert passed == {(events[0].event_id, "00-1"), (events[1].event_id, "00-2")}


def test_evidence_quotes_the_emitted_text(emitted: list[OutputRecord]) -> None:
    seen = 0
    for emission in emitted:
        if emission.topic == ARTICLE_TOPIC:
            article: dict[str, Any] = json.loads(emission.value or b"")
            for evidence in (each for topic in article["topics"] for each in topic["evidence"]):
                assert article[evidence["field"]][evidence["start"] : evidence["end"]] == evidence["text"]
                seen += 1
    assert seen > 100


def test_dead_letters_are_the_original_bytes_and_have_a_form_on_files(
    emitted: list[OutputRecord], events: list[Event]
) -> None:
    originals = {event.event_id: event for event in events}
    letters = [each for each in emitted if each.kind == "dead-letter"]
    expected = {each.name for each in expectations().values() if each.reason in AT_PARSING}
    assert {header(each.headers, "ce_id") for each in letters} >= expected
    for letter in letters:
        event = originals[letter.event_id]
        assert (letter.key, letter.value) == (event.key, event.value)
        assert letter.headers[: len(event.headers)] == event.headers
        reason = Reason(header(letter.headers, "newsflow.error.reason") or "")
        on_file = orjson.loads(encode_dead_letter(event, Rejected(reason, "why", "Normalise")))
        assert list(violations("dead-letter", on_file)) == []


def test_ids_are_unique_but_for_copies_and_the_same_again(
    tools: Runtime, emitted: list[OutputRecord], events: list[Event]
) -> None:
    ids = [header(each.headers, "ce_id") for each in emitted if each.kind not in ("feed", "dead-letter")]
    assert len(set(ids)) == len(ids)
    assert _run(tools, events) == emitted
