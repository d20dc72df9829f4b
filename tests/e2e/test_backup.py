"""The runbook's backup and restore, by the commands as they stand there, on both databases."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition

from benchmarks.corpus import raw_events
from newsflow.kafka.client import make_consumer
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.ledger.reading import StoredVersion
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic
from newsflow.tools.postgres import LocalPostgres, find_programs
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import ACCEPTED, check_one_outcome_each, mine
from tests.e2e.job_process import JobProcess
from tests.kafka_tools import write_consumer_groups
from tests.postgres_helpers import new_database

ROOT = Path(__file__).resolve().parents[2]
RUNBOOK = (ROOT / "docs" / "how-to" / "runbook.md").read_text(encoding="utf-8")
PART = 120
"""Events published at once."""

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def commands(section: str) -> list[str]:
    """The commands of a section of the runbook, in its order."""
    text = RUNBOOK.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [block.strip() for block in re.findall(r"^ *```sh\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)]


class Operator:
    """Types the runbook's commands in one folder, with the names of this test for those of the page."""

    def __init__(self, folder: Path, job: JobProcess) -> None:
        self._folder, self._job = folder, job
        programs = folder / "bin"
        programs.mkdir()
        write_consumer_groups(programs)
        self._environ = {
            **os.environ,
            "PATH": os.pathsep.join([str(programs), str(find_programs()), os.environ["PATH"]]),
            "BROKERS": job.broker.bootstrap_servers,
            "LEDGER_URL": job.ledger_url,
        }

    def types(self, command: str) -> None:
        command = command.replace("newsflow.ingest", self._job.group).replace("news.article.raw.v1", self._job.topic)
        done = subprocess.run(
            ["sh", "-c", command], cwd=self._folder, env=self._environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}{done.stdout}"
        assert "Error" not in done.stdout, f"{command}: {done.stdout}"


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)])
def test_backup_and_restore_lose_nothing(
    database: str, topics_broker: RunningBroker, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    broker, topic = topics_broker, topics_broker.create_topic(topics_broker.name("raw"), partitions=2)
    broker.create_topic(dead_letter_topic(topic))
    if database == "sqlite":
        if shutil.which("sqlite3") is None:
            pytest.skip("no sqlite3 on this machine")
        url, other = f"sqlite:///{tmp_path}/.newsflow/ledger.sqlite3", ("pg_dump ", "pg_restore ")
    else:
        server: LocalPostgres = request.getfixturevalue("postgres")
        url, other = new_database(server), ("sqlite3 ", "cp ")
    job = JobProcess(broker, topic, tmp_path, url, topic, {"NEWSFLOW_LIMITS__BATCH_RECORDS": "20"})
    operator = Operator(tmp_path, job)
    before = publish(broker, topic, 0)
    job.start("--follow")
    wait_for(lambda: len(committed(broker, job.group, topic)) == 2, job)
    before += publish(broker, topic, 1)
    wait_for(lambda: decided(url) >= before - PART + 20, job)
    follows(operator, "Back up", other)  # while it works
    in_all = before + publish(broker, topic, 2)
    wait_for(lambda: decided(url) == in_all, job)
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(200) == 0, job.words()

    if database == "sqlite":
        for file in tmp_path.glob(".newsflow/ledger.sqlite3*"):
            file.rename(tmp_path / f"away-{file.name}")
    follows(operator, "Restore", other)
    assert decided(url) < in_all, "the backup was to be older than the loss"
    job.start("--until-caught-up")
    assert job.wait(400) == 0, job.words()
    check_nothing_is_missing(broker, url, topic)


def test_a_ledger_that_is_not_there_is_not_backed_up(tmp_path: Path) -> None:
    """`sqlite3` makes an empty file of a path where there is none, and an empty copy of that."""
    if shutil.which("sqlite3") is None:
        pytest.skip("no sqlite3 on this machine")
    [command] = (command for command in commands("Back up") if command.startswith("sqlite3 "))
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode != 0
    assert not [path for path in tmp_path.rglob("*.sqlite3") if path.stat().st_size]


def follows(operator: Operator, section: str, other: tuple[str, ...]) -> None:
    """All commands of a section but those for the other database."""
    chosen = [command for command in commands(section) if not command.startswith(other)]
    assert len(chosen) == {"Back up": 3, "Restore": 2}[section], chosen
    for command in chosen:
        operator.types(command)


def publish(broker: RunningBroker, topic: str, seed: int) -> int:
    writer = BatchWriter(broker.settings)
    for key, value in raw_events(PART, seed=seed):
        writer.send(topic, key, value)
    writer.flush()
    return PART


def committed(broker: RunningBroker, group: str, topic: str) -> dict[int, int]:
    """What the group has committed of the topic, by partition."""
    with closing(make_consumer(broker.settings, group=group)) as consumer:
        places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic) or ()]
        offsets = {place.partition: consumer.committed(place) for place in places}
        return {partition: int(offset) for partition, offset in offsets.items() if offset is not None}


def decided(url: str) -> int:
    try:
        ledger = open_ledger(url)
    except Exception:
        return 0  # the job is about to make it
    try:
        return sum(ledger.outcomes().values())
    finally:
        ledger.close()


def wait_for(true: Callable[[], bool], job: JobProcess, timeout_s: float = 300) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert job.process is not None
        assert job.process.poll() is None, job.words()
        assert time.monotonic() < deadline, job.words()
        time.sleep(0.3)


def check_nothing_is_missing(broker: RunningBroker, url: str, topic: str) -> None:
    ledger = open_ledger(url)
    try:
        check_one_outcome_each(ledger, broker.read(topic))
        newest: Mapping[bytes | None, bytes | None] = {
            record.key: record.value for record in mine(broker.read(ARTICLE_TOPIC), topic)
        }
        current: dict[bytes, StoredVersion] = {}
        for stored in sorted(ledger.articles(), key=lambda each: each.version):
            event = ledger.event(stored.event_id)
            if event is not None and event.outcome in ACCEPTED:  # copies that were held back are kept whole too
                current[stored.article_id.encode()] = stored
        assert current
        # Of the compacted topic the last record of a key stays: it is what the restored ledger says.
        assert {key: newest.get(key) for key in current} == {key: stored.value for key, stored in current.items()}
    finally:
        ledger.close()
