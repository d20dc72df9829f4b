"""A loop whose broker or ledger is unavailable, and one that fails for another reason; what is said of an outage."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from newsflow.cli.launch import draining
from newsflow.config.load import load_config
from newsflow.errors import LedgerError
from newsflow.kafka.reader import Run
from newsflow.ledger.database import Database, RetryableError
from newsflow.model import Event
from newsflow.outages import Outages, outages
from newsflow.runners import local
from newsflow.runners.job import Job
from newsflow.runners.local import JobStoppedError, LocalLoop

ATTEMPTS = 5


class NoAnswerError(Exception):
    pass


class FailingReader:
    """Its broker is silent so many times; then it tells the loop to stop."""

    finished: Mapping[int, int] = {}

    def __init__(self, silent: int, error: type[Exception]) -> None:
        self.left, self._error = silent, error
        self.loop: LocalLoop | None = None

    def plan(self, until: Mapping[int, int] | None = None) -> Run:
        with outages.asking("the broker", NoAnswerError):
            self.left -= 1
            if self.left >= 0:
                raise self._error("nobody there")
        assert self.loop is not None
        self.loop.stop()
        return Run({})

    def batches(self) -> Iterator[list[Event]]:
        raise AssertionError("nothing was planned")

    def end_offsets(self) -> Mapping[int, int]:
        return {0: 1}

    def finish(self) -> int:
        return 0

    def stop(self) -> None:
        pass


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "LONGEST_PAUSE_S", 0.001)


def loop_over(reader: FailingReader) -> LocalLoop:
    job = Job(load_config(environ={}, flags={"limits.attempts": ATTEMPTS}).config)
    reader.loop = LocalLoop(cast(Any, None), reader, job, lambda *_: None)
    return reader.loop


@pytest.mark.usefixtures("impatient")
def test_who_follows_waits_for_ever() -> None:
    reader = FailingReader(ATTEMPTS * 10, NoAnswerError)
    loop_over(reader).follow()
    assert reader.left == -1


@pytest.mark.usefixtures("impatient")
def test_an_outage_is_told_by_its_own_line_alone(caplog: pytest.LogCaptureFixture) -> None:
    loop_over(FailingReader(ATTEMPTS, NoAnswerError)).follow()
    assert not [record for record in caplog.records if record.name == local.log.name and record.levelno > logging.INFO]
    with pytest.raises(JobStoppedError):
        loop_over(FailingReader(ATTEMPTS, ValueError)).follow()
    assert "attempt 1 failed" in caplog.text


@pytest.mark.usefixtures("impatient")
def test_who_only_catches_up_gives_up() -> None:
    reader = FailingReader(ATTEMPTS * 10, NoAnswerError)
    with pytest.raises(JobStoppedError, match=f"after {ATTEMPTS} failed attempts"):
        loop_over(reader).until_caught_up()


@pytest.mark.usefixtures("impatient")
def test_what_is_no_outage_counts_for_who_follows_too() -> None:
    with pytest.raises(JobStoppedError, match=f"after {ATTEMPTS} failed attempts"):
        loop_over(FailingReader(ATTEMPTS * 10, ValueError)).follow()


def test_it_is_said_once_an_interval_and_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "newsflow.outages")
    beats: list[float] = []
    silent = Outages(first_s=0.1, every_s=0.4)
    silent.waiting = lambda: beats.append(time.monotonic())
    silent.ask("the ledger")  # hangs: nothing fails
    time.sleep(1.1)
    said = [record.getMessage() for record in caplog.records]
    assert 2 <= len(said) <= 3
    assert all(text.startswith("the ledger is unavailable since 20") for text in said)
    assert len(beats) > len(said)
    silent.failed("the ledger", RuntimeError("why\nthat is"))
    time.sleep(0.5)
    assert caplog.records[-1].getMessage().endswith("is tried again: why that is")
    silent.answered("the ledger")
    assert caplog.records[-1].getMessage().startswith("the ledger answers again, after ")
    assert not silent.any()


def test_what_is_answered_in_time_is_not_said(caplog: pytest.LogCaptureFixture) -> None:
    quick = Outages(first_s=0.2, every_s=0.2)
    for _ in range(4):
        with quick.asking("the broker", NoAnswerError):
            time.sleep(0.1)
    assert not caplog.records
    assert not quick.any()


@pytest.mark.parametrize(("error", "outage"), [(RetryableError, True), (LedgerError, False)])
def test_a_database_that_refuses_is_no_outage(error: type[Exception], outage: bool) -> None:
    def attempt() -> None:
        raise error("no")

    silent = type("Silent", (Database,), {**dict.fromkeys(Database.__abstractmethods__), "name": "silent"})
    with pytest.raises(LedgerError):
        silent(0.01, "here").retry(attempt)
    assert outages.any() == outage


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_drains(number: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    stopped: list[str] = []
    with draining([lambda: stopped.append("loop")]):
        signal.raise_signal(number)
    assert stopped == ["loop"]
    assert f"{number.name}: finishing the batch in hand" in capfd.readouterr().err
