"""The endless source, for streaming runners: a splittable DoFn over Kafka.

The runner keeps the positions, in its checkpoints. The group's offsets are committed when it has finalised a bundle,
and only lag figures and cold starts depend on them. A record may come twice; the ledger answers the same both times.

Runners make many instances of one DoFn. So the consumer belongs to the process and the split, and whichever bundle
reads next takes it over, at its own positions.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count as numbers
from typing import Any

import apache_beam as beam
import mmh3
import orjson
from apache_beam.coders import Coder
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.io.watermark_estimators import ManualWatermarkEstimator
from apache_beam.transforms.core import RestrictionProvider
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Duration, Timestamp

from newsflow.config.settings import Config
from newsflow.errors import KafkaError
from newsflow.kafka.client import make_consumer, missing_topic, partitions_of
from newsflow.kafka.reader import TopicPosition
from newsflow.kafka.settings import KafkaSettings
from newsflow.kafka.split import Reading, Split
from newsflow.model import Event
from newsflow.model.headers import event_ms
from newsflow.runners.batches import ConfiguredDoFn, count, on_batches

# Where a split stands, as Beam keeps it: its restriction, tracker and coder. A savepoint holds the encoded bytes, under
# the labels of the steps; it names no class, so that classes and modules may be renamed.


@dataclass(frozen=True, slots=True)
class Positions:
    """The next offset to read of each partition, and the marks that go with them (`newsflow.kafka.lineage`). Closed:
    what a bundle has done; the rest is its residual."""

    offsets: Mapping[int, int] = field(default_factory=dict)
    closed: bool = False
    marks: Mapping[int, str] = field(default_factory=dict)


class PositionsCoder(Coder):
    """Positions as JSON: small, and readable in a savepoint."""

    def encode(self, value: Positions) -> bytes:
        known: dict[str, Any] = {"offsets": _by_name(value.offsets), "closed": value.closed}
        return orjson.dumps(known | ({"marks": _by_name(value.marks)} if value.marks else {}))

    def decode(self, encoded: bytes) -> Positions:
        """Takes what any release of newsflow wrote."""
        value = orjson.loads(encoded)
        return Positions(_by_number(value["offsets"]), value["closed"], _by_number(value.get("marks", {})))

    def is_deterministic(self) -> bool:
        return True


def _by_name(by_partition: Mapping[int, Any]) -> dict[str, Any]:
    return {str(partition): value for partition, value in sorted(by_partition.items())}


def _by_number(by_name: Mapping[str, Any]) -> dict[int, Any]:
    return {int(partition): value for partition, value in by_name.items()}


class PositionsTracker(RestrictionTracker):
    """A bundle claims where it has got to *before* it hands on what it read; Beam splits off the rest after it."""

    def __init__(self, positions: Positions) -> None:
        self._at = positions

    def current_restriction(self) -> Positions:
        return self._at

    def try_claim(self, position: Positions) -> bool:
        """Take all before `position`; False when the rest was given away."""
        if self._at.closed:
            return False
        self._at = position
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[Positions, Positions] | None:
        """End here, and leave the rest to a residual. An open end has no middle: other fractions are refused."""
        if self._at.closed or fraction_of_remainder != 0:
            return None
        rest, self._at = self._at, replace(self._at, closed=True)
        return self._at, rest

    def check_done(self) -> bool:
        """Raises `ValueError` when a bundle ended without handing on the rest: that would lose it."""
        if not self._at.closed:
            raise ValueError(f"the bundle ended at {self._at.offsets} without passing on what comes after")
        return True

    def current_progress(self) -> RestrictionProgress:
        return RestrictionProgress(completed=0.0, remaining=1.0)

    def is_bounded(self) -> bool:
        return False


class PositionsProvider(RestrictionProvider):
    """Splits begin without positions; the reader finds them, where the topic is within reach."""

    def initial_restriction(self, element: bytes) -> Positions:
        return Positions()

    def create_tracker(self, restriction: Positions) -> PositionsTracker:
        return PositionsTracker(restriction)

    def restriction_size(self, element: bytes, restriction: Positions) -> int:
        return 1

    def restriction_coder(self) -> Coder:
        return PositionsCoder()

    def truncate(self, element: bytes, restriction: Positions) -> Any:
        """A drain reads nothing more."""
        return None


# The names of splits, and how they spread over the workers of a Flink job. Flink sends an element of a splittable DoFn
# to the worker that its bytes hash to. Left to chance, three of four splits, or all, may land on one worker. So each
# name ends in a number with which it hashes into its own share of Flink's key groups, evenly spaced: whatever the
# parallelism, the splits then spread as evenly as they can. Elsewhere the names are just names.

KEY_GROUPS = 128
"""Flink's own default of `max_parallelism`, which newsflow sets unless the user does."""


