"""For tests of your own jobs: Kafka in memory, a clock that is set, and raw events to feed a job with.

    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", raw_event(title="A treaty", content="Syria signed a treaty with Russia."))
    kafka.run("jobs/mine.py")
    [article] = kafka.values("news.article.v1")
    assert {topic["id"] for topic in article["topics"]} == {"russia", "syria"}

The job runs as in production, on Beam's local runner, with a SQLite ledger in a temporary folder. Kafka alone is
replaced: topics appear when they are written to, nothing is deleted or compacted, and no broker fails. A test that
depends on any of this needs a real broker (`newsflow dev up`).
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson

from newsflow.kafka.producer import Producer
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event, Headers, Rejected
from newsflow.model.headers import instant_text

BEGINNING = datetime(2025, 3, 3, 9, tzinfo=UTC)


@dataclass
class Clock:
    """Gives `now`, an aware instant, until it is moved."""

    now: datetime = BEGINNING

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Move it by so many `days`, `hours`, `seconds` …, as `timedelta` takes them."""
        self.now += timedelta(**by)


def raw_event(**members: Any) -> dict[str, Any]:
    """A valid raw-article.v1 value with your `members`; None leaves one out. Its URL follows from the title."""
    title = members.get("title") or "A headline"
    slug = "-".join(title.split()).casefold()
    event = {
        "source": "harbour-post",
        "url": f"https://harbour-post.example/{slug}",
        "title": title,
        "fetched_at": instant_text(BEGINNING),
        "content_type": "text/plain",
        "content": "The council of Marrow Bay met on Monday and agreed to widen the harbour road before winter comes.",
    }
    return {name: value for name, value in (event | members).items() if value is not None}


@dataclass
class MemoryKafka:
    """Topics in memory, of one partition unless a record names another, and the consumer groups that read them."""

    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self._logs: defaultdict[str, defaultdict[int, list[Event]]] = defaultdict(lambda: defaultdict(list))
        self._committed: dict[tuple[str, str, int], Any] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="newsflow-testing-"))
        self._blobs = f"folder:///{self._folder / 'blobs'}"
        weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)

    def publish(
        self, topic: str, value: Any, *, key: bytes | None = None, headers: Headers = (), partition: int = 0
    ) -> Event:
        """Append a record, at the clock's time: bytes as they are, None, or anything else as JSON."""
        content = value if value is None or isinstance(value, bytes) else orjson.dumps(value)
        log = self._logs[topic][partition]
        at_ms = int(self.clock().timestamp() * 1_000)
        log.append(Event(topic, partition, len(log), at_ms, key, content, headers))
        return log[-1]

    def records(self, topic: str) -> list[Event]:
        """All records of a topic, partition by partition, in order."""
        return [event for _, log in sorted(self._logs[topic].items()) for event in log]

    def values(self, topic: str) -> list[Any]:
        """What the records of a topic hold or stand for, from JSON; None for a record without a value.

        Raises `ValueError` for a claim whose blob is missing.
        """
        from newsflow.blobs import BlobStore
        from newsflow.ingest.claims import Claimed

        read = Claimed(lambda: BlobStore(self._blobs), 1 << 30)
        return [_json(read.value(event, "test")) for event in self.records(topic)]

    def run(self, definition: Any, settings: Mapping[str, Any] | None = None) -> Counter[str]:
        """Run a job until it has read all there is, and return its counters (`outcome.added` …).

        `definition` is a shipped job's name (`ingest`), the path of a file, or a function `build(pipeline, job)`.
        `settings` are those of the configuration by dotted name (`{"kafka.group": "mine"}`); ledger and blob
        store are this object's own unless they name others. Raises what the job raises.
        """
        # Beam takes seconds to import, and a clock alone does not need it.
        from newsflow.config.load import load_config
        from newsflow.ingest.deliver import sink_names
        from newsflow.ingest.runtime import opened
        from newsflow.runners.job import JobDefinition, load_job

        own = {"ledger.url": f"sqlite:///{self._folder / 'ledger.db'}", "blobs.url": self._blobs}
        config = load_config(environ={}, flags=own | dict(settings or {})).config
        self._blobs = config.blobs.url
        found = JobDefinition(definition) if callable(definition) else load_job(str(definition))
        counters: Counter[str] = Counter()
        with opened(config, clock=self.clock, producer=_Producer(self, KafkaSettings.of(config.kafka))):
            for sink in sink_names(config) if found.per_sink else ("",):
                counters += self._run_one(found, config, sink)
        return counters

    def _run_one(self, definition: Any, config: Any, sink: str) -> Counter[str]:
        from apache_beam.options.pipeline_options import PipelineOptions

        from newsflow.kafka.reader import AvailableReader, RunLimits
        from newsflow.runners.job import Job
        from newsflow.runners.local import LocalLoop, PreparedPipeline

        job = Job(config, sinks=(sink,) if sink else ())
        position = job.published(sink) if sink else job.raw
        reader = AvailableReader(_Consumer(self, position.group), position.topic, RunLimits())
        counters: Counter[str] = Counter()
        pipeline = PreparedPipeline(definition.build, job, PipelineOptions([]))
        loop = LocalLoop(pipeline, reader, job, lambda _, found, __: counters.update(found), position=position)
        loop.until_caught_up()
        return counters


