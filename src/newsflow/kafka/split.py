"""Reads one split of a topic for ever: partition p belongs to split p modulo the number of splits.

Whoever reads keeps the positions and hands them in at each call, so a reader may be taken over, or begin anew
elsewhere, at any time. No group is joined and nothing rebalances; the group serves its committed offsets alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kafka import TopicPartition
from kafka.errors import KafkaError as ClientError
from kafka.errors import LogTruncationError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError
from newsflow.kafka.client import translated
from newsflow.kafka.reader import Offsets, to_event
from newsflow.model import Event

# How far the time of a split's events has come, when some of its partitions are silent.


DISORDER_MS = 2_000
"""Records of one partition may be this much out of order before one counts as late."""


@dataclass(slots=True)
class _Partition:
    seen_ms: int | None = None
    """The latest record time, not beyond the clock."""
    empty_at_ms: int | None = None
    """The clock when the partition was last known to hold nothing unread."""


class Watermarks:
    """Milliseconds since 1970 before which no more events are expected. Never goes back. Not thread-safe.

    A partition that has something to read holds the watermark at its own latest record; one that was *found*
    empty follows the clock. One about which nothing is known yet (new, or its broker is away) holds it where it is,
    so that what comes after an outage is not late.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}
        self._reached: int | None = None

    def assign(self, partitions: tuple[int, ...]) -> None:
        """Count these partitions and no others; new ones begin unknown."""
        self._partitions = {number: self._partitions.get(number) or _Partition() for number in partitions}

    def saw(self, partition: int, timestamp_ms: int, now_ms: int) -> None:
        """A record was read. A time in the future counts as now: one wrong clock must not make all others late."""
        state = self._partitions[partition]
        state.seen_ms = max(state.seen_ms or 0, min(timestamp_ms, now_ms))
        state.empty_at_ms = None

    def found_empty(self, partition: int, now_ms: int) -> None:
        """The broker answered that nothing unread is there."""
        self._partitions[partition].empty_at_ms = now_ms

    def current(self) -> int | None:
        """The watermark; None while it is unknown."""
        times = [self._time_of(state) for state in self._partitions.values()]
        known = [time for time in times if time is not None]
        if known and len(known) == len(times):
            self._reached = max(self._reached or 0, min(known) - DISORDER_MS)
        return self._reached

    @staticmethod
    def _time_of(state: _Partition) -> int | None:
        return state.seen_ms if state.empty_at_ms is None else state.empty_at_ms


log = logging.getLogger(__name__)

POLL_MS = 10
LOOK_S = 5.0
"""How often a split looks for new partitions."""
IDLE_CHECK_S = 1.0
"""How often a silent split asks the broker whether there is really nothing."""
STALL_CHECKS = 120
"""So many checks in a row may say that there is more to read while nothing comes: then the consumer is stuck."""
COMMIT_S = 1.0
"""Offsets are committed at most so often."""
_ASK_MS = 15_000
_IDLE_ASK_MS = 1_000


class SplitConsumer(Protocol):
    """The part of `kafka.KafkaConsumer` that is used here."""

    def assign(self, partitions: Sequence[Any]) -> None: ...
    def partitions_for_topic(self, topic: str) -> set[int] | None: ...
    def committed(self, partition: Any) -> Any: ...
    def beginning_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]: ...
    def end_offsets(self, partitions: Sequence[Any], timeout_ms: int) -> Mapping[Any, int]: ...
    def position(self, partition: Any) -> int | None: ...
    def seek(self, partition: Any, offset: int) -> None: ...
    def poll(self, timeout_ms: int = 0, max_records: int | None = None) -> Mapping[Any, Sequence[Any]]: ...
    def commit_async(self, offsets: Mapping[Any, Any], callback: Callable[[Any, Any], None]) -> Any: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """What one call gave: events in the order of each partition, where to go on, and the watermark so far."""

    events: list[Event]
    positions: Offsets
    watermark_ms: int | None


