"""The one place where Kafka clients are made: safe settings, and errors that say which servers and why."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError as ClientError
from kafka.net.compat import KafkaNetClient

from newsflow.errors import KafkaError
from newsflow.kafka.settings import MAX_RECORD_BYTES, KafkaSettings, describe

_FETCH_BYTES = 32 << 20
_PARTITION_FETCH_BYTES = 1 << 20
"""Per partition and fetch. One larger record is still handed over, so this bounds memory, not records."""


def make_consumer(settings: KafkaSettings, *, group: str | None = None, **overrides: Any) -> Any:
    """Return a `kafka.KafkaConsumer` that never commits by itself, starts at the beginning and makes no topic.

    Close it. Blocks up to `connect_timeout_s`; raises `KafkaError` when no server answers.
    """
    arguments = {
        "group_id": group,
        "enable_auto_commit": False,
        "auto_offset_reset": "earliest",
        "isolation_level": "read_committed",
        "allow_auto_create_topics": False,
        "fetch_max_bytes": _FETCH_BYTES,
        "max_partition_fetch_bytes": _PARTITION_FETCH_BYTES,
        # One frame holds a fetch and, beyond it, one record of any size that was allowed in.
        "receive_message_max_bytes": _FETCH_BYTES + MAX_RECORD_BYTES,
        "metrics_enabled": False,
        **overrides,
    }
    return _connect(KafkaConsumer, settings, arguments)


def make_producer(settings: KafkaSettings, **overrides: Any) -> Any:
    """Return an idempotent `kafka.KafkaProducer`: every record stored by all in-sync replicas, in order, once.

    Close it. Blocks up to `connect_timeout_s`; raises `KafkaError` when no server answers.
    """
    arguments = {
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": "lz4",
        "linger_ms": 20,
        "batch_size": 256 << 10,
        "max_request_size": MAX_RECORD_BYTES,
        # A topic that does not exist blocks the first send so long.
        "max_block_ms": round(settings.connect_timeout_s * 1000),
        "delivery_timeout_ms": round(settings.delivery_timeout_s * 1000),
        "allow_auto_create_topics": False,
        "metrics_enabled": False,
        **overrides,
    }
    return _connect(KafkaProducer, settings, arguments)


def make_admin(settings: KafkaSettings, **overrides: Any) -> Any:
    """Return a `kafka.KafkaAdminClient`. Close it. Raises `KafkaError` when no server answers."""
    return _connect(KafkaAdminClient, settings, overrides)


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn an error of the client library within the block into a `KafkaError` that begins with `doing`."""
    try:
        yield
    except ClientError as error:
        raise KafkaError(f"{doing}: {error}") from error


def _connect(client: Callable[..., Any], settings: KafkaSettings, arguments: dict[str, Any]) -> Any:
    nets: list[Any] = []

    def net_client(**configuration: Any) -> Any:
        nets.append(KafkaNetClient(**configuration))
        return nets[-1]

    arguments = {**settings.to_client_kwargs(), "kafka_client": net_client, **arguments}
    with _heard() as heard:
        try:
            return client(**arguments)
        except ClientError as error:
            _release(nets)
            raise KafkaError(_unreachable(settings, error, heard)) from error


def _release(nets: list[Any]) -> None:
    """Close what a client opened before its constructor failed, which keeps a thread and sockets otherwise."""
    for net in nets:
        net.close()
        net._manager._net.stop()


class _Ear(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.heard) < 200:
            self.heard.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    """What the library logs meanwhile: why a connection failed is written there and nowhere else."""
    logger, ear = logging.getLogger("kafka"), _Ear()
    logger.addHandler(ear)
    try:
        yield ear.heard
    finally:
        logger.removeHandler(ear)


def _unreachable(settings: KafkaSettings, error: Exception, heard: list[str]) -> str:
    said = "\n".join([*heard, str(error)]).lower()
    cause = next((text for sign, text in _CAUSES if sign in said), None)
    reason = f"{cause}" if cause else f"{error}"
    last = f" (last heard: {heard[-1]})" if heard and not cause else ""
    return (
        f"no Kafka at {settings.bootstrap_servers} ({describe(settings.security)}) "
        f"within {settings.connect_timeout_s:g} s: {reason}{last}"
    )


_CAUSES = (
    ("authenticationfailed", "the user name or password was refused"),
    ("unsupportedsaslmechanism", "the listener does not offer this SASL mechanism"),
    ("illegalsaslstate", "the listener asks for no SASL; choose another protocol, or another port"),
    (
        "hostname mismatch",
        "the server's certificate names another host; connect by the name it bears, or set check_hostname: false",
    ),
    ("ip address mismatch", "the server's certificate names another address; connect by the name it bears"),
    ("certificate verify failed", "the server's certificate is not signed by a trusted authority; name it in ca_file"),
    ("wrong_version_number", "the listener does not speak TLS; choose a protocol without SSL, or another port"),
    ("wrong version number", "the listener does not speak TLS; choose a protocol without SSL, or another port"),
    ("record layer failure", "the listener does not speak TLS; choose a protocol without SSL, or another port"),
    ("certificate required", "the server asks for a client certificate; set certificate_file and key_file"),
    ("alert", "the server broke the TLS handshake off; does it ask for a client certificate?"),
    ("name or service not known", "the host name is not known"),
    ("nodename nor servname", "the host name is not known"),
    ("temporary failure in name resolution", "the host name cannot be looked up"),
    ("refused", "nothing listens there; `newsflow dev up` starts a local broker"),
)
