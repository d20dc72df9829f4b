"""A job is killed between any two of its five steps, told to stop while it starts, and given an older ledger."""

from __future__ import annotations

import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.producer import BatchWriter
from newsflow.model.names import dead_letter_topic
from newsflow.tools.postgres import LocalPostgres
from tests.attack_counts import often
from tests.attacks import killed_at
from tests.attacks.killed_at import PLACES
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import check_all_of
from tests.e2e.job_process import JobProcess
from tests.e2e.publisher import with_dead_letters
from tests.postgres_helpers import new_database

EVENTS = 240
SMALL = {"NEWSFLOW_LIMITS__BATCH_RECORDS": "20", "NEWSFLOW_LIMITS__RUN_RECORDS": "60"}

pytestmark = [pytest.mark.e2e, pytest.mark.attacks, pytest.mark.allow_errors, pytest.mark.timeout(900)]


@dataclass
class DoomedJob(JobProcess):
    """A job that is killed at a place, at the given time it is there."""

    place: str = ""
    at: int = 0

    def spawn(self, *arguments: str) -> subprocess.Popen[bytes]:
        if not self.place:
            return super().spawn(*arguments)
        with (self.folder / "job.log").open("ab") as log:
            command = [sys.executable, killed_at.__file__, self.place, str(self.at), *arguments]
            return subprocess.Popen(command, stdout=log, stderr=log, env=self._environ(), cwd=self.folder)


def prepared(broker: RunningBroker, folder: Path, url: str) -> DoomedJob:
    topic = broker.create_topic(broker.name("raw"), partitions=2)
    broker.create_topic(dead_letter_topic(topic))
    publish(broker, topic, EVENTS)
    return DoomedJob(broker, topic, folder, url, topic, SMALL)


def publish(broker: RunningBroker, topic: str, count: int, seed: int = 0) -> None:
    with closing(BatchWriter(broker.settings)) as writer:
        for key, value in with_dead_letters(list(raw_events(count, seed=seed))):
            writer.send(topic, key, value)
        writer.flush()


def repeated_after_all(job: JobProcess) -> int:
    """Let the job end in peace, and check everything."""
    job.start("--until-caught-up")
    assert job.wait(300) == 0, job.words()
    return check_all_of(job)


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("place", PLACES)
def test_killed_at_each_of_the_five_places(
    place: str,
    database: str,
    topics_broker: RunningBroker,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    times = [1, 4] if place != "while-publishing" else [7, 90]
    if database == "postgresql":
        if not often(0, 1) and place not in ("after-recording", "while-publishing"):
            pytest.skip("in full only")
        server: LocalPostgres = request.getfixturevalue("postgres")
        url = new_database(server)
    else:
        url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    job = prepared(topics_broker, tmp_path, url)
    for at in times:
        job.place, job.at = place, at
        job.start("--until-caught-up")
        assert job.wait(120) == -signal.SIGKILL, job.words()
    job.place = ""
    repeated = repeated_after_all(job)
    record_property("figure", f"{EVENTS} events, killed {len(times)} times, 0 lost, {repeated} repeated")


def test_told_to_stop_while_it_starts(
    topics_broker: RunningBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Whenever it comes, SIGTERM ends it soon and leaves no process behind; the next start is as any other."""
    job = prepared(topics_broker, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3")
    chance, longest, codes = random.Random(2), 0.0, set()
    rounds = often(6, 60)
    for number in range(rounds):
        with (tmp_path / "job.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "newsflow", "run", "ingest", "--follow"],
                stdout=log, stderr=log, env=job._environ(), cwd=tmp_path, start_new_session=True,
            )  # fmt: skip
        time.sleep(0.1 + chance.random() * 4 * (number + 1) / rounds)
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        codes.add(process.wait(60))
        longest = max(longest, time.monotonic() - began)
        assert wait_for_end_of(process.pid) == [], job.words()
    assert codes <= {0, -signal.SIGTERM, 128 + signal.SIGTERM}, (codes, job.words())
    repeated = repeated_after_all(job)
    record_property("figure", f"{rounds} starts, ended within {longest:.1f} s, 0 lost, {repeated} repeated")


def wait_for_end_of(session: int) -> list[psutil.Process]:
    """What is left of a session after some seconds."""
    deadline = time.monotonic() + 15
    while (left := [each for each in psutil.process_iter() if _session_of(each) == session]) and (
        time.monotonic() < deadline
    ):
        time.sleep(0.1)
    return left


def _session_of(process: psutil.Process) -> int:
    import os

    try:
        return -1 if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    except (psutil.Error, OSError):
        return -1


def test_the_ledger_of_yesterday_is_said_where_kafka_is_ahead(
    topics_broker: RunningBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A ledger that was restored without the group's offsets has forgotten what Kafka says is done."""
    job = prepared(topics_broker, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3")
    repeated_after_all(job)
    time.sleep(1.2)
    publish(topics_broker, job.topic, 20, seed=7)
    repeated_after_all(job)
    back_up(tmp_path)
    publish(topics_broker, job.topic, EVENTS, seed=8)
    repeated_after_all(job)
    job.start("--follow")  # marks are confirmed a second later
    publish(topics_broker, job.topic, 20, seed=9)
    job.wait_for(lambda: job.decided() == 2 * EVENTS + 40)
    time.sleep(1.5)
    publish(topics_broker, job.topic, 20, seed=10)
    job.wait_for(lambda: job.decided() == 2 * EVENTS + 60)
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(60) == 0
    assert "has not decided" not in job.words()
    start_with_the_backup(job, tmp_path)
    words = job.words()
    assert "the ledger has not decided" in words, words
    assert "restored from a backup" in words
    record_property("figure", "said at the start, with the step of the runbook")


def test_it_is_said_after_runs_of_less_than_a_second(topics_broker: RunningBroker, tmp_path: Path) -> None:
    """A schedule of `--until-caught-up` asks the brokers but once a run, before it reads."""
    job = prepared(topics_broker, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3")
    repeated_after_all(job)
    back_up(tmp_path)
    publish(topics_broker, job.topic, 8, seed=8)
    repeated_after_all(job)
    assert "has not decided" not in job.words()
    start_with_the_backup(job, tmp_path)
    assert "the ledger has not decided" in job.words(), job.words()


def back_up(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as live, closing(sqlite3.connect(folder / "old")) as old:
        live.backup(old)


def start_with_the_backup(job: JobProcess, folder: Path) -> None:
    for file in folder.glob("ledger.sqlite3*"):
        file.unlink()
    shutil.copy(folder / "old", folder / "ledger.sqlite3")
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
