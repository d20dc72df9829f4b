"""Read what a topic holds now, in bounded runs, and commit only what a run has finished.

A run goes from where the last one ended to the end offsets seen at its start. Nothing here commits by itself: the
caller does, once all that the run led to is written.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition
from kafka.errors import RetriableError
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError, UsageError
from newsflow.kafka.client import missing_topic
from newsflow.model import Event
from newsflow.outages import outages

log = logging.getLogger(__name__)

Offsets = dict[int, int]
"""Next offset to read, by partition."""
_LOOK_FOR_ANOTHER_S, _SAY_AGAIN_S = 1.0, 60.0
_TWICE = (
    "%s/%d: this job had committed %d and finds %d: another process commits for its consumer group. Is the same job "
    "running twice? Nothing is lost, but each does the other's work: stop one, or share out the --partitions"
)


@dataclass(frozen=True, slots=True)
class TopicPosition:
    """A topic, and the consumer group that remembers how far it was read."""

    topic: str
    group: str


@dataclass(frozen=True, slots=True)
class RunLimits:
    """What one run may take. It always takes at least one batch, so that it moves."""

    batch_records: int = 500
    records: int = 20_000
    size_bytes: int = 64 << 20
    duration_s: float = 5.0


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be read: partition to [start, end). The run is over when every end is reached.

    Records that the broker hands over beyond an end are taken along, unless `bounds` forbids it: they would have to be
    fetched again.
    """

    spans: Mapping[int, tuple[int, int]]
    bounds: Mapping[int, int] | None = None

    @property
    def empty(self) -> bool:
        return all(start >= end for start, end in self.spans.values())


class _NoAnswerError(KafkaError):
    """The broker cannot answer now, and may when it is asked again."""


