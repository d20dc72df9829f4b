"""The running job is killed again and again: every event keeps one outcome, and nothing is missing from a feed."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks.corpus import raw_events
from newsflow.ledger import open_ledger
from newsflow.model import Outcome
from newsflow.model.names import dead_letter_topic
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import check_all
from tests.e2e.job_process import JobProcess, decided
from tests.e2e.publisher import Publisher, with_dead_letters
from tests.fault_table import FaultTable
from tests.postgres_helpers import new_database

PARTITIONS = 4


class Course(NamedTuple):
    """How many events flow, in how long, and how often the job is killed meanwhile."""

    events: int
    publish_s: float
    kills: int


SHORT, FULL = Course(1_200, 26.0, 3), Course(5_000, 90.0, 10)
SMALL_BATCHES = {"NEWSFLOW_LIMITS__BATCH_RECORDS": "50", "NEWSFLOW_LIMITS__RUN_RECORDS": "300"}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def test_killed_at_random_moments_nothing_is_lost(
    topics_broker: RunningBroker, tmp_path: Path, fault_table: FaultTable
) -> None:
    kill_again_and_again(SHORT, topics_broker, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", fault_table, "SQLite")


@pytest.mark.faults
def test_killed_ten_times_with_sqlite(topics_broker: RunningBroker, tmp_path: Path, fault_table: FaultTable) -> None:
    kill_again_and_again(FULL, topics_broker, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", fault_table, "SQLite")


@pytest.mark.faults
def test_killed_at_random_moments_with_postgresql(
    topics_broker: RunningBroker, tmp_path: Path, fault_table: FaultTable, postgres: LocalPostgres
) -> None:
    kill_again_and_again(FULL, topics_broker, tmp_path, new_database(postgres), fault_table, "PostgreSQL")


def kill_again_and_again(
    course: Course, broker: RunningBroker, folder: Path, url: str, table: FaultTable, database: str
) -> None:
    events = course.events
    topic = broker.create_topic(broker.name("raw"), partitions=PARTITIONS)
    broker.create_topic(dead_letter_topic(topic))
    publisher = Publisher(
        broker.settings, topic, with_dead_letters(list(raw_events(events, seed=3, size_chars=900))), course.publish_s
    )
    publisher.start()
    job = JobProcess(broker, topic, folder, url, group=topic, environ={**SMALL_BATCHES, "NEWSFLOW_RUN__WORKERS": "2"})
    moments = random.Random(5)
    for _ in range(course.kills):
        before = decided(url)
        job.start("--follow")
        wait_for_more(url, before, job)
        time.sleep(moments.uniform(0.0, 3.0))
        job.kill()
    assert publisher.is_alive() or decided(url) < events, "the last kill did not come while events flowed"
    publisher.hurry()
    publisher.join()
    job.start("--until-caught-up")
    assert job.wait(300) == 0, job.words()

    ledger = open_ledger(url)
    try:
        repeated = check_all(broker, ledger, topic)
        assert sum(ledger.outcomes().values()) == events
        assert ledger.outcomes()[Outcome.DEAD_LETTERED] == events // 50
    finally:
        ledger.close()
    table.add(f"job killed {course.kills} times, {database}", events=events, lost=0, repeated=repeated)


def wait_for_more(url: str, before: int, job: JobProcess, timeout_s: float = 60) -> None:
    """Until the job has decided an event: a kill before that would prove nothing."""
    deadline = time.monotonic() + timeout_s
    while decided(url) <= before:
        assert job.process is not None
        assert job.process.poll() is None, job.words()
        assert time.monotonic() < deadline, job.words()
        time.sleep(0.05)