def split_of(name: bytes) -> Split:
    """The split that `name` names."""
    index, total = name.partition(b"~")[0].split(b"/")
    return Split(int(index), int(total))


def split_names(total: int) -> list[bytes]:
    """Names for `total` splits: `0/4~17`."""
    return [_name(Split(index, total)) for index in range(total)]


def _name(split: Split) -> bytes:
    wanted = (2 * split.index + 1) * KEY_GROUPS // (2 * split.total) % KEY_GROUPS
    names = (b"%d/%d~%d" % (split.index, split.total, salt) for salt in numbers())
    return next(name for name in names if key_group(name) == wanted)


def key_group(name: bytes) -> int:
    """The key group (0 to 127) into which Beam on Flink puts an element of type `bytes`, shorter than 128.

    Beam encodes the element with its length and hashes that (`FlinkKey`, Murmur 3, 128 bits, the first 32 count);
    Flink hashes the result again (`MathUtils.murmurHash`, Murmur 3, 32 bits).
    """
    beam_hash = mmh3.hash_bytes(bytes([len(name)]) + name)[:4]
    flink_hash = mmh3.hash(beam_hash)
    return (0 if flink_hash == -(1 << 31) else abs(flink_hash)) % KEY_GROUPS


# Reading.

BUNDLE_S = 0.3
BUNDLE_RECORDS = 2_000
BUNDLE_BYTES = 32 << 20
"""A bundle ends by itself at the first of these; what it read is then written, and can be checkpointed."""
IDLE_POLL_S = 0.1


class ReadEndless(beam.PTransform):
    """Batches of `Event`, for ever: as many splits as the topic has partitions when the job first starts, or one. Later
    partitions join them."""

    def __init__(self, config: Config, position: TopicPosition, one_split: bool = False) -> None:
        super().__init__()
        self._config, self._position, self._one_split = config, position, one_split

    def expand(self, pipeline: Any) -> Any:
        splits = ListSplits(self._config, self._position.topic, self._one_split)
        return (
            pipeline
            | "Start" >> beam.Impulse()
            | "ListSplits" >> beam.ParDo(splits).with_output_types(bytes)
            | "ReadSplit" >> on_batches(ReadSplit(self._config, self._position))
        )


class ListSplits(beam.DoFn):
    """Names the splits, once in the life of a job: savepoints keep them."""

    def __init__(self, config: Config, topic: str, one_split: bool) -> None:
        self._config, self._topic, self._one_split = config, topic, one_split

    def process(self, _: bytes) -> Iterator[bytes]:
        with closing(make_consumer(KafkaSettings.of(self._config.kafka))) as consumer:
            partitions = partitions_of(consumer, self._topic)
        if not partitions:
            raise missing_topic(self._topic)
        yield from split_names(1 if self._one_split else len(partitions))


class ReadSplit(ConfiguredDoFn):
    """Reads one split in bundles that end by themselves."""

    def __init__(self, config: Config, position: TopicPosition) -> None:
        super().__init__(config)
        self._position = position

    @beam.DoFn.unbounded_per_element()
    def process(
        self,
        split: bytes,
        finalizer: Any = beam.DoFn.BundleFinalizerParam,
        tracker: Any = beam.DoFn.RestrictionParam(PositionsProvider()),  # noqa: B008
        estimator: Any = beam.DoFn.WatermarkEstimatorParam(ManualWatermarkEstimator.default_provider()),  # noqa: B008
    ) -> Iterator[TimestampedValue]:
        """One bundle: what is there, within the limits; the rest is passed on. Raises `KafkaError`."""
        readers, key = self._runtime.split_readers, (self._position, split_of(split))
        reader, limits = readers.get(key), BundleLimits()
        at = tracker.current_restriction()
        while True:
            try:
                reading = reader.read(at.offsets, min(self._config.limits.batch_records, limits.records), at.marks)
            except KafkaError:
                readers.drop(key)
                raise
            count(reading.found)
            claimed = Positions(reading.positions, marks=reading.marks)
            if not tracker.try_claim(claimed):
                break
            at = claimed
            if reading.events:
                yield TimestampedValue(reading.events, _time_of(reading.events))
            _advance(estimator, reading)
            if not reading.events or limits.reached(reading.events):
                tracker.defer_remainder(Duration(seconds=0 if reading.events else IDLE_POLL_S))
                break
        if reader.moved(at.offsets):
            finalizer.register(partial(readers.finished, key, at.offsets, at.marks))


class BundleLimits:
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
    """The earliest event time of a batch; now where no record has one."""
    now_ms = time.time_ns() // 1_000_000
    known = [ms for event in events if (ms := event_ms(event, now_ms))]
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
