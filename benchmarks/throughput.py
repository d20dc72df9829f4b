"""Articles a second of the main job beside a bare loop that calls the same functions.

    make bench            or: .venv/bin/python benchmarks/throughput.py [--events 20000] [--rounds 5]

Both read the same events from the same broker, decide in a fresh SQLite ledger of their own, and write to the same
topics, compressed alike; each measurement runs in a process of its own, in turn, and the median of the rounds counts.
The bare loop calls the stages, sends, flushes and commits, in one process: what one would write without Beam and
workers. It reads partitions as the job does, merged by time, since what an article is may depend on what came before
it; so the outcomes of both must be equal, or the benchmark fails. Then the job follows the topic while events come at
half the rate just found, and the time from publishing to the feed is taken.

With --pages DIR the events are the labelled pages of a folder, and the bare loop is the one that one would write
without newsflow: kafka-python, trafilatura with its metadata, py3langid. With --set stories.encoder=none and its like
both sides run with another configuration. With --beside DIR, a checkout of another release (`git worktree add DIR
1baabf2` is 0.1), the commands of both are run in turn as well, each with its start, for their processor time.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import orjson
from kafka import TopicPartition

from benchmarks.corpus import raw_events
from benchmarks.pages import cpu_s, measure_bare_pages, page_events
from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.ingest import steps
from newsflow.ingest.emit import output_records
from newsflow.ingest.runtime import Runtime
from newsflow.kafka.admin import apply_topics
from newsflow.kafka.client import make_admin, make_consumer, make_producer
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.kafka.settings import KafkaSettings
from newsflow.leftovers import nothing_left_behind
from newsflow.model import Event
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.model.topics import declared_topics
from newsflow.processes import free_port
from newsflow.tagging import load_rules, shipped_rules_path
from newsflow.tools.broker import LocalBroker

PARTITIONS = 4
LEAST_RATIO = {"bare": 1.5, "bare-pages": 4.0}
WARM_UP_S = 5.0
TICK_EVENTS = 4
"""Events published at once: waking for each one would take the processor from what is measured."""


@nothing_left_behind()
def main() -> None:
    arguments = _arguments()
    if arguments.measure:
        print(json.dumps(MEASURES[arguments.measure](arguments)))
        return
    with tempfile.TemporaryDirectory(prefix="newsflow-bench-") as folder:
        broker = LocalBroker(Path(folder) / "kafka", free_port(), libs=Path(".newsflow/kafka/libs").absolute())
        status = broker.up()
        try:
            _report(status.bootstrap_servers, arguments, Path(folder))
        finally:
            broker.kill()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rate", type=float, help="events a second of the latency part; else half of those found")
    parser.add_argument("--seconds", type=float, default=30, help="how long the latency part publishes")
    parser.add_argument("--pages", type=Path, help="a folder of labelled pages: these are the events")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="of the configuration")
    parser.add_argument("--beside", type=Path, metavar="DIR", help="a checkout of another release to run beside")
    parser.add_argument("--measure", choices=sorted(MEASURES), help=argparse.SUPPRESS)
    parser.add_argument("--bootstrap", help=argparse.SUPPRESS)
    parser.add_argument("--topic", help=argparse.SUPPRESS)
    return parser.parse_args()


def _report(bootstrap: str, arguments: argparse.Namespace, folder: Path) -> None:
    topic_ids = [rule.id for rule in load_rules([shipped_rules_path()]).rules]
    apply_topics(KafkaSettings(bootstrap), declared_topics(topic_ids))
    events = raw_events(arguments.events) if arguments.pages is None else page_events(arguments.pages, arguments.events)
    topic, bare_loop = _publish(bootstrap, events), "bare" if arguments.pages is None else "bare-pages"
    names = [bare_loop, "job", *(("command", "other") if arguments.beside else ())]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for round_ in range(arguments.rounds):
        for name in names if round_ % 2 == 0 else reversed(names):
            found[name].append(_in_process(name, bootstrap, topic, folder, arguments))
            each = found[name][-1]
            print(f"round {round_ + 1}, {name:<10} {_figures([each], arguments.events)}", flush=True)
    job = _report_rates(found, bare_loop, arguments)
    _report_outcomes(found, bare_loop)
    if arguments.pages is not None:
        return
    stages = found["bare"][0]["stages"]
    total = sum(stages.values())
    for name, seconds in sorted(stages.items(), key=lambda pair: -pair[1]):
        print(f"  {name:<12} {seconds / total:6.1%}   {seconds / arguments.events * 1e6:7.0f} µs an event", flush=True)
    _report_latency(bootstrap, arguments.rate or job / 2, arguments, folder)


def _report_rates(found: dict[str, list[dict[str, Any]]], bare_loop: str, arguments: argparse.Namespace) -> float:
    """Returns how many articles a second the job did."""
    size_bytes, events = found[bare_loop][0]["mean_bytes"], int(arguments.events)
    print(f"{events:,} events of {size_bytes:,.0f} bytes, median of {arguments.rounds}")
    print(f"bare loop   {_figures(found[bare_loop], events)}")
    print(f"newsflow    {_figures(found['job'], events)}")
    bare, job = [events / _median(found[name], "seconds") for name in (bare_loop, "job")]
    print(f"ratio       {job / bare:8.2f}   (at least {LEAST_RATIO[bare_loop]})")
    if arguments.beside:
        ours, theirs = (_median(found[name], "cpu_s") / events * 1000 for name in ("command", "other"))
        print(
            f"by command  {ours:8.1f} ms of processor time each; {arguments.beside} {theirs:.1f}: {ours / theirs:.2f}"
        )
    return float(job)


def _median(found: list[dict[str, Any]], what: str) -> float:
    return float(statistics.median(each[what] for each in found))


def _figures(found: list[dict[str, Any]], events: int) -> str:
    rate, cpu = events / _median(found, "seconds"), _median(found, "cpu_s")
    return f"{rate:8,.1f} articles/s, {cpu:7,.1f} CPU seconds ({cpu / events * 1000:.1f} ms each)"


def _report_outcomes(found: dict[str, list[dict[str, Any]]], bare_loop: str) -> None:
    """Raises `SystemExit` where the outcomes of two measurements of the same functions differ."""
    alike = [each["outcomes"] for name, measured in found.items() if name in ("bare", "job") for each in measured]
    if any(outcomes != alike[0] for outcomes in alike):
        raise SystemExit(f"the outcomes differ: {alike}")
    beside = f"; of the bare loop: {found[bare_loop][0]['outcomes']}" if bare_loop == "bare-pages" else " on both sides"
    print(f"outcomes    {alike[0]}{beside}", flush=True)


def _in_process(name: str, bootstrap: str, topic: str, folder: Path, given: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--measure", name, "--bootstrap", bootstrap, "--topic", topic]
    command += [part for setting in given.set for part in ("--set", setting)]
    command += ["--beside", str(given.beside.absolute())] if given.beside else []
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _config(arguments: argparse.Namespace, **more: object) -> Config:
    name = uuid.uuid4().hex
    flags = {
        "kafka.bootstrap_servers": arguments.bootstrap,
        "kafka.input_topic": arguments.topic,
        "kafka.group": name,
        "ledger.url": f"sqlite:///{Path.cwd() / name}.sqlite3",
        **dict(setting.split("=", 1) for setting in arguments.set),
        **{key.replace("__", "."): value for key, value in more.items()},
    }
    return load_config(environ={}, flags=flags).config


def _reader(config: Config) -> AvailableReader:
    limits = config.limits
    consumer = make_consumer(KafkaSettings.of(config.kafka), group=config.kafka.group, fetch_max_wait_ms=100)
    bounds = RunLimits(limits.batch_records, limits.run_records, limits.run_bytes, limits.run_s)
    return AvailableReader(consumer, config.kafka.input_topic, bounds)


def _publish(bootstrap: str, events: Iterable[tuple[bytes, bytes]]) -> str:
    topic = f"bench-{uuid.uuid4().hex[:8]}"
    with closing(make_admin(KafkaSettings(bootstrap))) as admin:
        made = {"num_partitions": PARTITIONS, "replication_factor": 1}
        admin.create_topics({topic: made, f"{topic}.dlq": made}, wait_for_metadata=True)
    writer = BatchWriter(KafkaSettings(bootstrap))
    for key, value in events:
        writer.send(topic, key, value)
    writer.flush()
    return topic


def measure_bare(arguments: argparse.Namespace) -> dict[str, Any]:
    """The loop one would write by hand around the same functions."""
    config = _config(arguments, run__workers=1)
    tools, writer = Runtime(config).prepare(), BatchWriter(KafkaSettings.of(config.kafka))
    tools.latest = lambda: None  # as of a job that reads what is there
    reader = _reader(config)
    spent: Counter[str] = Counter()
    outcomes: Counter[str] = Counter()
    size_bytes, began, used_s = 0, time.perf_counter(), cpu_s()
    until = reader.end_offsets()
    while not reader.plan(until).empty:
        clock = _Clock(spent)
        for events in reader.batches():
            clock.lap("read")
            size_bytes += sum(len(event.value or b"") for event in events)
            outcomes.update(_bare_batch(events, tools, writer, config, clock))
        reader.finish()
        clock.lap("commit")
    seconds = time.perf_counter() - began
    reader.close()
    tools.close()
    return {
        "seconds": seconds,
        "cpu_s": cpu_s() - used_s,
        "outcomes": dict(sorted(outcomes.items())),
        "stages": dict(spent),
        "mean_bytes": size_bytes / max(sum(outcomes.values()), 1),
    }


def _bare_batch(events: list[Event], tools: Any, writer: BatchWriter, config: Config, clock: _Clock) -> Counter[str]:
    items = steps.normalise(events, tools)
    clock.lap("normalise")
    items = steps.deduplicate(items, tools)
    clock.lap("deduplicate")
    items = steps.tag(items, tools)
    clock.lap("tag")
    items = steps.route(items, tools)
    clock.lap("route")
    items = steps.record(items, tools)
    clock.lap("record")
    for emission in output_records(items, config.job):
        writer.send(emission.topic, emission.key, emission.value, emission.headers)
    writer.flush()
    clock.lap("write")
    return Counter(str(item.decision.outcome) for item in items if item.decision is not None)


class _Clock:
    """Adds the time since the last lap to a name."""

    def __init__(self, spent: Counter[str]) -> None:
        self._spent, self._at = spent, time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self._spent[name] += now - self._at  # type: ignore[assignment]
        self._at = now


def measure_job(arguments: argparse.Namespace) -> dict[str, Any]:
    """The main job on the local runner, as `newsflow run ingest --until-caught-up` runs it."""
    from apache_beam.options.pipeline_options import PipelineOptions

    from newsflow.ingest.runtime import runtime_for
    from newsflow.runners.job import Job, load_job
    from newsflow.runners.local import LocalLoop, PreparedPipeline

    config = _config(arguments)
    job = Job(config)
    tools = runtime_for(config).prepare()
    pipeline = PreparedPipeline(load_job("ingest").build, job, PipelineOptions([]))
    reader = _reader(config)
    runs: list[int] = []
    began, used_s = time.perf_counter(), cpu_s()
    LocalLoop(pipeline, reader, job, lambda records, *_: runs.append(records)).until_caught_up()
    seconds = time.perf_counter() - began
    outcomes = {str(name): count for name, count in tools.ledger.outcomes().items() if count}
    reader.close()
    tools.close()
    used_s = cpu_s() - used_s
    return {"seconds": seconds, "cpu_s": used_s, "outcomes": dict(sorted(outcomes.items())), "runs": len(runs)}


def measure_command(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command of this checkout, from its start to its end."""
    return _run_command(arguments, Path(__file__).resolve().parent.parent, arguments.set)


