"""What the benchmarks on Flink share: the servers, a job, a publisher with a steady rate, ages of articles."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import psutil
from kafka import TopicPartition

from benchmarks.corpus import raw_events
from newsflow.kafka.admin import apply_topics
from newsflow.kafka.client import make_admin, make_consumer, make_producer
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import open_ledger
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.model.topics import declared_topics
from newsflow.processes import free_port
from newsflow.runners.flink_rest import FlinkCluster
from newsflow.tagging import load_rules, shipped_rules_path
from newsflow.tools.broker import LocalBroker
from newsflow.tools.flink import LocalFlink
from newsflow.tools.postgres import LocalPostgres

PARTITIONS = 4
TICK_EVENTS = 4
"""Events published at once: waking for each one would take the processor from what is measured."""


@dataclass
class Servers:
    """A broker, a database and a Flink cluster on loopback."""

    folder: Path
    kafka: LocalBroker
    postgres: LocalPostgres
    flink: LocalFlink

    @property
    def settings(self) -> KafkaSettings:
        return KafkaSettings(self.kafka.status().bootstrap_servers)

    @property
    def cluster(self) -> FlinkCluster:
        return FlinkCluster(self.flink.master)

    def workers(self) -> list[psutil.Process]:
        """The Python workers of the TaskManagers."""
        managers = [psutil.Process(each.pid) for each in self.flink.task_managers]
        children = [child for manager in managers for child in manager.children(recursive=True)]
        return [child for child in children if any("sdk_worker_main" in part for part in child.cmdline())]


@contextmanager
def servers(task_managers: int) -> Iterator[Servers]:
    """All of them, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="newsflow-flink-") as name:
        folder = Path(name)
        libs = Path(__file__).resolve().parent.parent / ".newsflow" / "kafka" / "libs"
        kafka = LocalBroker(folder / "kafka", free_port(), libs=libs)
        kafka.up()
        flink = LocalFlink(folder / "flink")
        try:
            with LocalPostgres() as postgres:
                ids = [rule.id for rule in load_rules([shipped_rules_path()]).rules]
                made = Servers(folder, kafka, postgres, flink)
                apply_topics(made.settings, declared_topics(ids))
                flink.start(task_managers)
                yield made
        finally:
            flink.stop()
            kafka.kill()


