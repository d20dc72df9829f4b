"""Two jobs share a topic and a PostgreSQL ledger while the database and the broker go down under them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.admin import apply_topics
from newsflow.ledger import open_ledger
from newsflow.model.names import dead_letter_topic
from newsflow.model.topics import declared_topics
from newsflow.tagging import load_rules, shipped_rules_path
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import check_all
from tests.e2e.job_process import JobProcess, decided
from tests.e2e.publisher import Publisher, with_dead_letters
from tests.e2e.test_kill import FULL, PARTITIONS, SMALL_BATCHES
from tests.fault_table import FaultTable

PUBLISH_S = 75.0


@pytest.mark.e2e
@pytest.mark.faults
@pytest.mark.timeout(1200)
def test_two_jobs_while_database_and_broker_restart(
    own_broker: LocalBroker, tmp_path: Path, fault_table: FaultTable
) -> None:
    broker = RunningBroker(own_broker.status().bootstrap_servers)
    apply_topics(broker.settings, declared_topics([rule.id for rule in load_rules([shipped_rules_path()]).rules]))
    topic = broker.create_topic(broker.name("raw"), partitions=PARTITIONS)
    broker.create_topic(dead_letter_topic(topic))
    events = with_dead_letters(list(raw_events(FULL.events, seed=8, size_chars=900)))
    with LocalPostgres() as database:
        open_ledger(database.url).close()
        publisher = Publisher(broker.settings, topic, events, PUBLISH_S)
        publisher.start()
        jobs = [start_job(broker, topic, tmp_path / name, database.url, name) for name in ("0,1", "2,3")]
        wait_for(lambda: decided(database.url) > 100, jobs)
        recoveries = [restart(database.stop, database.start, database.url, jobs) for _ in range(3)]
        broker_s = restart(lambda: None, lambda: bounce(own_broker), database.url, jobs)
        publisher.join()
        for job in jobs:
            assert job.process is not None
            job.process.send_signal(signal.SIGTERM)
        for job in jobs:
            assert job.wait(120) == 0, job.words()
        last = start_job(broker, topic, tmp_path / "last", database.url, "0,1,2,3", "--until-caught-up")
        assert last.wait(300) == 0, last.words()
        ledger = open_ledger(database.url)
        try:
            repeated = check_all(broker, ledger, topic)
            count = sum(ledger.outcomes().values())
        finally:
            ledger.close()
    name = "two jobs, PostgreSQL stopped three times"
    fault_table.add(name, events=count, lost=0, repeated=repeated, recovery_s=max(recoveries))
    fault_table.add("two jobs, broker restarted", events=count, lost=0, repeated=repeated, recovery_s=broker_s)


def start_job(
    broker: RunningBroker, topic: str, folder: Path, url: str, partitions: str, how: str = "--follow"
) -> JobProcess:
    folder.mkdir()
    environ = {**SMALL_BATCHES, "NEWSFLOW_LIMITS__ATTEMPTS": "50"}
    job = JobProcess(broker, topic, folder, url, group=topic, environ=environ)
    job.start(how, "--partitions", partitions)
    return job


def restart(down: Callable[[], object], up: Callable[[], object], url: str, jobs: list[JobProcess]) -> float:
    """Let the jobs work, take something away, give it back; seconds until the next event is decided."""
    time.sleep(6)
    down()
    time.sleep(2)
    up()
    began, before = time.monotonic(), decided(url)
    wait_for(lambda: decided(url) > before, jobs)
    return time.monotonic() - began


def bounce(broker: LocalBroker) -> None:
    broker.kill()
    broker.up()


def wait_for(reached: Callable[[], bool], jobs: list[JobProcess], timeout_s: float = 120) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        for job in jobs:
            assert job.process is not None
            assert job.process.poll() is None, job.words()[-3000:]
        assert time.monotonic() < deadline, "\n".join(job.words()[-1500:] for job in jobs)
        time.sleep(0.1)
