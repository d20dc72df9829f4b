"""Batches of events, raw or published, from wherever the job says. The one module to change the source in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam

from newsflow.ingest.files import read_batches
from newsflow.model import Event
from newsflow.runners import job as inprocess
from newsflow.runners.batches import Batch
from newsflow.runners.job import Job, Place


def reader_name(place: Place) -> str:
    """Name of a local loop's `AvailableReader` among the in-process objects."""
    return f"the reader of {place.topic} for {place.group}"


class _ReadLog(beam.PTransform):
    """The records at one place of the log, from wherever the job says."""

    def __init__(self, job: Job, place: Place) -> None:
        super().__init__()
        self._job, self._place = job, place

    def expand(self, pipeline: Any) -> Any:
        """A pipeline in, batches of `Event` out."""
        if self._job.source == "endless":
            from newsflow.runners.endless import read_endless

            return pipeline | "ReadEndless" >> read_endless(
                self._job.config, self._place, one_split=self._job.one_split
            )
        reader = ReadAvailable(self._place) if self._job.source == "available" else ReadLines(self._job)
        return pipeline | "Start" >> beam.Impulse() | "ReadBatches" >> beam.ParDo(reader).with_output_types(Batch)


class ReadArticles(_ReadLog):
    """Raw events in batches (`list[Event]`), in the order of each partition."""

    def __init__(self, job: Job) -> None:
        super().__init__(job, job.raw)


class ReadPublished(_ReadLog):
    """Published articles in batches (`list[Event]`), in the order of each partition, from where `sink` left off."""

    def __init__(self, job: Job, sink: str) -> None:
        super().__init__(job, job.published(sink))


class ReadAvailable(beam.DoFn):
    """The batches of the run that the local loop has planned."""

    def __init__(self, place: Place) -> None:
        self._name = reader_name(place)

    def process(self, _: bytes) -> Iterator[list[Event]]:
        """Called once a run."""
        yield from inprocess.get(self._name).batches()


class ReadLines(beam.DoFn):
    """The lines of a file."""

    def __init__(self, job: Job) -> None:
        self._path, self._batch_records = job.input_path, job.config.limits.batch_records

    def process(self, _: bytes) -> Iterator[list[Event]]:
        """Called once."""
        yield from read_batches(Path(self._path), self._batch_records)
