"""Writes batches of records: all of them are stored when `flush` returns, or it raises."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Protocol

from kafka.errors import KafkaError as ClientError
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, RecordListTooLargeError, UnknownError

from newsflow.errors import KafkaError
from newsflow.kafka.admin import topic_names
from newsflow.kafka.client import make_producer
from newsflow.kafka.registry import Frames
from newsflow.kafka.settings import KafkaSettings
from newsflow.outages import outages

MAX_PENDING_BYTES = 64 << 20
"""kafka-python itself buffers without limit; a writer waits for its oldest records beyond this."""

_FLUSH_GRACE_S = 10.0
_RECORD_OVERHEAD_BYTES = 100
_TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)


class Record(NamedTuple):
    """A record as it is handed to the client: no header value is None."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def size_bytes(self) -> int:
        headers = sum(len(name) + len(content) for name, content in self.headers)
        return len(self.key or b"") + len(self.value or b"") + headers + _RECORD_OVERHEAD_BYTES


class Shrink(Protocol):
    """Puts what does not fit elsewhere. `most_bytes`: a larger value is not offered to the broker at all."""

    @property
    def most_bytes(self) -> int: ...

    def __call__(self, record: Record) -> Record | None:
        """The record in a smaller form, None when it is as small as it gets. Raises `SinkError`."""


class RecordTooLargeError(KafkaError):
    """The record is larger than its topic, or this client, allows. Sending it again changes nothing."""

    def __init__(self, message: str, topic: str, key: bytes | None, unstored: Sequence[Record] = ()) -> None:
        self.topic, self.key = topic, key
        self.unstored = unstored
        """In order, all that was on its way: kafka-python fails it together. Some of it may be stored."""
        super().__init__(message)


class _UnavailableError(KafkaError):
    """The broker did not store a record, and may when it is asked again."""


class _Sent(NamedTuple):
    """A record on its way. `future` is None when it was refused before it was under way."""

    future: Any
    size_bytes: int
    record: Record


