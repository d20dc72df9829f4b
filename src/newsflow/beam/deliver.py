"""The stages of delivery as transforms: a sink takes batches, what it refuses goes to the dead-letter topic."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics

from newsflow.beam.batch_coder import Batch
from newsflow.beam.job import Job
from newsflow.config.settings import Config
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event
from newsflow.sinks.deliver import DeadLetter
from newsflow.stages.letters import letter_of
from newsflow.stages.sinks import sink_for


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
