"""Alerts delivered beside a job, from destinations as the configuration names them."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from newsflow.alerts.delivery import AlertDelivery
from newsflow.config.settings import Destination
from newsflow.errors import LedgerError
from newsflow.tools.receiver import Receiver, read_received
from tests.alerts.test_drainer import MemoryOutbox


def _outbox(*names: str, destination: str = "hook") -> MemoryOutbox:
    outbox = MemoryOutbox(lambda: datetime.now(UTC))
    outbox.add(*names, destination=destination)
    return outbox


def test_what_is_in_the_outbox_is_delivered_by_the_end(tmp_path: Path) -> None:
    outbox = _outbox("a", "b", "c")
    with Receiver(tmp_path / "r.jsonl", ("s",)) as receiver:
        destination = Destination("webhook", receiver.url, "env:NF_SECRET", allow_private=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("NF_SECRET", "s")
            delivery = AlertDelivery(lambda: outbox, [("hook", destination)])
        with delivery:
            pass
    assert [entry["id"] for entry in read_received(tmp_path / "r.jsonl")] == ["a", "b", "c"]
    assert delivery.report() == ["alerts sent: 3"]


def test_what_cannot_be_delivered_waits_and_is_told(tmp_path: Path) -> None:
    with Receiver(tmp_path / "r.jsonl") as receiver:
        url = receiver.url
    outbox = _outbox("a", "b")
    outbox.add("c", destination="mail")
    destination = Destination("webhook", url, allow_private=True)
    with AlertDelivery(lambda: outbox, [("hook", destination)], last_drain_s=0.1) as delivery:
        pass
    assert delivery.report() == [
        "alerts sent: 0",
        "alerts waiting in the outbox for hook, which is tried again: 2",
        "alerts waiting in the outbox for mail, which the configuration does not name: 1",
    ]


def test_an_outbox_that_is_away_is_asked_again(tmp_path: Path) -> None:
    outbox, asked, told = _outbox("a"), list[int](), threading.Event()

    def sometimes() -> MemoryOutbox:
        asked.append(1)
        if len(asked) < 3:
            raise LedgerError("away")
        told.set()
        return outbox

    with Receiver(tmp_path / "r.jsonl") as receiver:
        destination = Destination("webhook", receiver.url, allow_private=True)
        with AlertDelivery(sometimes, [("hook", destination)]):
            assert told.wait(60)
    assert [entry["id"] for entry in read_received(tmp_path / "r.jsonl")] == ["a"]


def test_an_outbox_that_stays_away_is_told_and_ends_nothing() -> None:
    def away() -> MemoryOutbox:
        raise LedgerError("nobody answers")

    with AlertDelivery(away, []) as delivery:
        pass
    assert delivery.report() == [
        "alerts sent: 0",
        "what waits in the outbox is not known, the ledger is unavailable: nobody answers",
    ]


def test_a_failing_job_is_not_held_up(tmp_path: Path) -> None:
    outbox = _outbox("a", destination="mail")
    with pytest.raises(RuntimeError, match="job"), AlertDelivery(lambda: outbox, []):
        raise RuntimeError("job")
