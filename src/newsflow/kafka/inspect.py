"""Looks into topics and consumer groups without joining a group: last records, those that come, and how far a group is
behind."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from newsflow.errors import KafkaError
from newsflow.kafka.client import make_consumer, partitions_of, translated
from newsflow.kafka.reader import to_event
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event

_WIDEN = 8
_SILENCE_S = 30.0


class TopicTail:
    """The end of one topic. Nothing is committed and no group is joined. Close it, or use it as a context."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        """Raises `KafkaError` when the broker or the topic is not there."""
        self._topic = topic
        self._consumer = make_consumer(settings, fetch_max_wait_ms=200)
        try:
            with translated(f"looking up topic {topic}"):
                self._partitions = partitions_of(self._consumer, topic)
            if not self._partitions:
                raise KafkaError(
                    f"topic {topic} does not exist at {settings.bootstrap_servers}; "
                    "`newsflow kafka topics` lists those that do"
                )
        except BaseException:
            self._consumer.close()
            raise
        self._consumer.assign(self._partitions)

    def __enter__(self) -> TopicTail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close()

    def last(self, count: int) -> list[Event]:
        """Return the last `count` records by their timestamps, oldest first; fewer when there are fewer.

        `arriving` goes on where this ends. Blocks while reading; raises `KafkaError` when the broker falls silent.
        """
        with translated(f"reading {self._topic}"):
            first = self._consumer.beginning_offsets(self._partitions)
            end = self._consumer.end_offsets(self._partitions)
            span = max(count, 1)
            while True:
                start = {tp: max(first[tp], end[tp] - span) for tp in self._partitions}
                events = self._read(start, end) if count else []
                # Compaction and transaction markers leave offsets without a record: look further back.
                if len(events) >= count or start == first:
                    break
                span *= _WIDEN
        for tp in self._partitions:
            self._consumer.seek(tp, end[tp])
        events.sort(key=lambda event: (event.timestamp_ms, event.partition, event.offset))
        return events[len(events) - min(count, len(events)) :]

    def arriving(self) -> Iterator[Event]:
        """Yield records as they come, for ever. Call `last` first."""
        while True:
            with translated(f"reading {self._topic}"):
                polled = self._consumer.poll(timeout_ms=500)
            for records in polled.values():
                yield from map(to_event, records)

    def _read(self, start: Mapping[Any, int], end: Mapping[Any, int]) -> list[Event]:
        for tp in self._partitions:
            self._consumer.seek(tp, start[tp])
        events: list[Event] = []
        heard = time.monotonic()
        while any(self._consumer.position(tp) < end[tp] for tp in self._partitions):
            polled = self._consumer.poll(timeout_ms=200)
            if polled:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_S:
                raise KafkaError(f"{self._topic}: nothing came for {_SILENCE_S:g} s before its end was reached")
            for tp, records in polled.items():
                events += [to_event(record) for record in records if record.offset < end[tp]]
        return events


@dataclass(frozen=True, slots=True)
class GroupLag:
    """`records` that the group has still to read, of all partitions. `began`: whether it ever committed."""

    group: str
    topic: str
    records: int
    began: bool


def group_lag(settings: KafkaSettings, group: str, topic: str) -> GroupLag:
    """Return the lag of a group on a topic; one that does not exist has none. Blocks.

    Raises `KafkaError` when the broker cannot be reached.
    """
    with closing(make_consumer(settings, group=group)) as consumer, translated(f"asking for the lag of {group}"):
        partitions = partitions_of(consumer, topic)
        if not partitions:
            return GroupLag(group, topic, 0, False)
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        committed = {tp: consumer.committed(tp) for tp in partitions}
    began = any(offset is not None for offset in committed.values())
    behind = sum(max(0, end[tp] - max(committed[tp] or 0, first[tp])) for tp in partitions)
    return GroupLag(group, topic, behind, began)
