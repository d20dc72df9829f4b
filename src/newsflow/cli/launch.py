"""Starts every job, wherever it runs: on files, on Kafka with the local runner, on a Beam runner, on Flink. What all of
them need is here: signals, the heartbeat, progress and the report at the end."""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from newsflow.alerts.delivery import LAST_DRAIN_S, AlertDelivery
from newsflow.alerts.outbox import Outbox
from newsflow.cli.options import Output
from newsflow.cli.output import console, data, data_json, tell, words_line
from newsflow.cli.progress import TELL_S, how_far
from newsflow.config.settings import Config
from newsflow.errors import FlinkError, KafkaError, NewsflowError, UsageError
from newsflow.ingest.deliver import sink_on_flink
from newsflow.ingest.emit import rows, story_rows
from newsflow.ingest.files import STDIN, OutputDirectory
from newsflow.ingest.health import publish_health
from newsflow.ingest.item import Item, outcomes_of
from newsflow.ingest.measures import show_outbox, start_metrics
from newsflow.ingest.replay import written_at
from newsflow.ingest.runtime import Runtime, opened
from newsflow.ingest.unnamed import tidy
from newsflow.kafka.client import make_consumer
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import Ledger, mask_url, open_ledger
from newsflow.ledger.pruning import Upkeep
from newsflow.leftovers import end_within, nothing_left_behind
from newsflow.model.letter import ALERTS
from newsflow.outages import outages
from newsflow.runners.flink import submit
from newsflow.runners.flink_rest import FlinkCluster, FlinkJob, flink_name
from newsflow.runners.job import Job, JobDefinition
from newsflow.runners.local import IDLE_S, LocalLoop, PreparedPipeline
from newsflow.runners.on_beam import run_on
from newsflow.runners.transforms import OUTPUT
from newsflow.secrets import resolve
from newsflow.tagging.applied import in_force

log = logging.getLogger(__name__)

OUTCOMES = ("added", "replaced", "withdrawn", "repeat", "stale", "duplicate", "dead-lettered")
IDLE_SINK_S = 0.25
PATIENCE_ON_FLINK_S = 60.0
"""A bundle that waits longer for a store would hold up checkpoints, savepoints and the end of a cancelled job."""
_WATCH_S = 2.0


# What all starts have in common.


@contextmanager
def draining(stops: Iterable[Callable[[], object]], shutdown_s: float = math.inf) -> Iterator[None]:
    """The first SIGINT, SIGTERM or SIGHUP (unless nohup has it ignored) calls every one of `stops`, and the process has
    ended `shutdown_s` seconds later, whatever hangs; the second ends it where it stands."""
    received: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        received.append(number)
        if len(received) > 1:
            say("stopped at once; what was not committed is read again at the next start")
            # Not sys.exit: that would wait for the run that is not to be waited for.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        if shutdown_s < math.inf:
            end_within(shutdown_s, lambda: say(not_ended(shutdown_s)))
        for stop in stops:
            stop()
        say(f"{signal.Signals(number).name}: finishing the batch in hand; once more to stop at once")

    def say(text: str) -> None:
        with suppress(OSError):  # the terminal may be what has gone
            console.print(text)
            sys.stderr.flush()

    taken = [signal.SIGINT, signal.SIGTERM]
    taken += [signal.SIGHUP] if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN else []
    earlier = {number: signal.signal(number, on_signal) for number in taken}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


def not_ended(shutdown_s: float) -> str:
    return (
        f"not ended {shutdown_s:g} s after the signal (limits.shutdown_s), so ended here; what was not committed is "
        "read again at the next start, and what was not sent is sent then"
    )