class FlinkJobRun:
    """The main job on these servers, over a topic and a ledger of its own."""

    def __init__(self, on: Servers, environ: Mapping[str, str] | None = None) -> None:
        self._on, self.name = on, f"bench-{uuid.uuid4().hex[:8]}"
        self._environ = dict(environ or {})
        self.ledger_url = _new_database(on.postgres)
        open_ledger(self.ledger_url).close()
        with make_admin_closing(on.settings) as admin:
            admin.create_topics({self.name: {"num_partitions": PARTITIONS, "replication_factor": 1}})
            admin.wait_for_topics([self.name], timeout_ms=90_000)

    def start(self, *arguments: str) -> str:
        """Start it; returns Flink's id."""
        said = self._newsflow("run", "ingest", "--runner", "flink", "--detach", "-o", "json", *arguments)
        return str(json.loads(said)["job"])

    def stop(self) -> None:
        """Stop it with a savepoint."""
        self._newsflow("jobs", "stop", self.name, "--savepoint")

    def decided(self) -> int:
        """Events that have an outcome."""
        ledger = open_ledger(self.ledger_url)
        try:
            return sum(ledger.outcomes().values())
        finally:
            ledger.close()

    def wait_until_decided(self, count: int) -> None:
        while self.decided() < count:
            time.sleep(0.2)

    def _newsflow(self, *arguments: str) -> str:
        environ = {
            **os.environ,
            **self._environ,
            "NEWSFLOW_JOB": self.name,
            "NEWSFLOW_FLINK_MASTER": self._on.flink.master,
            "NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": self._on.settings.bootstrap_servers,
            "NEWSFLOW_KAFKA__INPUT_TOPIC": self.name,
            "NEWSFLOW_KAFKA__GROUP": self.name,
            "NEWSFLOW_LEDGER__URL": self.ledger_url,
        }
        config = self._on.folder / f"{self.name}.yaml"
        config.write_text(f"job: {self.name}\n")
        command = [sys.executable, "-m", "newsflow", *arguments]
        done = subprocess.run(
            command, cwd=self._on.folder, env=environ | {"NEWSFLOW_CONFIG": str(config)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"newsflow {arguments[0]} failed:\n{done.stderr[-3000:]}")
        return done.stdout


class SteadyLoad(threading.Thread):
    """Publishes `rate` events a second, and notes when each was handed over."""

    def __init__(self, settings: KafkaSettings, topic: str, rate: float, seconds: float, seed: int = 11) -> None:
        super().__init__(name="load", daemon=True)
        self._settings, self._topic, self._rate, self._seconds, self._seed = settings, topic, rate, seconds, seed
        self.sent: list[tuple[Any, float]] = []

    def run(self) -> None:
        producer = make_producer(self._settings, linger_ms=0)
        began = time.monotonic()
        count = int(self._rate * self._seconds)
        for number, (key, value) in enumerate(raw_events(count, seed=self._seed)):
            wait_s = began + number // TICK_EVENTS * TICK_EVENTS / self._rate - time.monotonic()
            if wait_s > 0:
                time.sleep(wait_s)
            self.sent.append((producer.send(self._topic, key=key, value=value), time.monotonic()))
        producer.flush()
        producer.close()


class FeedWatch(threading.Thread):
    """Notes when each article of `topic` stands in the article topic first."""

    def __init__(self, settings: KafkaSettings, topic: str) -> None:
        super().__init__(name="watch", daemon=True)
        self._consumer, self._topic = make_consumer(settings, fetch_max_wait_ms=10), topic
        feed = [TopicPartition(ARTICLE_TOPIC, p) for p in self._consumer.partitions_for_topic(ARTICLE_TOPIC)]
        self._consumer.assign(feed)
        for tp, end in self._consumer.end_offsets(feed).items():
            self._consumer.seek(tp, end)
        self._end = threading.Event()
        self.seen: dict[tuple[int, int], float] = {}

    def run(self) -> None:
        while not self._end.is_set():
            for records in self._consumer.poll(timeout_ms=20).values():
                now = time.monotonic()
                for record in records:
                    origin = orjson.loads(record.value)["origin"]
                    if origin["topic"] == self._topic:
                        self.seen.setdefault((origin["partition"], origin["offset"]), now)
        self._consumer.close()

    def stop(self) -> None:
        self._end.set()
        self.join()

    def ages(self, load: SteadyLoad, after: float = 0.0) -> list[float]:
        """Seconds from publishing to the feed, sorted, of what was published after the monotonic time `after`."""
        found = []
        for future, at in load.sent:
            done = future.get()
            seen = self.seen.get((done.partition, done.offset))
            if seen is not None and at >= after:
                found.append(seen - at)
        return sorted(found)


def percentile(values: list[float], share: float) -> float:
    """Of sorted values; NaN of none."""
    return values[min(int(len(values) * share), len(values) - 1)] if values else float("nan")


def slope_per_minute(samples: list[tuple[float, float]]) -> float:
    """The least-squares slope of (seconds, value), per minute."""
    count = len(samples)
    if count < 2:
        return float("nan")
    mean_x, mean_y = (sum(sample[axis] for sample in samples) / count for axis in (0, 1))
    above = sum((x - mean_x) * (y - mean_y) for x, y in samples)
    return 60 * above / sum((x - mean_x) ** 2 for x, _ in samples)


@contextmanager
def make_admin_closing(settings: KafkaSettings) -> Iterator[Any]:
    admin = make_admin(settings)
    try:
        yield admin
    finally:
        admin.close()


def _new_database(server: LocalPostgres) -> str:
    import psycopg

    name = f"bench_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return server.url.rsplit("/", 1)[0] + f"/{name}"
