"""`newsflow run ingest` on Kafka: how it ends, and what it does when it cannot go on."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition

from benchmarks.corpus import raw_events
from newsflow.kafka.client import make_consumer
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model import Headers, Outcome
from newsflow.model.names import dead_letter_topic
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess, check_repeats

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Record = tuple[bytes | None, bytes | None, Headers]


@pytest.fixture
def make_job(topics_broker: RunningBroker, tmp_path: Path) -> Callable[..., JobProcess]:
    def make(records: list[Record], **environ: str) -> JobProcess:
        topic = topics_broker.create_topic(topics_broker.name("raw"), partitions=2)
        topics_broker.create_topic(dead_letter_topic(topic))
        writer = BatchWriter(topics_broker.settings)
        for key, value, headers in records:
            writer.send(topic, key, value, headers)
        writer.flush()
        url = f"sqlite:///{tmp_path}/ledger.sqlite3"
        return JobProcess(topics_broker, topic, tmp_path, url, topic, environ)

    return make


def wait_for(condition: Callable[[], bool], job: JobProcess, timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, job.words()
        time.sleep(0.1)


def test_sigterm_drains_and_commits(make_job: Callable[..., JobProcess]) -> None:
    job = make_job([(key, value, ()) for key, value in raw_events(300)])
    job.start("--follow")
    wait_for(lambda: job.committed() == 300, job)
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(30) == 0, job.words()
    assert "SIGTERM: finishing the batch in hand" in job.words()
    ledger = open_ledger(job.ledger_url)
    assert sum(ledger.outcomes().values()) == 300
    ledger.close()


def test_a_second_signal_quits_at_once(make_job: Callable[..., JobProcess]) -> None:
    job = make_job([(key, value, ()) for key, value in raw_events(1)])
    job.start("--follow")
    wait_for(lambda: job.committed() == 1, job)
    assert job.process is not None
    job.process.send_signal(signal.SIGSTOP)  # both signals wait for it together
    job.process.send_signal(signal.SIGTERM)
    job.process.send_signal(signal.SIGINT)
    job.process.send_signal(signal.SIGCONT)
    assert job.wait(15) != 0, job.words()


def test_bytes_at_random_become_dead_letters_with_their_bytes(make_job: Callable[..., JobProcess]) -> None:
    dice = random.Random(4)
    noise = [dice.randbytes(dice.randrange(200)) for _ in range(400)]
    records: list[Record] = [
        (
            None if dice.random() < 0.3 else dice.randbytes(8),
            None if dice.random() < 0.1 else value,
            (("ce_id", dice.randbytes(4)), ("traceparent", None)) if dice.random() < 0.3 else (),
        )
        for value in noise
    ]
    job = make_job(records)
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    ledger = open_ledger(job.ledger_url)
    assert ledger.outcomes() == {Outcome.DEAD_LETTERED: 400}
    ledger.close()
    letters = check_repeats(job.broker.read(dead_letter_topic(job.topic)))
    sent = sorted((event.key or b"", event.value or b"") for event in job.broker.read(job.topic))
    assert sorted((letter.key or b"", letter.value or b"") for letter in letters.values()) == sent


def test_only_dead_letters_stop_the_job(make_job: Callable[..., JobProcess]) -> None:
    job = make_job([(b"k", b"broken", ())] * 30, NEWSFLOW_LIMITS__DEAD_LETTERS_IN_A_ROW="20")
    job.start("--follow")
    assert job.wait(60) == 1
    assert "were all dead-lettered (malformed-json 30" in job.words()
    assert len(job.broker.read(dead_letter_topic(job.topic))) == 30


def test_a_dead_letter_that_cannot_be_written_stops_the_job(topics_broker: RunningBroker, tmp_path: Path) -> None:
    topic = topics_broker.create_topic(topics_broker.name("raw"))
    writer = BatchWriter(topics_broker.settings)
    writer.send(topic, b"k", b"broken")
    writer.flush()
    environ = {"NEWSFLOW_LIMITS__ATTEMPTS": "1"}
    job = JobProcess(topics_broker, topic, tmp_path, f"sqlite:///{tmp_path}/l.sqlite3", topic, environ)
    job.start("--until-caught-up")
    assert job.wait(90) == 1
    assert f"{topic}.dlq was not found" in job.words()
    with closing(make_consumer(topics_broker.settings, group=topic)) as consumer:
        assert consumer.committed(TopicPartition(topic, 0)) is None


def test_a_missing_topic_says_which_command_lists_those_that_are_there(
    topics_broker: RunningBroker, tmp_path: Path
) -> None:
    environ = {"NEWSFLOW_LIMITS__ATTEMPTS": "1"}
    name = topics_broker.name("none")
    job = JobProcess(topics_broker, name, tmp_path, f"sqlite:///{tmp_path}/l.sqlite3", name, environ)
    job.start("--until-caught-up")
    assert job.wait(60) == 1
    assert f"topic {name} does not exist; `newsflow kafka topics` lists those that do" in job.words()


def test_what_the_topic_lacks_is_refused_and_not_tried(make_job: Callable[..., JobProcess]) -> None:
    job = make_job([])
    job.start("--follow", "--partitions", "0,9")
    assert job.wait(60) == 2
    assert f"topic {job.topic} has partitions [0, 1], and not [9] (--partitions)" in job.words()
    assert "attempt" not in job.words()


def test_the_same_job_twice_is_said(make_job: Callable[..., JobProcess]) -> None:
    job = make_job([])
    processes = [job.spawn("run", "ingest", "--follow") for _ in range(2)]
    writer = BatchWriter(job.broker.settings)
    try:
        job.process = processes[0]
        wait_for(lambda: job.words().count("starting: ") == 2, job)
        deadline = time.monotonic() + 60
        while "another process commits for its consumer group" not in job.words():
            assert time.monotonic() < deadline, job.words()
            writer.send(job.topic, b"k", b"broken")
            writer.flush()
            time.sleep(0.2)
    finally:
        writer.close()
        for process in processes:
            process.terminate()
            process.wait(30)
