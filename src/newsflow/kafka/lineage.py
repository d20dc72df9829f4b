"""Whether a topic is still the one that was read, and what was lost where it is not.

A topic that was deleted and made anew under its name has other records at the same offsets, and no offset shows it. So
a mark goes with each: the topic's id and, for brokers that give none (before Kafka 2.8), the last record that was read.
Where mark and topic disagree, the topic is read from its first record: the ledger knows what it had before.

The topic's id in a mark moves on only when the brokers were asked *after* the records were read, and the topic was
still the one known. Under an id the mark names the last record that was read before the offset: by it a ledger that was
restored without the offsets is noticed. Without ids it is that record that tells the topics apart, so it too moves on
only then, and may be an older one.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import orjson
from kafka import TopicPartition

from newsflow import metrics
from newsflow.errors import KafkaError
from newsflow.model import Event

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""How often a topic's id is asked for."""
LOOK_AT_RECORD_S = 10.0
"""How often its last record is read again, where brokers give no ids."""
_RECORD_S = 10.0
_ASK_MS = 5_000


@dataclass(frozen=True, slots=True)
class Mark:
    """What tells the log in which an offset was reached from another under its name. Empty where nothing is known."""

    topic_id: str = ""
    epoch: int = -1
    """The leader epoch of the record before the offset: what brokers cut off the log is told by it."""
    last: int = -1
    """The offset of a record that was read, and its digest."""
    digest: str = ""

    def text(self) -> str:
        """As it stands in a group's offsets (about 120 bytes; brokers take 4,096) and in a savepoint."""
        if self == Mark():
            return ""
        known = {"topic_id": self.topic_id, "epoch": self.epoch, "last": self.last, "digest": self.digest}
        return orjson.dumps(known).decode()

    @classmethod
    def of(cls, text: str | None) -> Mark:
        """Takes anything: offsets of newsflow 0.1 and of other programs have no mark."""
        try:
            value = orjson.loads(text or "")
            mark = cls(str(value["topic_id"]), int(value["epoch"]), int(value["last"]), str(value["digest"]))
        except (ValueError, TypeError, KeyError):
            return cls()
        return mark


class Findings:
    """What was found of a topic's log beside its records: each is said in the log, and counted."""

    def __init__(self, topic: str, counts: Counter[str] | None = None) -> None:
        self._topic = topic
        self.counts: Counter[str] = Counter() if counts is None else counts

    def take(self) -> Counter[str]:
        """What was counted since the last call."""
        taken = Counter(self.counts)
        self.counts.clear()
        return taken

    def deleted(self, partition: int, offset: int, first: int) -> None:
        """Retention has overtaken the reader, which was to go on at `offset`."""
        message = "%s/%d: %d records were deleted before they were read (offsets %d to %d): raise the topic's retention"
        log.warning(message, self._topic, partition, first - offset, offset, first - 1)
        self._count("deleted", first - offset)

    def made_anew(self, partition: int, offset: int, seen_end: int | None) -> None:
        """It is another log. The old one was read up to `offset`, and was seen to end at `seen_end`."""
        lost = max((seen_end or 0) - offset, 0)
        known = f"at least {lost} records (offsets {offset} to {offset + lost - 1})" if lost else "what came after that"
        log.warning(
            "%s/%d was deleted and made anew. The old one was read up to offset %d; %s went with it, unless it was "
            "all. Reading the new one from its start",
            *(self._topic, partition, offset, known),
        )
        self._count("made-anew", lost)

    def truncated(self, partition: int, offset: int, point: int) -> None:
        """Its brokers cut off what was read from `point` to `offset`: an unclean leader election."""
        message = "%s/%d was truncated by its brokers: what was read from offset %d to %d is no longer there, and was "
        message += "processed; reading again from %d what others wrote in its place"
        log.warning(message, self._topic, partition, point, offset - 1, point)
        self._count("truncated")

    def partitions_added(self, added: set[int], unread: set[int]) -> None:
        """`unread`: those that this job was told not to read."""
        log.warning(
            "%s has new partitions: %s; they are read from their start%s",
            *(self._topic, ", ".join(map(str, sorted(added)))),
            f", but {sorted(unread)} not by this job: its --partitions leave them out" if unread else "",
        )
        self._count("partitions-added", 0, len(added))

    def within_log(self, partition: int, offset: int, first: int, end: int, *, same: bool = False) -> int:
        """`offset`, or `first` where the log does not hold it; then that is said. `same`: it is known to be the log in
        which the offset was reached."""
        if offset < first:
            self.deleted(partition, offset, first)
        elif offset > end:
            self.truncated(partition, offset, first) if same else self.made_anew(partition, offset, None)
        else:
            return offset
        return first

    def _count(self, what: str, lost: int = 0, times: int = 1) -> None:
        self.counts[f"input.{what}"] += times
        metrics.count("newsflow_input_total", times, what=what)
        if lost:
            self.counts["input.lost"] += lost
            metrics.count("newsflow_input_total", lost, what="lost")


