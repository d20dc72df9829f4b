"""What may die while events are decided: a worker, the database. Nothing is lost and nothing is decided twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from newsflow.errors import LedgerError, MissingToolError
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Candidate, Decision
from newsflow.tools.postgres import LocalPostgres, find_programs
from tests.fault_table import FaultTable
from tests.ledger.ledger_helpers import Wire
from tests.ledger.ledger_workers import SPAWN, collect, partition_events, work_through

EVENTS, BATCH = 3000, 25


@pytest.fixture
def own_postgres() -> Iterator[LocalPostgres]:
    """A server for this test alone, to be stopped and killed at will; it writes to disk as in earnest."""
    pytest.importorskip("psycopg")
    try:
        find_programs()
    except MissingToolError as error:
        pytest.skip(str(error))
    with LocalPostgres() as server:
        yield server


def decided(ledger: Ledger, events: list[Candidate]) -> list[str | None]:
    """The outcome of each event in the ledger, None where there is none."""
    found = [ledger.event(each.event.event_id) for each in events]
    return [None if each is None else each.outcome for each in found]


def missing_records(ledger: Ledger, decisions: list[Decision]) -> int:
    """Accepted versions that were never recorded."""
    recorded = {(each.article_id, each.version) for each in ledger.articles()}
    accepted = {
        (each.article.id, each.article.version)
        for each in decisions
        if each.article is not None and each.outcome.value in ("added", "replaced")
    }
    return len(accepted - recorded)


@pytest.mark.faults
@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_database_goes_and_comes_while_two_workers_decide(
    own_postgres: LocalPostgres, fault_table: FaultTable, how: str
) -> None:
    url = own_postgres.url
    open_ledger(url).close()
    done = SPAWN.Queue()
    workers = [SPAWN.Process(target=work_through, args=(url, each, EVENTS, BATCH, done)) for each in range(2)]
    for process in workers:
        process.start()
    recovery: list[float] = []
    for _ in range(3):
        for _ in range(20):
            done.get(timeout=60)
        own_postgres.stop() if how == "stopped" else own_postgres.kill()
        time.sleep(0.5)
        while not done.empty():
            done.get()
        own_postgres.start()
        started = time.monotonic()
        done.get(timeout=60)
        recovery.append(time.monotonic() - started)
    for process in workers:
        while process.is_alive():
            while not done.empty():
                done.get()
            process.join(0.2)
        assert process.exitcode == 0
    _check_ledger(url, fault_table, f"database {how} three times, two workers, postgresql", max(recovery))


def _check_ledger(url: str, fault_table: FaultTable, fault: str, recovery_s: float) -> None:
    ledger = open_ledger(url)
    events = [event for partition in range(2) for event in partition_events(partition, EVENTS)]
    outcomes = decided(ledger, events)
    decisions = ledger.decide(events)
    lost = outcomes.count(None) + missing_records(ledger, decisions)
    twice = sum(ledger.outcomes().values()) - len(events)
    fault_table.add(fault, events=len(events), lost=lost, repeated=twice, recovery_s=recovery_s)
    assert (lost, twice) == (0, 0)
    assert [each.outcome.value for each in decisions] == outcomes
    originals = Counter(each.duplicate.original.id for each in decisions if each.duplicate is not None)
    held_back = {each.article.id for each in decisions if each.duplicate is not None and each.article is not None}
    assert originals
    assert not originals.keys() & held_back, "an original that is itself held back"
    ledger.close()


@pytest.mark.faults
def test_worker_is_killed_ten_times(ledger_url: str, fault_table: FaultTable) -> None:
    recovery: list[float] = []
    for number in range(10):
        done = SPAWN.Queue()
        worker = SPAWN.Process(target=work_through, args=(ledger_url, 0, EVENTS, BATCH, done))
        started = time.monotonic()
        worker.start()
        for _ in range(3 + number * 7):
            done.get(timeout=60)
            recovery.append(time.monotonic() - started) if len(recovery) <= number else None
        time.sleep(number % 4 * 0.003)
        worker.kill()
        worker.join()
    for partition in range(2):
        done = SPAWN.Queue()
        last = SPAWN.Process(target=work_through, args=(ledger_url, partition, EVENTS, BATCH, done))
        last.start()
        collect([last], done, EVENTS // BATCH)
    name = f"worker killed ten times, {ledger_url.partition(':')[0]}"
    _check_ledger(ledger_url, fault_table, name, max(recovery))


@pytest.mark.faults
def test_replay_of_everything_is_identical(ledger_url: str, fault_table: FaultTable) -> None:
    """In other batches, by another process's eyes, later: the same decisions, word for word."""
    events = [event for partition in range(2) for event in partition_events(partition, EVENTS)]
    first = open_ledger(ledger_url)
    decisions = [each for at in range(0, len(events), 64) for each in first.decide(events[at : at + 64])]
    first.close()
    second = open_ledger(ledger_url)
    again = [each for at in range(0, len(events), 333) for each in second.decide(events[at : at + 333])]
    second.close()
    differing = sum(repr(one) != repr(two) for one, two in zip(decisions, again, strict=True))
    name = f"full replay, {ledger_url.partition(':')[0]}"
    fault_table.add(name, events=len(events), lost=0, repeated=differing)
    assert again == decisions
    assert differing == 0


def test_database_that_stays_away_fails_the_batch_and_decides_nothing(own_postgres: LocalPostgres) -> None:
    ledger = open_ledger(own_postgres.url, retry_for_s=0.3)
    wire = Wire()
    before, after = wire.publish(), wire.publish("https://b.example/")
    ledger.decide([before])
    own_postgres.stop()
    with pytest.raises(LedgerError, match="did not answer"):
        ledger.decide([after])
    own_postgres.start()
    assert ledger.event(after.event.event_id) is None
    assert [each.outcome.value for each in ledger.decide([before, after])] == ["added", "duplicate"]
    ledger.close()


def test_locked_file_fails_the_batch_within_its_limit(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "ledger.sqlite3"
    ledger = open_ledger(f"sqlite:///{path}", retry_for_s=0.1)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="did not answer"):
        ledger.decide([Wire().publish()])
    blocker.execute("ROLLBACK")
    blocker.close()
    assert [each.outcome.value for each in ledger.decide([Wire().publish()])] == ["added"]
    ledger.close()


def test_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    path.write_bytes(b"this is a letter, not a database" * 100)
    with pytest.raises(LedgerError, match="cannot be used"):
        open_ledger(f"sqlite:///{path}")
