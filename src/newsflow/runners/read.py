"""Batches of events, raw or published, from wherever the job says. The one module to change the source in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from newsflow.config.settings import Config
from newsflow.ingest import steps
from newsflow.ingest.files import read_batches
from newsflow.ingest.runtime import Runtime
from newsflow.kafka.reader import TopicPosition
from newsflow.model import Event
from newsflow.runners.ahead import ReadAhead
from newsflow.runners.batches import ConfiguredDoFn, on_batches
from newsflow.runners.job import Job

StageFunction = Callable[[list[Event], Runtime], list[Event]]
"""Does a part of the work on a batch that was read ahead."""


def _only_read(events: list[Event], _: Runtime) -> list[Event]:
    return events


class _ReadTopic(beam.PTransform):
    """Batches of `Event`, in the order of each partition: a topic from one position on, or the lines of a file."""

    def __init__(self, job: Job, position: TopicPosition, *stages: StageFunction) -> None:
        super().__init__()
        self._job, self._position, self._stages = job, position, stages

    def expand(self, pipeline: Any) -> Any:
        config = self._job.config
        if self._job.source == "endless":
            from newsflow.runners.endless import ReadEndless

            return pipeline | "ReadEndless" >> ReadEndless(config, self._position, self._job.one_split)
        if self._job.source == "available":
            reader: beam.DoFn = ReadAvailable(config, self._position, *self._stages)
        else:
            reader = ReadLines(self._job, *self._stages)
        return pipeline | "Start" >> beam.Impulse() | "ReadBatches" >> on_batches(reader)


class ReadArticles(_ReadTopic):
    """Raw events in batches."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, job.raw, steps.begin, steps.go_ahead)


class ReadPublished(_ReadTopic):
    """Published articles in batches, from where `sink` left off."""

    def __init__(self, job: Job, sink: str) -> None:
        super().__init__(job, job.published(sink), _only_read)


class _ReadBatches(ConfiguredDoFn):
    """A step that reads batches ahead, and begins the work on each."""

    def __init__(self, config: Config, *stages: StageFunction) -> None:
        super().__init__(config)
        self._stages = stages

    def _ahead(self, reader: ReadAhead[Any]) -> Iterator[list[Event]]:
        return reader.batches(*(partial(_stage, each, self._runtime) for each in self._stages))


def _stage(function: StageFunction, runtime: Runtime, events: list[Event]) -> list[Event]:
    return function(events, runtime)


class ReadAvailable(_ReadBatches):
    """The batches of the run that the local loop has planned, by the reader that it lends."""

    def __init__(self, config: Config, position: TopicPosition, *stages: StageFunction) -> None:
        super().__init__(config, *stages)
        self._position = position

    def process(self, _: bytes) -> Iterator[list[Event]]:
        found = False
        for batch in self._ahead(self._runtime.lent(self._position)):
            found = True
            yield batch
        if not found:
            yield []  # for steps that wait for what other processes do


class ReadLines(_ReadBatches):
    """The lines of a file. One that would not fit a record is a claim, as it would be on Kafka."""

    def __init__(self, job: Job, *stages: StageFunction) -> None:
        super().__init__(job.config, *stages)
        self._path = job.input_path

    def batches(self) -> Iterator[list[Event]]:
        limits, keep = self._config.limits, self._runtime.claim_check.keep_line
        return read_batches(Path(self._path), limits.batch_records, keep, limits.record_bytes)

    def process(self, _: bytes) -> Iterator[list[Event]]:
        yield from self._ahead(ReadAhead(self))
