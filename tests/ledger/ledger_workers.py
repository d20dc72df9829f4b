"""Worker processes of their own on one ledger; started with `spawn`, as on any machine."""

from __future__ import annotations

import multiprocessing as mp
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty
from typing import Any

from newsflow.ledger import open_ledger
from newsflow.model import Article, Candidate, PublishedVersion
from newsflow.model.codec import encode_article
from tests.ledger.ledger_helpers import ARABIC, HARBOUR, Wire

SPAWN = mp.get_context("spawn")
TIMEOUT_S = 240


@dataclass(frozen=True)
class Done:
    """What a worker reports of one round or batch."""

    worker: int
    number: int
    outcomes: tuple[str, ...]


def copies(worker: int, number: int) -> Candidate:
    """Two outlets print one text at the same moment; every round has a text of its own."""
    body = f"{HARBOUR} Berth {number} of {number * 7} follows. " + " ".join(
        f"quay{number}word{at}" for at in range(150)
    )
    return Wire(partition=worker).publish(f"https://outlet-{worker}.example/{number}", body, source=f"outlet-{worker}")


def one_page_in_two_languages(worker: int, number: int) -> Candidate:
    """One URL, fetched by two workers, in two languages: no lock of a language holds them apart."""
    body, language = ((HARBOUR, "en"), (ARABIC, "ar"))[worker]
    return Wire(partition=worker).publish(f"https://outlet.example/{number}", f"{body} {number}", language=language)


def work_in_step(
    url: str, make: Callable[[int, int], Candidate], worker: int, rounds: int, barrier: Any, done: Any
) -> None:
    """In each round all workers decide at once."""
    ledger = open_ledger(url)
    for number in range(rounds):
        candidate = make(worker, number)
        barrier.wait(TIMEOUT_S)
        [decision] = ledger.decide([candidate])
        done.put(Done(worker, number, (decision.outcome.value,)))
    ledger.close()


def run_in_step(url: str, make: Callable[[int, int], Candidate], rounds: int) -> dict[int, list[str]]:
    """Outcomes by round."""
    open_ledger(url).close()
    barrier, done = SPAWN.Barrier(2), SPAWN.Queue()
    workers = [SPAWN.Process(target=work_in_step, args=(url, make, each, rounds, barrier, done)) for each in range(2)]
    for process in workers:
        process.start()
    outcomes: dict[int, list[str]] = {number: [] for number in range(rounds)}
    for report in collect(workers, done, 2 * rounds):
        outcomes[report.number] += report.outcomes
    return outcomes


def collect(workers: Sequence[Any], done: Any, expected: int) -> list[Done]:
    """All reports; fails when a worker died."""
    reports: list[Done] = []
    try:
        while len(reports) < expected:
            try:
                reports.append(done.get(timeout=1))
            except Empty:
                dead = [process.exitcode for process in workers if process.exitcode not in (None, 0)]
                assert not dead, f"workers ended with {dead} after {len(reports)} of {expected}"
    finally:
        for process in workers:
            process.join(30 if len(reports) == expected else 0)
            if process.is_alive():
                process.kill()
    return reports


def partition_events(partition: int, count: int) -> list[Candidate]:
    """A stream with repeats, edits, copies of the other partition's articles, withdrawals and rejects."""
    wire = Wire(partition=partition)
    made: list[Candidate] = []
    for number in range(count):
        page = f"https://outlet-{partition}.example/{number // 3}"
        body = f"{HARBOUR} Berth {number // 3}. " + " ".join(f"quay{number // 3}word{at}" for at in range(120))
        if number % 11 == 10:
            made.append(wire.reject())
        elif number % 13 == 12:
            made.append(wire.withdraw(page, fetched=number))
        else:
            edit = " Later more." if number % 3 == 2 else ""
            made.append(wire.publish(page, body + edit, source=f"outlet-{partition}", fetched=number))
    return made


def work_through(url: str, partition: int, count: int, batch: int, done: Any) -> None:
    """Decide and record a partition batch by batch, as a job does."""
    ledger = open_ledger(url, retry_for_s=60)
    events = partition_events(partition, count)
    for number, start in enumerate(range(0, count, batch)):
        decisions = ledger.decide(events[start : start + batch])
        records = [
            PublishedVersion(event.event.event_id, article.id, article.version, encode_article(article), ("harbour",))
            for event, decision in zip(events[start : start + batch], decisions, strict=True)
            if isinstance(article := decision.article, Article) and decision.outcome.value in ("added", "replaced")
        ]
        ledger.record(records)
        done.put(Done(partition, number, tuple(decision.outcome.value for decision in decisions)))
    ledger.close()
