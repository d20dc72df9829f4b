"""Start a job: on files, on Kafka with the local runner, or on a Beam runner named by the user."""

from __future__ import annotations

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from newsflow.alerts.delivery import AlertDelivery
from newsflow.alerts.outbox import Outbox
from newsflow.cli.common import Output, console, data, data_json, tell
from newsflow.config.settings import Config
from newsflow.errors import UsageError
from newsflow.ingest.files import OutputDirectory
from newsflow.ingest.runtime import close_runtimes, runtime_for
from newsflow.kafka.client import make_consumer
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import mask_url, open_ledger
from newsflow.ledger.upkeep import Upkeep
from newsflow.runners import job as inprocess
from newsflow.runners.job import Job
from newsflow.runners.local import Heartbeat, LocalLoop, PreparedPipeline, RunReport, beats_of
from newsflow.runners.pages import Page, run_on
from newsflow.runners.transforms import OUTPUT, FileOutput
from newsflow.secrets import resolve

# Signals of a running job: the first lets what is in hand end, the second quits at once.


@contextmanager
def draining(stops: Iterable[Callable[[], object]]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls every one of `stops`; the second ends the process where it stands."""
    told: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        told.append(number)
        if len(told) > 1:
            console.print("stopped at once; what was not committed is read again at the next start")
            sys.stderr.flush()
            # Not sys.exit: that would wait for the run that is not to be waited for.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        console.print(f"{signal.Signals(number).name}: finishing the batch in hand; once more to stop at once")
        for stop in stops:
            stop()

    earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


# How a running job shows itself: a live line on a terminal, plain lines otherwise.


EVERY_S = 5.0
OUTCOMES = ("added", "replaced", "withdrawn", "repeat", "stale", "duplicate", "dead-lettered")


class RunProgress:
    """Adds up what runs did. Use as a context; `quiet` says nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.total: Counter[str] = Counter()
        self.records = 0
        self._quiet, self._live = quiet, console.is_terminal and not quiet
        self._began = self._said = time.monotonic()
        self._bar = _bar() if self._live else None
        self._task = None if self._bar is None else self._bar.add_task("reading …", total=None)

    def __enter__(self) -> RunProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, records: int, counters: Counter[str], left: int | None = None) -> None:
        """Take in what one run did; `left` records are known to be still to come."""
        self.records += records
        self.total.update(counters)
        line = f"{self.records:,} events, {self.records / max(time.monotonic() - self._began, 1e-9):,.0f}/s"
        line += "" if left is None else f", {left:,} to go"
        if self._bar is not None and self._task is not None:
            total = None if left is None else self.records + left
            self._bar.update(self._task, completed=self.records, total=total, description=f"{line} ({self.summary()})")
        elif not self._quiet and time.monotonic() - self._said > EVERY_S:
            self._said = time.monotonic()
            tell(line)

    def outcomes(self) -> dict[str, int]:
        """Events by outcome, all seven."""
        return {name: self.total[f"outcome.{name}"] for name in OUTCOMES}

    def reasons(self) -> dict[str, int]:
        """Dead letters by reason."""
        return {name[7:]: count for name, count in sorted(self.total.items()) if name.startswith("reason.")}

    def summary(self) -> str:
        """`added 40, repeat 2`: only what happened."""
        return ", ".join(f"{name} {count}" for name, count in self.outcomes().items() if count) or "nothing yet"


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TextColumn("{task.description}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        transient=True,
    )


def on_files(
    page: Page,
    config: Config,
    input_file: Path,
    output_dir: Path,
    *,
    output: Output = Output.TEXT,
    quiet: bool = False,
    reporting: bool = True,
    beam_args: list[str] | None = None,
) -> None:
    """Run a job once over a file. The output folder is whole or as it was before."""
    if not input_file.is_file():
        raise UsageError(f"{input_file} is no file; accepted: JSON lines, plain or .gz")
    job = Job(config, "lines", "files", str(input_file))
    with OutputDirectory(output_dir) as folder, RunProgress(quiet) as progress, _tools(config):
        inprocess.put(OUTPUT, FileOutput(folder, progress.add))
        PreparedPipeline(page.build, job, PipelineOptions(beam_args or [])).run()
        folder.finish()
    if reporting:
        _report(progress, output, f"results in {output_dir}")


def locally(
    page: Page,
    config: Config,
    partitions: list[int] | None,
    *,
    follow: bool,
    output: Output = Output.TEXT,
    quiet: bool = False,
    reporting: bool = True,
    beam_args: list[str] | None = None,
    heartbeat: Path | None = None,
) -> None:
    """Run a job on Kafka with the local runner, until it is caught up or told to stop."""
    beat = beats_of(None if heartbeat is None else Heartbeat(heartbeat), "")
    job, limits = Job(config, "available", "kafka"), config.limits
    with RunProgress(quiet) as progress, _tools(config) as tools:
        pipeline = PreparedPipeline(page.build, job, PipelineOptions(beam_args or []))
        consumer = make_consumer(KafkaSettings.of(config.kafka), group=config.kafka.group, fetch_max_wait_ms=100)
        bounds = RunLimits(limits.batch_records, limits.run_records, limits.run_bytes, limits.run_s)
        reader = AvailableReader(consumer, config.kafka.input_topic, bounds, partitions)
        report = partial(_add, progress)
        loop = LocalLoop(pipeline, reader, job, report, idle_run_s=page.idle_run_s, beat=beat)
        try:
            alerts = AlertDelivery(lambda: Outbox(tools.ledger), config.destinations)
            with draining([loop.stop]), _upkeep(config, follow), alerts as delivery:
                (loop.follow if follow else loop.until_caught_up)()
            said = delivery.report()
        finally:
            reader.close()
    if reporting:
        for line in said:
            tell(line)
        _report(progress, output, f"ledger {mask_url(config.ledger.url)}")


def _upkeep(config: Config, follow: bool) -> AbstractContextManager[object]:
    """Prunes the ledger while a job follows; a run that ends is too short for it."""
    ledger = config.ledger
    if not follow:
        return nullcontext()
    return Upkeep(
        lambda: open_ledger(resolve(ledger.url), window_h=ledger.window_h),
        retention=timedelta(days=ledger.retention_d),
        every=timedelta(hours=ledger.prune_every_h),
    )


def on_runner(page: Page, config: Config, beam_args: list[str]) -> None:
    """Run a job on the Beam runner that `beam_args` name, with the endless source."""
    run_on(page.build, Job(config, "endless", "kafka"), beam_args)


def _add(progress: RunProgress, run: RunReport) -> None:
    progress.add(run.records, run.counters, run.left)


@contextmanager
def _tools(config: Config) -> Iterator[Any]:
    """The process's parts: built here, so that what is wrong with a file shows before anything starts."""
    try:
        yield runtime_for(config)
    finally:
        close_runtimes()


def _report(progress: RunProgress, output: Output, where: str) -> None:
    outcomes, reasons = progress.outcomes(), progress.reasons()
    if output is Output.JSON:
        data_json({"events": sum(outcomes.values()), "outcomes": outcomes, "reasons": reasons})
        return
    for name, count in outcomes.items():
        data(f"{name:>14} {count:>8,}")
    data(f"{'events':>14} {sum(outcomes.values()):>8,}")
    for name, count in reasons.items():
        data(f"  dead letters: {name} {count:,}")
    tell(where)
