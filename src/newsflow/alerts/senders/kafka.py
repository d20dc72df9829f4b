"""Alerts as records of a Kafka topic: key is the alert's id, so that a compacted topic keeps each once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from urllib.parse import parse_qs, unquote, urlsplit

from newsflow.alerts.render import members_of
from newsflow.alerts.senders.base import SENT, Attempt, refused, retry
from newsflow.config.settings import Security
from newsflow.errors import KafkaError
from newsflow.kafka.producer import BatchWriter, Producer, RecordTooLargeError
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import PendingAlert
from newsflow.model.headers import emitted_headers
from newsflow.model.names import ALERT_TOPIC

ACCEPTED = "kafka://HOST:PORT/TOPIC, kafka+ssl://… or kafka+sasl://USER@HOST:PORT/TOPIC?mechanism=SCRAM-SHA-512"
_PROTOCOLS = {"kafka": "PLAINTEXT", "kafka+ssl": "SSL", "kafka+sasl": "SASL_SSL"}


@dataclass(frozen=True)
class KafkaTopic:
    """A topic that alerts are written to, as CloudEvents; it must be there. The same alert again has the same bytes
    and headers."""

    name: str
    settings: KafkaSettings = field(repr=False)
    topic: str = ALERT_TOPIC

    @cached_property
    def _producer(self) -> Producer:
        return Producer(self.settings)

    def send(self, alert: PendingAlert) -> Attempt:
        """Write one record and wait until every in-sync replica has it."""
        try:
            at = datetime.fromisoformat(members_of(alert.value)["at"])
        except (ValueError, KeyError, TypeError) as error:
            return refused(f"the alert cannot be put into a record: {error}")
        headers = emitted_headers(name="alert", ce_id=alert.id, job="deliver", time=at, subject=alert.subscription)
        writer = BatchWriter(self._producer)
        try:
            writer.send(self.topic, alert.id.encode(), alert.value, headers)
            writer.flush()
        except RecordTooLargeError as error:
            return refused(str(error))
        except KafkaError as error:
            return retry(str(error))
        return SENT


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
        connect_timeout_s=timeout_s,
        request_timeout_s=timeout_s,
        delivery_timeout_s=timeout_s + 1,  # the client wants it above that of one request
    )
    return settings, parts.path.strip("/") or ALERT_TOPIC