class Lineage:
    """The marks of the partitions that a consumer reads, and the question whether they still hold. One thread at a
    time; `holds` may be called from any."""

    def __init__(self, consumer: Any, topic: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._consumer, self._topic, self._clock = consumer, topic, clock
        self._known: dict[int, Mark] = {}
        self._newest: dict[int, Mark] = {}
        """Of records that were read since the brokers were last asked."""
        self._unmarked: set[int] = set()
        self._looked, self._due, self._has_ids = float("-inf"), False, True
        self.strayed = False
        """The consumer was sent elsewhere to read a record again: it stands nowhere now."""

    def adopt(self, partition: int, text: str | None) -> None:
        """Take over the mark of an offset that others reached; without one, what is known holds on."""
        mark = Mark.of(text)
        if mark != Mark():
            self._known[partition] = mark
            self._newest.pop(partition, None)
            self._unmarked.discard(partition)
        elif partition not in self._known:
            self._known[partition] = mark
            self._unmarked.add(partition)
        else:
            return
        self._due = True

    def saw(self, event: Event, epoch: int) -> None:
        """The last record of a partition that a poll gave."""
        self._newest[event.partition] = Mark("", epoch, event.offset, event.digest)
        self._unmarked.discard(event.partition)

    def mark(self, partition: int) -> Mark:
        """What goes with the offset up to which a partition was read."""
        known = self._known.get(partition, Mark())
        newest = self._newest.get(partition)
        if newest is None:
            return known
        return replace(newest, topic_id=known.topic_id) if known.topic_id else replace(known, epoch=newest.epoch)

    def cut(self, partition: int) -> None:
        """Reading goes on elsewhere in the same log: the epoch of the last record is not that of the one before."""
        self._newest.pop(partition, None)
        self._known[partition] = replace(self._known.get(partition, Mark()), epoch=-1)

    def certain(self, partition: int) -> bool:
        """Whether a partition's log is known, by the topic's id, to be the one in which its offset was reached."""
        return partition not in self._unmarked and self._known.get(partition, Mark()).topic_id != ""

    def holds(self, partition: int, text: str | None) -> bool:
        """Whether a mark is of the topic that is read now, as far as ids tell."""
        mark, known = Mark.of(text), self._known.get(partition, Mark())
        return not mark.topic_id or not known.topic_id or mark.topic_id == known.topic_id

    def look(self, *, at_once: bool = False) -> list[int]:
        """The partitions whose log is not the one that was read; from now on they are those of the new one. Asks the
        brokers when it is time, or `at_once`; may block then, and raises what the client raises."""
        now = self._clock()
        pause_s = LOOK_S if self._has_ids else LOOK_AT_RECORD_S
        if not at_once and not self._due and now - self._looked < pause_s:
            return []
        self._looked = now
        topic_id = self._consumer.topic_id(self._topic, timeout_ms=_ASK_MS)
        if topic_id is None:
            return []  # It is missing: whoever reads it hears of that.
        self._has_ids = bool(topic_id)
        others = [partition for partition, mark in self._known.items() if not self._same(partition, mark, topic_id)]
        for partition, mark in self._known.items():
            newest = Mark() if partition in others else self._newest.get(partition, mark)
            self._known[partition] = replace(newest, topic_id=topic_id)
        self._newest.clear()
        self._due = False
        return others

    def _same(self, partition: int, mark: Mark, topic_id: str) -> bool:
        if topic_id and mark.topic_id:
            return topic_id == mark.topic_id
        if mark.last < 0:
            return True
        tp = TopicPartition(self._topic, partition)
        if mark.last < self._consumer.beginning_offsets([tp], timeout_ms=_ASK_MS)[tp]:
            return True  # Retention took it: nothing is left to compare.
        if mark.last >= self._consumer.end_offsets([tp], timeout_ms=_ASK_MS)[tp]:
            return False
        record = self._record(tp, mark.last)
        if record is None:
            return True  # Compaction took it.
        epoch = getattr(record, "leader_epoch", -1)
        return digest(record) == mark.digest and (min(epoch, mark.epoch) < 0 or epoch == mark.epoch)

    def _record(self, tp: Any, offset: int) -> Any:
        """The record at `offset`; None when another comes first."""
        self.strayed, assigned = True, self._consumer.assignment()
        # Not by pausing the others: kafka-python may forget to read on what was paused with records in hand.
        self._consumer.assign([tp])
        try:
            self._consumer.seek(tp, offset)
            self._consumer.resume(tp)  # it may have been paused, and stays so when it is assigned again
            deadline = time.monotonic() + _RECORD_S
            while time.monotonic() < deadline:
                for record in self._consumer.poll(timeout_ms=200, max_records=1).get(tp, ()):
                    return record if record.offset == offset else None
        finally:
            self._consumer.assign(list(assigned))
        raise KafkaError(f"{tp.topic}/{tp.partition}: the record at {offset} did not come within {_RECORD_S:g} s")


def digest(record: Any) -> str:
    """Of a record as a consumer gives it."""
    return Event(record.topic, record.partition, record.offset, 0, record.key, record.value).digest