class _Producer(Producer):
    """Its own client: as much of a `kafka.KafkaProducer` as `BatchWriter` uses."""

    def __init__(self, kafka: MemoryKafka, settings: KafkaSettings) -> None:
        super().__init__(settings)
        self._kafka = kafka

    def client(self) -> _Producer:
        return self

    def send(self, topic: str, *, key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Any:
        event = self._kafka.publish(topic, value, key=key, headers=tuple(headers))
        return SimpleNamespace(get=lambda **_: event)

    def expect(self, topics: Iterable[str]) -> None: ...

    def flush(self, timeout: float) -> None: ...


class _Consumer:
    """As much of a `kafka.KafkaConsumer` as `AvailableReader` uses."""

    def __init__(self, kafka: MemoryKafka, group: str) -> None:
        self._kafka, self._group = kafka, group
        self._positions: dict[Any, int] = {}
        self._paused: set[Any] = set()

    def partitions_for_topic(self, topic: str) -> set[int]:
        return set(self._kafka._logs[topic]) or {0}

    def assign(self, partitions: Iterable[Any]) -> None:
        self._positions = dict.fromkeys(partitions, 0)

    def beginning_offsets(self, partitions: Iterable[Any], **_: object) -> dict[Any, int]:
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions: Iterable[Any], **_: object) -> dict[Any, int]:
        return {partition: len(self._log(partition)) for partition in partitions}

    def topic_id(self, topic: str, **_: object) -> str:
        return f"{topic} in memory"

    def committed(self, partition: Any, **_: object) -> Any:
        return self._kafka._committed.get((self._group, *partition))

    def commit(self, offsets: Mapping[Any, Any]) -> None:
        for partition, at in offsets.items():
            self._kafka._committed[self._group, *partition] = at

    def position(self, partition: Any) -> int:
        return self._positions[partition]

    def seek(self, partition: Any, offset: int, *_: object) -> None:
        self._positions[partition] = offset

    def pause(self, *partitions: Any) -> None:
        self._paused.update(partitions)

    def resume(self, *partitions: Any) -> None:
        self._paused.difference_update(partitions)

    def poll(self, max_records: int, **_: object) -> dict[Any, list[Any]]:
        found: dict[Any, list[Any]] = {}
        for partition, start in self._positions.items():
            records = [] if partition in self._paused else self._log(partition)[start : start + max_records]
            if records:
                found[partition] = [_record(event) for event in records]
                self._positions[partition] += len(records)
                max_records -= len(records)
        return found

    def close(self) -> None: ...

    def _log(self, partition: Any) -> list[Event]:
        return self._kafka._logs[partition.topic][partition.partition]


def _json(value: Any) -> Any:
    if isinstance(value, Rejected):
        raise ValueError(f"{value.reason}: {value.message}")
    return None if value is None else orjson.loads(value)


def _record(event: Event) -> Any:
    """An event as kafka-python gives a record."""
    return SimpleNamespace(
        **{name: getattr(event, name) for name in ("topic", "partition", "offset", "key", "value", "headers")},
        timestamp=event.timestamp_ms,
    )
