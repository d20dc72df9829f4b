"""Runs the real command in a process of its own, as an operator would, and reads back what it left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from kafka import TopicPartition

from newsflow.kafka.client import make_consumer
from newsflow.ledger import open_ledger
from newsflow.model import Event
from newsflow.model.headers import header
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import AS_LIST

_started: list[subprocess.Popen[bytes]] = []


def end_what_runs() -> None:
    """Kill the jobs that a test has left: one that fails must not disturb the next."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            process.kill()
            process.wait()


@dataclass
class JobProcess:
    """One job over one topic, under a few rules, started and killed as often as the test likes."""

    broker: RunningBroker
    topic: str
    folder: Path
    ledger_url: str
    group: str
    environ: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    job: str = "ingest"

    def start(self, *arguments: str) -> None:
        """`newsflow run JOB` with the arguments given; its words go to job.log."""
        self.process = self.spawn("run", self.job, *arguments)
        _started.append(self.process)

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Any command of newsflow beside the job, with the same settings and log."""
        with (self.folder / "job.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "newsflow", *arguments],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, env=self._environ(), cwd=self.folder,
            )  # fmt: skip

    def command(self, *arguments: str) -> str:
        """Run a command of newsflow to its end; what it wrote on standard output."""
        done = subprocess.run(
            [sys.executable, "-m", "newsflow", *arguments],
            capture_output=True, text=True, env=self._environ(), cwd=self.folder, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def kill(self) -> None:
        """SIGKILL: no handler runs, nothing is flushed."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def wait(self, timeout_s: float) -> int:
        """Wait for its end; returns the exit code."""
        assert self.process is not None
        return self.process.wait(timeout_s)

    def wait_for(self, condition: Callable[[], bool], timeout_s: float = 120) -> None:
        """Wait until it holds, while the job runs."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < deadline, self.words()
            time.sleep(0.1)

    def decided(self) -> int:
        """How many events have an outcome in the ledger."""
        return decided(self.ledger_url)

    def committed(self) -> int:
        """How far the group has read the topic, all partitions together."""
        with closing(make_consumer(self.broker.settings, group=self.group)) as consumer:
            places = [TopicPartition(self.topic, number) for number in consumer.partitions_for_topic(self.topic)]
            return sum(consumer.committed(place) or 0 for place in places)

    def words(self) -> str:
        return (self.folder / "job.log").read_text(encoding="utf-8", errors="replace")

    def _environ(self) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONWARNINGS": "ignore",
            "NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "NEWSFLOW_KAFKA__INPUT_TOPIC": self.topic,
            "NEWSFLOW_KAFKA__GROUP": self.group,
            "NEWSFLOW_LEDGER__URL": self.ledger_url,
            # All on this machine, whatever the ledger is.
            "NEWSFLOW_BLOBS__SHARED": "true",
            "NEWSFLOW_TOPICS__PATHS": AS_LIST,
            # What tests write was fetched, it says, long before.
            "NEWSFLOW_ALERTS__FRESH_H": "0",
            # What costs each start a second or more: what is about workers or stories asks for it.
            "NEWSFLOW_RUN__WORKERS": "1",
            "NEWSFLOW_STORIES__ENCODER": "none",
            **self.environ,
        }


def decided(url: str) -> int:
    """How many events have an outcome in a ledger."""
    with closing(open_ledger(url)) as ledger:
        return sum(ledger.outcomes().values())


def check_repeats(records: list[Event], but: Collection[str] = ()) -> dict[str, Event]:
    """One record for each id (of a dead letter its own, not that of the event it keeps); asserts that all records of one
    id are equal in key, bytes and headers, `but` for the headers of these names."""
    by_id: dict[str, list[Event]] = defaultdict(list)
    for record in records:
        ce_id = header(record.headers, "newsflow.error.id") or header(record.headers, "ce_id")
        assert ce_id is not None
        by_id[ce_id].append(record)

    def compared(record: Event) -> tuple[object, ...]:
        return record.key, record.value, tuple(pair for pair in record.headers if pair[0] not in but)

    for same in by_id.values():
        assert {compared(record) for record in same} == {compared(same[0])}
    return {ce_id: same[0] for ce_id, same in by_id.items()}
