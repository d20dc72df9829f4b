"""What the job trends does with records of any kind; and the whole sample, counted as the ledger recounts it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.config.load import config_of, load_config
from newsflow.ingest.emit import dead_letter, output_records
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.model.codec import decode_article, encode_article
from newsflow.model.headers import header, instant_text
from newsflow.model.names import ARTICLE_TOPIC, RAW_TOPIC
from newsflow.tools.sample.build import sample_events, sources_path
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import recount
from newsflow.trends.counts import Trends
from newsflow.trends.job import count, due_records, output_record, read_article
from tests.trends.trend_articles import START, article

SETTINGS = TrendSettings()
MS = round(START.timestamp() * 1_000)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = open_ledger("sqlite://")
    yield made
    made.close()


def event(value: bytes | None, timestamp_ms: int = MS + 1_000, offset: int = 0) -> Event:
    return Event(ARTICLE_TOPIC, 0, offset, timestamp_ms, b"a1", value)


def test_every_record_has_one_outcome(ledger: Ledger) -> None:
    trends = Trends(ledger, SETTINGS)
    versions = [
        article(1, START),
        article(1, START),
        article(1, START, version=2, topics=()),
        article(1, START, version=3, withdrawn=True),
        article(2, START, published=START - timedelta(days=9)),
    ]
    read = count([*(event(encode_article(each)) for each in versions), event(b"[]"), event(None)], trends, SETTINGS)
    assert read.counters() == {
        "outcome.added": 1,
        "outcome.repeat": 1,
        "outcome.replaced": 1,
        "outcome.withdrawn": 1,
        "outcome.stale": 1,
        "trends.old": 1,
        "outcome.dead-lettered": 2,
        "reason.schema-violation": 1,
        "reason.malformed-json": 1,
    }


@pytest.mark.parametrize(
    ("seen", "written", "reason"),
    [
        (START, MS, None),
        (START + timedelta(minutes=59), MS, None),
        (START + timedelta(minutes=61), MS, Reason.SCHEMA_VIOLATION),
        (START, 0, None),
        (datetime(1, 1, 1, tzinfo=UTC), MS, Reason.SCHEMA_VIOLATION),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), 0, Reason.SCHEMA_VIOLATION),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), 2**62, Reason.SCHEMA_VIOLATION),
    ],
)
def test_an_article_from_no_possible_time_is_a_dead_letter(seen: datetime, written: int, reason: Reason | None) -> None:
    found = read_article(event(encode_article(article(1, seen, published=START)), written))
    assert (found.reason if isinstance(found, Rejected) else None) is reason


def test_a_version_that_no_database_takes_is_a_dead_letter() -> None:
    assert isinstance(read_article(event(encode_article(article(1, START, version=2**63)))), Rejected)
    assert isinstance(read_article(event(encode_article(article(1, START, version=2**63 - 1)))), Article)


def test_a_dead_letter_is_the_original_and_says_what_is_wrong() -> None:
    broken = event(b'{"id": 1}')
    rejected = read_article(broken)
    assert isinstance(rejected, Rejected)
    letter = dead_letter(broken, rejected, "trends")
    assert (letter.topic, letter.key, letter.value) == ("news.article.v1.dlq", b"a1", b'{"id": 1}')
    assert header(letter.headers, "newsflow.error.stage") == "CountArticles"
    assert dead_letter(broken, rejected, "trends") == letter


@pytest.mark.property
@given(st.binary() | st.none(), st.integers(0, 2**63 - 1))
def test_any_bytes_are_a_dead_letter_that_can_be_written(value: bytes | None, timestamp_ms: int) -> None:
    found = read_article(event(value, timestamp_ms))
    assert isinstance(found, Rejected)
    assert dead_letter(event(value, timestamp_ms), found, "trends").value == value


@pytest.mark.property
@given(
    st.sampled_from(["first_seen", "published", "language", "id", "story", "source", "version"]),
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
)
def test_an_article_with_any_member_wrong_is_counted_or_a_dead_letter(name: str, value: object) -> None:
    members = orjson.loads(encode_article(article(1, START)))
    try:
        changed = orjson.dumps({**members, name: value})
    except (TypeError, orjson.JSONEncodeError):  # lone surrogates, numbers beyond 64 bits
        return
    ledger = open_ledger("sqlite://")
    trends = Trends(ledger, SETTINGS)
    count([event(changed)], trends, SETTINGS)
    while trends.close_next() is not None:
        assert all(output_record(record, "trends").value for record in trends.outbox())
    ledger.close()


def test_the_whole_sample_is_counted_as_the_ledger_recounts_it(tmp_path: Path) -> None:
    """Copies, new versions, withdrawals and promoted copies, as the job ingest publishes them."""
    flags = {
        "ledger.url": f"sqlite:///{tmp_path}/l.sqlite3",
        "sources.paths": [str(sources_path())],
        "trends.fresh_h": 876_000,
    }
    config = load_config(environ={}, flags=flags).config
    tools, settings = Runtime(config), config.trends
    raw = [Event(RAW_TOPIC, 0, n, 0, each.key, each.value, each.headers) for n, each in enumerate(sample_events())]
    items = process(raw, tools, datetime(2025, 5, 20, tzinfo=UTC))
    published = [each for each in output_records(items, "ingest") if each.kind == "article"]
    trends = Trends(tools.ledger, settings)
    read = count([event(each.value, 0) for each in published], trends, settings)
    assert read.dead == ()
    written = []
    for page in due_records(trends, None):
        written += page
        trends.written(page)
    versions: list[Article] = [decode_article(each.value) for each in tools.ledger.articles()]
    expected = recount(versions, settings.windows, settings.fresh)
    found = {(end, cell): n for end, cells in trends.totals(0).items() for cell, n in cells.items() if n}
    tools.close()
    assert found == expected
    assert len(written) >= len(expected) > 100
    for record in written:
        headers = output_record(record, "trends").headers
        assert header(headers, "ce_time") == orjson.loads(record.value)["window"]["end"]
        assert header(headers, "newsflow-decided-at") == instant_text(record.decided_at)
    assert any(each.duplicate_of for each in versions)


def test_one_configuration_serves_both_jobs() -> None:
    config = load_config(environ={}, flags={"kafka.input_topic": "mine.v1"}).config
    assert config_of("ingest", config) is config
    trends = config_of("trends", config)
    assert (trends.job, trends.kafka.input_topic, trends.kafka.group) == ("trends", ARTICLE_TOPIC, "newsflow.trends")


def test_a_named_configuration_names_its_trends_too() -> None:
    config = load_config(environ={}, flags={"job": "eu"}).config
    assert config_of("trends", config).job == "eu.trends"