def measure_other(arguments: argparse.Namespace) -> dict[str, Any]:
    """The command of another checkout, with this one's Python and packages."""
    return _run_command(arguments, arguments.beside, [])


def _run_command(arguments: argparse.Namespace, checkout: Path, settings: list[str]) -> dict[str, Any]:
    environ = _environ(arguments.bootstrap, arguments.topic, Path.cwd(), settings)
    command = [sys.executable, "-m", "newsflow", "run", "ingest", "--until-caught-up", "--quiet"]
    began, used_s = time.perf_counter(), cpu_s()
    subprocess.run(command, env=environ | {"PYTHONPATH": str(checkout / "src")}, check=True, stdout=subprocess.DEVNULL)
    return {"seconds": time.perf_counter() - began, "cpu_s": cpu_s() - used_s}


def _report_latency(bootstrap: str, rate: float, arguments: argparse.Namespace, folder: Path) -> None:
    topic = _publish(bootstrap, ())
    job = _follow(bootstrap, topic, folder, arguments.set)
    try:
        ages = _ages(bootstrap, topic, rate, arguments.seconds)
    finally:
        job.send_signal(signal.SIGTERM)
        job.wait(30)
    ages.sort()
    p50, p99 = (ages[int(len(ages) * share)] * 1000 for share in (0.5, 0.99))
    print(f"publish to feed at {rate:.0f}/s: p50 {p50:.0f} ms, p99 {p99:.0f} ms ({len(ages):,} articles)")