class Heartbeat:
    """A file whose age says whether a job's loops still turn, for the probes of a container: that of the beat that lies
    longest back, of all loops that are still to turn. It is not there before each of them has turned once, and written
    at most once in `every_s` seconds. Any thread may call.

    It tells of a loop that hangs: one that fails gives up by itself, after `limits.attempts`; one that waits for the
    broker or the ledger says so.
    """

    def __init__(self, path: Path | None, loops: Iterable[str] = ("",), every_s: float = 1.0) -> None:
        """Raises `UsageError` when the file cannot be written; an older one is removed. Without a path: nothing."""
        self._path, self._every_s, self._next_s = path, every_s, 0.0
        self._beats: dict[str, float | None] = dict.fromkeys(loops)
        self._lock = threading.Lock()
        if path is None:
            return
        try:
            path.touch()
            path.unlink()
        except OSError as error:
            raise UsageError(f"--heartbeat {path} cannot be written: {error.strerror}") from error

    def beat(self, loop: str = "") -> None:
        """A loop has turned. If the disk fails, that is for the probe to notice, not a reason to stop the job."""
        with self._lock:
            self._beats[loop] = time.time()
            self._write()

    def waiting(self) -> None:
        """The loops wait for a broker or a ledger, which is said elsewhere: those that have turned do not hang."""
        with self._lock:
            self._beats = {loop: at and time.time() for loop, at in self._beats.items()}
            self._write()

    def end(self, loop: str) -> None:
        """A loop has ended, and is not waited for any more."""
        with self._lock:
            self._beats.pop(loop, None)
            self._write()

    def _write(self) -> None:
        now_s, beats = time.monotonic(), [at for at in self._beats.values() if at is not None]
        if self._path is None or now_s < self._next_s or not beats or len(beats) < len(self._beats):
            return
        self._next_s = now_s + self._every_s
        try:
            self._path.touch()
            os.utime(self._path, (min(beats), min(beats)))
        except OSError:
            return


