"""The one place where Kafka clients are made: safe settings, errors that say which servers and why, and records whose
header names are not UTF-8 read all the same."""

from __future__ import annotations

import logging
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError as ClientError
from kafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError
from kafka.net.compat import KafkaNetClient
from kafka.net.inet import KafkaNetSocket
from kafka.record import default_records
from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError
from newsflow.kafka.expansion import bound_expansion
from newsflow.kafka.settings import MAX_RECORD_BYTES, KafkaSettings, describe
from newsflow.model.topics import declared_templates
from newsflow.outages import outages

# Header names that are not UTF-8. The protocol says that names are text, brokers do not check it, and clients in C or
# Go send any bytes. kafka-python calls such a record corrupt and never gets past it: one record would stop every
# consumer of the topic for good.

_NOT_ASCII_AS_QUESTION_MARK = bytes(range(0x80)) + b"?" * 0x80


def accept_any_header_name() -> None:
    """From now on, in this process, read what is not UTF-8 in a header's name as `?`, byte by byte."""
    original = DefaultRecordBatch._read_msg
    if getattr(original, "accepts_any_header_name", False):
        return

    def read(batch: Any) -> Any:
        try:
            return original(batch)
        except UnicodeDecodeError:
            # Nothing has moved on yet: the position is kept only after a record was read whole.
            _repair(batch)
            return original(batch)

    read.accepts_any_header_name = True  # type: ignore[attr-defined]
    DefaultRecordBatch._read_msg = read


def _repair(batch: Any) -> None:
    buffer = batch._buffer = bytearray(batch._buffer)
    for start, end in _names(buffer, batch._pos):
        try:
            buffer[start:end].decode("utf-8")
        except UnicodeDecodeError:
            buffer[start:end] = buffer[start:end].translate(_NOT_ASCII_AS_QUESTION_MARK)


def _names(buffer: bytearray, position: int) -> Iterator[tuple[int, int]]:
    """Where the header names of the record at `position` stand. https://kafka.apache.org/documentation/#record"""
    for _ in range(4):  # length, attributes, time, offset
        _, position = decode_varint(buffer, position)
    for _ in range(2):  # key, value
        position = _after(buffer, position)[1]
    count, position = decode_varint(buffer, position)
    for _ in range(count):
        start, end = _after(buffer, position)
        yield start, end
        position = _after(buffer, end)[1]


def _after(buffer: bytearray, position: int) -> tuple[int, int]:
    """Where the field at `position`, a length and so many bytes, begins and ends. A length of -1 is null."""
    size, start = decode_varint(buffer, position)
    return start, start + max(size, 0)


# Gzip is what clients in every language read. kafka-python compresses at level 9 and offers no other, which costs seven
# times the processor time of level 1 and saves little.


def compress_quickly() -> None:
    """From now on, in this process, gzip at level 1."""
    default_records.gzip_encode = _gzip


def _gzip(payload: bytes) -> bytes:
    return zlib.compress(payload, level=1, wbits=16 + zlib.MAX_WBITS)


# kafka-python leaves sockets to the garbage collector: of a connection that is refused, or that is not made yet or has
# something left to write when its client is closed.

_sock_connect = KafkaNetSocket.sock_connect


async def _connect_or_close(factory: Any, net: Any, sock: Any, address: Any, timeout_at: float | None = None) -> Any:
    try:
        return await _sock_connect(factory, net, sock, address, timeout_at=timeout_at)
    except BaseException:  # A task that is cancelled is told by GeneratorExit.
        sock.close()
        raise


def close_failed_sockets() -> None:
    """From now on, in this process, a socket that does not get its connection is closed at once."""
    KafkaNetSocket.sock_connect = _connect_or_close


class _NetClient(KafkaNetClient):  # type: ignore[misc]
    def close(self, node_id: Any = None) -> None:
        transports = [conn.transport for conn in self._manager._conns.values() if conn.transport is not None]
        sockets = [transport._sock for transport in transports if transport._sock is not None]
        super().close(node_id)
        if node_id is None:
            for sock in sockets:
                sock.close()


# Making clients.

_LOGGER = logging.getLogger("kafka")
_FIRST_PATIENCE_S = 1.0
_RECONNECT_MS = 2_000
"""A client that lost its broker tries again at least this often; kafka-python's own limit is 30 s."""
_FETCH_BYTES = 32 << 20
_PARTITION_FETCH_BYTES = 1 << 20
"""Per partition and fetch. One larger record is still handed over, so this bounds memory, not records."""


