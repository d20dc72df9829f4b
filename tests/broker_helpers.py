"""What a test gets to know of the broker it runs against."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

from newsflow.kafka.admin import TopicTail
from newsflow.kafka.client import make_admin, make_consumer
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event


@dataclass(frozen=True)
class RunningBroker:
    """A broker that answers. Shared by all tests of a worker: use topics and groups of your own."""

    bootstrap_servers: str

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(self.bootstrap_servers, client_id="newsflow-test")

    def name(self, stem: str = "test") -> str:
        """A name no other test uses, legal for topics and groups."""
        return f"{stem}-{uuid.uuid4().hex[:12]}"

    def create_topic(self, name: str = "", partitions: int = 1, configs: Mapping[str, str] | None = None) -> str:
        """Make a topic and return its name (a unique one unless given), ready for writing."""
        name = name or self.name()
        with closing(make_admin(self.settings)) as admin:
            spec = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(configs or {})}
            admin.create_topics({name: spec})
            # A broker that has just made hundreds of feeds is slow to know one more.
            admin.wait_for_topics([name], timeout_ms=60_000)
        return name

    def read(self, topic: str, begun: Mapping[int, int] | None = None) -> list[Event]:
        """All that a topic holds now (from `begun` on, an offset for each partition), partition by partition in order."""
        from kafka import OffsetAndMetadata, TopicPartition

        from newsflow.kafka.reader import AvailableReader, RunLimits

        limits = RunLimits(records=10**9, size_bytes=10**12, duration_s=60)
        consumer = make_consumer(self.settings, group=self.name("reader"))
        with closing(AvailableReader(consumer, topic, limits)) as reader:
            if begun:
                consumer.commit({TopicPartition(topic, p): OffsetAndMetadata(at, "", -1) for p, at in begun.items()})
            reader.plan()
            events = [event for batch in reader.batches() for event in batch]
        return sorted(events, key=lambda event: (event.partition, event.offset))


def last_records(settings: KafkaSettings, topic: str, count: int) -> list[Event]:
    """The last `count` records of a topic by their timestamps, oldest first."""
    with closing(TopicTail(settings, topic)) as tail:
        return tail.last(count)