class RunProgress:
    """Adds up what runs did, and shows it: a live line on a terminal, plain lines otherwise. `quiet` shows nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.total: Counter[str] = Counter()
        self._records, self._quiet = 0, quiet
        self._began = self._told = time.monotonic()
        columns = (SpinnerColumn(), BarColumn(30), TextColumn("{task.description}"))
        times = TimeRemainingColumn(elapsed_when_finished=True)
        self._bar = Progress(*columns, times, console=console, transient=True, disable=quiet or not console.is_terminal)
        self._task = self._bar.add_task("reading …", total=None)

    def __enter__(self) -> RunProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def add(self, records: int, counters: Counter[str], left: int | None = None) -> None:
        """Take in what one run did; `left` records are known to be still to come."""
        self._records += records
        self.total.update(counters)
        line = how_far("events", self._records, time.monotonic() - self._began, left)
        if not self._bar.disable:
            total = None if left is None else self._records + left
            done = ", ".join(f"{name} {count}" for name, count in by_outcome(self.total).items() if count)
            text = f"{line} ({done or 'nothing yet'})"
            self._bar.update(self._task, completed=self._records, total=total, description=text)
        elif not self._quiet and time.monotonic() - self._told > TELL_S:
            self._told = time.monotonic()
            tell(line)


def by_outcome(total: Counter[str]) -> dict[str, int]:
    """Events by outcome, all seven."""
    return {name: total[f"outcome.{name}"] for name in OUTCOMES}


def reasons_of(total: Counter[str]) -> dict[str, int]:
    """Dead letters by reason."""
    return {name[7:]: count for name, count in sorted(total.items()) if name.startswith("reason.")}


@dataclass
class Done:
    """What a run came to: counts by sink ("" for a job that writes to topics), lines on alerts, where results are."""

    counts: dict[str, Counter[str]] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    where: str = ""


def report(done: Done, output: Output) -> None:
    """Print what came of a run."""
    for line in done.alerts:
        tell(line)
    for name, total in done.counts.items():
        (_report_sink if name else _report_outcomes)(name, total, output)
    if done.where and output is Output.TEXT:
        tell(done.where)


def _report_outcomes(_: str, total: Counter[str], output: Output) -> None:
    outcomes, reasons = by_outcome(total), reasons_of(total)
    if output is Output.JSON:
        told = {"events": sum(outcomes.values()), "outcomes": outcomes, "reasons": reasons}
        data_json(told | _input_json(total) | _words_json(total))
        return
    for name, count in {**outcomes, "events": sum(outcomes.values())}.items():
        data(f"{name:>14} {count:>8,}")
    for name, count in reasons.items():
        data(f"  dead letters: {name} {count:,}")
    _report_input(total)
    if words := words_of(total):
        dropped = sum((Counter(each["dropped"]) for each in words.values()), Counter[str]())
        whole, kept = (sum(each[name] for each in words.values()) for name in ("in", "kept"))
        data(f"  {words_line(whole, kept, dropped)}")


def words_of(total: Counter[str]) -> dict[str, dict[str, Any]]:
    """Words in, kept, and dropped by reason, by source."""
    words: dict[str, dict[str, Any]] = {}
    for name, number in sorted(total.items()):
        if name.startswith("words."):
            what, _, source = name.removeprefix("words.").partition(".")
            reason, _, source = source.partition(".") if what == "dropped" else ("", "", source)
            of = words.setdefault(source, {"in": 0, "kept": 0, "dropped": {}})
            (of["dropped"] if reason else of)[reason or what] = number
    return words


def _words_json(total: Counter[str]) -> dict[str, Any]:
    return {"words": words} if (words := words_of(total)) else {}


def _report_sink(name: str, total: Counter[str], output: Output) -> None:
    taken, dead, reasons = total["outcome.delivered"], total["outcome.dead-lettered"], reasons_of(total)
    if output is Output.JSON:
        data_json({"sink": name, "taken": taken, "dead_letters": dead, "reasons": reasons} | _input_json(total))
        return
    why = f" ({', '.join(f'{reason} {count:,}' for reason, count in reasons.items())})" if reasons else ""
    data(f"{name}: {taken:,} taken, {dead:,} dead letters{why}")
    _report_input(total)


def _report_input(total: Counter[str]) -> None:
    for name, count in _found_of(total).items():
        data(f"  input: {name} {count:,}")


def _input_json(total: Counter[str]) -> dict[str, dict[str, int]]:
    return {"input": found} if (found := _found_of(total)) else {}


def _found_of(total: Counter[str]) -> dict[str, int]:
    """What was found of the input beside its records: what it lost, and how."""
    return {name[6:]: count for name, count in sorted(total.items()) if name.startswith("input.")}


# On files.


def on_files(
    definition: JobDefinition,
    config: Config,
    input_file: Path,
    output_dir: Path,
    *,
    quiet: bool = False,
    beam_args: Sequence[str] = (),
) -> Done:
    """Run a job once over a file. The output folder is whole or as it was before."""
    if str(input_file) != STDIN and not input_file.is_file():
        raise UsageError(f"{input_file} is not a file; accepted: JSON lines, plain or .gz")
    job = Job(config, "lines", "files", str(input_file))
    with OutputDirectory(output_dir) as folder, RunProgress(quiet) as progress, opened(config) as runtime:
        articles = set[str]()

        def write(batch: Sequence[Item]) -> None:
            folder.write(rows(batch, config.job))
            articles.update(item.article.id for item in batch if item.article is not None)
            progress.add(sum(not item.promoted for item in batch), outcomes_of(batch))

        runtime.prepare().lend(OUTPUT, write)
        runtime.latest = partial(written_at, input_file)
        PreparedPipeline(definition.build, job, PipelineOptions(list(beam_args))).run()
        folder.write(story_rows(runtime.ledger.stories_about(articles, runtime.families)))
        folder.finish()
    return Done({"": progress.total}, where=f"results in {output_dir}")


# On Kafka, with the local runner: one loop, or one for each sink.


@dataclass
class _Loop:
    """One loop's way through the log, and what became of it. `name` is its sink's; "" where there is one loop."""

    name: str
    loop: LocalLoop
    total: Counter[str]
    stops: list[Callable[[], object]]
    failure: str = ""

    def go(self, follow: bool) -> None:
        (self.loop.follow if follow else self.loop.until_caught_up)()

    def go_alone(self, follow: bool, heartbeat: Heartbeat) -> None:
        """As `go`; what makes it fail is kept, and the loops of other sinks go on."""
        try:
            self.go(follow)
        except Exception as error:
            self.failure = f"{self.name}: {error}"
            tell(f"{self.name} stopped: {error}")
        heartbeat.end(self.name)


def locally(
    definition: JobDefinition,
    config: Config,
    sinks: Sequence[str] = (),
    partitions: Sequence[int] | None = None,
    *,
    follow: bool,
    quiet: bool = False,
    beam_args: Sequence[str] = (),
    heartbeat: Path | None = None,
) -> Done:
    """Run a job until it is caught up, or until a signal: with sinks, each in a thread and at its own position in the
    log. Raises `NewsflowError` when one of several gave up; what the others did is done."""
    beats = Heartbeat(heartbeat, sinks or ("",))
    done = Done(where="" if sinks else f"ledger {mask_url(config.ledger.url)}")
    outages.waiting = beats.waiting
    start_metrics(config)
    if not quiet:
        tell(_starting(config, sinks))
    with RunProgress(quiet or bool(sinks)) as progress, opened(config) as runtime, ExitStack() as stack:
        if not sinks:
            runtime.prepare()
        options = PipelineOptions(list(beam_args))
        loops = [
            _prepare(definition, runtime, sink, partitions, progress, options, beats, stack) for sink in sinks or ("",)
        ]
        stops = [stop for loop in loops for stop in loop.stops]
        shutdown_s = config.limits.shutdown_s
        with draining(stops, shutdown_s), _upkeep(config, follow and not sinks), _alerting(runtime, sinks, done):
            if sinks:
                _run_side_by_side(loops, follow, beats)
            else:
                loops[0].go(follow)
    done.counts = {loop.name: loop.total for loop in loops}
    if failures := [loop.failure for loop in loops if loop.failure]:
        raise NewsflowError("; ".join(failures))
    return done


def _rules(config: Config) -> str:
    if in_force(Path(config.topics_applied), config.topic_paths).pointer.paths:
        return f"rules applied in {config.topics_applied}"
    first, more = config.topic_paths[:1], len(config.topic_paths) - 1
    return f"rules {first[0] if first else 'as shipped'}{f' and {more} more' if more > 0 else ''}"


def _starting(config: Config, sinks: Sequence[str]) -> str:
    """One line on what a job goes by."""
    kafka, job = config.kafka, Job(config)
    reads = [job.published(sink) for sink in sinks] or [job.raw]
    groups = ", ".join(position.group for position in reads)
    by = f"sinks {', '.join(sinks)}" if sinks else f"{_rules(config)}"
    where = f"broker {kafka.bootstrap_servers}, topic {reads[0].topic}, group {groups}"
    return f"starting: {where}, {by}, ledger {mask_url(config.ledger.url)}"


def _prepare(
    definition: JobDefinition,
    runtime: Runtime,
    sink: str,
    partitions: Sequence[int] | None,
    progress: RunProgress,
    options: PipelineOptions,
    heartbeat: Heartbeat,
    stack: ExitStack,
) -> _Loop:
    config, limits = runtime.config, runtime.config.limits
    beat = partial(heartbeat.beat, sink)
    job = Job(config, sinks=(sink,) if sink else ())
    position = job.published(sink) if sink else job.raw
    stops: list[Callable[[], object]] = []
    if sink:
        runtime.sink(sink).alive = beat
        stops.append(runtime.sink(sink).stop)
    pipeline = PreparedPipeline(definition.build, job, options)
    kafka = replace(KafkaSettings.of(config.kafka), connect_timeout_s=limits.start_s, expand_bytes=limits.expand_bytes)
    # The reader itself decides where to begin, and says what was lost.
    consumer = make_consumer(kafka, group=position.group, fetch_max_wait_ms=100, auto_offset_reset="none")
    bounds = RunLimits(limits.batch_records, limits.run_records, limits.run_bytes, limits.run_s)
    total: Counter[str] = Counter()
    knows = (lambda event_id: runtime.ledger.event(event_id) is not None) if definition.decides_all else None
    reader = AvailableReader(consumer, position.topic, bounds, partitions, kafka.place, total, knows)
    stack.enter_context(closing(reader))
    reader.check()

    def add(records: int, counters: Counter[str], left: int) -> None:
        total.update(counters)
        if not sink:
            progress.add(records, counters, left)

    loop = LocalLoop(
        *(pipeline, reader, job, add),
        position=position,
        idle_s=IDLE_SINK_S if sink else IDLE_S,
        idle_run_s=definition.idle_run_s,
        beat=beat,
    )
    return _Loop(sink, loop, total, [*stops, loop.stop])


def _run_side_by_side(loops: Sequence[_Loop], follow: bool, heartbeat: Heartbeat) -> None:
    threads = [
        threading.Thread(target=loop.go_alone, args=(follow, heartbeat), name=f"deliver-{loop.name}") for loop in loops
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        while thread.is_alive():
            thread.join(0.2)  # in steps, so that a signal is seen


@contextmanager
def _alerting(runtime: Runtime, sinks: Sequence[str], done: Done) -> Iterator[None]:
    """Sends what the job, or the alert planner among its sinks, put into the outbox."""
    if sinks and ALERTS not in sinks:
        yield
        return
    outbox = (lambda: Outbox(runtime.alert_ledger)) if sinks else (lambda: Outbox(runtime.ledger))
    tick = (lambda now: runtime.planner.tick(now)) if sinks else None
    show_outbox([name for name, _ in runtime.config.destinations], outbox)
    last_s = min(LAST_DRAIN_S, runtime.config.limits.shutdown_s * 2 / 3)
    with AlertDelivery(outbox, runtime.config.destinations, last_s, tick) as delivery:
        yield
    done.alerts += delivery.report()


def _look_after(config: Config, ledger: Ledger) -> None:
    """What is done after each pruning: what nobody names and what is old goes, and how sources fare is published."""
    tidy(config, ledger)
    try:
        with closing(BatchWriter(KafkaSettings.of(config.kafka))) as writer:
            publish_health(ledger, config.job, writer.write)
    except KafkaError as error:
        log.warning("how sources fare could not be published, it is tried again after the next pruning: %s", error)


def _upkeep(config: Config, wanted: bool) -> Upkeep:
    """Prunes the ledger while a job follows; a run that ends is too short for it."""
    ledger = config.ledger
    return Upkeep(
        lambda: open_ledger(resolve(ledger.url), window_h=ledger.window_h),
        retention=timedelta(days=ledger.retention_d),
        every=timedelta(hours=ledger.prune_every_h if wanted else 0),
        also=partial(_look_after, config),
    )


# On a Beam runner that the user names, and on Flink.


def on_runner(definition: JobDefinition, config: Config, sinks: Sequence[str], beam_args: Sequence[str]) -> Done:
    """Run a job on the Beam runner that `beam_args` name, with the endless source, in one job for all sinks. Alert
    planner ticks and the outbox is drained in this process."""
    config = _one_worker(config)
    done, job = Done(), Job(config, "endless", "kafka", sinks=tuple(sinks))
    with nothing_left_behind(), opened(config) as runtime, _alerting(runtime, sinks, done) if sinks else nullcontext():
        run_on(definition.build, job, beam_args)
    return done


def _one_worker(config: Config) -> Config:
    """The same for a runner that has processes of its own, unless the user says how many workers each may have."""
    return replace(config, workers=config.workers or 1)


def on_flink(
    name: str,
    definition: JobDefinition,
    config: Config,
    cluster: FlinkCluster,
    beam_args: Sequence[str],
    *,
    sinks: str | None,
    detach: bool,
    output: Output,
) -> None:
    """Submit a job, print its id, and unless detached watch it until it ends."""
    if sinks is not None and not definition.per_sink:
        raise UsageError(f"--sinks is for jobs that deliver; {name} writes to topics")
    sink = sink_on_flink(config, sinks) if definition.per_sink else ""
    config = _one_worker(config)
    job = Job(config, "endless", "kafka", sinks=(sink,) if sink else (), patience_s=PATIENCE_ON_FLINK_S)
    called = flink_name(config.job, Path(name).stem) + (f".{sink}" if sink else "")
    # Where a user's own job reads is not known here.
    topic = "" if name.endswith(".py") else (job.published(sink) if sink else job.raw).topic
    with nothing_left_behind():
        submitted = submit(definition.build, job, called, cluster, beam_args, wants=topic)
    if output is Output.JSON:
        data_json({"job": submitted.id, "name": submitted.name, "state": submitted.state})
    else:
        data(submitted.id)
    tell(f"{submitted.name} runs at {cluster.master} ({submitted.tasks} tasks)")
    if not detach:
        _watch(cluster, submitted)


def _watch(cluster: FlinkCluster, job: FlinkJob) -> None:
    """Say what becomes of a job; an interrupt ends the watching alone."""
    state = job.state
    try:
        while not job.ended:
            time.sleep(_WATCH_S)
            try:
                job = cluster.job(job.id)
            except FlinkError as error:
                tell(f"{error}; watching on")
                continue
            if job.state != state:
                state = job.state
                tell(f"{job.name}: {state} {cluster.last_failure(job.id)}")
    except KeyboardInterrupt:
        tell(f"{job.name} runs on; `newsflow jobs stop {job.id[:8]} --savepoint` stops it")
        return
    if job.state == "FAILED":
        raise FlinkError(f"{job.name} failed: {cluster.last_failure(job.id)}")
