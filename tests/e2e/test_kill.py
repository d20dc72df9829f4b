"""The running job is killed again and again: every event keeps one outcome, and nothing is missing from a feed."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from pathlib import Path

import orjson
import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Event, Outcome
from newsflow.model.names import ARTICLE_TOPIC, DUPLICATE_TOPIC, dead_letter_topic, topic_feed
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess, check_repeats

EVENTS, KILLS, PARTITIONS = 5_000, 10, 4
PUBLISH_S = 60.0


def publish_slowly(broker: RunningBroker, topic: str, events: list[tuple[bytes, bytes]]) -> None:
    writer = BatchWriter(broker.settings)
    for start in range(0, len(events), 50):
        for key, value in events[start : start + 50]:
            writer.send(topic, key, value)
        writer.flush()
        time.sleep(PUBLISH_S * 50 / len(events))


def with_dead_letters(events: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Every fiftieth event is broken."""
    return [(key, value[:-1] if number % 50 == 7 else value) for number, (key, value) in enumerate(events)]


@pytest.mark.e2e
@pytest.mark.timeout(600)
def test_killed_at_random_moments_nothing_is_lost(topics_broker: RunningBroker, tmp_path: Path) -> None:
    broker = topics_broker
    topic = broker.create_topic(broker.name("raw"), partitions=PARTITIONS)
    broker.create_topic(dead_letter_topic(topic))
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    events = with_dead_letters(list(raw_events(EVENTS, seed=3, size_chars=900)))
    publisher = threading.Thread(target=publish_slowly, args=(broker, topic, events))
    publisher.start()

    job = JobProcess(broker, topic, tmp_path, url, group=topic)
    job.environ = {"NEWSFLOW_LIMITS__BATCH_RECORDS": "50", "NEWSFLOW_LIMITS__RUN_RECORDS": "300"}
    moments = random.Random(5)
    for _ in range(KILLS):
        job.start("--follow")
        time.sleep(moments.uniform(3.0, 8.0))
        job.kill()
    publisher.join()
    job.start("--until-caught-up")
    assert job.wait(300) == 0, job.words()

    ledger = open_ledger(url)
    try:
        written = broker.read(topic)
        assert len(written) == EVENTS
        check_one_outcome_each(ledger, written)
        check_feeds(broker, ledger, topic)
    finally:
        ledger.close()


def check_one_outcome_each(ledger: Ledger, written: list[Event]) -> None:
    assert sum(ledger.outcomes().values()) == len(written)
    for event in written:
        assert ledger.event(event.event_id) is not None
    assert ledger.outcomes()[Outcome.DEAD_LETTERED] == EVENTS // 50


def check_feeds(broker: RunningBroker, ledger: Ledger, topic: str) -> None:
    """What the ledger says was accepted is in the article topic and its feeds; repeats are equal to the byte."""
    articles = check_repeats(mine(broker.read(ARTICLE_TOPIC), topic))
    outcomes = ledger.outcomes()
    accepted = sum(outcomes.get(outcome, 0) for outcome in (Outcome.ADDED, Outcome.REPLACED, Outcome.WITHDRAWN))
    assert len(articles) == accepted
    expected: Counter[str] = Counter()
    by_key = {(record.key, orjson.loads(record.value or b"")["version"]): record for record in articles.values()}
    for stored in ledger.articles():
        published = by_key.get((stored.article_id.encode(), stored.version))
        if published is not None:
            assert published.value == stored.value
            expected.update(stored.feeds)
    for feed, count in expected.items():
        assert len(check_repeats(mine(broker.read(topic_feed(feed)), topic))) == count, feed
    duplicates = check_repeats(broker.read(DUPLICATE_TOPIC))
    assert len(duplicates) >= outcomes[Outcome.DUPLICATE] > 0
    assert len(check_repeats(broker.read(dead_letter_topic(topic)))) == outcomes[Outcome.DEAD_LETTERED]


def mine(records: list[Event], topic: str) -> list[Event]:
    """Those that came of this test's topic: the feeds are shared by all tests of a session."""
    return [each for each in records if orjson.loads(each.value or b"{}").get("origin", {}).get("topic") == topic]
