"""Batches of events, raw or published, from wherever the job says. The one module to change the source in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam

from newsflow.config.settings import Config
from newsflow.ingest.files import read_batches
from newsflow.kafka.reader import TopicPosition
from newsflow.model import Event
from newsflow.runners.batches import ConfiguredDoFn, on_batches
from newsflow.runners.job import Job


class _ReadTopic(beam.PTransform):
    """Batches of `Event`, in the order of each partition: a topic from one position on, or the lines of a file."""

    def __init__(self, job: Job, position: TopicPosition) -> None:
        super().__init__()
        self._job, self._position = job, position

    def expand(self, pipeline: Any) -> Any:
        config = self._job.config
        if self._job.source == "endless":
            from newsflow.runners.endless import ReadEndless

            return pipeline | "ReadEndless" >> ReadEndless(config, self._position, self._job.one_split)
        reader = ReadAvailable(config, self._position) if self._job.source == "available" else ReadLines(self._job)
        return pipeline | "Start" >> beam.Impulse() | "ReadBatches" >> on_batches(reader)


class ReadArticles(_ReadTopic):
    """Raw events in batches."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, job.raw)


class ReadPublished(_ReadTopic):
    """Published articles in batches, from where `sink` left off."""

    def __init__(self, job: Job, sink: str) -> None:
        super().__init__(job, job.published(sink))


class ReadAvailable(ConfiguredDoFn):
    """The batches of the run that the local loop has planned, by the reader that it lends."""

    def __init__(self, config: Config, position: TopicPosition) -> None:
        super().__init__(config)
        self._position = position

    def process(self, _: bytes) -> Iterator[list[Event]]:
        found = False
        for batch in self._runtime.lent(self._position).batches():
            found = True
            yield batch
        if not found:
            yield []  # for steps that wait for what other processes do


class ReadLines(ConfiguredDoFn):
    """The lines of a file. One that would not fit a record is a claim, as it would be on Kafka."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.config)
        self._path = job.input_path

    def process(self, _: bytes) -> Iterator[list[Event]]:
        limits, keep = self._config.limits, self._runtime.claim_check.keep_line
        yield from read_batches(Path(self._path), limits.batch_records, keep, limits.record_bytes)
