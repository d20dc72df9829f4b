"""Follows docs/how-to/upgrade-and-roll-back.md on Flink, command by command, on a real cluster with events coming in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import psutil
import pytest

from newsflow.kafka.client import make_admin
from newsflow.ledger import open_ledger
from tests.e2e.after_faults import TIMES, check_all
from tests.flink.stack import Events, FlinkRun, wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "upgrade-and-roll-back.md"
WRITTEN_PATH = "file:///savepoints/savepoint-1a2b3c"

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]


def commands_of_the_page() -> Iterator[list[str]]:
    section = PAGE.read_text(encoding="utf-8").partition("\n## On Flink\n")[2]
    for block in re.findall(r"```console\n(.*?)```", section, re.DOTALL):
        for line in filter(None, map(str.strip, block.splitlines())):
            program, *words = shlex.split(line.removeprefix("$ "))
            assert program == "newsflow"
            yield words


class Guide:
    """The page's commands one after another, for this test's job and with the path that `stop` printed."""

    def __init__(self, run: FlinkRun) -> None:
        self._run, self._left = run, list(commands_of_the_page())
        self.savepoint = ""

    def follow(self, *begins: str) -> str:
        words = self._left.pop(0)
        assert words[: len(begins)] == list(begins), words
        names = {WRITTEN_PATH: self.savepoint}
        if begins[:2] in (("jobs", "stop"), ("jobs", "cancel")):
            names["ingest"] = self._run.name
        said = self._run.newsflow(*(names.get(word, word) for word in words))
        if begins == ("jobs", "stop"):
            self.savepoint = said.strip()
        return said

    @property
    def done(self) -> bool:
        return not self._left


def test_the_guide_to_upgrades_holds(run: FlinkRun) -> None:
    run.create_topics()
    guide, events = Guide(run), Events(run)
    run.start("--parallelism", "1")
    events.publish(300)
    events.wait()
    add_partitions(run, 7)
    events.publish(400)  # some go to the new partitions; nobody is told of them
    events.wait()

    guide.follow("jobs", "stop")
    events.publish(200)
    guide.follow("ledger", "migrate")
    guide.follow("jobs", "restore")
    events.wait()
    assert "RUNNING" in guide.follow("jobs", "list")
    wait_until(lambda: len(busy_workers(run)) == 2, 60, lambda: f"{len(busy_workers(run))} workers read")

    guide.follow("jobs", "cancel")
    guide.follow("ledger", "migrate", "--back-to")
    events.publish(100)
    guide.follow("jobs", "restore")  # from the savepoint of the upgrade: 300 events are read again
    events.wait()

    run.cancel()
    events.publish(100)
    guide.follow("run", "ingest")  # without a savepoint
    events.wait()
    assert guide.done
    run.stop()
    with closing(open_ledger(run.ledger_url)) as ledger:
        assert sum(ledger.outcomes().values()) == events.count
        check_all(run.stack.broker, ledger, run.topic, but=TIMES)


def test_what_cannot_be_done_is_said(run: FlinkRun) -> None:
    missing = run.newsflow("run", "ingest", "--runner", "flink", expect=1)
    assert f"topic {run.topic} does not exist" in missing
    run.create_topics()
    assert "no job" in run.newsflow("jobs", "stop", run.name, "--savepoint", expect=1)
    assert "say --savepoint" in run.newsflow("jobs", "stop", run.name, expect=2)
    refused = run.newsflow("run", "ingest", "--runner", "flink", "--ledger", "sqlite:///x.sqlite3", expect=3)
    assert "is refused on Flink" in refused
    gone = run.newsflow("jobs", "restore", "file:///nowhere/savepoint-1", expect=1)
    assert "savepoint" in gone
    run.start()
    assert "RUNNING already" in run.newsflow("run", "ingest", "--runner", "flink", expect=1)
    [line] = run.newsflow("jobs", "list", "-o", "json").splitlines()
    assert orjson.loads(line)["name"].startswith(run.name)


def add_partitions(run: FlinkRun, total: int) -> None:
    with closing(make_admin(run.stack.broker.settings)) as admin:
        admin.create_partitions({run.topic: total})


def busy_workers(run: FlinkRun) -> list[psutil.Process]:
    """Workers that talk to the broker: restored jobs list no splits, so those are the ones that read."""
    port = int(run.stack.broker.bootstrap_servers.rpartition(":")[2])
    return [
        worker
        for worker in run.stack.workers()
        if any(each.raddr and each.raddr.port == port for each in worker.net_connections("tcp"))
    ]