class AvailableReader:
    """Bounded runs over the partitions of one topic with a `kafka.KafkaConsumer`, which it closes. One thread at a
    time; `stop` may be called from any."""

    def __init__(
        self,
        consumer: Any,
        topic: str,
        limits: RunLimits,
        partitions: Sequence[int] | None = None,
        place: str = "the broker",
    ) -> None:
        """`place` is what the broker is called where it is told that it is unavailable."""
        self._place = place
        self._consumer, self._topic, self._limits = consumer, topic, limits
        self._wanted = None if partitions is None else frozenset(partitions)
        self._assigned: tuple[int, ...] = ()
        self._finished: Offsets = {}
        self._reached: Offsets = {}
        self._committed: Offsets = {}
        self._attempted: Offsets = {}
        self._look_again_s = 0.0
        self._run = Run({})
        self._looked_ms = 0
        self._planned_ms = 0
        self._newest_ms: dict[int, int] = {}
        self._finished_ms: dict[int, int] = {}
        self._stop = threading.Event()

    @property
    def finished(self) -> Offsets:
        """Where the next run starts: all before it is written."""
        return dict(self._finished)

    def check(self) -> None:
        """Raises `KafkaError` where the topic does not exist, `UsageError` where a wanted partition does not."""
        try:
            with self._asking():
                found = self._consumer.partitions_for_topic(self._topic)
        except _NoAnswerError:
            return  # The first run asks again, and waits.
        if not found:
            raise missing_topic(self._topic)
        if missing := sorted((self._wanted or found) - found):
            raise UsageError(f"topic {self._topic} has partitions {sorted(found)}, and not {missing} (--partitions)")

    def plan(self, until: Mapping[int, int] | None = None) -> Run:
        """Look where the topic ends now and plan the next run; with `until`, not beyond those offsets."""
        with self._asking():
            self._assign()
            # Before the ends are asked for: what is written from now on may lie behind them.
            self._planned_ms = _now_ms() if until is None else self._looked_ms
            partitions = [self._tp(p) for p in self._assigned]
            begin = self._consumer.beginning_offsets(partitions)
            end = self._consumer.end_offsets(partitions)
            spans = {}
            for tp in partitions:
                start = self._start_of(tp.partition, begin[tp], end[tp])
                stop = end[tp] if until is None else min(end[tp], until.get(tp.partition, 0))
                spans[tp.partition] = (start, max(start, stop))
        self._run = Run(spans, until)
        return self._run

    def end_offsets(self) -> Offsets:
        """Where the topic ends now, by partition."""
        with self._asking():
            self._assign()
            self._looked_ms = _now_ms()
            found = self._consumer.end_offsets([self._tp(p) for p in self._assigned])
        return {tp.partition: offset for tp, offset in found.items()}

    def batches(self) -> Iterator[list[Event]]:
        """The records of the planned run, in batches. May block up to a fetch's time-out."""
        self._reached = {p: start for p, (start, _) in self._run.spans.items()}
        self._newest_ms = dict(self._finished_ms)
        self._position()
        left, left_bytes = self._limits.records, self._limits.size_bytes
        quiet_since = time.monotonic()
        deadline = quiet_since + self._limits.duration_s
        while self._left():
            batch = self._poll(min(self._limits.batch_records, left))
            if batch:
                quiet_since = time.monotonic()
                left, left_bytes = left - len(batch), left_bytes - sum(len(e.value or b"") for e in batch)
                yield batch
            elif time.monotonic() - quiet_since > 60:
                unread = ", ".join(f"{p}: {at} of {end}" for p, (at, end) in self._left().items())
                raise KafkaError(f"{self._topic}: nothing came for 60 s before {unread}; is the broker reachable?")
            if left <= 0 or left_bytes <= 0 or time.monotonic() > deadline or self._stop.is_set():
                return

    def finish(self) -> int:
        """Commit what the run reached; returns how many offsets that were. Call it when everything is written."""
        moved = {p: offset for p, offset in self._reached.items() if offset != self._committed.get(p)}
        if moved:
            with self._asking():
                self._look_for_another(moved)
                self._attempted.update(moved)
                self._consumer.commit({self._tp(p): OffsetAndMetadata(offset, "", -1) for p, offset in moved.items()})
        read = sum(offset - self._finished.get(p, offset) for p, offset in self._reached.items())
        self._committed.update(moved)
        self._finished.update(self._reached)
        self._finished_ms = dict(self._newest_ms)
        return read

    def read_until_ms(self) -> int:
        """Every record that was written to these partitions before this time was read by this run or an earlier one:
        milliseconds since 1970; 0 while nothing is known of a partition. Call it when `batches` has ended.

        A partition that was read to its end is known up to when its end was looked up, however long it is idle;
        another one up to its last record.
        """
        return min(
            self._planned_ms if self._reached.get(p, start) >= end else self._newest_ms.get(p, 0)
            for p, (start, end) in self._run.spans.items()
        )

    def stop(self) -> None:
        """End the run in hand after its current batch."""
        self._stop.set()

    def close(self) -> None:
        self._consumer.close()

    @contextmanager
    def _asking(self) -> Iterator[None]:
        with outages.asking(self._place, _NoAnswerError):
            try:
                yield
            except RetriableError as error:
                raise _NoAnswerError(f"no answer for topic {self._topic} ({type(error).__name__})") from error

    def _tp(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)

    def _assign(self) -> None:
        """Take the topic's partitions, new ones too."""
        found = self._consumer.partitions_for_topic(self._topic)
        if not found:
            raise missing_topic(self._topic)
        partitions = tuple(sorted(found if self._wanted is None else found & self._wanted))
        if not partitions:
            raise KafkaError(
                f"topic {self._topic} has partitions {sorted(found)}, none of {sorted(self._wanted or ())}"
            )
        if partitions != self._assigned:
            self._consumer.assign([self._tp(p) for p in partitions])
            self._assigned = partitions

    def _start_of(self, partition: int, begin: int, end: int) -> int:
        start = self._finished.get(partition)
        if start is None:
            committed = self._consumer.committed(self._tp(partition))
            start = begin if committed is None or committed < 0 else int(committed)
            if committed is not None:
                self._committed[partition] = start
        self._finished[partition] = within_log(self._topic, partition, start, begin, end)
        return self._finished[partition]

    def _position(self) -> None:
        for partition, (start, end) in self._run.spans.items():
            tp = self._tp(partition)
            if self._consumer.position(tp) != start:
                self._consumer.seek(tp, start)
            paused = self._run.bounds is not None and start >= end
            (self._consumer.pause if paused else self._consumer.resume)(tp)

    def _poll(self, most: int) -> list[Event]:
        batch: list[Event] = []
        for tp, records in self._consumer.poll(timeout_ms=100, max_records=max(most, 1)).items():
            bound = self._bound(tp.partition)
            events = [to_event(record) for record in records if bound is None or record.offset < bound]
            if events:
                self._newest_ms[tp.partition] = max(self._newest_ms.get(tp.partition, 0), events[-1].timestamp_ms)
            batch += events
        for partition in self._run.spans:
            self._reach(partition)
        return batch

    def _look_for_another(self, moved: Offsets) -> None:
        """Warn, at most once a minute, where somebody else has committed what is about to be committed here."""
        now_s = time.monotonic()
        if now_s < self._look_again_s:
            return
        self._look_again_s = now_s + _LOOK_FOR_ANOTHER_S
        for partition in moved:
            found = self._consumer.committed(self._tp(partition))
            ours = (self._committed.get(partition), self._attempted.get(partition))
            if found is not None and found >= 0 and found not in ours:
                log.warning(_TWICE, self._topic, partition, ours[0] or 0, found)
                self._look_again_s = now_s + _SAY_AGAIN_S
                return

    def _bound(self, partition: int) -> int | None:
        return None if self._run.bounds is None else self._run.bounds.get(partition, 0)

    def _reach(self, partition: int) -> None:
        """Note how far the consumer is. Its position also passes what holds no record: gaps and markers."""
        tp, bound = self._tp(partition), self._bound(partition)
        position = self._consumer.position(tp)
        if position is None:
            return
        if bound is not None and position >= bound:
            self._consumer.pause(tp)
            position = max(bound, self._run.spans[partition][0])
        self._reached[partition] = position

    def _left(self) -> dict[int, tuple[int, int]]:
        """How far the partitions were read of which some is left, and their ends."""
        return {p: (self._reached[p], end) for p, (_, end) in self._run.spans.items() if self._reached[p] < end}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def within_log(topic: str, partition: int, offset: int, first: int, end: int) -> int:
    """`offset`, or `first` where retention has overtaken it or the topic was created again; then it logs a warning."""
    if offset < first:
        log.warning("%s/%d: %d records were deleted before they were read", topic, partition, first - offset)
    elif offset > end:
        log.warning(
            "%s/%d ends at %d, before %d: it was made anew; reading from its start", topic, partition, end, offset
        )
    else:
        return offset
    return first


def to_event(record: Any) -> Event:
    return Event(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=max(record.timestamp or 0, 0),
        key=record.key,
        value=record.value,
        headers=tuple(record.headers or ()),
    )
