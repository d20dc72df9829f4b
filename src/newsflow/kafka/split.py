"""Reads one split of a topic for ever: partition p belongs to split p modulo the number of splits.

Whoever reads keeps the positions and hands them in at each call, so a reader may be taken over, or begin anew
elsewhere, at any time. No group is joined and nothing rebalances; the group serves its committed offsets alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kafka import TopicPartition
from kafka.errors import KafkaError as ClientError
from kafka.errors import LogTruncationError, OffsetMetadataTooLargeError, OffsetOutOfRangeError
from kafka.structs import OffsetAndMetadata

from newsflow.errors import KafkaError
from newsflow.kafka.client import make_consumer, missing_topic, translated
from newsflow.kafka.lineage import Findings, Lineage, Mark
from newsflow.kafka.reader import Offsets, TopicPosition, to_event
from newsflow.kafka.settings import KafkaSettings
from newsflow.kafka.watermarks import Watermarks
from newsflow.model import Event
from newsflow.model.headers import event_ms

log = logging.getLogger(__name__)

# The reader of one split.

POLL_MS = 10
LOOK_S = 5.0
"""How often a split looks for new partitions."""
IDLE_CHECK_S = 1.0
"""How often a silent split asks the broker whether there is really nothing."""
STALL_CHECKS = 120
"""After so many checks in a row that say there is more to read, while nothing comes, the consumer is stuck."""
COMMIT_S = 1.0
"""Offsets are committed no more often."""
_ASK_MS = 15_000
_IDLE_ASK_MS = 1_000


@dataclass(frozen=True, slots=True)
class Split:
    """Split `index` of `total`."""

    index: int
    total: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What one call gave: events in the order of each partition, where to go on, and the watermark so far.

    `marks` go with the positions, partition by partition (`newsflow.kafka.lineage`). `found`: what was found of the log
    beside its records, counted.
    """

    events: list[Event]
    positions: Offsets
    watermark_ms: int | None
    marks: Mapping[int, str] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)


