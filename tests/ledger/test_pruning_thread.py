"""The thread that prunes beside a job."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from newsflow.errors import LedgerError
from newsflow.ledger import Ledger
from newsflow.ledger.pruning import Upkeep
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import Wire


def wait_until(holds: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(600):
        if holds():
            return
        pause.wait(0.05)
    raise AssertionError("it did not come to pass in 30 s")


def test_it_prunes_while_others_decide(open_one: Callable[[], Ledger], wire: Wire, clock: Clock) -> None:
    ledger = open_one()
    old = [wire.publish(f"https://a.example/{number}", f"Note {number}.") for number in range(700)]
    ledger.decide(old)
    clock.move(days=100)
    with Upkeep(open_one, timedelta(days=90), timedelta(hours=1), first_after_s=0.01):
        fresh = [wire.publish(f"https://b.example/{number}", f"Other {number}.") for number in range(20)]
        for candidate in fresh:
            ledger.decide([candidate])
        wait_until(lambda: all(ledger.event(each.event.event_id) is None for each in old))
    assert all(ledger.event(each.event.event_id) is not None for each in fresh)
    assert sum(ledger.outcomes().values()) == 720


def test_a_ledger_that_is_away_is_tried_again(
    open_one: Callable[[], Ledger], wire: Wire, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    ledger = open_one()
    old = wire.publish()
    ledger.decide([old])
    clock.move(days=100)
    tries: list[int] = []

    def open_at_the_second_try() -> Ledger:
        tries.append(1)
        if len(tries) == 1:
            raise LedgerError("away")
        return open_one()

    with (
        caplog.at_level(logging.WARNING),
        Upkeep(open_at_the_second_try, timedelta(days=90), timedelta(seconds=0.05), first_after_s=0.01),
    ):
        wait_until(lambda: ledger.event(old.event.event_id) is None)
    assert "could not be pruned" in caplog.text


def test_never_means_never(wire: Wire) -> None:
    def refuse() -> Ledger:
        raise AssertionError("it was opened")

    with Upkeep(refuse, timedelta(days=1), timedelta(0)) as upkeep:
        assert not upkeep._thread.is_alive()


def test_over_ends_a_pruning_between_two_steps(ledger: Ledger, wire: Wire, clock: Clock) -> None:
    ledger.decide([wire.publish(f"https://a.example/{number}", f"Note {number}.") for number in range(600)])
    clock.move(days=100)
    asked: list[int] = []

    def over() -> bool:
        asked.append(1)
        return len(asked) > 1

    assert ledger.prune(timedelta(days=90), over=over).total == 500
