"""Two runs over one input, in fresh ledgers and a day apart, write the same bytes: on files, and on Kafka from the
beginning."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer, TopicPartition

from newsflow.cli.launch import locally, on_files
from newsflow.config.load import load_config
from newsflow.ingest.runtime import runtime_for
from newsflow.kafka.client import make_consumer
from newsflow.model.headers import header
from newsflow.model.names import ALERT_TOPIC, ARTICLE_TOPIC, DEBUG_TOPIC, DUPLICATE_TOPIC, dead_letter_topic, feed_topic
from newsflow.runners.job import load_job
from newsflow.testing import Clock
from tests.broker_helpers import RunningBroker
from tests.mixed_events import mixed_events
from tests.rule_helpers import FEW_RULES

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EVENTS = 1_000
DAYS = [datetime(2025, 11, 2, tzinfo=UTC), datetime(2025, 11, 3, 7, tzinfo=UTC)]
ROUTES = """
version: 1
routes: [{id: topic-feeds, match: {tagged: true}, feeds: topics}]
subscriptions: [{id: desk, match: {topics: {any: [syria, russia, lebanon]}}, alert: {to: [hook]}}]
debug: {match: {sample: 1 in 2}}
"""
DECIDED = ("newsflow-decided-at", "newsflow.error.time")


@pytest.fixture
def flags(tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "routes.yaml").write_text(ROUTES, encoding="utf-8")
    return {"routes.paths": [str(tmp_path / "routes.yaml")], "topics.paths": [str(path) for path in FEW_RULES]}


@pytest.mark.slow
def test_on_files(flags: dict[str, Any], tmp_path: Path) -> None:
    lines = tmp_path / "events.jsonl"
    lines.write_bytes(b"".join(value.replace(b"\n", b" ") + b"\n" for value, _ in mixed_events(EVENTS)))
    runs = []
    for number, (clock, batch) in enumerate(zip(DAYS, (250, 77), strict=True)):
        own = {"ledger.url": f"sqlite:///{tmp_path}/{number}.sqlite3", "limits.batch_records": batch}
        config = load_config(environ={}, flags=flags | own).config
        runtime_for(config, clock=Clock(clock))
        done = on_files(load_job("ingest"), config, lines, tmp_path / f"out{number}", quiet=True)
        runs.append(_files(tmp_path / f"out{number}"))
        _check_mix(done.counts[""])
    assert runs[0] == runs[1]
    assert {"articles.jsonl", "topics/syria.jsonl", "alerts.jsonl", "dead-letters.jsonl"} <= runs[0].keys()


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def _check_mix(counts: Counter[str]) -> None:
    outcomes = {name.removeprefix("outcome."): n for name, n in counts.items() if name.startswith("outcome.")}
    assert sum(outcomes.values()) == EVENTS
    assert outcomes.keys() == {"added", "replaced", "withdrawn", "repeat", "stale", "duplicate", "dead-lettered"}


def test_on_kafka_from_the_beginning(topics_broker: RunningBroker, flags: dict[str, Any], tmp_path: Path) -> None:
    raw = topics_broker.create_topic(topics_broker.name("raw"), partitions=3, configs={"retention.ms": "-1"})
    topics_broker.create_topic(dead_letter_topic(raw), partitions=3)
    with closing(KafkaProducer(bootstrap_servers=topics_broker.bootstrap_servers)) as producer:
        for number, (value, at) in enumerate(mixed_events(EVENTS)):
            producer.send(raw, value, partition=number * 7 % 3, timestamp_ms=round(at.timestamp() * 1_000))
        producer.flush()
    written = [ARTICLE_TOPIC, DUPLICATE_TOPIC, ALERT_TOPIC, DEBUG_TOPIC, dead_letter_topic(raw)]
    written += [feed_topic(path.stem) for path in FEW_RULES]
    limits = [{"batch_records": 250, "run_records": 20_000}, {"batch_records": 33, "run_records": 190}]
    runs = []
    for number, (clock, cut) in enumerate(zip(DAYS, limits, strict=True)):
        begun = _ends(topics_broker, written)
        own = {"ledger.url": f"sqlite:///{tmp_path}/{number}.sqlite3", "kafka.group": topics_broker.name("job")}
        own |= {"kafka.input_topic": raw, "kafka.bootstrap_servers": topics_broker.bootstrap_servers}
        config = load_config(environ={}, flags=flags | own | {f"limits.{name}": n for name, n in cut.items()}).config
        runtime_for(config, clock=Clock(clock))
        _check_mix(locally(load_job("ingest"), config, follow=False, quiet=True).counts[""])
        runs.append(dict(_records(topics_broker, begun)))
    assert runs[0].keys() == runs[1].keys()
    for topic, records in runs[0].items():
        assert records == runs[1][topic], topic
    assert all(runs[0][topic] for topic in written[:5])


def _ends(broker: RunningBroker, topics: list[str]) -> dict[str, dict[int, int]]:
    with closing(make_consumer(broker.settings, group=broker.name("ends"))) as consumer:
        found = {}
        for topic in topics:
            partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
            found[topic] = {tp.partition: end for tp, end in consumer.end_offsets(partitions).items()}
        return found


def _records(broker: RunningBroker, begun: dict[str, dict[int, int]]) -> Iterator[tuple[str, list[tuple[Any, ...]]]]:
    """What was written since, partition by partition, but for when it was decided."""
    for topic, starts in begun.items():
        records = [each for each in broker.read(topic, starts) if each.offset >= starts.get(each.partition, 0)]
        for each in records:
            assert header(each.headers, DECIDED[0]) or header(each.headers, DECIDED[1])
        said = [
            (each.partition, each.key, each.value, [pair for pair in each.headers if pair[0] not in DECIDED])
            for each in records
        ]
        # The producer puts records without a key, as those of dead letters are here, where it likes.
        keyed = any(key is not None for _, key, *_ in said)
        yield topic, said if keyed else sorted((each[1:] for each in said), key=repr)
