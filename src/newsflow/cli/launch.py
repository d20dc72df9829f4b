"""Start a job: on files, on Kafka with the local runner, or on a Beam runner named by the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions

from newsflow.beam import inprocess
from newsflow.beam.heartbeat import Heartbeat, beats_of
from newsflow.beam.job import Job
from newsflow.beam.jobs import Page
from newsflow.beam.local import LocalLoop, PreparedPipeline, RunReport
from newsflow.beam.runners import run_on
from newsflow.beam.write import OUTPUT, FileOutput
from newsflow.cli.common import Output, data, data_json, words
from newsflow.cli.draining import draining
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
            alerts = AlertDelivery(lambda: tools.ledger, config.destinations)
            with draining([loop.stop]), _upkeep(config, follow), alerts as delivery:
                (loop.follow if follow else loop.until_caught_up)()
            said = delivery.report()
        finally:
            reader.close()
    if reporting:
        for line in said:
            words.print(line, markup=False)
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
        yield tools_for(config)
    finally:
        close_tools()


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
