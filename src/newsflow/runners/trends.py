"""The steps of the job trends. Counting is the ledger's; Beam's event time says when a window is to be closed.

All is in the global window on purpose: no record is ever late for the runner, so none can be dropped by it. What is
late is for the ledger to say, which counts it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import TimerSpec, on_timer
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from newsflow.config.settings import Config
from newsflow.errors import UsageError
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event
from newsflow.runners import job as inprocess
from newsflow.runners.job import Job
from newsflow.runners.read import reader_name
from newsflow.trends.job import count, dead_letter, due_records, emission_of, trends_for

Marker = tuple[str, int]
"""The end of a window that is to be closed, as key and as number."""


class CountArticles(beam.PTransform):
    """Take articles into the counts of the ledger. Versions and repeats are told apart there; what is no article is
    written to the dead letters before the bundle ends."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, events: Any) -> Any:
        """Batches of `Event` in; ends of windows that must be looked at out, `(text, seconds since 1970)`."""
        return events | "CountBatch" >> beam.ParDo(CountBatch(self._config)).with_output_types(tuple[str, int])


class CloseWindows(beam.PTransform):
    """Say up to when windows are to be closed: each `grace_s` after its end, one that is closed already at once."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self._job = job

    def expand(self, ends: Any) -> Any:
        """Ends of windows in, as pairs; times up to which to close out, in seconds since 1970."""
        if self._job.source == "endless":
            timer = CloseByWatermark(self._job.config)
            return ends | "AwaitWatermark" >> beam.ParDo(timer).with_output_types(int)
        if self._job.source == "available":
            return ends | "AtEndOfRun" >> beam.ParDo(CloseAtEndOfRun(self._job)).with_output_types(int)
        raise UsageError("the job trends reads Kafka: a file has no clock that says when a window is over")


class PublishTrends(beam.PTransform):
    """Close what is due, and write what the ledger settled about it: counts, corrections, bursts."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def expand(self, times: Any) -> Any:
        """Times up to which to close in; nothing comes out."""
        return times | "CloseAndWrite" >> beam.ParDo(CloseAndWrite(self._config))


class CountBatch(beam.DoFn):
    """One transaction a batch."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def setup(self) -> None:
        """Take the process's ledger."""
        self._trends = trends_for(self._config)
        self._writer = BatchWriter(KafkaSettings.of(self._config.kafka))

    def process(self, events: Sequence[Event]) -> Iterator[Marker]:
        """A batch in; the ends of the windows that are to be closed because of it out."""
        rule = self._config.trends.windows
        read = count(events, self._trends, self._config.trends)
        for name, number in read.counters().items():
            Metrics.counter("newsflow", name).inc(number)
        for event, rejected in read.dead:
            letter = dead_letter(event, rejected, self._config.job)
            self._writer.send(letter.topic, letter.key, letter.value, letter.headers)
        for end in sorted({end for start in read.counted.due for end in rule.ends(start)}):
            yield str(end), end

    def finish_bundle(self) -> None:
        """Wait until the brokers have the dead letters; raises `KafkaError` otherwise."""
        self._writer.flush()


class CloseByWatermark(beam.DoFn):
    """For engines that stream: a timer of event time for each window, which the runner keeps and restores.

    A window that is over by then fires at once: a correction, or a window of which nothing was known before.
    """

    OVER = TimerSpec("over", TimeDomain.WATERMARK)

    def __init__(self, config: Config) -> None:
        self._grace_s = config.trends.windows.grace_s

    def process(self, marker: Marker, over: Any = beam.DoFn.TimerParam(OVER)) -> None:  # noqa: B008
        """Set, or set again, the timer of one window."""
        over.set(Timestamp(marker[1] + self._grace_s))

    @on_timer(OVER)
    def is_over(self, key: Any = beam.DoFn.KeyParam) -> Iterator[int]:
        """The watermark has passed a window's end and grace."""
        yield int(key)


class CloseAtEndOfRun(beam.DoFn):
    """For the local loop, whose runs each begin and end event time anew: the reader knows how far all partitions
    were read. Called in every run, so that a window is closed also when nothing comes any more."""

    def __init__(self, job: Job) -> None:
        self._reader, self._grace_s = reader_name(job.raw), job.config.trends.windows.grace_s

    def process(self, marker: Marker) -> None:
        """What changed is in the ledger; nothing is to be carried from here."""

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """One time a run."""
        read_ms = inprocess.get(self._reader).read_until_ms()
        yield WindowedValue(read_ms // 1_000 - self._grace_s, Timestamp(0), (GlobalWindow(),))


class CloseAndWrite(beam.DoFn):
    """Each window closes in a transaction of its own; its records are written and acknowledged before the next."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def setup(self) -> None:
        """Take the process's ledger and producer."""
        self._trends = trends_for(self._config)
        self._writer = BatchWriter(KafkaSettings.of(self._config.kafka))

    def process(self, upto: int) -> None:
        """Close windows that end up to a time. Killed between, the next call goes on where this one was."""
        for page in due_records(self._trends, upto):
            for record in page:
                emission = emission_of(record, self._config.job)
                self._writer.send(emission.topic, emission.key, emission.value, emission.headers)
            self._writer.flush()
            self._trends.written(page)
            Metrics.counter("newsflow", "trends.records").inc(len(page))