class SplitReader:
    """A `newsflow.kafka.client.Consumer` over the partitions of one split. Any thread may call; calls exclude one
    another. A partition that is read to its end is idle when nothing came for `quiet_s`."""

    def __init__(
        self,
        consumer: Any,
        topic: str,
        index: int,
        count: int,
        clock: Callable[[], float] = time.time,
        quiet_s: float = 0.0,
    ) -> None:
        self._consumer, self._topic, self._index, self._count, self._clock = consumer, topic, index, count, clock
        self._lock = threading.Lock()
        self._watermarks = Watermarks(quiet_s)
        self._lineage, self._findings = Lineage(consumer, topic, clock), Findings(topic)
        self._marks: Mapping[int, str] = {}
        """Those that the last call gave."""
        self._ends: Offsets = {}
        """Where the partitions were last seen to end."""
        self._there: frozenset[int] = frozenset()
        self._in_hand: frozenset[int] = frozenset()
        """Partitions of the events that were given last: whoever asks for more has done those."""
        self._mine: tuple[int, ...] = ()
        self._at: Offsets = {}
        """Where the consumer stands: it is sent elsewhere only when a caller wants that."""
        self._checks_without_records = 0
        self._looked = self._idle_checked = self._committed_at = float("-inf")
        self._told: Offsets | None = None
        self._finished: dict[int, tuple[int, Mark]] = {}
        """How far all is written, with the marks of these offsets: reading is ahead of them."""
        self._committed: Offsets = {}
        self._keeps_marks = True

    def read(self, positions: Mapping[int, int], most: int, marks: Mapping[int, str] | None = None) -> Reading:
        """Up to `most` records from `positions` on; a partition that is not among them starts where the group's
        committed offset is, else at its first record. `marks` are those that came with the positions; newsflow 0.1 gave
        none. Blocks for a poll, or while offsets are asked for.

        Raises `KafkaError` when the topic is gone, the brokers refuse, or nothing comes though they have more.
        """
        with self._lock, translated(f"reading {self._topic}"):
            now = self._clock()
            self._commit_finished(now)
            self._look_for_partitions(now)
            self._go_to(self._wanted(positions, marks or {}))
            events = [] if self._begin_anew(self._look()) else self._poll(most)
            self._check_idle()
            self._marks = {p: text for p in self._at if (text := self._lineage.mark(p).text())}
            self._in_hand = frozenset(event.partition for event in events)
            return Reading(events, dict(self._at), self._watermarks.current(), self._marks, self._findings.take())

    def moved(self, positions: Mapping[int, int]) -> bool:
        """Tell whether `positions` differ from those of the last call. At the first call they do: an earlier process
        may have ended without committing its last ones."""
        before, self._told = self._told, dict(positions)
        return before != self._told

    def finished(self, positions: Mapping[int, int], marks: Mapping[int, str] | None = None) -> None:
        """All before `positions` is written: commit them, now or within the next calls. Never blocks, never raises. Not
        those of a topic that was made anew since, as their `marks` tell.

        Best effort: only lag figures and cold starts depend on it.
        """
        for partition, offset in positions.items():
            if not self._lineage.holds(partition, (marks or {}).get(partition)):
                continue
            if partition not in self._finished or offset > self._finished[partition][0]:
                self._finished[partition] = offset, Mark.of((marks or {}).get(partition))
        if self._lock.acquire(blocking=False):
            try:
                self._commit_finished(self._clock())
            finally:
                self._lock.release()

    def next_places(self, passed: frozenset[int]) -> tuple[frozenset[int], dict[int, tuple[int, int]]]:
        """As `AvailableReader.next_places`: all partitions, and those of the split that are read to their ends, with
        the time at which that was found. `passed`: partitions of the events that whoever asks has; nothing is known of
        a split whose events somebody else has in hand."""
        if not self._in_hand <= passed:
            return self._there, {}
        at, empty = self._at, self._watermarks.empty_since()
        return self._there, {p: (at_ms, at[p]) for p, at_ms in empty.items() if p in at}

    def close(self) -> None:
        with self._lock:
            self._consumer.close()

    def _tp(self, partition: int) -> Any:
        return TopicPartition(self._topic, partition)

    def _look_for_partitions(self, now: float) -> None:
        if now - self._looked < LOOK_S and self._mine:
            return
        found = self._consumer.partitions_for_topic(self._topic)
        if not found and not self._mine:
            raise missing_topic(self._topic)
        self._there |= frozenset(found or ())
        # A topic that is being made anew has no partitions for a moment; those known so far are kept.
        mine = {p for p in found or () if p % self._count == self._index} | set(self._mine)
        if self._mine and (added := mine - set(self._mine)):
            self._findings.partitions_added(added, set())
        self._mine, self._looked = tuple(sorted(mine)), now

    def _look(self) -> list[int]:
        """The partitions whose topic was made anew. An outage is not the time to find out."""
        try:
            return self._lineage.look()
        except ClientError as error:
            log.info("%s: the brokers do not say which topic it is: %s", self._topic, error)
            return []

    def _wanted(self, positions: Mapping[int, int], marks: Mapping[int, str]) -> Offsets:
        """Where to read from: what is handed in, else where a partition starts. What this reader read before does not
        count: it may have been for an attempt that failed."""
        wanted: Offsets = {}
        for partition in self._mine:
            if partition in positions:
                if not (text := marks.get(partition)) or text != self._marks.get(partition):
                    self._lineage.adopt(partition, text)
                wanted[partition] = positions[partition]
                continue
            try:
                wanted[partition] = self._start_of(partition)
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
            self._watermarks.assign(tuple(wanted), round(self._clock() * 1000))
        for partition, offset in wanted.items():
            if self._at.get(partition) != offset:
                self._seek(partition, offset)
                self._at[partition] = offset

    def _seek(self, partition: int, offset: int) -> None:
        self._consumer.seek(self._tp(partition), offset, self._lineage.mark(partition).epoch)

    def _start_of(self, partition: int) -> int:
        tp = self._tp(partition)
        first: int = self._consumer.beginning_offsets([tp], timeout_ms=_ASK_MS)[tp]
        committed = self._consumer.committed(tp, metadata=True)
        if committed is None or committed.offset < 0:
            self._lineage.adopt(partition, None)
            return first
        self._lineage.adopt(partition, committed.metadata)
        return self._findings.within_log(partition, committed.offset, first, committed.offset)

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
            self._watermarks.saw(tp.partition, max(event_ms(event, now_ms) for event in read), now_ms)
            self._lineage.saw(read[-1], getattr(records[-1], "leader_epoch", -1))
            events += read
        self._at = reached
        if events:
            self._checks_without_records = 0
        return events

    def _reached(self) -> Offsets:
        """The consumer's own positions, which also pass what holds no record: gaps and transaction markers."""
        return {p: self._consumer.position(self._tp(p)) or offset for p, offset in self._at.items()}

    def _back_into_range(self) -> None:
        """Go on where each log is, when retention has overtaken us or a topic was created again."""
        if self._begin_anew(self._lineage.look(at_once=True)):
            return
        tps = [self._tp(p) for p in self._at]
        begins = self._consumer.beginning_offsets(tps, timeout_ms=_ASK_MS)
        ends = self._consumer.end_offsets(tps, timeout_ms=_ASK_MS)
        for tp in tps:
            at, same = self._at[tp.partition], self._lineage.certain(tp.partition)
            start = self._findings.within_log(tp.partition, at, begins[tp], ends[tp], same=same)
            if start != at:
                self._lineage.cut(tp.partition)
                self._restart(tp.partition, start)
        self._stand()

    def _back_before(self, divergent: Mapping[Any, Any]) -> None:
        """Read again from where the log was cut: what a new leader does not have, others may have written anew."""
        if self._begin_anew(self._lineage.look(at_once=True)):
            return
        for tp, point in divergent.items():
            offset = 0 if point is None else point.offset
            self._findings.truncated(tp.partition, self._at[tp.partition], offset)
            self._lineage.cut(tp.partition)
            self._restart(tp.partition, offset)
        self._stand()

    def _begin_anew(self, partitions: Sequence[int]) -> bool:
        """Their topic is another one of the same name: read all of it. Tells whether there was any."""
        for partition in partitions:
            self._findings.made_anew(partition, self._at.get(partition, 0), self._ends.get(partition))
            self._restart(partition, 0)
        if partitions:
            # Should this call fail, the next one comes with the old marks, and finds out again.
            self._mine, self._looked, self._marks = (), float("-inf"), {}
        if partitions or self._lineage.strayed:
            self._lineage.strayed = False
            self._stand()
        return bool(partitions)

    def _stand(self) -> None:
        """Send the consumer back to the positions that callers know: a poll that raised may have moved it."""
        for partition, offset in self._at.items():
            self._seek(partition, offset)

    def _restart(self, partition: int, offset: int) -> None:
        self._at[partition] = offset
        self._finished.pop(partition, None)
        self._committed.pop(partition, None)

    def _check_idle(self) -> None:
        """Ask where the partitions end: only a broker's answer tells silence from an outage. Also while some partitions
        have much to read, since the watermark is that of all."""
        asked = self._clock()
        if asked - self._idle_checked < IDLE_CHECK_S:
            return
        try:
            ends = self._consumer.end_offsets([self._tp(p) for p in self._at], timeout_ms=_IDLE_ASK_MS)
        except ClientError as error:
            log.info("%s: the brokers do not say where it ends: %s", self._topic, error)
        else:
            self._ends = {tp.partition: end for tp, end in ends.items()}
            empty = [tp.partition for tp, end in ends.items() if self._at[tp.partition] >= end]
            for partition in empty:
                self._watermarks.found_empty(partition, round(asked * 1000))
            self._check_stall(all_read=len(empty) == len(ends))
        self._idle_checked = self._clock()

    def _check_stall(self, all_read: bool) -> None:
        """A silent consumer is stuck only where a broker says that there is more to read."""
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
        moved = {p: each for p, each in finished.items() if each[0] > self._committed.get(p, -1)}
        if moved:
            self._committed_at = now
            self._committed.update({p: offset for p, (offset, _) in moved.items()})
            offsets = {self._tp(p): self._marked(p, *each) for p, each in moved.items()}
            self._consumer.commit_async(offsets, callback=self._committed_or_not)

    def _marked(self, partition: int, offset: int, mark: Mark) -> Any:
        if mark == Mark():
            mark = self._lineage.mark(partition)
        mark = mark if self._keeps_marks else Mark()
        return OffsetAndMetadata(offset, mark.text(), mark.epoch)

    def _committed_or_not(self, offsets: Mapping[Any, Any], answer: Any) -> None:
        if isinstance(answer, Exception):
            self._keeps_marks = self._keeps_marks and not isinstance(answer, OffsetMetadataTooLargeError)
            log.info("%s: offsets were not committed, the next ones will be: %s", self._topic, answer)
            for tp in offsets:
                self._committed.pop(tp.partition, None)


