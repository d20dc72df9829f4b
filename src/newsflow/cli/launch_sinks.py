"""Start a page that is laid once for each sink: one loop a sink here, or one job with all of them on a Beam runner."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from apache_beam.options.pipeline_options import PipelineOptions

from newsflow.alerts.delivery import AlertDelivery
from newsflow.cli.common import Output, data, data_json, tell
from newsflow.cli.launch import draining
from newsflow.config.settings import Config
from newsflow.errors import NewsflowError
from newsflow.ingest.deliver import ALERTS, PatientSink, close_sinks, planner_for, sink_for
from newsflow.kafka.client import make_consumer
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.settings import KafkaSettings
from newsflow.runners.job import Job
from newsflow.runners.local import Heartbeat, LocalLoop, PreparedPipeline, RunReport, beats_of
from newsflow.runners.pages import Page, run_on

IDLE_S = 0.25


@dataclass
class SinkRun:
    """One sink's own way through the log, and what became of it."""

    name: str
    sink: PatientSink
    loop: LocalLoop
    total: Counter[str]
    failure: str = ""

    def stop(self) -> None:
        """Finish the batch in hand; wait for a sink that is away no longer."""
        self.sink.stop()
        self.loop.stop()

    def go(self, follow: bool, heartbeat: Heartbeat | None = None) -> None:
        """Run to the end, or until told to stop. What makes it fail is kept: the other sinks go on."""
        try:
            (self.loop.follow if follow else self.loop.until_caught_up)()
        except Exception as error:
            self.failure = f"{self.name}: {error}"
            tell(f"{self.name} stopped: {error}")
        if heartbeat is not None:
            heartbeat.end(self.name)


@dataclass
class Delivered:
    """What a run came to: counts by sink, and lines on the alerts."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)


def locally(
    page: Page,
    config: Config,
    sinks: Sequence[str],
    partitions: list[int] | None,
    *,
    follow: bool,
    beam_args: list[str] | None = None,
    heartbeat: Path | None = None,
) -> Delivered:
    """Run a page with the local runner, each sink in a thread and at its own place in the log. Raises
    `NewsflowError` when one of them gave up; what the others did is done."""
    done = Delivered()
    beats = None if heartbeat is None else Heartbeat(heartbeat, sinks)
    with ExitStack() as stack:
        stack.callback(close_sinks)
        runs = [_prepare(page, config, name, partitions, beam_args or [], stack, beats) for name in sinks]
        with _alerting(config, sinks, done.said):
            _run(runs, follow, beats)
    failures = [run.failure for run in runs if run.failure]
    done.counts = {run.name: run.total for run in runs}
    if failures:
        raise NewsflowError("; ".join(failures))
    return done


def on_runner(page: Page, config: Config, sinks: Sequence[str], beam_args: list[str]) -> None:
    """Run a page on the Beam runner that `beam_args` name: one job, one branch a sink. The alert planner ticks and the
    outbox drains in this process."""
    said: list[str] = []
    try:
        with _alerting(config, sinks, said):
            run_on(page.build, Job(config, "endless", "kafka", sinks=tuple(sinks)), beam_args)
    finally:
        close_sinks()
    for line in said:
        tell(line)


def report(done: Delivered, output: Output) -> None:
    """Print what came of a run."""
    for line in done.said:
        tell(line)
    for name, total in done.counts.items():
        taken, dead = total["outcome.delivered"], total["outcome.dead-lettered"]
        reasons = {key[7:]: count for key, count in sorted(total.items()) if key.startswith("reason.")}
        if output is Output.JSON:
            data_json({"sink": name, "taken": taken, "dead_letters": dead, "reasons": reasons})
        else:
            why = f" ({', '.join(f'{reason} {count:,}' for reason, count in reasons.items())})" if reasons else ""
            data(f"{name}: {taken:,} taken, {dead:,} dead letters{why}")


def _prepare(
    page: Page,
    config: Config,
    name: str,
    partitions: list[int] | None,
    beam_args: list[str],
    stack: ExitStack,
    heartbeat: Heartbeat | None,
) -> SinkRun:
    sink, beat = sink_for(config, name), beats_of(heartbeat, name)
    sink.alive = beat
    job, limits = Job(config, "available", "kafka", sinks=(name,)), config.limits
    pipeline = PreparedPipeline(page.build, job, PipelineOptions(beam_args))
    place = job.published(name)
    consumer = make_consumer(KafkaSettings.of(config.kafka), group=place.group, fetch_max_wait_ms=100)
    bounds = RunLimits(limits.batch_records, limits.run_records, limits.run_bytes, limits.run_s)
    reader = AvailableReader(consumer, place.topic, bounds, partitions)
    stack.callback(reader.close)
    total: Counter[str] = Counter()

    def add(run: RunReport) -> None:
        total.update(run.counters)

    return SinkRun(name, sink, LocalLoop(pipeline, reader, job, add, place=place, idle_s=IDLE_S, beat=beat), total)


def _run(runs: Sequence[SinkRun], follow: bool, heartbeat: Heartbeat | None) -> None:
    """Each run in a thread of its own, until all have ended."""
    threads = [threading.Thread(target=run.go, args=(follow, heartbeat), name=f"deliver-{run.name}") for run in runs]
    stops: list[Callable[[], object]] = [run.stop for run in runs]
    with draining(stops):
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # in steps, so that a signal is seen


@contextmanager
def _alerting(config: Config, sinks: Sequence[str], said: list[str]) -> Iterator[None]:
    """While alerts are among the sinks: the planner ticks, and what it raises is sent."""
    if ALERTS not in sinks:
        yield
        return
    lazy = planner_for(config)
    with AlertDelivery(lazy.outbox, config.destinations, tick=lambda now: lazy.planner().tick(now)) as delivery:
        yield
    said += delivery.report()
