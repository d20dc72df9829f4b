"""The end of a topic: order, gaps that compaction and transactions leave, what comes while one looks."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace

import pytest

from newsflow.errors import KafkaError
from newsflow.kafka.admin import TopicTail
from newsflow.kafka.client import make_producer
from newsflow.kafka.producer import BatchWriter
from tests.broker_helpers import RunningBroker, last_records

pytestmark = pytest.mark.e2e


def write(broker: RunningBroker, topic: str, values: list[bytes]) -> None:
    writer = BatchWriter(broker.settings)
    for value in values:
        writer.send(topic, value, value)
        writer.flush()
        time.sleep(0.002)  # timestamps are whole milliseconds: within one, partitions have no order


def test_the_last_records_over_all_partitions_in_time_order(broker: RunningBroker) -> None:
    topic = broker.create_topic(partitions=3)
    values = [b"%02d" % number for number in range(20)]
    write(broker, topic, values)
    assert [event.value for event in last_records(broker.settings, topic, 5)] == values[-5:]
    assert [event.value for event in last_records(broker.settings, topic, 50)] == values
    assert last_records(broker.settings, topic, 0) == []


def test_an_empty_topic_and_one_that_does_not_exist(broker: RunningBroker) -> None:
    assert last_records(broker.settings, broker.create_topic(), 3) == []
    with pytest.raises(KafkaError, match=r"topic nowhere does not exist at .*newsflow kafka topics"):
        last_records(broker.settings, "nowhere", 3)


def test_transaction_markers_and_aborted_records_are_looked_past(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    write(broker, topic, [b"first", b"second"])
    identity = broker.name("tx")
    with closing(make_producer(broker.settings, transactional_id=identity)) as producer:
        producer.init_transactions()
        for _ in range(10):
            producer.begin_transaction()
            producer.send(topic, b"aborted")
            producer.flush()
            producer.abort_transaction()
    assert [event.value for event in last_records(broker.settings, topic, 2)] == [b"first", b"second"]


def test_what_comes_afterwards_arrives_once(broker: RunningBroker) -> None:
    topic = broker.create_topic(partitions=2)
    write(broker, topic, [b"old"])
    settings = replace(broker.settings, client_id="tail")
    with TopicTail(settings, topic) as tail:
        assert [event.value for event in tail.last(1)] == [b"old"]
        arriving = tail.arriving()
        write(broker, topic, [b"new-1"])
        assert next(arriving).value == b"new-1"
        write(broker, topic, [b"new-2"])
        assert next(arriving).value == b"new-2"


def test_a_null_a_tombstone_and_any_header_can_be_read(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    writer = BatchWriter(broker.settings)
    writer.send(topic, b"\xff", None, [("n\u00e4me", b"\xff\x00")])
    writer.flush()
    (event,) = last_records(broker.settings, topic, 1)
    assert (event.key, event.value, event.headers) == (b"\xff", None, (("näme", b"\xff\x00"),))
