"""What must hold after anything: one outcome an event, nothing missing from a feed, repeats equal to the byte."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import closing

import orjson

from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Event, Outcome
from newsflow.model.headers import header
from newsflow.model.names import ARTICLE_TOPIC, DUPLICATE_TOPIC, dead_letter_topic, emission_id, topic_feed
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess, check_repeats

ACCEPTED = (Outcome.ADDED, Outcome.REPLACED, Outcome.WITHDRAWN)


TIMES = ("ce_time", "newsflow-decided-at", "newsflow-record-time")
"""What 0.1 repeats otherwise than this release said it, and this release once the ledger was taken back meanwhile."""


def check_all(broker: RunningBroker, ledger: Ledger, topic: str, but: Collection[str] = ()) -> int:
    """Check everything that came of `topic`; returns how many records were written more than once. `but`: headers in
    which repeats may differ."""
    written = broker.read(topic)
    check_one_outcome_each(ledger, written)
    return check_feeds(broker, ledger, topic, but)


def check_all_of(job: JobProcess) -> int:
    """The same of what a job did, by its ledger."""
    with closing(open_ledger(job.ledger_url)) as ledger:
        return check_all(job.broker, ledger, job.topic)


def check_one_outcome_each(ledger: Ledger, written: Sequence[Event]) -> None:
    assert sum(ledger.outcomes().values()) == len(written)
    assert [event for event in written if ledger.event(event.event_id) is None] == []


def check_feeds(broker: RunningBroker, ledger: Ledger, topic: str, but: Collection[str] = ()) -> int:
    """What the ledger says was accepted is in the article topic and its feeds, and nothing else is."""
    records = mine(broker.read(ARTICLE_TOPIC), topic)
    articles = check_repeats(records, but)
    outcomes = ledger.outcomes()
    assert len(articles) == sum(outcomes.get(outcome, 0) for outcome in ACCEPTED)
    check_one_original(list(articles.values()))
    by_key = {(record.key, orjson.loads(record.value or b"")["version"]): record for record in articles.values()}
    expected: Counter[str] = Counter()
    for stored in ledger.articles():
        published = by_key.get((stored.article_id.encode(), stored.version))
        if published is not None:
            assert published.value == stored.value
            expected.update(stored.feeds)
    for feed, count in expected.items():
        assert len(check_repeats(mine(broker.read(topic_feed(feed)), topic), but)) == count, feed
    ids = {emission_id(event.event_id, "duplicate") for event in broker.read(topic)}
    duplicates = [each for each in broker.read(DUPLICATE_TOPIC) if header(each.headers, "ce_id") in ids]
    assert len(check_repeats(duplicates, but)) == outcomes.get(Outcome.DUPLICATE, 0)
    letters = broker.read(dead_letter_topic(topic))
    assert len(check_repeats(letters)) == outcomes.get(Outcome.DEAD_LETTERED, 0)
    return len(records) - len(articles)


def check_one_original(articles: Sequence[Event]) -> None:
    """Of the articles that say the same, one alone went out as new."""
    values = [orjson.loads(record.value or b"") for record in articles]
    texts = Counter(value["content_hash"] for value in values if value["action"] == "add")
    assert [text for text, count in texts.items() if count > 1] == []


def mine(records: Sequence[Event], topic: str) -> list[Event]:
    """Those that came of this test's topic: the feeds are shared by all tests of a session, some of which write junk."""
    return [each for each in records if origin_topic(each) == topic]


def origin_topic(record: Event) -> str | None:
    """The raw topic an article came from; None for what is no article."""
    try:
        value = orjson.loads(record.value or b"")
    except orjson.JSONDecodeError:
        return None
    return value.get("origin", {}).get("topic") if isinstance(value, dict) else None
