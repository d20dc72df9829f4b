"""All that a job on Flink needs, real and on loopback: a cluster, a broker, a database, and the command itself."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import orjson
import psutil
from kafka import TopicPartition

from benchmarks.corpus import raw_events
from newsflow.errors import NewsflowError
from newsflow.kafka.client import make_admin, make_consumer
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model.names import dead_letter_topic
from newsflow.runners.flink_rest import FlinkCluster
from newsflow.tools.broker import LocalBroker
from newsflow.tools.flink import LocalFlink
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import FEW_RULES

RULES = list(map(str, FEW_RULES))


@dataclass
class Stack:
    """The servers. Tests may kill any of them, if they start it again."""

    flink: LocalFlink
    kafka: LocalBroker
    postgres: LocalPostgres

    @property
    def broker(self) -> RunningBroker:
        return RunningBroker(self.kafka.status().bootstrap_servers)

    @property
    def cluster(self) -> FlinkCluster:
        return FlinkCluster(self.flink.master)

    def words(self) -> str:
        """What TaskManagers and their workers have said."""
        logs = sorted(self.flink.folder.glob("taskmanager-*.log"))
        return "".join(log.read_text(encoding="utf-8", errors="replace") for log in logs)

    def workers(self) -> list[psutil.Process]:
        """The Python workers that the TaskManagers have started."""
        children = [
            child
            for task_manager in self.flink.task_managers
            if task_manager.poll() is None
            for child in psutil.Process(task_manager.pid).children(recursive=True)
        ]
        return [child for child in children if is_worker(child)]


def is_worker(process: psutil.Process) -> bool:
    try:
        return any("sdk_worker_main" in part for part in process.cmdline())
    except psutil.Error:
        return False


@dataclass
class FlinkRun:
    """One job on the stack, over a topic and a ledger of its own, driven as an operator would."""

    stack: Stack
    name: str
    folder: Path
    ledger_url: str
    topic: str
    partitions: int = 4
    environ: Mapping[str, str] = field(default_factory=dict)
    page: str = "ingest"
    """Of `pipelines/`; for a page that is laid once for each sink, `PAGE.SINK`."""
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def job(self) -> str:
        """What the job is called on the cluster."""
        return self.name if self.page == "ingest" else f"{self.name}.{self.page}"

    @property
    def _page(self) -> str:
        return self.page.partition(".")[0]

    def create_topics(self) -> None:
        topics = {self.topic: self.partitions, dead_letter_topic(self.topic): 1}
        with closing(make_admin(self.stack.broker.settings)) as admin:
            admin.create_topics(
                {name: {"num_partitions": count, "replication_factor": 1} for name, count in topics.items()}
            )
            # The broker may be busy with the hundreds of topics declared just before.
            admin.wait_for_topics(list(topics), timeout_ms=90_000)
        open_ledger(self.ledger_url).close()

    def newsflow(self, *arguments: str, expect: int = 0, timeout_s: float = 300) -> str:
        """Run the command; returns its standard output. What it says goes to job.log too."""
        command = [sys.executable, "-m", "newsflow", *arguments]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        with (self.folder / "job.log").open("a") as log:
            log.write(f"$ newsflow {' '.join(arguments)}\n{done.stdout}{done.stderr}\n")
        assert done.returncode == expect, done.stderr[-3000:]
        return done.stdout if expect == 0 else done.stderr

    def start(self, *arguments: str) -> str:
        """Start the job and return its id."""
        return self._started("run", self._page, "--runner", "flink", "--detach", *arguments)

    def restore(self, path: str, *arguments: str) -> str:
        """Start the job from a savepoint or checkpoint and return its id."""
        return self._started("jobs", "restore", path, "--job", self._page, "--detach", *arguments)

    def _started(self, *arguments: str) -> str:
        options, dashes, beam = _parted(arguments)
        often = () if any("checkpointing" in each for each in beam) else ("--checkpointing_interval=3000",)
        return str(orjson.loads(self.newsflow(*options, "-o", "json", *(dashes or ("--",)), *beam, *often))["job"])

    def stop(self) -> str:
        """Stop the job with a savepoint and return its path."""
        return str(orjson.loads(self.newsflow("jobs", "stop", self.job, "--savepoint", "-o", "json"))["savepoint"])

    def cancel(self) -> str:
        """Cancel the job and return its last checkpoint."""
        return str(orjson.loads(self.newsflow("jobs", "cancel", self.job, "-o", "json"))["checkpoint"])

    def end(self) -> None:
        """Leave nothing running, whatever happened before."""
        for job in self.stack.cluster.jobs():
            if not job.ended:
                self.stack.cluster.cancel(job.id)

    def decided(self) -> int:
        """Events that have an outcome; 0 while the database is away."""
        try:
            ledger = open_ledger(self.ledger_url, retry_for_s=1.0)
            try:
                return sum(ledger.outcomes().values())
            finally:
                ledger.close()
        except NewsflowError:
            return 0

    def wait_until_decided(self, count: int, timeout_s: float = 240) -> float:
        """Seconds until at least `count` events have an outcome."""
        return wait_until(
            lambda: self.decided() >= count, timeout_s, lambda: f"{self.decided()} of {count}; {self.why()}"
        )

    def wait_until_written(self, timeout_s: float = 240) -> None:
        """Until the group's committed offsets stand at the topic's end: all that came of it is written then."""
        wait_until(lambda: self.lag() == 0, timeout_s, lambda: f"a lag of {self.lag()}; {self.why()}")

    def lag(self) -> int:
        """Records beyond the group's committed offsets."""
        with closing(make_consumer(self.stack.broker.settings, group=self.topic)) as consumer:
            tps = [TopicPartition(self.topic, number) for number in consumer.partitions_for_topic(self.topic)]
            ends: dict[TopicPartition, int] = consumer.end_offsets(tps)
            return sum(end - (consumer.committed(tp) or 0) for tp, end in ends.items())

    def why(self) -> str:
        """What Flink says of the jobs, for a failure's message."""
        try:
            jobs = self.stack.cluster.jobs()[:3]
            return "; ".join(f"{job.name} {job.state} {self.stack.cluster.last_failure(job.id)}" for job in jobs)
        except NewsflowError as error:
            return str(error)

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONWARNINGS": "ignore",
            "NEWSFLOW_JOB": self.name,
            "NEWSFLOW_FLINK_MASTER": self.stack.flink.master,
            "NEWSFLOW_CONFIG": str(self._config()),
            **self.environ,
        }

    def _config(self) -> Path:
        file = self.folder / "newsflow.yaml"
        servers = self.stack.broker.bootstrap_servers
        kafka = {"bootstrap_servers": servers, "input_topic": self.topic, "group": self.topic}
        ledger, topics = {"url": self.ledger_url}, {"paths": RULES}
        blobs = {"url": f"folder:///{self.folder}/blobs", "shared": True}
        own: dict[str, object] = {"job": self.name, "kafka": kafka, "ledger": ledger, "blobs": blobs, "topics": topics}
        own |= self.settings
        file.write_bytes(orjson.dumps({name: value for name, value in own.items() if value is not None}))
        return file


class Events:
    """Publishes to the topic of a run, and knows how many that were."""

    def __init__(self, run: FlinkRun) -> None:
        self._run, self.count = run, 0

    def publish(self, count: int) -> None:
        writer = BatchWriter(self._run.stack.broker.settings)
        for key, value in raw_events(count, seed=100 + self.count, size_chars=600):
            writer.send(self._run.topic, key, value.replace(b"/news/", b"/news/%d-" % self.count))
        writer.flush()
        self.count += count

    def wait(self) -> None:
        self._run.wait_until_decided(self.count)


def _parted(arguments: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return arguments[:at], arguments[at : at + 1], arguments[at + 1 :]


def wait_until(reached: Callable[[], bool], timeout_s: float, said: Callable[[], str]) -> float:
    """Seconds until `reached`; fails with what `said` says."""
    began = time.monotonic()
    while not reached():
        assert time.monotonic() - began < timeout_s, said()
        time.sleep(0.1)
    return time.monotonic() - began
