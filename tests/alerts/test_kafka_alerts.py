"""Alerts into a topic of a real broker: once under one key, again with the same bytes, later when it is away."""

from __future__ import annotations

import orjson
import pytest

from newsflow.alerts.senders.base import DeliveryResult, Sender
from newsflow.alerts.senders.kafka import read_topic
from newsflow.alerts.senders.registry import make_senders
from newsflow.config.settings import Destination
from newsflow.model import PendingAlert
from newsflow.model.headers import header
from newsflow.processes import free_port
from tests.alerts.alert_samples import alert, pending
from tests.broker_helpers import RunningBroker


def _sender(servers: str, topic: str, timeout_s: float = 10.0) -> Sender:
    (sender,) = make_senders([("topic", Destination("kafka", f"kafka://{servers}/{topic}", timeout_s=timeout_s))])
    return sender


def test_an_alert_arrives_whole_and_the_same_again(broker: RunningBroker) -> None:
    topic = broker.create_topic()
    sender = _sender(broker.bootstrap_servers, topic)
    assert [sender.send(pending()).result for _ in range(2)] == [DeliveryResult.SENT] * 2
    first, second = broker.read(topic)
    assert (first.key, first.value) == (alert().id.encode(), pending().value)
    assert header(first.headers, "ce_id") == alert().id
    assert header(first.headers, "ce_subject") == alert().subscription
    assert (first.key, first.value, first.headers) == (second.key, second.value, second.headers)


def test_a_broker_that_is_away_is_tried_again_later() -> None:
    attempt = _sender(f"127.0.0.1:{free_port()}", "news.alert.v1", timeout_s=0.5).send(pending())
    assert attempt.result is DeliveryResult.RETRY


def test_a_topic_that_is_not_there_is_waited_for(broker: RunningBroker) -> None:
    attempt = _sender(broker.bootstrap_servers, broker.name("missing"), timeout_s=1.0).send(pending())
    assert attempt.result is DeliveryResult.RETRY
    assert "was not found" in attempt.message


def test_an_alert_larger_than_the_topic_takes_is_set_aside(broker: RunningBroker) -> None:
    topic = broker.create_topic(configs={"max.message.bytes": "2000"})
    members = orjson.loads(pending().value)
    members["why"]["story"] = "".join(chr(0x400 + at * 7919 % 4096) for at in range(3000))
    large = PendingAlert("large", "desk", orjson.dumps(members), ("topic",))
    sender = _sender(broker.bootstrap_servers, topic)
    assert sender.send(large).result is DeliveryResult.REFUSED
    assert sender.send(pending()).result is DeliveryResult.SENT, "and the next one goes through"


def test_what_is_no_alert_is_refused(broker: RunningBroker) -> None:
    attempt = _sender(broker.bootstrap_servers, "x").send(PendingAlert("a", "desk", b"{}", ("topic",)))
    assert attempt.result is DeliveryResult.REFUSED


@pytest.mark.parametrize(
    ("url", "password", "servers", "topic", "protocol"),
    [
        ("kafka://a:1,b:2/t", None, "a:1,b:2", "t", "PLAINTEXT"),
        ("kafka://a:1", None, "a:1", "news.alert.v1", "PLAINTEXT"),
        ("kafka+ssl://a:1/t", None, "a:1", "t", "SSL"),
        ("kafka+sasl://me%40x@a:1/t?mechanism=PLAIN", "env:PW", "a:1", "t", "SASL_SSL"),
    ],
)
def test_urls(url: str, password: str | None, servers: str, topic: str, protocol: str) -> None:
    settings, found = read_topic(url, password)
    assert (settings.bootstrap_servers, found, settings.security.protocol) == (servers, topic, protocol)
    if password:
        assert (settings.security.username, settings.security.sasl_mechanism) == ("me@x", "PLAIN")
