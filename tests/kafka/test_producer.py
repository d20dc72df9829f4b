"""BatchWriter against a real broker: what is stored, what fails, and that failing is loud."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from newsflow.errors import KafkaError
from newsflow.kafka.producer import BatchWriter, Producer, Record, RecordTooLargeError
from newsflow.kafka.settings import KafkaSettings
from newsflow.tools.broker import LocalBroker
from tests.broker_helpers import RunningBroker

pytestmark = pytest.mark.e2e


def test_everything_sent_is_stored_in_order_when_flush_returns(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    writer = BatchWriter(broker.settings)
    for number in range(1_000):
        writer.send(topic, b"key", b"%d" % number, [("n", b"1"), ("empty", None)])
    assert writer.flush() == 1_000
    events = broker.read(topic)
    assert [event.value for event in events] == [b"%d" % number for number in range(1_000)]
    assert events[0].key == b"key"
    assert events[0].headers == (("n", b"1"), ("empty", b""))


def test_flush_counts_only_since_the_last_flush(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    writer = BatchWriter(broker.settings)
    assert writer.flush() == 0
    writer.send(topic, None, b"one")
    assert writer.flush() == 1
    assert writer.flush() == 0


def test_equal_keys_keep_their_partition(broker: RunningBroker) -> None:
    topic = broker.create_topic(partitions=4)
    writer = BatchWriter(broker.settings)
    for number in range(100):
        writer.send(topic, b"source/%d" % (number % 10), b"x")
    writer.flush()
    places = {(event.key, event.partition) for event in broker.read(topic)}
    assert len(places) == 10
    assert len({partition for _, partition in places}) > 1


def test_any_bytes_and_nulls_survive(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    writer = BatchWriter(broker.settings)
    rows = [(b"\xff\x00", b"\x80\x81"), (None, b""), (b"", b"x"), (b"tombstone", None), ("ключ".encode(), b"\n")]
    for key, value in rows:
        writer.send(topic, key, value)
    writer.flush()
    assert [(event.key, event.value) for event in broker.read(topic)] == rows


def test_topics_that_are_expected_are_looked_up_together(broker: RunningBroker) -> None:
    topics = [broker.create_topic() for _ in range(6)]
    writer = BatchWriter(broker.settings)
    writer.expect(topics)
    writer.send(topics[0], b"k", b"0")
    known = writer._producer.client()._metadata
    assert all(known.partitions_for_topic(topic) for topic in topics)
    for number, topic in enumerate(topics[1:], 1):
        writer.send(topic, b"k", b"%d" % number)
    assert writer.flush() == 6
    assert [[event.value for event in broker.read(topic)] for topic in topics] == [[b"%d" % n] for n in range(6)]


def test_an_expected_topic_that_does_not_exist_holds_up_no_other(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    writer = BatchWriter(replace(broker.settings, connect_timeout_s=2, client_id="expects-too-much"))
    writer.expect([topic, "never-made"])
    writer.send(topic, b"k", b"v")
    assert writer.flush() == 1
    with pytest.raises(KafkaError, match="topic never-made was not found"):
        writer.send("never-made", b"k", b"v")


def test_pending_bytes_are_bounded(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    writer = BatchWriter(broker.settings, max_pending_bytes=100_000)
    for _ in range(200):
        writer.send(topic, b"k", b"x" * 10_000)
        assert writer._pending_bytes <= 100_000
    assert writer.flush() == 200


def test_a_topic_that_does_not_exist_is_named(broker: RunningBroker) -> None:
    writer = BatchWriter(replace(broker.settings, connect_timeout_s=2, client_id="no-topic"))
    with pytest.raises(KafkaError, match=r"topic never-made was not found at .*newsflow kafka apply"):
        writer.send("never-made", b"k", b"v")


def test_a_record_over_the_topics_limit_is_named_and_the_writer_goes_on(broker: RunningBroker) -> None:
    topic = broker.create_topic(configs={"max.message.bytes": "2000"})
    writer = BatchWriter(broker.settings)
    writer.send(topic, b"small", b"x")
    writer.send(topic, b"large", Random(1).randbytes(20_000))  # which no codec makes smaller
    with pytest.raises(RecordTooLargeError, match="large") as raised:
        writer.flush()
    assert raised.value.topic == topic
    writer.send(topic, b"small", b"again")
    assert writer.flush() == 1


def test_size_is_counted_as_the_broker_counts_it(broker: RunningBroker) -> None:
    topic = broker.create_topic()  # takes 1 MiB, compressed
    writer = BatchWriter(broker.settings)
    writer.send(topic, b"huge", bytes(40 << 20))
    assert writer.flush() == 1
    (event,) = broker.read(topic)
    assert event.value == bytes(40 << 20)


def test_a_broker_that_dies_fails_the_flush_and_a_new_one_serves_the_same_writer(own_broker: LocalBroker) -> None:
    settings = KafkaSettings(
        own_broker.status().bootstrap_servers, connect_timeout_s=5, request_timeout_s=2, delivery_timeout_s=4
    )
    topic = RunningBroker(settings.bootstrap_servers).create_topic()
    writer = BatchWriter(settings)
    writer.send(topic, b"k", b"before")
    assert writer.flush() == 1
    own_broker.kill()
    writer.send(topic, b"k", b"lost")
    with pytest.raises(KafkaError, match=topic):
        writer.flush()
    own_broker.up()
    writer.send(topic, b"k", b"after")
    assert writer.flush() == 1
    assert [event.value for event in RunningBroker(settings.bootstrap_servers).read(topic)] == [b"before", b"after"]


def test_writers_may_share_a_producer(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    producer = Producer(broker.settings)
    first, second = BatchWriter(producer), BatchWriter(producer)
    first.send(topic, b"k", b"1")
    second.send(topic, b"k", b"2")
    assert (first.flush(), second.flush()) == (1, 1)
    shared = producer.client()
    first.close()
    assert producer.client() is shared, "whoever made it closes it"
    producer.close()
    assert producer.client() is not shared
    first.send(topic, b"k", b"3")
    assert first.flush() == 1
    producer.close()
    assert [event.value for event in broker.read(topic)] == [b"1", b"2", b"3"]


class Smaller:
    """Keeps large values aside, and a few bytes in their place."""

    most_bytes = 1_000_000

    def __init__(self) -> None:
        self.aside: list[Record] = []

    def __call__(self, record: Record) -> Record | None:
        if len(record.value or b"") < 10_000:
            return None
        self.aside.append(record)
        return record._replace(value=b"aside %d" % len(self.aside))


def test_what_a_topic_does_not_take_goes_in_a_smaller_form_and_all_else_as_it_is(broker: RunningBroker) -> None:
    narrow = broker.create_topic(configs={"max.message.bytes": "20000"})
    wide = broker.create_topic()
    shrink = Smaller()
    writer = BatchWriter(broker.settings, shrink=shrink)
    dice = Random(2)
    large = {b"%d" % number: dice.randbytes(50_000) for number in (70, 71, 350)}
    for number in range(400):
        key = b"%d" % number
        writer.send(narrow, key, large.get(key, key * 20))
        if number % 50 == 0:
            writer.send(wide, key, dice.randbytes(600_000))
    assert writer.flush() == 408
    assert [(record.topic, record.key) for record in shrink.aside] == [(narrow, key) for key in large]
    last = {event.key: event.value for event in broker.read(narrow)}
    assert last == {b"%d" % number: b"%d" % number * 20 for number in range(400)} | {
        b"70": b"aside 1",
        b"71": b"aside 2",
        b"350": b"aside 3",
    }
    assert {len(event.value or b"") for event in broker.read(wide)} == {600_000}
    writer.send(narrow, b"k", b"again")
    assert writer.flush() == 1


def test_what_no_topic_takes_is_never_offered(broker: RunningBroker) -> None:
    topic, shrink = broker.create_topic(), Smaller()
    writer = BatchWriter(broker.settings, shrink=shrink)
    writer.send(topic, b"k", bytes(2_000_000))
    assert len(shrink.aside) == 1
    assert writer.flush() == 1
    assert [event.value for event in broker.read(topic)] == [b"aside 1"]


def test_what_cannot_be_made_smaller_is_an_error_and_the_writer_goes_on(broker: RunningBroker) -> None:
    topic = broker.create_topic(configs={"max.message.bytes": "2000"})
    writer = BatchWriter(broker.settings, shrink=Smaller())
    writer.send(topic, b"small", b"x")
    writer.send(topic, b"large", Random(1).randbytes(9_000))
    with pytest.raises(RecordTooLargeError, match="large"):
        writer.flush()
    writer.send(topic, b"small", b"again")
    assert writer.flush() == 1