class Consumer(KafkaConsumer):  # type: ignore[misc]
    """A consumer that knows which topic it is that bears a name, and which history of a log an offset belongs to."""

    def topic_id(self, topic: str, timeout_ms: float) -> str | None:
        """The id of a topic, asked for anew; "" where the brokers give none, None while there is no such topic."""
        self._cluster.add_topic(topic)
        for _ in range(2):  # The first answer may be to what was asked before the topic was added.
            try:
                self._net.run(self._manager.wait_for, self._cluster.request_update(), timeout_ms)
            except UnknownTopicOrPartitionError:
                continue
            if self._cluster.partitions_for_topic(topic):
                found = self._cluster.topic_id(topic)
                return str(found) if found is not None and found.int else ""
        return None

    def poll(self, *arguments: Any, **named: Any) -> Any:
        """As in `KafkaConsumer`, which lays the records of a paused partition aside, and takes them up again only when
        nothing is in line; a fetch of another partition that is read to its end stays in line there."""
        if not self._fetcher._next_partition_records:
            self._fetcher._next_partition_records = None
        return super().poll(*arguments, **named)

    def seek(self, partition: Any, offset: int, epoch: int = -1) -> None:
        """As in `KafkaConsumer`; with the leader epoch of the record before `offset`, brokers are asked whether that
        part of the log was cut off since."""
        super().seek(partition, offset)
        if epoch >= 0:
            self._subscription.assignment[partition].seek(OffsetAndMetadata(offset, "", epoch))


def make_consumer(settings: KafkaSettings, *, group: str | None = None, **overrides: Any) -> Any:
    """Return a `Consumer` that never commits by itself, starts at the beginning and makes no topic.

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
        "reconnect_backoff_max_ms": _RECONNECT_MS,
        "metrics_enabled": False,
        **overrides,
    }
    accept_any_header_name()
    return bound_expansion(_connect(Consumer, settings, arguments), settings.expand_bytes)


class _Producer(KafkaProducer):  # type: ignore[misc]
    _closing = False

    def expect(self, topics: Iterable[str]) -> None:
        """Ask for all of these topics at once, those that are not known. Else the first record of each waits for an
        answer of its own, and the client for 0.1 s between two: seconds, when a job with many feeds has just started.
        """
        if unknown := {topic for topic in topics if self._metadata.partitions_for_topic(topic) is None}:
            self._metadata._last_refresh_ms = 0
            self._metadata.set_topics(self._metadata._topics | unknown)

    def close(self, timeout: float | None = None, **more: Any) -> None:
        """What was not delivered in time is given up: kafka-python raises then, and its thread goes on delivering."""
        self._closing = True
        super().close(timeout, **more)

    def flush(self, timeout: float | None = None) -> None:
        try:
            super().flush(timeout)
        except KafkaTimeoutError:
            if not self._closing:
                raise


def make_producer(settings: KafkaSettings, **overrides: Any) -> Any:
    """Return an idempotent `kafka.KafkaProducer`: every record stored by all in-sync replicas, in order, once.

    Close it. Blocks up to `connect_timeout_s`; raises `KafkaError` when no server answers.
    """
    arguments = {
        "enable_idempotence": True,
        "acks": "all",
        "compression_type": None if settings.compression == "none" else settings.compression,
        "linger_ms": 20,
        "batch_size": 256 << 10,
        # Counted before compression, and brokers count after it. A record that came in must be able to go out
        # again as a dead letter, so the decision is left to the topic's own limit.
        "max_request_size": 1 << 30,
        # A topic that does not exist blocks the first send so long.
        "max_block_ms": round(settings.connect_timeout_s * 1000),
        "delivery_timeout_ms": round(settings.delivery_timeout_s * 1000),
        "allow_auto_create_topics": False,
        "reconnect_backoff_max_ms": _RECONNECT_MS,
        "metrics_enabled": False,
        **overrides,
    }
    compress_quickly()
    return _connect(_Producer, settings, arguments)


def make_admin(settings: KafkaSettings, **overrides: Any) -> Any:
    """Return a `kafka.KafkaAdminClient`. Close it. Raises `KafkaError` when no server answers."""
    return _connect(KafkaAdminClient, settings, overrides)


def partitions_of(consumer: Any, topic: str) -> list[Any]:
    """The partitions of a topic as `kafka.TopicPartition`, in order; none when it does not exist."""
    return [TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())]


def missing_topic(topic: str, place: str = "") -> KafkaError:
    """The error for a topic that the broker does not have."""
    declared = any(each.name == topic for each in declared_templates())
    hint = "apply` creates it" if declared else "topics` lists those that do"
    return KafkaError(f"topic {topic} does not exist{place and f' at {place}'}; `newsflow kafka {hint}")


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn an error of the client library within the block into a `KafkaError` that begins with `doing`."""
    try:
        yield
    except ClientError as error:
        raise KafkaError(f"{doing}: {error}") from error


def _connect(client: Callable[..., Any], settings: KafkaSettings, arguments: dict[str, Any]) -> Any:
    """Make a client, with growing patience: a refused password must not cost the whole of `connect_timeout_s`."""
    close_failed_sockets()
    arguments = {**settings.to_client_kwargs(), **arguments}
    deadline = time.monotonic() + settings.connect_timeout_s
    patience_s = _FIRST_PATIENCE_S
    with _Ear() as heard, outages.asking(settings.place, KafkaError):
        while True:
            left_s = deadline - time.monotonic()
            try:
                return _attempt(client, {**arguments, "bootstrap_timeout_ms": 1000 * max(0.1, min(patience_s, left_s))})
            except ClientError as error:
                cause = _cause(settings, heard, error)
                outages.failed(settings.place, KafkaError(_unreachable(settings, error, heard, cause)))
                if left_s <= patience_s or (cause is not None and cause.lasting):
                    raise KafkaError(_unreachable(settings, error, heard, cause)) from error
                patience_s *= 2


