"""SIGTERM ends a job within `limits.shutdown_s`, whatever hangs."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.producer import BatchWriter
from newsflow.model.names import dead_letter_topic
from tests.attacks.partners import Behaviour, dripping, partner, silent
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess

SHUTDOWN_S, SLACK_S = 9.0, 3.0


def _ends_in_time(process: subprocess.Popen[bytes]) -> int:
    began_s = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(60)
    assert time.monotonic() - began_s < SHUTDOWN_S + SLACK_S
    return code


@pytest.mark.attacks
def test_a_process_that_hangs_ends_with_its_last_words(tmp_path: Path) -> None:
    """Its main thread waits for a lock that nobody gives back, and so does a thread that is no daemon."""
    script = (
        "import threading, time\nfrom newsflow.cli.launch import draining\nlock = threading.Lock()\nlock.acquire()\n"
        "threading.Thread(target=lock.acquire).start()\n"
        f"with draining([], {SHUTDOWN_S}):\n    print('ready', flush=True)\n    lock.acquire()\n"
    )
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", script], stdout=subprocess.PIPE, stderr=log, env=os.environ
        )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert _ends_in_time(process) == 1
    assert "not ended 9 s after the signal (limits.shutdown_s)" in (tmp_path / "log").read_text()


@pytest.fixture
def make_job(topics_broker: RunningBroker, tmp_path: Path) -> Callable[..., JobProcess]:
    def make(**environ: str) -> JobProcess:
        topic = topics_broker.create_topic(topics_broker.name("raw"))
        topics_broker.create_topic(dead_letter_topic(topic))
        writer = BatchWriter(topics_broker.settings)
        for key, value in raw_events(20):
            writer.send(topic, key, value, ())
        writer.flush()
        (tmp_path / "routes.yaml").write_text(
            "version: 1\nroutes: []\nsubscriptions: [{id: desk, match: {}, alert: {to: [there]}}]\n"
        )
        url = f"sqlite:///{tmp_path}/ledger.sqlite3"
        settings = {
            "NEWSFLOW_LIMITS__SHUTDOWN_S": f"{SHUTDOWN_S}",
            "NEWSFLOW_ROUTES__PATHS": f"[{tmp_path}/routes.yaml]",
            **environ,
        }
        return JobProcess(topics_broker, topic, tmp_path, url, topic, settings)

    return make


@pytest.mark.attacks
@pytest.mark.e2e
@pytest.mark.parametrize(
    ("kind", "behave"),
    [
        ("webhook, url: 'http://127.0.0.1:{}/'", silent),
        ("mail, url: 'smtp://127.0.0.1:{}?tls=none', mail_from: a@example.org, mail_to: b@example.org",
         dripping(b"220-more\r\n")),
    ],
    ids=["webhook", "mail"],
)  # fmt: skip
def test_a_destination_that_hangs_does_not_hold_the_end(
    make_job: Callable[..., JobProcess], kind: str, behave: Behaviour
) -> None:
    with partner(behave) as hangs:
        settings = f"{{there: {{type: {kind.format(hangs.port)}, allow_private: true, timeout_s: 120}}}}"
        job = make_job(NEWSFLOW_ALERTS__DESTINATIONS=settings)
        job.start("--follow")
        job.wait_for(lambda: hangs.connections > 0)
        assert job.process is not None
        assert _ends_in_time(job.process) == 0, job.words()
    assert "alerts to there hangs and is not waited for" in job.words()


@pytest.mark.attacks
@pytest.mark.e2e
def test_a_ledger_that_hangs_does_not_hold_the_end(make_job: Callable[..., JobProcess], tmp_path: Path) -> None:
    job = make_job()
    job.start("--follow")
    job.wait_for(lambda: _decided(job) == 20)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        writer = BatchWriter(job.broker.settings)
        for key, value in raw_events(40):
            writer.send(job.topic, key, value, ())
        writer.flush()
        time.sleep(3)
        assert job.process is not None
        code = _ends_in_time(job.process)
        other.execute("ROLLBACK")
    assert code == 1, job.words()
    assert "not ended 9 s after the signal" in job.words()
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    assert _decided(job) == 60


def _decided(job: JobProcess) -> int:
    path = job.ledger_url.removeprefix("sqlite:///")
    with closing(sqlite3.connect(path)) as connection:
        try:
            ((count,),) = connection.execute("SELECT COUNT(*) FROM event")
        except sqlite3.OperationalError:
            return 0  # its tables are being made
        return int(count)
