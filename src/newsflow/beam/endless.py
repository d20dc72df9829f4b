"""The endless source, for streaming runners: Beam's `UnboundedSource` over Kafka, one split a partition.

The runner keeps the position (a checkpoint mark); the group's offsets are committed when it finalises one, and
serve lag figures and cold starts alone. A record may come twice; the ledger answers the same both times.

Runners make many readers for one split: each DoFn instance keeps a cache of its own. So the consumer belongs to
the process and the split, and whichever reader reads next takes it over, at its own position.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import orjson
from apache_beam.coders import Coder
from apache_beam.io.unbounded_source import CheckpointMark, ReadFromUnboundedSource, UnboundedReader, UnboundedSource
from apache_beam.utils.timestamp import MIN_TIMESTAMP, Timestamp
from kafka import TopicPartition
from kafka.structs import OffsetAndMetadata

from newsflow.beam.batch_coder import BatchCoder
from newsflow.beam.job import Place
from newsflow.config.settings import Config
from newsflow.errors import KafkaError
from newsflow.kafka.client import make_consumer
from newsflow.kafka.reader import to_event
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event

BATCHES_PER_BUNDLE = 20
BUNDLE_S = 0.3
IDLE_POLL_S = 0.1
IDLE_LAG_S = 2.0
"""An idle partition's watermark stays this far behind the clock."""


def read_endless(config: Config, place: Place) -> Any:
    """The transform: batches of `Event`, for ever."""
    return ReadFromUnboundedSource(
        EndlessSource(config, place),
        poll_interval=IDLE_POLL_S,
        max_records_per_bundle=BATCHES_PER_BUNDLE,
        max_read_time_seconds=BUNDLE_S,
    )


class EndlessSource(UnboundedSource):
    """All partitions of a topic, or after `split` one of them."""

    def __init__(self, config: Config, place: Place, partition: int | None = None) -> None:
        self.config, self.place, self.partition = config, place, partition

    def split(self, desired_num_splits: int, options: Any = None) -> Sequence[EndlessSource]:
        """One source a partition, however many are desired: two readers on one partition cannot be."""
        return [EndlessSource(self.config, self.place, number) for number in _partitions(self.config, self.place.topic)]

    def create_reader(self, options: Any, checkpoint_mark: CheckpointMark | None) -> EndlessReader:
        """A reader that goes on after the mark, or where the group's offsets say."""
        assert checkpoint_mark is None or isinstance(checkpoint_mark, Mark)
        return EndlessReader(self, checkpoint_mark)

    def default_output_coder(self) -> Coder:
        """Batches."""
        return BatchCoder()

    def get_checkpoint_mark_coder(self) -> Coder:
        """Marks as JSON."""
        return MarkCoder(self.config, self.place)


class Mark(CheckpointMark):
    """How far one partition was read: the next offset."""

    def __init__(self, config: Config, place: Place, partition: int, offset: int) -> None:
        self.config, self.place, self.partition, self.offset = config, place, partition, offset

    def finalize_checkpoint(self) -> None:
        """Commit the group's offset, if it moved. Best effort: nothing but lag and cold starts depends on it."""
        _shared(self.config, self.place, self.partition).commit(self.offset)


class MarkCoder(Coder):
    """`[partition, offset]` as JSON: the same position gives the same bytes, as the reader cache needs."""

    def __init__(self, config: Config, place: Place) -> None:
        self._config, self._place = config, place

    def encode(self, value: Mark) -> bytes:
        """A mark to bytes."""
        return orjson.dumps([value.partition, value.offset])

    def decode(self, encoded: bytes) -> Mark:
        """Bytes to a mark."""
        partition, offset = orjson.loads(encoded)
        return Mark(self._config, self._place, partition, offset)

    def is_deterministic(self) -> bool:
        """True."""
        return True


