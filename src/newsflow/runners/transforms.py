"""The stages as transforms: each applies one function of `newsflow.ingest` to batches. No logic here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics

from newsflow.config.settings import Config
from newsflow.ingest import steps
from newsflow.ingest.deliver import DeadLetter, sink_for
from newsflow.ingest.emit import letter_of, output_records, rows
from newsflow.ingest.files import OutputDirectory
from newsflow.ingest.item import Item
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event
from newsflow.runners import job as inprocess
from newsflow.runners.batches import Batch, CountOutcomes, OnBatches, OnEvents, count_outcomes
from newsflow.runners.job import Job


def _on(work: beam.DoFn) -> Any:
    return beam.ParDo(work).with_output_types(Batch)


class _Stage(beam.PTransform):
    """A transform that needs to know the configuration, and nothing else."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config


class Normalise(_Stage):
    """Raw events to clean articles, or to a reason why not."""

    def expand(self, events: Any) -> Any:
        """Batches of `Event` in, batches of `Item` out."""
        return events | "NormaliseBatch" >> _on(OnEvents(self._config))


class Deduplicate(_Stage):
    """Ask the ledger what each event is: new, another version, a repeat, a duplicate …"""

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in and out."""
        return items | "DecideBatch" >> _on(OnBatches(self._config, steps.deduplicate))


class TagTopics(_Stage):
    """Find what each article is about, with evidence."""

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in and out."""
        return items | "TagBatch" >> _on(OnBatches(self._config, steps.tag))


class Route(_Stage):
    """Settle who gets what, and keep it in the ledger before any of it is written."""

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in and out."""
        return (
            items
            | "RouteBatch" >> _on(OnBatches(self._config, steps.route))
            | "RecordBatch" >> _on(OnBatches(self._config, steps.record))
            | "CountOutcomes" >> _on(CountOutcomes())
        )


# `WriteArticles`: what the stages settled, written. A bundle ends only when every record is acknowledged.


OUTPUT = "output"
"""Name of the open output directory among the in-process objects."""


class FileOutput:
    """The open output directory of a run on files, and who wants to know how it goes on."""

    def __init__(self, folder: OutputDirectory, told: Callable[[int, Counter[str]], None]) -> None:
        self._folder, self._told = folder, told

    def take(self, batch: Sequence[Item], job: str) -> None:
        """Append what the batch writes; tells how many events that were, and their counters."""
        self._folder.write(rows(batch, job))
        self._told(sum(not item.promoted for item in batch), count_outcomes(batch))


class WriteArticles(beam.PTransform):
    """Batches of settled items to their topics, or to files."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in; nothing comes out."""
        writer = WriteKafka(self._job.config) if self._job.sink == "kafka" else WriteFiles(self._job.config)
        return items | "WriteBatch" >> beam.ParDo(writer)


class WriteKafka(beam.DoFn):
    """Send as batches come, wait for every acknowledgement in `finish_bundle`; one failure fails the bundle."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def setup(self) -> None:
        """Write through the process's producer."""
        self._writer: BatchWriter = BatchWriter(KafkaSettings.of(self._config.kafka))

    def process(self, batch: Sequence[Item]) -> None:
        """Hand a batch to the producer; it goes out meanwhile."""
        for emission in output_records(batch, self._config.job):
            self._writer.send(emission.topic, emission.key, emission.value, emission.headers)

    def finish_bundle(self) -> None:
        """Wait until the brokers have all of it; raises `KafkaError` otherwise."""
        self._writer.flush()


class WriteFiles(beam.DoFn):
    """Append to the output that the launcher opened, and closes when the run is done."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def process(self, batch: Sequence[Item]) -> None:
        """Append a batch."""
        inprocess.get(OUTPUT).take(batch, self._config.job)


# The stages of delivery as transforms: a sink takes batches, what it refuses goes to the dead-letter topic.


class DeliverTo(beam.PTransform):
    """Give batches of published articles to the sink called `sink`, and wait for it while it is away."""

    def __init__(self, job: Job, sink: str) -> None:
        super().__init__()
        self._job, self._sink = job, sink

    def expand(self, events: Any) -> Any:
        """Batches of `Event` in, batches of `DeadLetter` out: what the sink will never take."""
        return events | "TakeBatch" >> beam.ParDo(TakeBatch(self._job, self._sink)).with_output_types(Batch)


class WriteDeadLetters(beam.PTransform):
    """Batches of dead letters to the topic beside the one they came from. A failure fails the bundle."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, letters: Any) -> Any:
        """Batches of `DeadLetter` in; nothing comes out."""
        return letters | "WriteBatch" >> beam.ParDo(WriteLetters(self._config))


class TakeBatch(beam.DoFn):
    """One batch to the sink, which belongs to the process and not to the bundle."""

    def __init__(self, job: Job, sink: str) -> None:
        self._config, self._patience_s, self._name = job.config, job.patience_s, sink

    def setup(self) -> None:
        """Take the process's sink."""
        self._sink = sink_for(self._config, self._name)

    def process(self, events: Sequence[Event]) -> Iterator[list[DeadLetter]]:
        """Returns when the sink has the batch; raises when it was away for longer than the job's patience, or was
        told to stop meanwhile."""
        dead = self._sink.take(events, self._patience_s)
        Metrics.counter("newsflow", "outcome.delivered").inc(len(events) - len(dead))
        if dead:
            Metrics.counter("newsflow", "outcome.dead-lettered").inc(len(dead))
            for _, rejected in dead:
                Metrics.counter("newsflow", f"reason.{rejected.reason}").inc()
            yield dead


class WriteLetters(beam.DoFn):
    """Send as they come, wait for every acknowledgement in `finish_bundle`."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def setup(self) -> None:
        """Write through the process's producer."""
        self._writer: BatchWriter = BatchWriter(KafkaSettings.of(self._config.kafka))

    def process(self, letters: Sequence[DeadLetter]) -> None:
        """Hand a batch to the producer."""
        for event, rejected in letters:
            topic, headers = letter_of(event, rejected, f"{self._config.job}.deliver")
            self._writer.send(topic, event.key, event.value, headers)

    def finish_bundle(self) -> None:
        """Wait until the brokers have all of it; raises `KafkaError` otherwise."""
        self._writer.flush()
