"""The endless source, for streaming runners: a splittable DoFn over Kafka, one place to change it.

The runner keeps the positions, in its checkpoints; the group's offsets are committed when it has finalised a
bundle, and serve lag figures and cold starts alone. A record may come twice; the ledger answers the same both times.

Runners make many instances of one DoFn. So the consumer belongs to the process and the split, and whichever
bundle reads next takes it over, at its own positions.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from newsflow.beam.batch_coder import Batch
from newsflow.beam.job import Place
from newsflow.beam.positions import PositionsProvider
from newsflow.beam.splits import Split, split_names
from newsflow.config.settings import Config
from newsflow.errors import KafkaError
from newsflow.kafka.client import make_consumer
from newsflow.kafka.settings import KafkaSettings
from newsflow.kafka.split import Reading, SplitReader
from newsflow.model import Event

BUNDLE_S = 0.3
BUNDLE_RECORDS = 2_000
BUNDLE_BYTES = 32 << 20
"""A bundle ends by itself at the first of these; what it read is then written, and can be checkpointed."""
IDLE_POLL_S = 0.1
KEEP_IDLE_S = 60.0
"""A consumer nobody has asked for so long is closed: its split went to another worker."""


def read_endless(config: Config, place: Place, *, one_split: bool = False) -> Any:
    """The transform: batches of `Event`, for ever."""
    return ReadEndless(config, place, one_split)


class ReadEndless(beam.PTransform):
    """As many splits as the topic has partitions when the job first starts, or one. Later partitions join them."""

    def __init__(self, config: Config, place: Place, one_split: bool = False) -> None:
        super().__init__()
        self._config, self._place, self._one_split = config, place, one_split

    def expand(self, pipeline: Any) -> Any:
        """A pipeline in, batches of `Event` out."""
        return (
            pipeline
            | "Start" >> beam.Impulse()
            | "ListSplits"
            >> beam.ParDo(ListSplits(self._config, self._place, self._one_split)).with_output_types(bytes)
            | "ReadSplit" >> beam.ParDo(ReadSplit(self._config, self._place)).with_output_types(Batch)
        )


class ListSplits(beam.DoFn):
    """Names the splits, once in the life of a job: savepoints keep them."""

    def __init__(self, config: Config, place: Place, one_split: bool = False) -> None:
        self._config, self._place, self._one_split = config, place, one_split

    def process(self, _: bytes) -> Iterator[bytes]:
        """Called once."""
        partitions = _partitions(self._config, self._place.topic)
        yield from split_names(1 if self._one_split else len(partitions))


class ReadSplit(beam.DoFn):
    """Reads one split in bundles that end by themselves."""

    def __init__(self, config: Config, place: Place) -> None:
        self._config, self._place = config, place

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        split: bytes,
        finalizer: Any = beam.DoFn.BundleFinalizerParam,
        tracker: Any = beam.DoFn.RestrictionParam(PositionsProvider()),  # noqa: B008
        estimator: Any = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider()),  # noqa: B008
    ) -> Iterator[TimestampedValue]:
        """One bundle: what is there, within the limits; the rest is passed on. Raises `KafkaError`."""
        reader = reader_for(self._config, self._place, split)
        at = tracker.current_restriction().offsets
        limits = _Limits()
        while True:
            try:
                reading = reader.read(at, min(self._config.limits.batch_records, limits.records))
            except KafkaError:
                drop_reader(self._config, self._place, split)
                raise
            if not tracker.try_claim(reading.positions):
                break
            at = reading.positions
            if reading.events:
                yield TimestampedValue(reading.events, _time_of(reading.events))
            _advance(estimator, reading)
            if not reading.events or limits.reached(reading.events):
                tracker.defer_remainder(Duration(seconds=0 if reading.events else IDLE_POLL_S))
                break
        if reader.moved(at):
            finalizer.register(partial(_finished, (self._config, self._place, split), at))


class _Limits:
    """What is left of a bundle."""

    def __init__(self) -> None:
        self.records, self._size_bytes = BUNDLE_RECORDS, BUNDLE_BYTES
        self._deadline = time.monotonic() + BUNDLE_S

    def reached(self, events: list[Event]) -> bool:
        """Count `events`; True when the bundle is to end."""
        self.records -= len(events)
        self._size_bytes -= sum(len(event.value or b"") for event in events)
        return self.records <= 0 or self._size_bytes <= 0 or time.monotonic() >= self._deadline


def _time_of(events: list[Event]) -> Timestamp:
    """The earliest time of a batch; now where no record has one."""
    known = [event.timestamp_ms for event in events if event.timestamp_ms]
    return _timestamp(min(known)) if known else Timestamp.now()


def _timestamp(ms: int) -> Timestamp:
    """Exactly: by way of seconds as a float, a record would fall a microsecond before its window."""
    return Timestamp(micros=ms * 1000)


def _advance(estimator: Any, reading: Reading) -> None:
    """Never back: a reader that begins anew knows less than the one before it."""
    if reading.watermark_ms is not None:
        reached, current = _timestamp(reading.watermark_ms), estimator.current_watermark()
        if current is None or reached > current:
            estimator.set_watermark(reached)


ReaderKey = tuple[Config, Place, bytes]


def _finished(key: ReaderKey, offsets: dict[int, int]) -> None:
    """The runner has made a bundle durable. Not when its reader has left this process meanwhile."""
    with _lock:
        found = _readers.get(key)
    if found is not None:
        found[0].finished(offsets)


_readers: dict[ReaderKey, tuple[SplitReader, float]] = {}
"""The readers of this process, and when each was last asked for."""
_lock = threading.Lock()


def reader_for(config: Config, place: Place, split: bytes) -> SplitReader:
    """The process's reader of `split`, made when it is first asked for. Closes those of splits that went away."""
    wanted, now = (config, place, split), time.monotonic()
    with _lock:
        for key, (reader, used) in list(_readers.items()):
            if now - used > KEEP_IDLE_S and key != wanted:
                del _readers[key]
                reader.close()
        found = _readers.get(wanted)
        made = found[0] if found else _make_reader(config, place, split)
        _readers[wanted] = (made, now)
        return made


def drop_reader(config: Config, place: Place, split: bytes) -> None:
    """Close the process's reader of `split`: the next to ask gets a new one, with a new consumer."""
    with _lock:
        found = _readers.pop((config, place, split), None)
    if found is not None:
        found[0].close()


def _make_reader(config: Config, place: Place, split: bytes) -> SplitReader:
    consumer = make_consumer(
        KafkaSettings.of(config.kafka),
        group=place.group,
        # Where to begin is settled by the reader, which says what was lost.
        auto_offset_reset="none",
        metadata_max_age_ms=30_000,
    )
    found = Split.of(split)
    return SplitReader(consumer, place.topic, found.index, found.total)


def _partitions(config: Config, topic: str) -> list[int]:
    consumer = make_consumer(KafkaSettings.of(config.kafka))
    try:
        found = consumer.partitions_for_topic(topic)
    finally:
        consumer.close()
    if not found:
        raise KafkaError(f"topic {topic} does not exist; `newsflow kafka apply` creates it")
    return sorted(found)
