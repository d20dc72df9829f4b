"""`ReadArticles`: batches of raw events, from wherever the job says. The one place to change the source."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam

from newsflow.beam import inprocess
from newsflow.beam.batch_coder import Batch
from newsflow.beam.job import Job
from newsflow.model import Event
from newsflow.stages.lines import read_batches

READER = "reader"
"""Name of the local loop's `AvailableReader` among the in-process objects."""


class ReadArticles(beam.PTransform):
    """Raw events in batches (`list[Event]`), in the order of each partition."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, pipeline: Any) -> Any:
        """A pipeline in, batches of `Event` out."""
        if self._job.source == "endless":
            from newsflow.beam.endless import read_endless

            return pipeline | "ReadEndless" >> read_endless(self._job.config)
        reader = ReadAvailable() if self._job.source == "available" else ReadLines(self._job)
        return pipeline | "Start" >> beam.Impulse() | "ReadBatches" >> beam.ParDo(reader).with_output_types(Batch)


class ReadAvailable(beam.DoFn):
    """The batches of the run that the local loop has planned."""

    def process(self, _: bytes) -> Iterator[list[Event]]:
        """Called once a run."""
        yield from inprocess.get(READER).batches()


class ReadLines(beam.DoFn):
    """The lines of a file."""

    def __init__(self, job: Job) -> None:
        self._path, self._batch_records = job.input_path, job.config.limits.batch_records

    def process(self, _: bytes) -> Iterator[list[Event]]:
        """Called once."""
        yield from read_batches(Path(self._path), self._batch_records)
