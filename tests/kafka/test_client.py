"""Clients: safe settings, and errors that name the servers and the likely cause. No broker is needed here."""

from __future__ import annotations

import logging
import socket
import threading

import pytest
from kafka import KafkaProducer
from kafka.errors import KafkaTimeoutError

from newsflow.errors import KafkaError
from newsflow.kafka.client import make_admin, make_consumer, make_producer, translated
from newsflow.kafka.settings import KafkaSettings
from tests.broker_helpers import RunningBroker


def unreachable(servers: str) -> KafkaSettings:
    return KafkaSettings(servers, connect_timeout_s=0.5)


@pytest.mark.parametrize("make", [make_admin, make_consumer, make_producer])
def test_nothing_listening_is_said_and_no_thread_is_left(make) -> None:  # type: ignore[no-untyped-def]
    before = {each for each in threading.enumerate() if each.name != "outages"}
    with pytest.raises(KafkaError, match=r"no Kafka at 127\.0\.0\.1:1 \(PLAINTEXT\): nothing listens there; .*dev up"):
        make(unreachable("127.0.0.1:1"))
    assert {each for each in threading.enumerate() if each.name != "outages"} == before


def test_an_unknown_host_is_said() -> None:
    with pytest.raises(KafkaError, match=r"broker\.invalid:9092 .*host name cannot be looked up"):
        make_consumer(unreachable("broker.invalid:9092"))


def test_a_server_that_is_no_kafka_is_said() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        with pytest.raises(
            KafkaError, match=rf"no Kafka at 127\.0\.0\.1:{port} .*does not answer as Kafka does: another"
        ):
            make_consumer(unreachable(f"127.0.0.1:{port}"))


def test_the_cause_is_heard_though_the_library_is_silenced(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("kafka")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with pytest.raises(KafkaError, match="nothing listens there"):
            make_consumer(unreachable("127.0.0.1:1"))
        assert (logger.level, logger.propagate, len(logger.handlers)) == (logging.CRITICAL, True, 1)
    finally:
        logger.setLevel(level)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["alert-disconnected-refused.invalid", "verify-mismatch.invalid"])
def test_a_hosts_name_is_not_taken_for_a_cause(name: str) -> None:
    with pytest.raises(KafkaError, match="host name cannot be looked up"):
        make_consumer(unreachable(f"{name}:9092"))


def test_translated_keeps_our_errors_and_turns_the_librarys() -> None:
    from kafka.errors import UnknownTopicOrPartitionError

    with pytest.raises(KafkaError, match=r"^listing: .*UnknownTopic"), translated("listing"):
        raise UnknownTopicOrPartitionError()
    with pytest.raises(ValueError, match="ours"), translated("listing"):
        raise ValueError("ours")


@pytest.mark.e2e
def test_a_consumer_commits_nothing_by_itself_and_makes_no_topic(broker: RunningBroker) -> None:
    consumer = make_consumer(broker.settings, group=broker.name("group"))
    try:
        assert consumer.config["enable_auto_commit"] is False
        assert consumer.config["isolation_level"] == "read_committed"
        assert not consumer.partitions_for_topic("never-made-by-reading")
        assert "never-made-by-reading" not in consumer.topics()
    finally:
        consumer.close()


def test_a_producer_whose_records_do_not_get_through_ends_with_its_thread(
    broker: RunningBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_late(*_: object) -> None:
        raise KafkaTimeoutError("Timeout waiting for future")

    producer = make_producer(broker.settings)
    sender = producer._sender
    assert sender.is_alive()
    monkeypatch.setattr(KafkaProducer, "flush", too_late)
    with pytest.raises(KafkaTimeoutError):
        producer.flush(0)
    producer.close(timeout=0)
    sender.join(10)
    assert not sender.is_alive()