class Producer:
    """A Kafka producer that is connected when it is first used, and again after a failure. Any thread may use it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._client: Any = None
        self._frames = Frames(settings.registry) if settings.registry is not None else None

    def as_written(self, record: Record) -> bytes | None:
        """The record's value as the cluster is to have it. Raises `KafkaError` where a registry is asked in vain."""
        return record.value if self._frames is None else self._frames(record.topic, record.value, record.headers)

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
    With `shrink`, a record that is too large goes in the form that this gives it; those around it may then be written
    twice, with the same bytes.
    """

    def __init__(
        self,
        to: KafkaSettings | Producer,
        *,
        max_pending_bytes: int = MAX_PENDING_BYTES,
        shrink: Shrink | None = None,
    ) -> None:
        self._owns_producer = not isinstance(to, Producer)
        self._producer = to if isinstance(to, Producer) else Producer(to)
        self._settings = self._producer.settings
        self._max_pending_bytes = max_pending_bytes
        self._shrink = shrink
        self._pending: deque[_Sent] = deque()
        self._pending_bytes = 0
        self._sent = 0

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
        record is too large, or an earlier record failed; `SinkError` when what is too large cannot be put elsewhere.
        """
        pairs = tuple((name, b"" if content is None else content) for name, content in headers)
        record, sent = Record(topic, key, value, pairs), self._sent
        try:
            if self._shrink is not None and len(value or b"") > self._shrink.most_bytes:
                record = self._shrink(record) or record
            self._hand_over(record)
            while self._pending_bytes > self._max_pending_bytes:
                self._await_oldest()
        except RecordTooLargeError as error:
            self._store_shrunk(error)
        except BaseException:
            self._forget()
            raise
        self._sent = sent + 1

    def write(self, records: Iterable[Any]) -> None:
        """Send records (topic, key, value, headers); all are stored when this returns. Raises as `send`."""
        for record in records:
            self.send(record.topic, record.key, record.value, record.headers)
        self.flush()

    def expect(self, topics: Iterable[str]) -> None:
        """Look these topics up together, before records are sent to them."""
        self._producer.client().expect(topics)

    def flush(self) -> int:
        """Wait until every record sent since the last flush is stored; return how many those are.

        Raises `KafkaError` for the first that failed, or `SinkError`; then none of them may be taken for stored.
        """
        sent = self._sent
        try:
            self._settle()
        except RecordTooLargeError as error:
            self._store_shrunk(error)
        self._sent = 0
        return sent

    def _settle(self) -> None:
        with outages.asking(self._settings.place, _UnavailableError):
            if self._pending:
                self._flush_producer()
            while self._pending:
                self._await_oldest()

    def _store_shrunk(self, error: RecordTooLargeError) -> None:
        """Store all that was on its way, what does not fit in another form."""
        if self._shrink is None:
            raise error
        self._store(error.unstored, self._shrink)

    def _store(self, records: Sequence[Record], shrink: Shrink) -> None:
        """Write records in order and wait. The client does not say which one was too large: it is found by halves."""
        try:
            for record in records:
                self._hand_over(record)
            self._settle()
        except RecordTooLargeError:
            half = len(records) // 2
            if half:
                self._store(records[:half], shrink)
                self._store(records[half:], shrink)
                return
            smaller = shrink(records[0])
            if smaller is None:
                raise
            self._store([smaller], shrink)

    def _hand_over(self, record: Record) -> None:
        topic, key, value, headers = record
        size = record.size_bytes
        producer = self._producer.client()
        try:
            # A record without key and value is legal in Kafka, and refused by kafka-python.
            sent = b"" if key is None and value is None else self._producer.as_written(record)
            future = producer.send(topic, key=key, value=sent, headers=list(headers))
        except ClientError as error:
            failure = self._failed(error, _Sent(None, size, record))
            if isinstance(failure, _UnavailableError):
                outages.ask(self._settings.place)
                outages.failed(self._settings.place, failure)
            raise failure from error
        self._pending.append(_Sent(future, size, record))
        self._pending_bytes += size

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
                raise self._failed(error, self._pending.popleft()) from error

    def _await_oldest(self) -> None:
        sent = self._pending.popleft()
        self._pending_bytes -= sent.size_bytes
        try:
            sent.future.get(timeout=self._settings.delivery_timeout_s + _FLUSH_GRACE_S)
        except ClientError as error:
            raise self._failed(error, sent) from error

    def _failed(self, error: ClientError, failed: _Sent) -> KafkaError:
        """Forget what was pending, and the producer with it: an idempotent one may not go on after a failure."""
        # A record that was refused before it was under way is the last of them, any other the first.
        before, after = (self._pending, ()) if failed.future is None else ((), self._pending)
        unstored = [sent.record for sent in (*before, failed, *after)]
        if isinstance(error, _TOO_LARGE):
            # kafka-python fails all that was on its way with this error; the largest is the one to blame.
            failed = max((failed, *self._pending), key=lambda sent: sent.size_bytes)
        self._forget()
        if failed.future is not None or not isinstance(error, _TOO_LARGE):
            self._producer.close(timeout_s=0)
        return _explained(error, failed, self._settings, unstored)

    def _forget(self) -> None:
        self._pending.clear()
        self._pending_bytes = self._sent = 0


def _explained(
    error: ClientError, failed: _Sent, settings: KafkaSettings, unstored: Sequence[Record] = ()
) -> KafkaError:
    topic, servers = failed.record.topic, settings.bootstrap_servers
    which = f"the record {failed.record.key!r} ({failed.size_bytes} bytes)"
    if isinstance(error, _TOO_LARGE):
        message = f"{which} is too large for topic {topic}: {error}"
        return RecordTooLargeError(message, topic, failed.record.key, unstored)
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
