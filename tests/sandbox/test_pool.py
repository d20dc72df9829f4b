"""Requests to workers: what is urgent goes first, and a worker that dies or hangs costs its values a second try."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from newsflow.errors import SandboxError
from newsflow.sandbox.pool import Tools, WorkError, Workers
from newsflow.sandbox.worker import PATIENCE, WorkerCrashedError, WorkerTimeoutError

LIMIT_BYTES = 450 * 1024 * 1024


@pytest.fixture
def workers() -> Iterator[Workers]:
    running = Workers(2, 30, LIMIT_BYTES)
    yield running
    running.close()


def doubled(values: Sequence[int]) -> list[int]:
    return [2 * value for value in values]


def harmed_once(values: Sequence[tuple[str, int]]) -> list[int]:
    """The first who finds that a file is not there makes it, and does to its process what the number says."""
    for marker, harm in values:
        if marker and not Path(marker).exists():
            Path(marker).touch()
            if harm:
                os.kill(os.getpid(), harm)
            raise ValueError("planted")
    return [len(values)] * len(values)


def dying(values: Sequence[int]) -> list[int]:
    if 3 in values:
        os.abort()
    return doubled(values)


def raising(values: Sequence[int]) -> list[Any]:
    return [object() if value == 3 else value for value in values]  # has no form as JSON


def slow(values: Sequence[float]) -> list[float]:
    time.sleep(values[0])
    return list(values)


def busy(values: Sequence[float]) -> list[float]:
    until = time.process_time() + values[0]
    while time.process_time() < until:
        pass
    return list(values)


_tools: list[int] = []


def take(value: bytes) -> None:
    _tools.append(int(value))


def held(values: Sequence[int]) -> list[list[int]]:
    return [_tools for _ in values]


def dying_once(mark: bytes) -> None:
    if not (file := Path(os.fsdecode(mark))).exists():
        file.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    take(b"0")


def failing(_: bytes) -> None:
    os.abort()


def test_answers_come_in_the_order_of_the_values(workers: Workers) -> None:
    futures = [workers.submit(doubled, range(start, start + 5)) for start in range(0, 50, 5)]
    assert [answer for future in futures for answer in future.result()] == [2 * number for number in range(50)]


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP, 0])
def test_a_worker_that_dies_or_hangs_costs_its_values_a_second_try(workers: Workers, tmp_path: Path, harm: int) -> None:
    values = [("", 0), (str(tmp_path / "marker"), harm), ("", 0)]
    limit_s = 2 if harm == signal.SIGSTOP else 30
    assert workers.submit(harmed_once, values, limit_s=limit_s).result() == [1, 1, 1]  # each alone


def test_what_kills_its_worker_twice_is_an_error_of_that_value_alone(workers: Workers) -> None:
    answers = workers.submit(dying, [1, 2, 3, 4]).result()
    assert isinstance(answers[2], WorkerCrashedError)
    assert "SIGABRT" in str(answers[2])
    assert answers[:2] + answers[3:] == [2, 4, 8]


def test_what_raises_or_takes_too_long_is_an_error_of_that_value_alone(workers: Workers) -> None:
    answers = workers.submit(raising, [1, 3]).result()
    assert answers[0] == 1
    assert isinstance(answers[1], WorkError)
    assert answers[1].error_class == "builtins.TypeError"
    [hung] = workers.submit(slow, [60], limit_s=0.5).result()
    assert isinstance(hung, WorkerTimeoutError)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The parent waits longer, however busy the machine is."""
    monkeypatch.setattr("newsflow.sandbox.worker.PATIENCE", 1_000)


@pytest.mark.usefixtures("patient")
def test_a_limit_is_of_processor_time(workers: Workers) -> None:
    [spent] = workers.submit(busy, [600], limit_s=0.1).result()
    assert isinstance(spent, WorkerTimeoutError)
    assert str(spent) == "more than 0.1 s of processor time"
    assert [workers.submit(busy, [0.3], limit_s=1).result() for _ in range(5)] == [[0.3]] * 5  # each has its own


def test_only_what_hangs_is_ended_by_the_clock(workers: Workers) -> None:
    assert workers.submit(slow, [1.5], limit_s=1).result() == [1.5]  # it waited for the processor, as it were
    [hung] = workers.submit(slow, [600], limit_s=0.2).result()
    assert isinstance(hung, WorkerTimeoutError)
    assert str(hung) == f"no answer within {PATIENCE * 0.2:g} s"


def test_what_is_urgent_goes_first() -> None:
    order: list[str] = []
    alone = Workers(1, 30, LIMIT_BYTES)
    try:
        first = alone.submit(slow, [1])
        while not first.running():
            time.sleep(0.01)
        later = alone.submit(doubled, [1])
        urgent = alone.submit(doubled, [2], urgent=True)
        for name, future in (("first", first), ("later", later), ("urgent", urgent)):
            future.add_done_callback(lambda _, name=name: order.append(name))  # type: ignore[misc]
        assert (later.result(), urgent.result()) == ([2], [4])
    finally:
        alone.close()
    assert order == ["first", "urgent", "later"]


def test_each_worker_gets_its_tools_once_and_new_ones_again(workers: Workers) -> None:
    one, two = Tools(take, b"1"), Tools(take, b"2")
    with_one = [workers.submit(held, [0], tools=one).result()[0] for _ in range(3)]
    assert with_one == [[1], [1], [1]]
    assert workers.submit(held, [0], tools=two).result()[0] == [1, 2]
    with pytest.raises(SandboxError, match="could not take its tools"):
        workers.submit(held, [0], tools=Tools(failing, b"")).result()
    assert workers.submit(held, [0], tools=two).result()[0] == [2]  # a fresh one


def test_a_worker_that_dies_as_it_takes_its_tools_is_replaced(workers: Workers, tmp_path: Path) -> None:
    tools = Tools(dying_once, os.fsencode(tmp_path / "died"))
    assert workers.submit(held, [0], tools=tools).result()[0] == [0]
    assert (tmp_path / "died").exists()


def test_closing_cancels_what_waits_and_ends_what_is_in_hand() -> None:
    running = Workers(1, 30, LIMIT_BYTES)
    started = running.submit(slow, [0.5])
    while not started.running():
        time.sleep(0.01)
    waiting = running.submit(doubled, [1])
    running.close()
    assert started.result() == [0.5]
    with pytest.raises(CancelledError):
        waiting.result()
    with pytest.raises(SandboxError, match="closed"):
        running.submit(doubled, [1])
    assert not [thread for thread in threading.enumerate() if thread.name == "worker" and thread.is_alive()]
