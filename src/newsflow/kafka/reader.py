"""Read what a topic holds now, in bounded runs, and commit only what a run has finished.

A run goes from where the last one ended to the end offsets seen at its start. Nothing here commits by itself: the
caller does, once all that the run led to is written.

With bounds, partitions are merged: of the first records that they still have, the one that was written first comes next
(by partition where times are equal). So the order depends neither on how brokers cut fetches nor on where runs end.
"""

from __future__ import annotations

import heapq
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import (
    CommitFailedError,
    LogTruncationError,
    OffsetMetadataTooLargeError,
    OffsetOutOfRangeError,
    RetriableError,
)
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError, UsageError
from newsflow.kafka.client import missing_topic, translated
from newsflow.kafka.lineage import Findings, Lineage, Mark
from newsflow.model import Event
from newsflow.model.event import NEVER_MS, event_id_of
from newsflow.model.headers import event_ms
from newsflow.outages import EVERY_S, outages

log = logging.getLogger(__name__)

Offsets = dict[int, int]
"""Next offset to read, by partition."""
_LOOK_FOR_ANOTHER_S = 1.0
_TWICE = (
    "%s/%d: this job had committed %d and finds %d: another process commits for its consumer group. Is the same job "
    "running twice? Nothing is lost, but each does the other's work: stop one, or share out the --partitions"
)
_ASK_MS = 15_000
_FIRST = -1
"""Wherever the log begins."""


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
    size_bytes: int = 256 << 20
    duration_s: float = 15.0

    @property
    def batch_bytes(self) -> int:
        """A sixteenth of a run: its batches are read, normalised and written side by side."""
        return max(self.size_bytes // 16, 1)

    @property
    def held_bytes(self) -> int:
        """About as much is held to merge partitions."""
        return self.size_bytes // 2


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


@dataclass(slots=True)
class _LookAhead:
    """What was fetched of a partition and not handed out yet: from `start` to `end`, where the consumer stands. With
    each event goes the leader epoch of its record."""

    start: int
    end: int
    events: deque[tuple[Event, int]] = field(default_factory=deque)


class _NoAnswerError(KafkaError):
    """The broker cannot answer now, and may when it is asked again."""


class AvailableReader:
    """Bounded runs over the partitions of one topic with a `newsflow.kafka.client.Consumer`, which it closes. One
    thread at a time; `stop` may be called from any."""

    def __init__(
        self,
        consumer: Any,
        topic: str,
        limits: RunLimits,
        partitions: Sequence[int] | None = None,
        place: str = "the broker",
        counts: Counter[str] | None = None,
        knows: Callable[[str], bool] | None = None,
    ) -> None:
        """`place` is what the broker is called where it is told that it is unavailable; `counts` takes what was found
        of the topic's log beside its records (`input.lost` …); `knows` tells by an event's id whether it was decided,
        and is asked about the last one that the group's offsets say is done."""
        self._knows = knows
        self._place = place
        self._consumer, self._topic, self._limits = consumer, topic, limits
        self._wanted = None if partitions is None else frozenset(partitions)
        self._lineage, self._findings = Lineage(consumer, topic), Findings(topic, counts)
        self._there: frozenset[int] = frozenset()
        self._assigned: tuple[int, ...] = ()
        self._ahead: dict[int, _LookAhead] = {}
        """Of the partitions of which it is known where the consumer stands."""
        self._merged_to: Mapping[int, int] | None = None
        """The bounds of the run before."""
        self._ends: Offsets = {}
        """Where the partitions were last seen to end."""
        self._finished: Offsets = {}
        self._reached: Offsets = {}
        self._committed: Offsets = {}
        self._attempted: Offsets = {}
        self._look_again_s = 0.0
        self._keeps_marks = True
        self._refused_s: float | None = None
        """When it was last said that the group's offsets are refused."""
        self._run = Run({})
        self._looked_ms = 0
        self._planned_ms = 0
        self._newest_ms: dict[int, int] = {}
        """The latest event time of each partition."""
        self._finished_ms: dict[int, int] = {}
        self._heard_ms: dict[int, int] = {}
        """The clock when the last record came from a partition, at first when reading it began."""
        self._stop = threading.Event()

    @property
    def finished(self) -> Offsets:
        """Where the next run starts: all before it is written."""
        return dict(self._finished)

    def check(self) -> None:
        """Raises `KafkaError` where the topic does not exist or may not be read, `UsageError` where a wanted partition
        does not exist."""
        try:
            # A consumer that may not see a topic says of its partitions that there are none, and here that it may not.
            with translated(f"looking up topic {self._topic}"), self._asking():
                self._consumer.topic_id(self._topic, timeout_ms=_ASK_MS)
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
            self._take_over()
            if self._refused_s is not None:
                self._commit({p: offset for p, offset in self._finished.items() if offset != _FIRST})
            begin, end = self._begin_and_end()
            if any(self._finished[p] > end[p] for p in self._assigned):
                self._begin_anew(self._lineage.look(at_once=True), self._finished)
                begin, end = self._begin_and_end()
            self._run = Run({p: self._span(p, begin[p], end[p], until) for p in self._assigned}, until)
            self._ends = end
            self._heard_ms = {p: self._heard_ms.get(p, self._planned_ms) for p in self._assigned}
        return self._run

    def end_offsets(self) -> Offsets:
        """Where the topic ends now, by partition."""
        with self._asking():
            self._assign()
            self._looked_ms = _now_ms()
            found = self._consumer.end_offsets([self._tp(p) for p in self._assigned], timeout_ms=_ASK_MS)
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
            batch: list[Event] = []
            lost = None
            try:
                self._fill(batch, min(self._limits.batch_records, left), min(self._limits.batch_bytes, left_bytes))
            except (OffsetOutOfRangeError, LogTruncationError) as error:
                lost = error
            if batch:
                quiet_since = time.monotonic()
                left, left_bytes = left - len(batch), left_bytes - _size(batch)
                yield batch
            elif time.monotonic() - quiet_since > 60:
                unread = ", ".join(f"{p}: {at} of {end}" for p, (at, end) in self._left().items())
                raise KafkaError(f"{self._topic}: nothing came for 60 s before {unread}; is the broker reachable?")
            if lost is not None:
                self._back_into_log(lost)
                return
            if left <= 0 or left_bytes <= 0 or time.monotonic() > deadline or self._stop.is_set():
                return

    def finish(self) -> int:
        """Commit what the run reached; returns how many offsets that were. Call it when everything is written."""
        self._commit(self._reached)
        read = sum(max(offset - self._finished.get(p, offset), 0) for p, offset in self._reached.items())
        self._finished.update(self._reached)
        self._finished_ms = dict(self._newest_ms)
        return read

    def _commit(self, offsets: Offsets) -> None:
        moved = {p: offset for p, offset in offsets.items() if offset != self._committed.get(p)}
        if not moved:
            return
        try:
            with self._asking():
                self._look_for_another(moved)
                self._attempted.update(moved)
                self._consumer.commit({self._tp(p): self._marked(p, offset) for p, offset in moved.items()})
        except CommitFailedError as error:
            # Reading on is safe: what is not committed is read again at the next start, and known to the ledger.
            self._refused(error)
            return
        except OffsetMetadataTooLargeError:
            log.warning("%s: the brokers keep no marks with offsets (offset.metadata.max.bytes)", self._topic)
            self._keeps_marks = False
            self._commit(offsets)
            return
        if self._refused_s is not None:
            log.warning("%s: the group's offsets are committed again", self._topic)
        self._refused_s = None
        self._committed.update(moved)

    def _refused(self, error: Exception) -> None:
        now_s = time.monotonic()
        if self._refused_s is None or now_s - self._refused_s >= EVERY_S:
            self._refused_s = now_s
            log.warning(
                "group %s is in use by another program, whose consumer has joined it, so Kafka takes no offsets of "
                "this job. It reads on, and begins where it last committed when it is started again: %s",
                *(self._consumer.config["group_id"], error),
            )

    def read_until_ms(self, quiet_s: float) -> int:
        """How far event time has come: milliseconds since 1970; 0 while nothing is known of a partition. Call it when
        `batches` has ended.

        A partition holds it at its latest event. It no longer does when it was read to its bound; without bounds, when
        it was read to its end and nothing has come from it for `quiet_s`. Then its time is when its end was looked up.
        """
        quiet_since = self._planned_ms - round(quiet_s * 1_000)

        def is_idle(partition: int, start: int, end: int) -> bool:
            if self._reached.get(partition, start) < end:
                return False
            return self._run.bounds is not None or self._heard_ms.get(partition, self._planned_ms) <= quiet_since

        return min(
            self._planned_ms if is_idle(p, start, end) else self._newest_ms.get(p, 0)
            for p, (start, end) in self._run.spans.items()
        )

    def next_places(self) -> tuple[frozenset[int], dict[int, tuple[int, int]]]:
        """All partitions of the topic; and of those that are read, as far as is known while `batches` is between two
        batches, before which record time (milliseconds since 1970) and offset nothing more comes: infinitely late for
        one that is read to its bound, the time at which its end was looked up for one that is read to its end."""
        found: dict[int, tuple[int, int]] = {}
        for partition, (start, end) in self._run.spans.items():
            at, ahead = self._reached.get(partition, start), self._ahead.get(partition)
            if ahead is not None and ahead.events:
                event = ahead.events[0][0]
                found[partition] = event.timestamp_ms, event.offset
            elif at >= end:
                found[partition] = NEVER_MS if self._run.bounds is not None else self._planned_ms, at
        return self._there, found

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

    def _marked(self, partition: int, offset: int) -> Any:
        mark = self._lineage.mark(partition) if self._keeps_marks else Mark()
        return OffsetAndMetadata(offset, mark.text(), mark.epoch)

    def _assign(self) -> None:
        """Take the topic's partitions, new ones too."""
        self._begin_anew(self._lineage.look(), self._finished)
        there = frozenset(self._consumer.partitions_for_topic(self._topic) or ())
        if not there and self._there:
            # Deleted while it is read. Made anew, it will be read on: until then it is waited for as for a broker.
            with outages.asking(f"topic {self._topic}", KafkaError):
                raise missing_topic(self._topic)
        if not there:
            raise missing_topic(self._topic)
        outages.answered(f"topic {self._topic}")
        partitions = tuple(sorted(there if self._wanted is None else there & self._wanted))
        if not partitions:
            raise KafkaError(
                f"topic {self._topic} has partitions {sorted(there)}, none of {sorted(self._wanted or ())}"
            )
        if self._there and (added := there - self._there):
            self._findings.partitions_added(set(added), set(added - set(partitions)))
        self._there = there
        if partitions != self._assigned:
            self._consumer.assign([self._tp(p) for p in partitions])
            self._assigned, self._ahead = partitions, {}

    def _take_over(self) -> None:
        """Begin partitions that are new to this reader where the group's offsets are, else at their start."""
        for partition in self._assigned:
            if partition in self._finished:
                continue
            committed = self._consumer.committed(self._tp(partition), metadata=True)
            if committed is None or committed.offset < 0:
                self._lineage.adopt(partition, None)
                self._finished[partition] = _FIRST
            else:
                self._lineage.adopt(partition, committed.metadata)
                self._finished[partition] = self._committed[partition] = committed.offset
                self._ask_whether_known(partition, committed.offset, Mark.of(committed.metadata))
        self._begin_anew(self._lineage.look(), self._finished)

    def _ask_whether_known(self, partition: int, offset: int, mark: Mark) -> None:
        if self._knows is None or not 0 <= mark.last < offset:
            return
        if not self._knows(event_id_of(self._topic, partition, mark.last, mark.digest)):
            log.warning(
                "%s/%d: the group's offset says that all before %d is done, but the ledger has not decided the record "
                "at %d. If the ledger was restored from a backup, stop the job and set the group back to where it "
                "stood then, as the runbook says (Restore); what came since is else missing from the ledger for good",
                *(self._topic, partition, offset, mark.last),
            )

    def _begin_and_end(self) -> tuple[Offsets, Offsets]:
        tps = [self._tp(p) for p in self._assigned]
        # Without a limit, both wait for a topic that was deleted as long as it is away.
        begin = self._consumer.beginning_offsets(tps, timeout_ms=_ASK_MS)
        end = self._consumer.end_offsets(tps, timeout_ms=_ASK_MS)
        return {tp.partition: begin[tp] for tp in tps}, {tp.partition: end[tp] for tp in tps}

    def _span(self, partition: int, begin: int, end: int, until: Mapping[int, int] | None) -> tuple[int, int]:
        start = self._finished[partition]
        if start == _FIRST:
            start = begin
        if start > end and self._lineage.certain(partition):
            # Either the brokers have cut it off, or they do not know yet what they have: reading tells.
            return start, start + 1
        start = self._finished[partition] = self._findings.within_log(partition, start, begin, end)
        return start, max(start, end if until is None else min(end, until.get(partition, 0)))

    def _begin_anew(self, partitions: Sequence[int], read: Mapping[int, int]) -> None:
        """Their topic is another one of the same name. `read`: how far the old one was read."""
        for partition in partitions:
            self._findings.made_anew(partition, max(read.get(partition, 0), 0), self._ends.get(partition))
            self._finished[partition] = 0
            known: dict[int, Any]
            for known in (
                *(self._ahead, self._committed, self._attempted),
                *(self._reached, self._newest_ms, self._finished_ms, self._heard_ms),
            ):
                known.pop(partition, None)

    def _back_into_log(self, error: OffsetOutOfRangeError | LogTruncationError) -> None:
        """The log no longer holds what was to be read: let the next run begin where it does."""
        self._ahead = {}
        with self._asking():
            self._begin_anew(self._lineage.look(at_once=True), self._reached)
            begin, end = self._begin_and_end()
        points = error.divergent_offsets if isinstance(error, LogTruncationError) else error.args[0]
        for tp in points:
            partition, at = tp.partition, self._reached.get(tp.partition)
            if at is None:
                continue
            if isinstance(error, LogTruncationError):
                point = points[tp].offset if points[tp] is not None else begin[partition]
                if point >= at and points[tp] is not None:
                    continue  # What was cut off had been fetched, but not handed out.
                self._lineage.cut(partition)
                self._findings.truncated(partition, at, point)
                self._reached[partition] = min(point, at)
            else:
                self._lineage.cut(partition)
                same = self._lineage.certain(partition)
                self._reached[partition] = self._findings.within_log(
                    partition, at, begin[partition], end[partition], same=same
                )

    def _position(self) -> None:
        """Send the consumer to where the run begins, unless what was fetched already begins there."""
        bounds = self._run.bounds
        if self._lineage.strayed or bounds != self._merged_to:
            self._ahead, self._lineage.strayed, self._merged_to = {}, False, bounds
        for partition, (start, _) in self._run.spans.items():
            known = self._ahead.get(partition)
            if known is None or known.start != start:
                self._consumer.seek(self._tp(partition), start, self._lineage.mark(partition).epoch)
                self._ahead[partition] = _LookAhead(start, start)
        if bounds is None:
            self._consumer.resume(*map(self._tp, self._run.spans))

    def _fill(self, batch: list[Event], most: int, most_bytes: int) -> None:
        """Put events into an empty batch: what one poll gives; with bounds, what the merge gives until the batch is
        full or a poll gives nothing. Where this raises, the batch holds what was handed out before."""
        if self._run.bounds is None:
            batch += self._hand_out([p for p in self._poll(most) for _ in self._ahead[p].events])
            return
        came = [0]
        while True:
            batch += self._hand_out(self._merged(most - len(batch), most_bytes - _size(batch)))
            if not came or not self._left() or len(batch) >= most or _size(batch) >= most_bytes:
                return
            held = sum(_size(event for event, _ in ahead.events) for ahead in self._ahead.values())
            # Where much is held already, what is awaited comes in single steps.
            step = self._limits.batch_records if held < self._limits.held_bytes else 1
            self._await_those_below(step)
            came = self._poll(step)

    def _merged(self, most: int, most_bytes: int) -> Iterator[int]:
        """The partitions whose next events come next, until one is to come of which nothing is there."""
        heads = []
        for partition in self._left():
            if not (events := self._ahead[partition].events):
                return
            heads.append((events[0][0].timestamp_ms, partition))
        heapq.heapify(heads)
        while heads and most > 0 and most_bytes > 0:
            partition = heads[0][1]
            events = self._ahead[partition].events
            most, most_bytes = most - 1, most_bytes - _size([events[0][0]])
            yield partition
            if events:
                heapq.heapreplace(heads, (events[0][0].timestamp_ms, partition))
            elif self._reached[partition] < self._run.spans[partition][1]:
                return
            else:
                heapq.heappop(heads)

    def _hand_out(self, partitions: Iterable[int]) -> list[Event]:
        """The next event of each of these partitions, in turn: from now on they are read."""
        handed: list[Event] = []
        last: dict[int, tuple[Event, int]] = {}
        now_ms = _now_ms()
        for partition in partitions:
            ahead = self._ahead[partition]
            last[partition] = event, _ = ahead.events.popleft()
            handed.append(event)
            ahead.start = event.offset + 1 if ahead.events else ahead.end
            self._reach(partition)
            self._newest_ms[partition] = max(self._newest_ms.get(partition, 0), event_ms(event, now_ms))
        for partition, (event, epoch) in last.items():
            self._lineage.saw(event, epoch)
            self._heard_ms[partition] = now_ms
        return handed

    def _await_those_below(self, full: int) -> None:
        """Fetch of those partitions alone that are not read to their bounds and have fewer than `full` records here."""
        wanted = {p for p in self._left() if len(self._ahead[p].events) < full}
        self._consumer.pause(*(self._tp(p) for p in self._run.spans if p not in wanted))
        self._consumer.resume(*map(self._tp, wanted))

    def _poll(self, most: int) -> list[int]:
        """Fetch up to so many records; the partitions that gave any, in the consumer's order."""
        # Until all is known: a poll that raises, and asking for a position may, has moved the consumer.
        known, self._ahead = self._ahead, {}
        came = []
        for tp, records in self._consumer.poll(timeout_ms=100, max_records=max(most, 1)).items():
            bound = self._bound(tp.partition)
            within = [record for record in records if bound is None or record.offset < bound]
            if within:
                came.append(tp.partition)
                known[tp.partition].events += [(to_event(each), getattr(each, "leader_epoch", -1)) for each in within]
        for partition, ahead in known.items():
            ahead.end = self._position_of(partition, ahead.end)
            if not ahead.events:
                ahead.start = ahead.end
        self._ahead = known
        for partition in self._run.spans:
            self._reach(partition)
        return came

    def _look_for_another(self, moved: Offsets) -> None:
        """Warn, at most once a minute, where somebody else has committed what is about to be committed here."""
        now_s = time.monotonic()
        if now_s < self._look_again_s:
            return
        self._look_again_s = now_s + _LOOK_FOR_ANOTHER_S
        for partition in moved.keys() & self._committed.keys():
            found = self._consumer.committed(self._tp(partition), metadata=True)
            ours = (self._committed[partition], self._attempted.get(partition))
            if found is not None and found.offset >= 0 and found.offset not in ours:
                log.warning(_TWICE, self._topic, partition, ours[0], found.offset)
                self._look_again_s = now_s + EVERY_S
                return

    def _bound(self, partition: int) -> int | None:
        return None if self._run.bounds is None else self._run.bounds.get(partition, 0)

    def _position_of(self, partition: int, last: int) -> int:
        """How far the consumer is, after it was at `last`. Its position also passes what holds no record: gaps and
        markers."""
        position = self._consumer.position(self._tp(partition))
        return last if position is None else int(position)

    def _reach(self, partition: int) -> None:
        """All before the look-ahead is read, but not beyond the bound."""
        at, bound = self._ahead[partition].start, self._bound(partition)
        self._reached[partition] = at if bound is None or at < bound else max(bound, self._run.spans[partition][0])

    def _left(self) -> dict[int, tuple[int, int]]:
        """How far the partitions were read of which some is left, and their ends."""
        return {p: (self._reached[p], end) for p, (_, end) in self._run.spans.items() if self._reached[p] < end}


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _size(events: Iterable[Event]) -> int:
    return sum(len(event.value or b"") for event in events)


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
