"""The commands of deploy/compose run as they stand there, on a real broker and a real PostgreSQL: as processes, and
within the walls that their containers have."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import duckdb
import pytest
import yaml

from benchmarks.corpus import raw_events
from newsflow.ledger.opening import open_database
from newsflow.ledger.reading import count_outcomes
from newsflow.processes import free_port
from newsflow.tools.broker import LocalBroker
from newsflow.tools.postgres import LocalPostgres
from tests.deploy.confined import UID, confined, newsflow_for_everybody
from tests.deploy.deploy_tools import DEPLOY
from tests.postgres_helpers import new_database

EVENTS = 120
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))["services"]


@dataclass
class Machine:
    """Stands for the machine of the compose project: where its files are, and how its commands are started."""

    place: Path
    environ: dict[str, str]
    walls: bool
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def here(self, word: str, service: str) -> str:
        """A path within the container of a service, as the path it has here."""
        places = {
            "/etc/newsflow/": f"{DEPLOY}/compose/",
            "/tmp/": f"{self.tmp(service)}/",
            "/var/lib/newsflow/": f"{self.place}/store/",
        }
        # All at once: the checkout may lie below /tmp itself.
        return re.sub("|".join(places), lambda found: places[found[0]], word)

    def tmp(self, service: str) -> Path:
        """The /tmp of a service: each container has its own."""
        return self.place / "tmp" / service

    def start(self, service: str) -> subprocess.Popen[bytes]:
        words = [self.here(word, service) for word in COMPOSE[service]["command"]]
        own = {key: value for key, value in COMPOSE[service]["environment"].items() if key.startswith("NEWSFLOW_")}
        own |= {**self.environ, "TMPDIR": str(self.tmp(service))}
        if "NEWSFLOW_METRICS__LISTEN" in own:  # each container has this port to itself
            own["NEWSFLOW_METRICS__LISTEN"] = f"127.0.0.1:{free_port()}"
        command, environ = [sys.executable, "-m", "newsflow", *words], {**os.environ, **own}
        if self.walls:
            begin, more = newsflow_for_everybody()
            folders = [self.tmp(service)] + [self.place / "store"] * ("/var/lib/newsflow" in str(COMPOSE[service]))
            command = confined([*begin, *words], folders)
            environ = {"PATH": os.environ["PATH"], "HOME": str(self.place / "store"), **more, **own}
        with (self.place / f"{service}.log").open("ab") as log:
            process = subprocess.Popen(
                command, env=environ, cwd=self.place, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        self.started.append(process)
        return process

    def publish(self, file: Path) -> None:
        command = [sys.executable, "-m", "newsflow", "publish", str(file), "--config"]
        command.append(self.here("/etc/newsflow/newsflow.yaml", "topics"))
        environ = {**os.environ, **self.environ, "PYTHONWARNINGS": "ignore"}
        subprocess.run(command, env=environ, cwd=self.place, capture_output=True, check=True)

    def healthy(self, service: str) -> bool:
        (kind, text) = COMPOSE[service]["healthcheck"]["test"]
        assert kind == "CMD-SHELL"
        done = subprocess.run(
            ["sh", "-c", self.here(text.replace("$$", "$"), service)], capture_output=True, check=False
        )
        return done.returncode == 0

    def words(self) -> str:
        return "\n".join(path.read_text(errors="replace")[-2000:] for path in self.place.glob("*.log"))


LOOPS = ("ingest", "trends", "deliver")
"""The services that follow a topic."""


@pytest.fixture(params=[False, True], ids=["processes", "within-walls"])
def machine(request: pytest.FixtureRequest, own_broker: LocalBroker, postgres: LocalPostgres) -> Iterator[Machine]:
    # Not pytest's folder, which is for its owner alone.
    with tempfile.TemporaryDirectory(prefix="newsflow-compose-") as name:
        place = Path(name)
        place.chmod(0o755)
        for folder in ("store", *(f"tmp/{service}" for service in COMPOSE)):
            (place / folder).mkdir(parents=True)
            if os.geteuid() == 0:
                os.chown(place / folder, UID, UID)
        environ = {
            "LEDGER_URL": new_database(postgres),
            # In containers these names are looked up and these paths are volumes.
            "NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": own_broker.status().bootstrap_servers,
            "NEWSFLOW_STORES__ARTICLES": f"parquet:///{place}/store/articles",
        }
        made = Machine(place, environ, request.param)
        try:
            yield made
        finally:
            for process in made.started:
                process.kill()
                process.wait()


def wait_until(true: Callable[[], bool], machine: Machine, what: str, timeout_s: float = 400) -> None:
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, f"{what} in vain; {machine.words()}"
        for process in machine.started:
            assert process.poll() in (None, 0), machine.words()
        time.sleep(0.5)


def outcomes(machine: Machine) -> Counter[str]:
    db = open_database(machine.environ["LEDGER_URL"])
    try:
        counts = db.run(lambda: count_outcomes(db), writes=False)
    finally:
        db.close()
    return sum((Counter({outcome.value: count}) for (outcome, _), count in counts.items()), Counter())


def counted(machine: Machine) -> int:
    """The articles that trends has counted."""
    db = open_database(machine.environ["LEDGER_URL"])
    try:
        return int(db.run(lambda: db.query("SELECT COUNT(*) FROM trend_article"), writes=False)[0][0])
    finally:
        db.close()


def stored(machine: Machine) -> int:
    files = str(machine.place / "store" / "articles" / "**" / "*.parquet")
    try:
        row = (
            duckdb.connect()
            .execute(f"SELECT count(*) FROM (SELECT DISTINCT id, version FROM read_parquet('{files}'))")
            .fetchone()
        )
    except duckdb.IOException:
        return 0  # nothing there yet
    assert row is not None
    return int(row[0])


@pytest.mark.e2e
@pytest.mark.timeout(1500)
def test_articles_come_through(machine: Machine) -> None:
    topics = machine.start("topics")
    assert topics.wait(300) == 0, machine.words()
    jobs = [machine.start(service) for service in LOOPS]
    for service in LOOPS:
        assert not machine.healthy(service)
    for service in LOOPS:
        wait_until(partial(machine.healthy, service), machine, f"waited for {service}'s first heartbeat")

    (machine.place / "events.jsonl").write_bytes(b"\n".join(value for _, value in raw_events(EVENTS)))
    machine.publish(machine.place / "events.jsonl")
    wait_until(lambda: outcomes(machine).total() == EVENTS, machine, "waited for all outcomes")
    found = outcomes(machine)
    accepted = found["added"] + found["replaced"]
    wait_until(lambda: stored(machine) == accepted, machine, "waited for the store")

    wait_until(lambda: counted(machine) == found["added"], machine, "waited for the counts")

    for process in jobs:
        process.send_signal(signal.SIGTERM)
    assert [process.wait(200) for process in jobs] == [0] * len(jobs), machine.words()


def probes() -> Iterator[str]:
    for service in LOOPS:
        yield COMPOSE[service]["healthcheck"]["test"][1].replace("$$", "$")
    for file in ("ingest/ingest.yaml", "trends.yaml", "deliver.yaml"):
        deployment = yaml.safe_load((DEPLOY / "kubernetes" / "base" / file).read_text(encoding="utf-8"))
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        for name in ("livenessProbe", "readinessProbe"):
            shell, flag, text = container[name]["exec"]["command"]
            assert (shell, flag) == ("sh", "-c")
            yield text


@pytest.mark.parametrize("probe", sorted(set(probes())))
def test_a_probe_tells_a_loop_that_turns_from_one_that_hangs(probe: str, tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    probe = probe.replace("/tmp/heartbeat", str(file))

    def passes() -> bool:
        return subprocess.run(["sh", "-c", probe], capture_output=True, check=False).returncode == 0

    assert not passes()
    file.touch()
    assert passes()
    long_ago = time.time() - 20 * 60
    os.utime(file, (long_ago, long_ago))
    assert not passes()
