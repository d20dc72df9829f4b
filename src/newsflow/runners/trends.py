"""The stages of the job trends. The ledger counts; Beam's event time says when a window is to be closed.

Everything is in the global window on purpose: no record is ever late for the runner, so it can drop none. The ledger
says what is late, and counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from newsflow.config.settings import Config
from newsflow.errors import UsageError
from newsflow.ingest.emit import dead_letter
from newsflow.model import Event
from newsflow.runners.batches import ConfiguredDoFn, ConfiguredTransform, WriteToKafka
from newsflow.runners.batches import count as add_to_counters
from newsflow.runners.job import Job
from newsflow.trends.job import count, due_records, output_record

Marker = tuple[str, int]
"""The end of a window that is to be closed, as a key and as seconds since 1970."""


class CountArticles(ConfiguredTransform):
    """Take articles into the counts of the ledger, which tells versions from repeats. What is not an article is written
    to the dead letters before the bundle ends. Batches of `Event` in; a `Marker` of each window to look at out."""

    def expand(self, events: Any) -> Any:
        return events | "CountBatch" >> beam.ParDo(CountBatch(self._config)).with_output_types(Marker)


class CloseWindows(beam.PTransform):
    """Say up to when windows are to be closed, in seconds since 1970: each `grace_s` after its end, and at once where
    it is closed already."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, ends: Any) -> Any:
        if self._job.source == "endless":
            timer = CloseByWatermark(self._job.config)
            return ends | "AwaitWatermark" >> beam.ParDo(timer).with_output_types(int)
        if self._job.source == "available":
            return ends | "AtEndOfRun" >> beam.ParDo(CloseAtEndOfRun(self._job)).with_output_types(int)
        raise UsageError("the job trends reads Kafka: a file has no clock that says when a window is over")


class PublishTrends(ConfiguredTransform):
    """Close what is due by the times that come in, and write what the ledger decided: counts, corrections, bursts."""

    def expand(self, times: Any) -> Any:
        return times | "CloseAndWrite" >> beam.ParDo(CloseAndWrite(self._config))


class CountBatch(WriteToKafka):
    """One transaction a batch."""

    def process(self, events: Sequence[Event]) -> Iterator[Marker]:
        rule = self._config.trends.windows
        read = count(events, self._runtime.trends, self._config.trends, self._runtime.claimed)
        add_to_counters(read.counters())
        self.send([dead_letter(event, rejected, self._config.job) for event, rejected in read.dead])
        for end in sorted({end for start in read.counted.due for end in rule.ends(start)}):
            yield str(end), end


class CloseByWatermark(beam.DoFn):
    """For runners that stream: a timer of event time for each window, which the runner keeps and restores.

    The timer of a window that is over already fires at once: a correction, or a window of which nothing was known.
    """

    OVER = TimerSpec("over", TimeDomain.WATERMARK)

    def __init__(self, config: Config) -> None:
        self._grace_s = config.trends.windows.grace_s

    def process(self, marker: Marker, over: Any = beam.DoFn.TimerParam(OVER)) -> None:  # noqa: B008
        over.set(Timestamp(marker[1] + self._grace_s))

    @on_timer(OVER)
    def is_over(self, key: Any = beam.DoFn.KeyParam) -> Iterator[int]:
        """The watermark has passed a window's end and grace."""
        yield int(key)


class CloseAtEndOfRun(ConfiguredDoFn):
    """For the local loop, each of whose runs begins event time anew: the reader knows how far it is.
    Called in every run, so that a window is closed also when nothing comes any more."""

    def __init__(self, job: Job) -> None:
        super().__init__(job.config)
        self._position, self._grace_s = job.raw, job.config.trends.windows.grace_s

    def process(self, marker: Marker) -> None:
        """What changed is in the ledger; nothing is to be carried from here."""

    def finish_bundle(self) -> Iterator[WindowedValue]:
        read_ms = self._runtime.lent(self._position).reader.read_until_ms(self._grace_s)
        yield WindowedValue(read_ms // 1_000 - self._grace_s, Timestamp(0), (GlobalWindow(),))


class CloseAndWrite(WriteToKafka):
    """Each window closes in a transaction of its own; its records are written and acknowledged before the next. Killed
    in between, the next call goes on where this one was."""

    def process(self, upto: int) -> None:
        trends = self._runtime.trends
        for records in due_records(trends, upto):
            self.send([output_record(record, self._config.job) for record in records])
            self.finish_bundle()
            trends.written(records)
            add_to_counters(Counter({"trends.records": len(records)}))
