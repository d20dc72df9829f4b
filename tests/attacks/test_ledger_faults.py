"""What a database may do to the ledger: time out, refuse to serialise, fail over to a standby, be held for a minute."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from benchmarks.corpus import raw_events
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import Ledger, open_ledger
from newsflow.model.names import dead_letter_topic
from newsflow.processes import free_port
from newsflow.tools.postgres import LocalPostgres, find_programs
from tests.attack_counts import often
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import check_all_of
from tests.e2e.job_process import JobProcess
from tests.ledger.ledger_helpers import Wire
from tests.postgres_helpers import new_database

psycopg = pytest.importorskip("psycopg")


def set_for(url: str, setting: str) -> None:
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET {setting}")


def texts(prefix: str, count: int) -> list[str]:
    return [f"https://{prefix}.example/{number}" for number in range(count)]


def decide_each(ledger: Ledger, wire: Wire, urls: list[str]) -> list[str]:
    return [ledger.decide([wire.publish(url, own_text(url))])[0].outcome.value for url in urls]


def own_text(url: str) -> str:
    draw = random.Random(url)
    return " ".join(f"word{draw.randrange(10**6)}" for _ in range(60))


def test_statements_that_time_out_are_tried_again(postgres: LocalPostgres) -> None:
    url = new_database(postgres)
    open_ledger(url).close()
    set_for(url, "statement_timeout = '150ms'")
    with closing(open_ledger(url)) as ledger, psycopg.connect(url) as other:
        other.execute("SET statement_timeout = 0")
        other.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        threading.Timer(1.5, other.rollback).start()
        began = time.monotonic()
        assert decide_each(ledger, Wire(), texts("a", 3)) == ["added"] * 3
        assert time.monotonic() - began > 1


def test_transactions_that_cannot_be_serialised_are_run_again(
    postgres: LocalPostgres, record_property: Callable[[str, object], None]
) -> None:
    url = new_database(postgres)
    open_ledger(url).close()
    set_for(url, "default_transaction_isolation = 'serializable'")
    count, failed = often(40, 400), []

    def work(partition: int) -> None:
        try:
            with closing(open_ledger(url)) as ledger:
                wire = Wire(partition=partition)
                # Both workers tell the same stories: one is first, for each.
                decide_each(ledger, wire, texts("same", count))
        except Exception as error:
            failed.append(error)

    workers = [threading.Thread(target=work, args=(partition,)) for partition in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert failed == []
    with closing(open_ledger(url)) as ledger:
        outcomes = {outcome.value: number for outcome, number in ledger.outcomes().items() if number}
    record_property("figure", f"3 workers, {3 * count} events, each with one outcome: {outcomes}")
    assert outcomes == {"added": count, "repeat": 2 * count}


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[LocalPostgres, Standby]]:
    with LocalPostgres(settings="fsync=off\nwal_level=replica\nmax_wal_senders=4\nhot_standby=on\n") as primary:
        standby = Standby(primary)
        try:
            yield primary, standby
        finally:
            standby.stop()


class Standby:
    """A hot standby of a local server."""

    def __init__(self, primary: LocalPostgres) -> None:
        self.port, self._programs = free_port(), find_programs()
        self._folder = primary.folder / "standby"
        self._user, self._group = primary._user, primary._group
        source = f"host=127.0.0.1 port={primary.port} user=postgres"
        self._call("pg_basebackup", "-D", str(self._folder), "-R", "-X", "stream", "-c", "fast", "-d", source)
        with (self._folder / "postgresql.auto.conf").open("a") as settings:
            settings.write(f"\nport={self.port}\n")
        self._call("pg_ctl", "-D", str(self._folder), "-w", "-l", str(self._folder / "log"), "start")

    def promote(self) -> None:
        self._call("pg_ctl", "-D", str(self._folder), "-w", "promote")

    def stop(self) -> None:
        self._call("pg_ctl", "-D", str(self._folder), "-m", "immediate", "stop")

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False,
            user=self._user, group=self._group,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.attacks
@pytest.mark.timeout(300)
def test_fail_over_to_a_standby_that_is_still_read_only(
    pair: tuple[LocalPostgres, Standby], record_property: Callable[[str, object], None]
) -> None:
    """The primary dies; the standby that takes its place refuses to write until it is promoted. The ledger waits."""
    primary, standby = pair
    url = f"postgresql://postgres@127.0.0.1:{primary.port},127.0.0.1:{standby.port}/postgres"
    with closing(open_ledger(url, retry_for_s=60)) as ledger:
        wire = Wire()
        assert decide_each(ledger, wire, texts("before", 5)) == ["added"] * 5
        wait_until_there(standby, 5)
        primary.kill()
        threading.Timer(4, standby.promote).start()
        began = time.monotonic()
        assert decide_each(ledger, wire, [*texts("after", 5), *texts("before", 2)]) == ["added"] * 5 + ["repeat"] * 2
        record_property("figure", f"read-only for 4 s, decided after {time.monotonic() - began:.1f} s, 0 lost")


def wait_until_there(standby: Standby, events: int) -> None:
    url, deadline = f"postgresql://postgres@127.0.0.1:{standby.port}/postgres", time.monotonic() + 30
    while True:
        found = 0
        with psycopg.connect(url, autocommit=True) as connection, suppress(psycopg.errors.UndefinedTable):
            ((found,),) = connection.execute("SELECT COUNT(*) FROM event").fetchall()
        if found == events:
            return
        assert time.monotonic() < deadline, found
        time.sleep(0.1)


def test_a_database_that_is_read_only_for_a_while(postgres: LocalPostgres) -> None:
    url = new_database(postgres)
    with closing(open_ledger(url)) as ledger:
        wire = Wire()
        assert decide_each(ledger, wire, texts("a", 1)) == ["added"]
        with psycopg.connect(postgres.url, autocommit=True) as other:
            name = url.rpartition("/")[2]
            other.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
            other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            threading.Timer(1.5, lambda: writable_again(postgres, name)).start()
        assert decide_each(ledger, wire, texts("b", 1)) == ["added"]


def writable_again(server: LocalPostgres, name: str) -> None:
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@pytest.mark.attacks
@pytest.mark.e2e
@pytest.mark.allow_errors
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["a lock", "a slow backup"])
def test_a_file_that_is_held_longer_than_the_ledger_waits(
    how: str, topics_broker: RunningBroker, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A job that follows waits for it, as for a server: `limits.attempts` is not for that."""
    held_s = often(25, 90)
    broker, topic = topics_broker, topics_broker.create_topic(topics_broker.name("raw"))
    broker.create_topic(dead_letter_topic(topic))
    path = tmp_path / "ledger.sqlite3"
    job = JobProcess(broker, topic, tmp_path, f"sqlite:///{path}", topic, {"NEWSFLOW_LIMITS__ATTEMPTS": "1"})
    publish(broker, topic, 40, 0)
    job.start("--follow")
    job.wait_for(lambda: decided(job) == 40)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        if how == "a lock":
            holder.execute("BEGIN IMMEDIATE")
        publish(broker, topic, 40, 1)
        if how == "a lock":
            time.sleep(held_s)
            assert job.process is not None
            assert job.process.poll() is None, job.words()
            holder.execute("ROLLBACK")
        else:
            with closing(sqlite3.connect(tmp_path / "backup.sqlite3")) as copy:
                deadline = time.monotonic() + held_s
                holder.backup(
                    copy, pages=1, progress=lambda *_: time.sleep(0.005 if time.monotonic() < deadline else 0)
                )
    job.wait_for(lambda: decided(job) == 80)
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(90) == 0, job.words()
    assert check_all_of(job) == 0
    said = "is unavailable since" in job.words()
    record_property("figure", f"held for {held_s} s, 80 events, 0 lost, 0 repeated" + (", said" if said else ""))
    assert said == (how == "a lock")


def publish(broker: RunningBroker, topic: str, count: int, seed: int) -> None:
    with closing(BatchWriter(broker.settings)) as writer:
        for key, value in raw_events(count, seed=seed):
            writer.send(topic, key, value)
        writer.flush()


def decided(job: JobProcess) -> int:
    """By a connection of its own: the ledger is held, and others than its holder may read it."""
    with closing(sqlite3.connect(job.folder / "ledger.sqlite3")) as connection, suppress(sqlite3.OperationalError):
        ((count,),) = connection.execute("SELECT COUNT(*) FROM event").fetchall()
        return int(count)
    return 0