def _follow(bootstrap: str, topic: str, folder: Path, settings: list[str]) -> subprocess.Popen[bytes]:
    environ = _environ(bootstrap, topic, folder, settings)
    command = [sys.executable, "-m", "newsflow", "run", "ingest", "--follow", "-q"]
    return subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _environ(bootstrap: str, topic: str, folder: Path, settings: list[str]) -> dict[str, str]:
    """The environment of a command that reads a topic as a group of its own, with a ledger of its own."""
    name = uuid.uuid4().hex
    given = {key.upper().replace(".", "__"): value for key, value in (each.split("=", 1) for each in settings)}
    return {
        **os.environ,
        "NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": bootstrap,
        "NEWSFLOW_KAFKA__INPUT_TOPIC": topic,
        "NEWSFLOW_KAFKA__GROUP": name,
        "NEWSFLOW_LEDGER__URL": f"sqlite:///{folder / name}.sqlite3",
        **{f"NEWSFLOW_{key}": value for key, value in given.items()},
    }


def _ages(bootstrap: str, topic: str, rate: float, seconds: float) -> list[float]:
    """Seconds from publishing an event to reading its article in the feed, without the warm-up."""
    settings = KafkaSettings(bootstrap)
    consumer, producer = make_consumer(settings, fetch_max_wait_ms=10), make_producer(settings, linger_ms=0)
    feed = [TopicPartition(ARTICLE_TOPIC, number) for number in consumer.partitions_for_topic(ARTICLE_TOPIC)]
    consumer.assign(feed)
    for tp, end in consumer.end_offsets(feed).items():
        consumer.seek(tp, end)
    sent: list[tuple[Any, float]] = []
    seen: dict[tuple[int, int], float] = {}
    events = list(raw_events(int(rate * (WARM_UP_S + seconds)) + 1, seed=11))
    producer.send(topic, key=events[0][0], value=events[0][1])
    while not seen:  # the job has started when its first article is in the feed
        _note(consumer, topic, seen)
    began = time.monotonic()
    for number, (key, value) in enumerate(events[1:]):
        while time.monotonic() < began + number // TICK_EVENTS * TICK_EVENTS / rate:
            _note(consumer, topic, seen)
        sent.append((producer.send(topic, key=key, value=value), time.monotonic()))
    producer.flush()
    while time.monotonic() < began + WARM_UP_S + seconds + 3:
        _note(consumer, topic, seen)
    ages = [
        seen.get((done.get().partition, done.get().offset), 0.0) - at for done, at in sent if at > began + WARM_UP_S
    ]
    producer.close()
    consumer.close()
    return [age for age in ages if age > 0]


def _note(consumer: Any, topic: str, seen: dict[tuple[int, int], float]) -> None:
    for records in consumer.poll(timeout_ms=10).values():
        now = time.monotonic()
        for record in records:
            origin = orjson.loads(record.value)["origin"]
            if origin["topic"] == topic:
                seen.setdefault((origin["partition"], origin["offset"]), now)


def measure_bare_on_pages(arguments: argparse.Namespace) -> dict[str, Any]:
    return measure_bare_pages(_config(arguments), arguments.topic, PARTITIONS)


MEASURES = {
    "bare": measure_bare,
    "bare-pages": measure_bare_on_pages,
    "job": measure_job,
    "command": measure_command,
    "other": measure_other,
}

if __name__ == "__main__":
    main()
