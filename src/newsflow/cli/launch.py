"""Start a job: on files, on Kafka with the local runner, or on a Beam runner named by the user."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from newsflow.beam import inprocess
from newsflow.beam.job import Job
from newsflow.beam.jobs import load_job
from newsflow.beam.local import LocalLoop, PreparedPipeline, RunReport
from newsflow.beam.runners import run_on
from newsflow.beam.write import OUTPUT, FileOutput
from newsflow.cli.common import Output, data, data_json, words
from newsflow.cli.progress import RunProgress
from newsflow.config.settings import Config
from newsflow.errors import UsageError
from newsflow.kafka.client import make_consumer
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import mask_url, open_ledger
from newsflow.ledger.upkeep import Upkeep
from newsflow.secrets import resolve
from newsflow.sinks.delivery import AlertDelivery
from newsflow.sinks.files import OutputDirectory
from newsflow.stages.tools import close_tools, tools_for


def on_files(
    name: str,
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
        PreparedPipeline(load_job(name), job, PipelineOptions(beam_args or [])).run()
        folder.finish()
    if reporting:
        _report(progress, output, f"results in {output_dir}")


def locally(
    name: str,
    config: Config,
    partitions: list[int] | None,
    *,
    follow: bool,
    output: Output = Output.TEXT,
    quiet: bool = False,
    reporting: bool = True,
    beam_args: list[str] | None = None,
) -> None:
    """Run a job on Kafka with the local runner, until it is caught up or told to stop."""
    job, limits = Job(config, "available", "kafka"), config.limits
    with RunProgress(quiet) as progress, _tools(config) as tools:
        pipeline = PreparedPipeline(load_job(name), job, PipelineOptions(beam_args or []))
        consumer = make_consumer(KafkaSettings.of(config.kafka), group=config.kafka.group, fetch_max_wait_ms=100)
        bounds = RunLimits(limits.batch_records, limits.run_records, limits.run_bytes, limits.run_s)
        reader = AvailableReader(consumer, config.kafka.input_topic, bounds, partitions)
        loop = LocalLoop(pipeline, reader, job, lambda run: _add(progress, run))
        try:
            with _draining(loop), _upkeep(config, follow), AlertDelivery(tools.ledger, config.destinations) as delivery:
                (loop.follow if follow else loop.until_caught_up)()
            for line in delivery.report():
                words.print(line, markup=False)
        finally:
            reader.close()
    if reporting:
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


def on_runner(name: str, config: Config, beam_args: list[str]) -> None:
    """Run a job on the Beam runner that `beam_args` name, with the endless source."""
    run_on(load_job(name), Job(config, "endless", "kafka"), beam_args)


def _add(progress: RunProgress, run: RunReport) -> None:
    progress.add(run.records, run.counters, run.left)


@contextmanager
def _tools(config: Config) -> Iterator[Any]:
    """The process's parts: built here, so that what is wrong with a file shows before anything starts."""
    try:
        yield tools_for(config)
    finally:
        close_tools()


@contextmanager
def _draining(loop: LocalLoop) -> Iterator[None]:
    """The first SIGINT or SIGTERM lets the batch in hand end and commits it; the second quits at once."""
    told: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        told.append(number)
        if len(told) > 1:
            words.print("stopped at once; what was not committed is read again at the next start")
            sys.stderr.flush()
            # Not sys.exit: that would wait for the run that is not to be waited for.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        words.print(f"{signal.Signals(number).name}: finishing the batch in hand; once more to stop at once")
        loop.stop()

    earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


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
    words.print(where, markup=False)
