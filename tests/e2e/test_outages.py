"""A job that follows its topic, while its broker and its ledger are stopped, killed and come back: it waits, and says so."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.corpus import raw_events
from newsflow.cli.app import app
from newsflow.errors import KafkaError, LedgerError
from newsflow.kafka.admin import apply_topics
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model.topics import declared_topics
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess
from tests.rule_helpers import AS_LIST, FEW_RULES

pytestmark = pytest.mark.e2e

IMPATIENT = (
    "from newsflow.cli import main; from newsflow.outages import outages; "
    "outages.first_s, outages.every_s = 1.0, 2.0; main()"
)
"""The command, with other intervals."""
NOBODY = "127.0.0.1:1"


class ImpatientJob(JobProcess):
    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "job.log").open("ab") as log:
            command = [sys.executable, "-c", IMPATIENT, *arguments]
            return subprocess.Popen(command, stdout=log, stderr=log, env=self._environ(), cwd=self.folder)


@pytest.fixture
def database(postgres: LocalPostgres) -> Iterator[LocalPostgres]:
    """One for this test alone, to be stopped."""
    with LocalPostgres() as server:
        yield server


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_job_outlives_every_outage(own_broker: LocalBroker, database: LocalPostgres, tmp_path: Path) -> None:
    handle = RunningBroker(own_broker.status().bootstrap_servers)
    apply_topics(handle.settings, declared_topics([path.stem for path in FEW_RULES]))
    topic = handle.create_topic("news.outages.v1")
    # One failure that counts would end it.
    job = ImpatientJob(handle, topic, tmp_path, database.url, topic, {"NEWSFLOW_LIMITS__ATTEMPTS": "1"})
    job.start("--follow", "--heartbeat", str(tmp_path / "heartbeat"))
    published = 0

    def goes_on() -> None:
        nonlocal published
        publish(handle, topic, 5, seed=published)
        published += 5
        job.wait_for(lambda: decided(database) == published)

    def outage(whom: str, begin: Callable[[], object], end: Callable[[], object], use: bool = False) -> None:
        told, over = (re.escape(f"{whom} {does}") for does in ("is unavailable since", "answers again, after"))
        before = len(re.findall(told, job.words())), len(re.findall(over, job.words()))
        begin()
        if use:
            publish(handle, topic, 5, seed=1000)  # no job asks its ledger for nothing
            nonlocal published
            published += 5
        job.wait_for(lambda: len(re.findall(told, job.words())) >= before[0] + 3)
        assert time.time() - (tmp_path / "heartbeat").stat().st_mtime < 5
        end()
        job.wait_for(lambda: len(re.findall(over, job.words())) > before[1])

    goes_on()
    job.wait_for((tmp_path / "heartbeat").exists)
    broker, ledger = f"the broker {handle.bootstrap_servers}", f"the ledger {database.url}"
    pid = own_broker.status().pid
    assert pid is not None
    outage(broker, lambda: os.kill(pid, signal.SIGSTOP), lambda: os.kill(pid, signal.SIGCONT))
    goes_on()
    outage(broker, own_broker.kill, own_broker.up)
    goes_on()
    server = database.pid
    assert server is not None
    outage(ledger, lambda: stop_all(server, signal.SIGSTOP), lambda: stop_all(server, signal.SIGCONT), use=True)
    job.wait_for(lambda: decided(database) == published)
    outage(ledger, database.kill, database.start, use=True)
    job.wait_for(lambda: decided(database) == published)
    goes_on()
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(60) == 0, job.words()
    assert (
        f"starting: broker {handle.bootstrap_servers}, topic {topic}, group {topic}, rules {FEW_RULES[0]}"
        in job.words()
    )


def publish(broker: RunningBroker, topic: str, count: int, seed: int) -> None:
    with closing(BatchWriter(broker.settings)) as writer:
        for key, value in raw_events(count, seed=seed):
            writer.send(topic, key, value)
        writer.flush()


def stop_all(server: int, number: signal.Signals) -> None:
    import psutil

    for process in [psutil.Process(server), *psutil.Process(server).children()]:
        process.send_signal(number)


def decided(database: LocalPostgres) -> int:
    ledger = open_ledger(database.url)
    try:
        return sum(ledger.outcomes().values())
    finally:
        ledger.close()


@pytest.mark.parametrize("what", ["broker", "ledger"])
def test_who_never_answered_is_an_error_at_the_start(
    what: str, broker: RunningBroker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEWSFLOW_LIMITS__START_S", "1")
    monkeypatch.setenv("NEWSFLOW_BLOBS__SHARED", "true")
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", AS_LIST)
    url = f"postgresql://{NOBODY}/none" if what == "ledger" else f"sqlite:///{tmp_path}/ledger.sqlite3"
    servers = NOBODY if what == "broker" else broker.bootstrap_servers
    began = time.monotonic()
    done = CliRunner().invoke(app, ["run", "ingest", "--follow", "-b", servers, "--ledger", url])
    assert isinstance(done.exception, KafkaError if what == "broker" else LedgerError), done.output
    assert "127.0.0.1" in str(done.exception)
    assert time.monotonic() - began < 25
    assert f"starting: broker {servers}, topic news.article.raw.v1, group newsflow.ingest" in done.stderr.replace(
        "\n", " "
    )