class EndlessReader(UnboundedReader):
    """Reads one partition in batches."""

    def __init__(self, source: EndlessSource, mark: Mark | None) -> None:
        if source.partition is None:
            raise KafkaError("the endless source must be split before it is read")
        self._config, self._place, self._partition = source.config, source.place, source.partition
        self._next = None if mark is None else mark.offset
        self._batch: list[Event] = []
        self._watermark = MIN_TIMESTAMP

    def start(self) -> bool:
        """Go to the first batch; False when there is none now."""
        return self.advance()

    def advance(self) -> bool:
        """Go to the next batch; False when there is none now. Blocks up to a poll's 20 ms."""
        shared = self._consumer()
        self._batch, self._next = shared.read(self._next, self._config.limits.batch_records)
        self._move_watermark()
        return bool(self._batch)

    def get_current(self) -> list[Event]:
        """The batch."""
        return self._batch

    def get_current_timestamp(self) -> Timestamp:
        """The earliest time of the batch's records."""
        return Timestamp(min(event.timestamp_ms for event in self._batch) / 1000)

    def get_watermark(self) -> Timestamp:
        """Never goes back; an idle partition follows the clock."""
        return self._watermark

    def get_checkpoint_mark(self) -> Mark:
        """The position after the current batch."""
        offset = self._next if self._next is not None else self._consumer().start()
        return Mark(self._config, self._place, self._partition, offset)

    def close(self) -> None:
        """Nothing: the consumer belongs to the process."""

    def _consumer(self) -> SharedConsumer:
        return _shared(self._config, self._place, self._partition)

    def _move_watermark(self) -> None:
        reached = self.get_current_timestamp() if self._batch else Timestamp(time.time() - IDLE_LAG_S)
        self._watermark = max(self._watermark, reached)


class SharedConsumer:
    """One consumer for one partition in this process, taken over by whoever reads next."""

    def __init__(self, config: Config, place: Place, partition: int) -> None:
        self._lock = threading.Lock()
        self._tp = TopicPartition(place.topic, partition)
        self._consumer = make_consumer(KafkaSettings.of(config.kafka), group=place.group, fetch_max_wait_ms=50)
        self._consumer.assign([self._tp])
        self._committed: int | None = None

    def start(self) -> int:
        """Where a reader without a mark begins: the group's committed offset, else the partition's first."""
        with self._lock:
            committed = self._consumer.committed(self._tp)
            first: int = self._consumer.beginning_offsets([self._tp])[self._tp]
            return first if committed is None else max(int(committed), first)

    def read(self, offset: int | None, most: int) -> tuple[list[Event], int]:
        """Up to `most` records from `offset` on, and the offset after them."""
        offset = self.start() if offset is None else offset
        with self._lock:
            if self._consumer.position(self._tp) != offset:
                self._consumer.seek(self._tp, offset)
            records = self._consumer.poll(timeout_ms=20, max_records=most).get(self._tp, ())
            return [to_event(record) for record in records], self._consumer.position(self._tp)

    def commit(self, offset: int) -> None:
        """Commit `offset` unless it is committed or passed already."""
        with self._lock:
            if self._committed is None or offset > self._committed:
                self._consumer.commit({self._tp: OffsetAndMetadata(offset, "", -1)})
                self._committed = offset


_consumers: dict[tuple[Config, Place, int], SharedConsumer] = {}
_lock = threading.Lock()


def _shared(config: Config, place: Place, partition: int) -> SharedConsumer:
    with _lock:
        if (config, place, partition) not in _consumers:
            _consumers[config, place, partition] = SharedConsumer(config, place, partition)
        return _consumers[config, place, partition]


def _partitions(config: Config, topic: str) -> list[int]:
    consumer = make_consumer(KafkaSettings.of(config.kafka))
    try:
        found = consumer.partitions_for_topic(topic)
    finally:
        consumer.close()
    if not found:
        raise KafkaError(f"topic {topic} does not exist; `newsflow kafka apply` creates it")
    return sorted(found)