# The readers of a process.

SplitKey = tuple[TopicPosition, Split]
KEEP_IDLE_S = 60.0
"""A reader that nobody has asked for so long is closed: its split went to another worker."""


class SplitReaders:
    """The readers of a process, one for each split: runners make many instances of a source, and whichever bundle reads
    next takes its split's reader over. Any thread may call."""

    def __init__(self, settings: KafkaSettings, quiet_s: float = 0.0) -> None:
        self._settings, self._quiet_s, self._lock = settings, quiet_s, threading.Lock()
        self._readers: dict[SplitKey, tuple[SplitReader, float]] = {}
        """Each with the time at which it was last asked for."""

    def get(self, key: SplitKey) -> SplitReader:
        """The reader of a split, made when it is first asked for. Closes those of splits that went elsewhere."""
        now = time.monotonic()
        with self._lock:
            for other, (reader, used) in list(self._readers.items()):
                if now - used > KEEP_IDLE_S and other != key:
                    del self._readers[other]
                    reader.close()
            found = self._readers.get(key)
            reader = found[0] if found else self._make(key)
            self._readers[key] = (reader, now)
            return reader

    def drop(self, key: SplitKey) -> None:
        """Close the reader of a split: the next to ask gets a new one, with a new consumer."""
        with self._lock:
            found = self._readers.pop(key, None)
        if found is not None:
            found[0].close()

    def finished(self, key: SplitKey, positions: Mapping[int, int], marks: Mapping[int, str]) -> None:
        """See `SplitReader.finished`; does nothing when the reader has left this process meanwhile."""
        with self._lock:
            found = self._readers.get(key)
        if found is not None:
            found[0].finished(positions, marks)

    def next_places(
        self, position: TopicPosition, passed: frozenset[int]
    ) -> tuple[frozenset[int], dict[int, tuple[int, int]]]:
        """Of all splits of a topic that are read here: see `SplitReader.next_places`."""
        with self._lock:
            readers = [reader for (of, _), (reader, _) in self._readers.items() if of == position]
        there, places = frozenset[int](), dict[int, tuple[int, int]]()
        for reader in readers:
            found, known = reader.next_places(passed)
            there, places = there | found, places | known
        return there, places

    def close(self) -> None:
        for key in list(self._readers):
            self.drop(key)

    def _make(self, key: SplitKey) -> SplitReader:
        position, split = key
        consumer = make_consumer(
            self._settings,
            group=position.group,
            # The reader itself decides where to begin, and says what was lost.
            auto_offset_reset="none",
            metadata_max_age_ms=30_000,
        )
        return SplitReader(consumer, position.topic, split.index, split.total, quiet_s=self._quiet_s)
