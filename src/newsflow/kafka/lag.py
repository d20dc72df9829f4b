"""How far a consumer group is behind, without joining it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from kafka import TopicPartition

from newsflow.kafka.client import make_consumer, translated
from newsflow.kafka.settings import KafkaSettings


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