def _attempt(client: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    nets: list[Any] = []

    def net_client(**configuration: Any) -> Any:
        nets.append(_NetClient(**configuration))
        return nets[-1]

    try:
        return client(**arguments, kafka_client=net_client)
    except BaseException:
        for net in nets:  # A thread and sockets, which a constructor that fails would leave behind.
            net.close()
            net._manager._net.stop()
        raise


class _Ear(logging.Handler):
    """Hears what the library logs while a client connects: why that failed is written there and nowhere else."""

    _lock = threading.Lock()
    _open = 0
    _before: tuple[int, bool] = (logging.NOTSET, True)

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if len(self.heard) < 200:
            self.heard.append(record.getMessage())

    def __enter__(self) -> list[str]:
        with _Ear._lock:
            _LOGGER.addHandler(self)
            if _Ear._open == 0:
                _Ear._before = (_LOGGER.level, _LOGGER.propagate)
                if not _LOGGER.isEnabledFor(logging.WARNING):
                    # Someone has silenced the library: hear it all the same, and let nobody else.
                    _LOGGER.setLevel(logging.WARNING)
                    _LOGGER.propagate = False
            _Ear._open += 1
        return self.heard

    def __exit__(self, *_: object) -> None:
        with _Ear._lock:
            _LOGGER.removeHandler(self)
            _Ear._open -= 1
            if _Ear._open == 0:
                _LOGGER.setLevel(_Ear._before[0])
                _LOGGER.propagate = _Ear._before[1]


class _Cause(NamedTuple):
    """`sign` in what was heard means `text`. A lasting one does not go away by trying again."""

    sign: str
    text: str
    lasting: bool = True


_NO_TLS = "the listener does not speak TLS; choose a protocol without SSL, or another port"
_HANGS_UP = "the server hangs up; does the listener want TLS or SASL? (kafka.security.protocol)"
# Each sign is long enough not to occur in a host's name, which the log lines hold too.
_CAUSES = (
    _Cause("authenticationfailed", "the user name or password was refused"),
    _Cause("unsupportedsaslmechanism", "the listener does not offer this SASL mechanism"),
    _Cause("illegalsaslstate", "the listener asks for no SASL; choose another protocol, or another port"),
    _Cause(
        "certificate is not valid for",
        "the server's certificate bears another name; connect by the name it bears, or set check_hostname: false",
    ),
    _Cause("verify failed", "the server's certificate is not signed by a trusted authority; name it in ca_file"),
    _Cause("wrong_version_number", _NO_TLS),
    _Cause("wrong version number", _NO_TLS),
    _Cause("record layer failure", _NO_TLS),
    _Cause("handshake failed: [ssl: unexpected_eof", _NO_TLS),
    _Cause("certificate required", "the server asks for a client certificate; set certificate_file and key_file"),
    _Cause("_alert_", "the server broke the TLS handshake off; does it ask for another client certificate?"),
    _Cause("dns lookup failed", "the host name cannot be looked up", lasting=False),
    _Cause("econnrefused", "nothing listens there; `newsflow dev up` starts a local broker", lasting=False),
    _Cause("socket disconnected", _HANGS_UP, lasting=False),
    _Cause("econnreset", _HANGS_UP, lasting=False),
    _Cause("connection timed out", "no answer at all; is there a firewall between?", lasting=False),
)


# A refusal and the end of the connection can arrive together; the library then sees the end alone.
_HUNG_UP_ON_LOGIN = _Cause(
    "socket disconnected",
    "the server hangs up: most likely the user name or password was refused, or the listener wants another protocol",
    lasting=False,
)


def _unexplained(settings: KafkaSettings, error: Exception, heard: list[str]) -> str:
    """What to say where the library gives no reason: of another program's port it only says that time is up."""
    for server in settings.bootstrap_servers.split(","):
        host, _, port = server.strip().rpartition(":")
        with suppress(OSError, ValueError), socket.create_connection((host.strip("[]"), int(port)), _FIRST_PATIENCE_S):
            return f"{server} does not answer as Kafka does: another program's port, or a broker that hangs"
    return f"{error}; last heard: {heard[-1] if heard else 'nothing'}"


def _cause(settings: KafkaSettings, heard: list[str], error: Exception) -> _Cause | None:
    said = "\n".join([*heard, str(error)]).lower()
    cause = next((cause for cause in _CAUSES if cause.sign in said), None)
    return _HUNG_UP_ON_LOGIN if settings.uses_sasl and cause and cause.text == _HANGS_UP else cause


def _unreachable(settings: KafkaSettings, error: Exception, heard: list[str], cause: _Cause | None) -> str:
    reason = cause.text if cause else _unexplained(settings, error, heard)
    return f"no Kafka at {settings.bootstrap_servers} ({describe(settings.security)}): {reason}"
