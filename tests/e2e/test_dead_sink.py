"""A sink that is away holds neither the feeds nor the other sinks, and loses nothing."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka import TopicPartition

from newsflow.kafka.client import make_consumer
from newsflow.kafka.producer import BatchWriter
from newsflow.model.codec import encode_article
from newsflow.model.names import ARTICLE_TOPIC
from tests.alerts.planner_helpers import reported
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import AS_LIST

pytestmark = pytest.mark.e2e


def test_a_store_that_is_away_holds_no_other(broker: RunningBroker, tmp_path: Path) -> None:
    group, story = f"test-{uuid.uuid4().hex}", uuid.uuid4().hex
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [archive, away]}]\n")
    write_settings(tmp_path, broker, group, "postgresql://127.0.0.1:1/none?connect_timeout=1")
    newsflow(tmp_path, "kafka", "apply").wait(120)
    articles = [reported(f"{story}-{at}", f"outlet-{at}", story) for at in range(40)]
    writer = BatchWriter(broker.settings)
    for article in articles:
        writer.send(ARTICLE_TOPIC, article.id.encode(), encode_article(article))
    writer.flush()

    process = newsflow(tmp_path, "run", "deliver", "--follow")
    try:
        wait_until(lambda: kept(tmp_path / "archive.sqlite3", story) == 40, process)
        wait_until(lambda: sum(committed(broker, f"{group}.deliver.archive").values()) >= 40, process)
        assert committed(broker, f"{group}.deliver.away") == {}
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log(tmp_path)
    finally:
        process.kill()
    assert "away is unavailable, next try in" in log(tmp_path)

    write_settings(tmp_path, broker, group, f"sqlite:///{tmp_path}/back.sqlite3")
    assert newsflow(tmp_path, "run", "deliver", "--until-caught-up", "--sinks", "away").wait(120) == 0, log(tmp_path)
    assert kept(tmp_path / "back.sqlite3", story) == 40


def test_a_ledger_that_is_away_at_the_start_holds_no_store(broker: RunningBroker, tmp_path: Path) -> None:
    group, story = f"test-{uuid.uuid4().hex}", uuid.uuid4().hex
    (tmp_path / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [archive]}]\n")
    nowhere = "postgresql://127.0.0.1:1/none?connect_timeout=1"
    write_settings(tmp_path, broker, group, f"sqlite:///{tmp_path}/other.sqlite3", ledger=nowhere)
    newsflow(tmp_path, "kafka", "apply").wait(120)
    writer = BatchWriter(broker.settings)
    for article in [reported(f"{story}-{at}", f"outlet-{at}", story) for at in range(20)]:
        writer.send(ARTICLE_TOPIC, article.id.encode(), encode_article(article))
    writer.flush()
    process = newsflow(tmp_path, "run", "deliver", "--follow")
    try:
        wait_until(lambda: kept(tmp_path / "archive.sqlite3", story) == 20, process)
        wait_until(lambda: "alerts is unavailable, next try in" in log(tmp_path), process)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0, log(tmp_path)
    finally:
        process.kill()
    assert committed(broker, f"{group}.deliver.alerts") == {}


def write_settings(
    folder: Path, broker: RunningBroker, group: str, away: str, ledger: str = "sqlite:///ledger.sqlite3"
) -> None:
    (folder / "newsflow.yaml").write_text(
        f"kafka: {{bootstrap_servers: '{broker.bootstrap_servers}', group: '{group}'}}\n"
        f"ledger: {{url: '{ledger}'}}\nblobs: {{shared: true}}\nroutes: {{paths: [routes.yaml]}}\ntopics: {{paths: {AS_LIST}}}\n"
        f"stores:\n  archive: 'sqlite:///{folder}/archive.sqlite3'\n  away: '{away}'\n"
    )


def newsflow(folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    with (folder / "job.log").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "newsflow", *arguments], stdout=out, stderr=out, stdin=subprocess.DEVNULL, cwd=folder,
            env={**os.environ, "PYTHONWARNINGS": "ignore", "NEWSFLOW_CONFIG": "newsflow.yaml"},
        )  # fmt: skip


def log(folder: Path) -> str:
    return (folder / "job.log").read_text(encoding="utf-8", errors="replace")


def kept(path: Path, story: str) -> int:
    if not path.exists():
        return 0
    try:
        with closing(sqlite3.connect(path)) as connection:
            ((count,),) = connection.execute("SELECT COUNT(*) FROM article_version WHERE id LIKE ?", (f"{story}-%",))
            return int(count)
    except sqlite3.OperationalError:
        return 0  # its tables are being made


def committed(broker: RunningBroker, group: str) -> dict[int, int]:
    with closing(make_consumer(broker.settings, group=group)) as consumer:
        numbers = sorted(consumer.partitions_for_topic(ARTICLE_TOPIC) or ())
        places = {number: consumer.committed(TopicPartition(ARTICLE_TOPIC, number)) for number in numbers}
        return {number: int(offset) for number, offset in places.items() if offset is not None}


def wait_until(reached: Callable[[], bool], process: subprocess.Popen[bytes], timeout_s: float = 180) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.2)