class SplitReader:
    """One consumer over the partitions of one split. Any thread may call; calls exclude one another."""

    def __init__(
        self, consumer: SplitConsumer, topic: str, index: int, count: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._consumer, self._topic, self._index, self._count, self._clock = consumer, topic, index, count, clock
        self._lock = threading.Lock()
        self._watermarks = Watermarks()
        self._mine: tuple[int, ...] = ()
        self._at: Offsets = {}
        """Where the consumer stands: it is sent elsewhere only when a caller wants that."""
        self._checks_without_records = 0
        self._looked = self._idle_checked = self._committed_at = float("-inf")
        self._told: Offsets | None = None
        self._finished: Offsets = {}
        self._committed: Offsets = {}

    def read(self, positions: Mapping[int, int], most: int) -> Reading:
        """Up to `most` records from `positions` on; a partition that is not among them starts where the group's
        committed offset is, else at its first record. Blocks for a poll, or while offsets are asked for.

        Raises `KafkaError` when the topic is gone, the brokers refuse, or nothing comes though they have more.
        """
        with self._lock, translated(f"reading {self._topic}"):
            now = self._clock()
            self._commit_finished(now)
            self._look_for_partitions(now)
            self._go_to(self._settle(positions))
            events = self._poll(most)
            self._check_idle()
            return Reading(events, dict(self._at), self._watermarks.current())

    def moved(self, positions: Mapping[int, int]) -> bool:
        """Tell whether `positions` are others than at the last call. At the first they are: the process before may
        have ended without committing its last."""
        before, self._told = self._told, dict(positions)
        return before != self._told

    def finished(self, positions: Mapping[int, int]) -> None:
        """All before `positions` is written: commit them, now or within the next calls. Never blocks, never raises.

        Best effort: lag figures and cold starts alone depend on it.
        """
        for partition, offset in positions.items():
            self._finished[partition] = max(offset, self._finished.get(partition, 0))
        if self._lock.acquire(blocking=False):
            try:
                self._commit_finished(self._clock())
            finally:
                self._lock.release()

    def close(self) -> None:
        """Close the consumer."""
        with self._lock:
            self._consumer.close()

    def _tp(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)

    def _look_for_partitions(self, now: float) -> None:
        if now - self._looked < LOOK_S and self._mine:
            return
        found = self._consumer.partitions_for_topic(self._topic)
        if not found and not self._mine:
            raise KafkaError(f"topic {self._topic} does not exist; `newsflow kafka apply` creates it")
        # A topic that is being made anew has no partitions for a moment; those known so far are kept.
        mine = {p for p in found or () if p % self._count == self._index} | set(self._mine)
        self._mine, self._looked = tuple(sorted(mine)), now

    def _settle(self, positions: Mapping[int, int]) -> Offsets:
        """Where to read from: what is handed in, else where a partition starts. Whatever this reader itself did
        before counts for nothing: it may have been for an attempt that failed."""
        wanted: Offsets = {}
        for partition in self._mine:
            try:
                wanted[partition] = positions[partition] if partition in positions else self._start_of(partition)
            except ClientError as error:
                if not positions:
                    raise
                log.info("%s/%d is new and does not answer yet: %s", self._topic, partition, error)
        return wanted

    def _go_to(self, wanted: Offsets) -> None:
        if set(wanted) != set(self._at):
            log.info("%s: split %d of %d reads %s", self._topic, self._index, self._count, sorted(wanted))
            # Assigning forgets positions: go to each again.
            self._at = {}
            self._consumer.assign([self._tp(p) for p in wanted])
            self._watermarks.assign(tuple(wanted))
        for partition, offset in wanted.items():
            if self._at.get(partition) != offset:
                self._consumer.seek(self._tp(partition), offset)
                self._at[partition] = offset

    def _start_of(self, partition: int) -> int:
        tp = self._tp(partition)
        first = self._consumer.beginning_offsets([tp], timeout_ms=_ASK_MS)[tp]
        committed = self._consumer.committed(tp)
        if committed is None or committed < 0:
            return first
        if committed < first:
            self._warn_of_loss(partition, first - committed)
        return max(int(committed), first)

    def _poll(self, most: int) -> list[Event]:
        try:
            polled = self._consumer.poll(timeout_ms=POLL_MS, max_records=most)
            reached = self._reached()
        except OffsetOutOfRangeError:
            self._back_into_range()
            return []
        except LogTruncationError as error:
            self._back_before(error.divergent_offsets)
            return []
        now_ms = round(self._clock() * 1000)
        events = []
        for tp, records in polled.items():
            read = [to_event(record) for record in records]
            self._watermarks.saw(tp.partition, max(event.timestamp_ms for event in read), now_ms)
            events += read
        self._at = reached
        if events:
            self._checks_without_records = 0
        return events

    def _reached(self) -> Offsets:
        """The consumer's own positions, which also pass what holds no record: gaps and transaction markers."""
        return {p: self._consumer.position(self._tp(p)) or offset for p, offset in self._at.items()}

    def _back_into_range(self) -> None:
        """Go on where each log is, when retention has overtaken us or a topic was made anew."""
        tps = [self._tp(p) for p in self._at]
        begins = self._consumer.beginning_offsets(tps, timeout_ms=_ASK_MS)
        ends = self._consumer.end_offsets(tps, timeout_ms=_ASK_MS)
        for tp in tps:
            at = self._at[tp.partition]
            if at < begins[tp]:
                self._warn_of_loss(tp.partition, begins[tp] - at)
            elif at > ends[tp]:
                log.warning("%s/%d ends at %d, before %d: it was made anew; reading from its start",
                            tp.topic, tp.partition, ends[tp], at)  # fmt: skip
            else:
                continue
            self._restart(tp.partition, begins[tp])
        self._stand()

    def _back_before(self, divergent: Mapping[Any, Any]) -> None:
        """Read again from where the log was cut: what a new leader does not have, others may have written anew."""
        for tp, point in divergent.items():
            offset = 0 if point is None else point.offset
            log.warning("%s/%d was truncated by its brokers; reading again from %d", tp.topic, tp.partition, offset)
            self._restart(tp.partition, offset)
        self._stand()

    def _stand(self) -> None:
        """Send the consumer back to where its callers know it: a poll that raised may have moved it on elsewhere."""
        for partition, offset in self._at.items():
            self._consumer.seek(self._tp(partition), offset)

    def _restart(self, partition: int, offset: int) -> None:
        self._at[partition] = offset
        self._finished.pop(partition, None)
        self._committed.pop(partition, None)

    def _warn_of_loss(self, partition: int, count: int) -> None:
        log.warning("%s/%d: %d records were deleted before they were read", self._topic, partition, count)

    def _check_idle(self) -> None:
        """Ask where the partitions end: only a broker's answer tells silence from an outage. Also while some of the
        partitions have much to read, since the watermark is that of all."""
        asked = self._clock()
        if asked - self._idle_checked < IDLE_CHECK_S:
            return
        try:
            ends = self._consumer.end_offsets([self._tp(p) for p in self._at], timeout_ms=_IDLE_ASK_MS)
        except ClientError as error:
            log.info("%s: the brokers do not say where it ends: %s", self._topic, error)
        else:
            empty = [tp.partition for tp, end in ends.items() if self._at[tp.partition] >= end]
            for partition in empty:
                self._watermarks.found_empty(partition, round(asked * 1000))
            self._check_stall(all_read=len(empty) == len(ends))
        self._idle_checked = self._clock()

    def _check_stall(self, all_read: bool) -> None:
        """A silent consumer is wrong only where a broker says that there is something for it."""
        self._checks_without_records = 0 if all_read else self._checks_without_records + 1
        if self._checks_without_records > STALL_CHECKS:
            raise KafkaError(
                f"{self._topic}: the brokers have more than {sorted(self._at.items())}, and nothing came in "
                f"{STALL_CHECKS * IDLE_CHECK_S:g} s; reading again with a new consumer"
            )

    def _commit_finished(self, now: float) -> None:
        if now - self._committed_at < COMMIT_S:
            return
        finished = dict(self._finished)
        moved = {p: offset for p, offset in finished.items() if offset > self._committed.get(p, -1)}
        if moved:
            self._committed_at = now
            self._committed.update(moved)
            offsets = {self._tp(p): OffsetAndMetadata(offset, "", -1) for p, offset in moved.items()}
            self._consumer.commit_async(offsets, callback=self._committed_or_not)

    def _committed_or_not(self, offsets: Mapping[Any, Any], answer: Any) -> None:
        if isinstance(answer, Exception):
            log.info("%s: offsets were not committed, the next ones will be: %s", self._topic, answer)
            for tp in offsets:
                self._committed.pop(tp.partition, None)
