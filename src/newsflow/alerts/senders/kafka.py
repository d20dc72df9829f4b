"""Alerts as CloudEvents in a Kafka topic: the key is the alert's id, so that a compacted topic keeps each once.

`url`: `kafka://HOST:9092/news.alert.v1`, `kafka+ssl://…`, or, over TLS,
`kafka+sasl://user@HOST:9093/TOPIC?mechanism=SCRAM-SHA-512`. The topic must exist. `secret`: the password.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from newsflow.alerts.render import members_of
from newsflow.alerts.senders.base import MALFORMED, SENT, Attempt, refused, retry
from newsflow.config.settings import Destination, Security
from newsflow.errors import KafkaError
from newsflow.http.deadline import OneAtATime
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import PendingAlert
from newsflow.model.headers import emitted_headers
from newsflow.model.names import ALERT_TOPIC

if TYPE_CHECKING:
    from newsflow.kafka.producer import Producer

ACCEPTED = "kafka://HOST:PORT/TOPIC, kafka+ssl://… or kafka+sasl://USER@HOST:PORT/TOPIC?mechanism=SCRAM-SHA-512"
_PROTOCOLS = {"kafka": "PLAINTEXT", "kafka+ssl": "SSL", "kafka+sasl": "SASL_SSL"}


@dataclass(frozen=True)
class KafkaTopic:
    """A topic that alerts are written to, as CloudEvents; it must exist. The same alert sent again has the same
    bytes and headers."""

    name: str
    settings: KafkaSettings = field(repr=False)
    topic: str = ALERT_TOPIC
    _turn: OneAtATime = field(default_factory=OneAtATime, init=False, repr=False, compare=False)

    @cached_property
    def _producer(self) -> Producer:
        # The client is slow to import, and only a destination of this kind needs it.
        from newsflow.kafka.producer import Producer

        return Producer(self.settings)

    def send(self, alert: PendingAlert) -> Attempt:
        """Write one record and wait until every in-sync replica has it."""
        from newsflow.kafka.producer import BatchWriter, RecordTooLargeError

        try:
            at = datetime.fromisoformat(members_of(alert.value)["at"])
        except MALFORMED as error:
            return refused(f"the alert cannot be put into a record: {error}")
        headers = emitted_headers(
            name="alert", ce_id=alert.id, job="deliver", time=at, decided_at=at, subject=alert.subscription
        )
        writer = BatchWriter(self._producer)

        def write() -> None:
            writer.send(self.topic, alert.id.encode(), alert.value, headers)
            writer.flush()

        try:
            self._turn.within(self.settings.request_timeout_s, write)
        except RecordTooLargeError as error:
            return refused(str(error))
        except (KafkaError, TimeoutError) as error:
            return retry(str(error))
        return SENT


def make(name: str, destination: Destination, url: str, _: str | None) -> KafkaTopic:
    return KafkaTopic(name, *read_topic(url, destination.secret, destination.timeout_s))


def read_topic(url: str, password: str | None = None, timeout_s: float = 10.0) -> tuple[KafkaSettings, str]:
    """Return the cluster and the topic of a URL; `password` is a reference, or None.

    Several brokers have commas between. Without a topic it is `news.alert.v1`. Raises `ValueError`.
    """
    parts = urlsplit(url)
    user, _, servers = parts.netloc.rpartition("@")
    protocol = _PROTOCOLS.get(parts.scheme)
    if protocol is None or not servers or ":" in user:
        raise ValueError(f"accepted: {ACCEPTED}; the password goes into `secret`")
    if bool(user or password) != (protocol == "SASL_SSL"):
        raise ValueError("a user and its password belong to kafka+sasl://, and it needs both")
    security = Security(protocol)
    if user:
        if password is None:
            raise ValueError("kafka+sasl:// needs the password as secret")
        mechanism = parse_qs(parts.query).get("mechanism", ["SCRAM-SHA-512"])[0]
        security = replace(security, sasl_mechanism=mechanism, username=unquote(user), password=password)
    settings = KafkaSettings(
        servers,
        "newsflow-alerts",
        security,
        connect_timeout_s=timeout_s / 2,  # the first contact, and then where the topic is: both within the time
        request_timeout_s=timeout_s,
        delivery_timeout_s=timeout_s + 1,  # the client demands more than that of one request
    )
    return settings, parts.path.strip("/") or ALERT_TOPIC
