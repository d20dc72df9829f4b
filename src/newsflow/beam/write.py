"""`WriteArticles`: what the stages settled, written. A bundle ends only when every record is acknowledged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import apache_beam as beam

from newsflow.beam import inprocess
from newsflow.beam.batch import count_outcomes
from newsflow.beam.job import Job
from newsflow.config.settings import Config
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.sinks.files import OutputDirectory
from newsflow.stages.emit import emissions
from newsflow.stages.item import Item
from newsflow.stages.rows import rows

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
        for emission in emissions(batch, self._config.job):
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
