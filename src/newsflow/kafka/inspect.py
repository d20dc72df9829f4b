"""Looking into a topic without a consumer group: its last records, and those that come."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from kafka import TopicPartition

from newsflow.errors import KafkaError
from newsflow.kafka.client import make_consumer, translated
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
                partitions = self._consumer.partitions_for_topic(topic)
            if not partitions:
                raise KafkaError(
                    f"topic {topic} does not exist at {settings.bootstrap_servers}; "
                    "`newsflow kafka topics` lists those that do"
                )
        except BaseException:
            self._consumer.close()
            raise
        self._places = [TopicPartition(topic, partition) for partition in sorted(partitions)]
        self._consumer.assign(self._places)

    def __enter__(self) -> TopicTail:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections back."""
        self._consumer.close()

    def last(self, count: int) -> list[Event]:
        """Return the last `count` records by their timestamps, oldest first; fewer when there are fewer.

        `arriving` goes on where this ends. Blocks while reading; raises `KafkaError` when the broker falls silent.
        """
        with translated(f"reading {self._topic}"):
            first = self._consumer.beginning_offsets(self._places)
            end = self._consumer.end_offsets(self._places)
            span = max(count, 1)
            while True:
                start = {place: max(first[place], end[place] - span) for place in self._places}
                events = self._read(start, end) if count else []
                # Compaction and transaction markers leave offsets without a record: look further back.
                if len(events) >= count or start == first:
                    break
                span *= _WIDEN
        for place in self._places:
            self._consumer.seek(place, end[place])
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
        for place in self._places:
            self._consumer.seek(place, start[place])
        events: list[Event] = []
        heard = time.monotonic()
        while any(self._consumer.position(place) < end[place] for place in self._places):
            polled = self._consumer.poll(timeout_ms=200)
            if polled:
                heard = time.monotonic()
            elif time.monotonic() - heard > _SILENCE_S:
                raise KafkaError(f"{self._topic}: nothing came for {_SILENCE_S:g} s before its end was reached")
            for place, records in polled.items():
                events += [to_event(record) for record in records if record.offset < end[place]]
        return events


def last_records(settings: KafkaSettings, topic: str, count: int) -> list[Event]:
    """Return the last `count` records of a topic by their timestamps, oldest first."""
    with closing(TopicTail(settings, topic)) as tail:
        return tail.last(count)


# How far a consumer group is behind, without joining it.


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
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        if not places:
            return GroupLag(group, topic, 0, False)
        first, end = consumer.beginning_offsets(places), consumer.end_offsets(places)
        committed = {place: consumer.committed(place) for place in places}
    began = any(offset is not None for offset in committed.values())
    behind = sum(max(0, end[place] - max(committed[place] or 0, first[place])) for place in places)
    return GroupLag(group, topic, behind, began)
