"""The stages of the jobs `ingest` and `deliver` as transforms: each applies a function of `newsflow.ingest` to batches.
No logic here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam

from newsflow import metrics
from newsflow.ingest import steps
from newsflow.ingest.deliver import DeadLetter
from newsflow.ingest.emit import dead_letter, output_records
from newsflow.ingest.item import Item, OutputRecord, count_outcomes
from newsflow.ingest.measures import show_ages
from newsflow.ingest.stories import tell_stories
from newsflow.model import Event
from newsflow.runners.batches import ConfiguredDoFn, ConfiguredTransform, CountOutcomes, WriteToKafka, count, on_batches
from newsflow.runners.job import Job


class Normalise(ConfiguredTransform):
    """Raw events to clean articles, or to a reason why not: batches of `Event` in, of `Item` out."""

    def expand(self, events: Any) -> Any:
        return events | "NormaliseBatch" >> self._apply(steps.normalise)


class Deduplicate(ConfiguredTransform):
    """Ask the ledger what each event is: new, another version, a repeat, a duplicate …"""

    def expand(self, items: Any) -> Any:
        return items | "DecideBatch" >> self._apply(steps.deduplicate)


class TagTopics(ConfiguredTransform):
    """Find what each article is about, with evidence."""

    def expand(self, items: Any) -> Any:
        return items | "TagBatch" >> self._apply(steps.tag)


class Route(ConfiguredTransform):
    """Decide who gets what, and keep it in the ledger before any of it is written."""

    def expand(self, items: Any) -> Any:
        return (
            items
            | "RouteBatch" >> self._apply(steps.route)
            | "RecordBatch" >> self._apply(steps.record)
            | "CountOutcomes" >> on_batches(CountOutcomes())
        )


class WriteArticles(beam.PTransform):
    """What the stages decided to its topics, or to files. A bundle ends only when every record is acknowledged."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, items: Any) -> Any:
        writer = WriteRecords(self._job.config) if self._job.sink == "kafka" else WriteFiles(self._job.config)
        return items | "WriteBatch" >> beam.ParDo(writer)


class WriteRecords(WriteToKafka):
    """Every record that a batch leads to; when these are written, what became of stories."""

    def start_bundle(self) -> None:
        self._articles = set[str]()
        self._written: list[Item] = []

    def process(self, batch: Sequence[Item]) -> None:
        self.send(output_records(batch, self._config.job))
        self._articles |= {item.article.id for item in batch if item.article is not None}
        self._written += batch if metrics.is_on() else ()

    def finish_bundle(self) -> None:
        super().finish_bundle()
        show_ages(self._written)
        tell_stories(self._articles, self._runtime, self._write)

    def _write(self, records: Sequence[OutputRecord]) -> None:
        self.send(records)
        self._writer.flush()


OUTPUT = "the output directory"
"""The name under which the launcher of a run on files lends what takes each batch."""


class WriteFiles(ConfiguredDoFn):
    """Hand each batch to the output that the launcher has opened, and closes when the run is done."""

    def process(self, batch: Sequence[Item]) -> None:
        self._runtime.lent(OUTPUT)(batch)


class DeliverTo(beam.PTransform):
    """Give batches of published articles to the sink called `sink`, and wait for it while it is unavailable. Batches of
    `Event` in; of `DeadLetter` out: what the sink will never take."""

    def __init__(self, job: Job, sink: str) -> None:
        super().__init__()
        self._job, self._sink = job, sink

    def expand(self, events: Any) -> Any:
        return events | "TakeBatch" >> on_batches(TakeBatch(self._job, self._sink))


class TakeBatch(ConfiguredDoFn):
    """One batch to the sink, which belongs to the process and not to the bundle."""

    def __init__(self, job: Job, sink: str) -> None:
        super().__init__(job.config)
        self._patience_s, self._name = job.patience_s, sink

    def setup(self) -> None:
        super().setup()
        self._sink = self._runtime.sink(self._name)

    def process(self, events: Sequence[Event]) -> Iterator[list[DeadLetter]]:
        """Returns when the sink has the batch; raises when it was unavailable for longer than the job's patience, or
        was told to stop meanwhile."""
        dead = self._sink.take(events, self._patience_s)
        delivered = ["delivered"] * (len(events) - len(dead))
        count(count_outcomes(delivered, [rejected for _, rejected in dead]))
        if dead:
            yield dead


class WriteDeadLetters(ConfiguredTransform):
    """Batches of dead letters to the topic beside the one they came from. A failure fails the bundle."""

    def expand(self, dead_letters: Any) -> Any:
        return dead_letters | "WriteBatch" >> beam.ParDo(WriteDeadLetterBatch(self._config))


class WriteDeadLetterBatch(WriteToKafka):
    """The original key and value of each dead letter, with headers that say why."""

    def process(self, dead_letters: Sequence[DeadLetter]) -> None:
        job = f"{self._config.job}.deliver"
        self.send([dead_letter(event, why, job, qualifier=why.stage) for event, why in dead_letters])
