"""Writes batches of records: all of them are stored when `flush` returns, or it raises."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

from kafka.errors import KafkaError as ClientError
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, RecordListTooLargeError, UnknownError

from newsflow.errors import KafkaError
from newsflow.kafka.admin import topic_names
from newsflow.kafka.client import make_producer
from newsflow.kafka.settings import KafkaSettings
from newsflow.outages import outages

MAX_PENDING_BYTES = 64 << 20
"""kafka-python itself buffers without limit; a writer waits for its oldest records beyond this."""

_FLUSH_GRACE_S = 10.0
_RECORD_OVERHEAD_BYTES = 100
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class RecordTooLargeError(KafkaError):
    """The record is larger than its topic, or this client, allows. Sending it again changes nothing."""

    def __init__(self, message: str, topic: str, key: bytes | None) -> None:
        self.topic, self.key = topic, key
        super().__init__(message)


class _UnavailableError(KafkaError):
    """The broker did not store a record, and may when it is asked again."""


class _Sent(NamedTuple):
    """A record on its way. `future` is None when it was refused before it was under way."""

    future: Any
    size_bytes: int
    topic: str
    key: bytes | None


class Producer:
    """A Kafka producer that is connected when it is first used, and again after a failure. Any thread may use it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._client: Any = None

    def client(self) -> Any:
        """The `kafka.KafkaProducer`. May block while it connects; raises `KafkaError` when no server answers."""
        client = self._client
        if client is not None:
            return client
        with self._lock:
            if self._client is None:
                self._client = make_producer(self.settings)
            return self._client

    def close(self, timeout_s: float = 5) -> None:
        """Give the connections back; the next use makes new ones. With 0 seconds what is under way is given up."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close(timeout=timeout_s)


class BatchWriter:
    """Sends records through a producer, one of its own or a shared one, and answers for every one it sent.

    Not thread-safe; several writers may share a producer. A failed writer may be used again: it forgets what
    was pending, since the caller's batch is to be sent again as a whole. Close it when the producer is its own.
    """

    def __init__(self, to: KafkaSettings | Producer, *, max_pending_bytes: int = MAX_PENDING_BYTES) -> None:
        self._owns_producer = not isinstance(to, Producer)
        self._producer = to if isinstance(to, Producer) else Producer(to)
        self._settings = self._producer.settings
        self._max_pending_bytes = max_pending_bytes
        self._pending: deque[_Sent] = deque()
        self._pending_bytes = 0
        self._stored = 0

    def close(self) -> None:
        """Close the producer, unless it is shared. What was not flushed may be lost."""
        if self._owns_producer:
            self._producer.close()

    def send(
        self,
        topic: str,
        key: bytes | None,
        value: bytes | None,
        headers: Iterable[tuple[str, bytes | None]] = (),
    ) -> None:
        """Hand one record over. Usually returns at once; blocks while too much is pending.

        A null header value is written as an empty one. Raises `KafkaError` when the topic does not exist, the
        record is too large, or an earlier record failed.
        """
        size = len(key or b"") + len(value or b"") + _RECORD_OVERHEAD_BYTES
        pairs = [(name, b"" if content is None else content) for name, content in headers]
        producer = self._producer.client()
        try:
            # A record without key and value is legal in Kafka, and refused by kafka-python.
            future = producer.send(topic, key=key, value=b"" if key is None and value is None else value, headers=pairs)
        except ClientError as error:
            failure = self._failed(error, _Sent(None, size, topic, key))
            if isinstance(failure, _UnavailableError):
                outages.ask(self._settings.place)
                outages.failed(self._settings.place, failure)
            raise failure from error
        self._pending.append(_Sent(future, size, topic, key))
        self._pending_bytes += size
        while self._pending_bytes > self._max_pending_bytes:
            self._await_oldest()

    def flush(self) -> int:
        """Wait until every record sent since the last flush is stored; return how many those are.

        Raises `KafkaError` for the first that failed; then none of them may be taken for stored.
        """
        with outages.asking(self._settings.place, _UnavailableError):
            if self._pending:
                self._flush_producer()
            while self._pending:
                self._await_oldest()
        stored, self._stored = self._stored, 0
        return stored

    def _flush_producer(self) -> None:
        producer = self._producer.client()
        deadline = time.monotonic() + self._settings.delivery_timeout_s + _FLUSH_GRACE_S
        while True:
            try:
                producer.flush(timeout=max(0.0, deadline - time.monotonic()))
                return
            except UnknownError:
                # kafka-python's flush gives up on a batch that was split for being too large; its parts are on
                # their way, and the futures tell how they fared.
                continue
            except ClientError as error:
                raise self._failed(error, self._pending[0]) from error

    def _await_oldest(self) -> None:
        sent = self._pending.popleft()
        self._pending_bytes -= sent.size_bytes
        try:
            sent.future.get(timeout=self._settings.delivery_timeout_s + _FLUSH_GRACE_S)
        except ClientError as error:
            raise self._failed(error, sent) from error
        self._stored += 1

    def _failed(self, error: ClientError, failed: _Sent) -> KafkaError:
        """Forget what was pending, and the producer with it: an idempotent one may not go on after a failure."""
        if isinstance(error, _TOO_LARGE):
            # kafka-python fails all that was on its way with this error; the largest is the one to blame.
            failed = max((failed, *self._pending), key=lambda sent: sent.size_bytes)
        self._pending.clear()
        self._pending_bytes = self._stored = 0
        if failed.future is not None or not isinstance(error, _TOO_LARGE):
            self._producer.close(timeout_s=0)
        return _explained(error, failed, self._settings)


def _explained(error: ClientError, failed: _Sent, settings: KafkaSettings) -> KafkaError:
    topic, servers = failed.topic, settings.bootstrap_servers
    which = f"the record {failed.key!r} ({failed.size_bytes} bytes)"
    if isinstance(error, _TOO_LARGE):
        return RecordTooLargeError(f"{which} is too large for topic {topic}: {error}", topic, failed.key)
    if isinstance(error, KafkaTimeoutError) and "metadata" in str(error):
        # The client says the same of a topic that is missing and of a broker that is silent.
        try:
            known = topic_names(settings)
        except KafkaError as silent:
            return _UnavailableError(str(silent))
        if topic not in known:
            return KafkaError(
                f"topic {topic} was not found at {servers}; `newsflow kafka apply` creates the topics ({error})"
            )
    kind = _UnavailableError if error.retriable else KafkaError
    return kind(f"{which} was not stored in {topic} at {servers}: {error}")
