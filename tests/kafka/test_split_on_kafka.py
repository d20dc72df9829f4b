"""The endless source's reader on a real broker: what the scripted consumer promises holds there too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from kafka import TopicPartition

from newsflow.kafka import split
from newsflow.kafka.client import make_admin, make_consumer, make_producer
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.reader import Offsets
from newsflow.kafka.split import SplitReader
from newsflow.model import Event
from tests.broker_helpers import RunningBroker

TIMEOUT_S = 60.0


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOK_S", "IDLE_CHECK_S", "COMMIT_S"):
        monkeypatch.setattr(split, name, 0.0)
    monkeypatch.setattr(split, "STALL_CHECKS", 10**6)  # each call checks here


@pytest.fixture
def topic(broker: RunningBroker) -> str:
    return broker.create_topic(partitions=2)


@pytest.fixture
def reader_of(broker: RunningBroker, topic: str) -> Iterator[Callable[[], SplitReader]]:
    made: list[SplitReader] = []

    def make() -> SplitReader:
        # What is asked meanwhile waits behind a fetch that finds nothing yet.
        quick = {"metadata_max_age_ms": 500, "fetch_max_wait_ms": 20}
        consumer = make_consumer(broker.settings, group=topic, auto_offset_reset="none", **quick)
        made.append(SplitReader(consumer, topic, 0, 1))
        return made[-1]

    yield make
    for reader in made:
        reader.close()


def write(broker: RunningBroker, topic: str, partition_keys: list[bytes]) -> None:
    writer = BatchWriter(broker.settings)
    for key in partition_keys:
        writer.send(topic, key, b"x")
    writer.flush()


def read(reader: SplitReader, positions: Offsets, count: int) -> tuple[list[Event], Offsets]:
    """At least `count` events from `positions` on, and where to go on."""
    events: list[Event] = []
    deadline = time.monotonic() + TIMEOUT_S
    while len(events) < count:
        assert time.monotonic() < deadline, (len(events), positions)
        found = reader.read(positions, 500)
        events, positions = events + found.events, found.positions
    return events, positions


def wait_for(reached: Callable[[], Any]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def keys(count: int) -> list[bytes]:
    return [b"k%d" % number for number in range(count)]


def test_what_is_committed_is_where_a_cold_start_begins(
    broker: RunningBroker, topic: str, reader_of: Callable[[], SplitReader]
) -> None:
    write(broker, topic, keys(40))
    reader = reader_of()
    events, positions = read(reader, {}, 40)
    assert len(events) == 40
    reader.finished(positions)

    def committed() -> Offsets:
        with closing(make_consumer(broker.settings, group=topic)) as consumer:
            return {p: consumer.committed(TopicPartition(topic, p)) for p in positions}

    wait_for(lambda: committed() == positions)
    write(broker, topic, [b"later"])
    [event], _ = read(reader_of(), {}, 1)
    assert event.key == b"later"


def test_records_that_were_deleted_are_passed_over_and_said(
    broker: RunningBroker, topic: str, reader_of: Callable[[], SplitReader], caplog: pytest.LogCaptureFixture
) -> None:
    write(broker, topic, keys(40))
    _, positions = read(reader_of(), {}, 40)
    with closing(make_admin(broker.settings)) as admin:
        admin.delete_records({TopicPartition(topic, p): offset for p, offset in positions.items()})
    write(broker, topic, [b"later"])
    [event], _ = read(reader_of(), dict.fromkeys(positions, 0), 1)
    assert event.key == b"later"
    for partition, offset in positions.items():
        assert f"{topic}/{partition}: {offset} records were deleted before they were read" in caplog.text


def test_a_position_beyond_the_end_means_the_topic_was_made_anew(
    broker: RunningBroker, topic: str, reader_of: Callable[[], SplitReader], caplog: pytest.LogCaptureFixture
) -> None:
    write(broker, topic, keys(10))
    events, _ = read(reader_of(), {0: 1000, 1: 1000}, 10)
    assert len(events) == 10
    assert "made anew" in caplog.text


def test_new_partitions_are_found_while_reading(
    broker: RunningBroker, topic: str, reader_of: Callable[[], SplitReader]
) -> None:
    reader = reader_of()
    positions = reader.read({}, 500).positions
    with closing(make_admin(broker.settings)) as admin:
        admin.create_partitions({topic: 6})
    wait_for(lambda: set(reader.read(positions, 500).positions) == set(range(6)))
    deadline = time.monotonic() + TIMEOUT_S
    seen: set[int] = set()
    while not seen - {0, 1}:
        assert time.monotonic() < deadline
        write(broker, topic, keys(60))  # until the producer knows of them too
        found = reader.read(positions, 500)
        positions = found.positions
        seen |= {event.partition for event in found.events}


def test_a_silent_topic_follows_the_clock(topic: str, reader_of: Callable[[], SplitReader]) -> None:
    reader = reader_of()
    first = reader.read({}, 500).watermark_ms
    assert first is not None
    wait_for(lambda: (reader.read({}, 500).watermark_ms or 0) > first)
    assert (reader.read({}, 500).watermark_ms or 0) < time.time() * 1000


def test_a_publisher_that_leaves_a_transaction_open_or_ends_one_is_no_stall(
    broker: RunningBroker, topic: str, reader_of: Callable[[], SplitReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither what nobody may read yet, nor the markers that are no records, count as unread."""
    reader, places = reader_of(), Offsets()
    with closing(make_producer(broker.settings, transactional_id=broker.name("tx"))) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic, b"published", partition=0)
        producer.commit_transaction()
        producer.begin_transaction()
        producer.send(topic, b"in doubt", partition=0)
        producer.flush()
        events, places = read(reader, places, 1)
        monkeypatch.setattr(split, "STALL_CHECKS", 20)
        for _ in range(100):
            found = reader.read(places, 500)
            events, places = events + found.events, found.positions
        producer.abort_transaction()
        for _ in range(100):
            found = reader.read(places, 500)
            events, places = events + found.events, found.positions
    assert [event.value for event in events] == [b"published"]
    assert places[0] == 4  # two records, two markers
