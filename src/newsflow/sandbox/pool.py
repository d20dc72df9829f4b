"""The worker processes of a job: what is asked of them, in which order, and what becomes of it where one dies or hangs.

A request is a function of this package and values for it, pickled: it goes from parent to child, within one trust. What
the function makes of each value is JSON: a child that a page took over must not be able to run code in the parent.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from queue import Empty, LifoQueue, PriorityQueue
from threading import Lock, Thread
from typing import Any

import orjson

from newsflow.errors import SandboxError
from newsflow.sandbox.worker import START_LIMIT_S, Worker, WorkerCrashedError, WorkerTimeoutError

Work = Callable[[Sequence[Any]], Sequence[Any]]
"""Gives for each value one that has a form as JSON."""
Answer = Any
"""What a function made of a value; or the `WorkerTimeoutError`, `WorkerCrashedError` or `WorkError` that it ended in,
twice."""
RECYCLE_CALLS = 20_000
"""A worker is replaced after so many requests: parsers leak, and memory fragments."""
_LAST = 2


class WorkError(Exception):
    """A function raised in a worker; `error_class` is the qualified name of what it raised."""

    def __init__(self, error_class: str, message: str) -> None:
        super().__init__(f"{error_class}: {message}")
        self.error_class = error_class


@dataclass(frozen=True, slots=True, eq=False)
class Tools:
    """What a worker has to hold for a request, and gets once: `take` is called there with `value`."""

    take: Callable[[Any], object]
    value: bytes


@dataclass(frozen=True, slots=True)
class _Task:
    work: Work
    values: Sequence[Any]
    tools: Tools | None
    limit_s: float
    future: Future[list[Answer]]


class Workers:
    """Up to `number` worker processes, started as they are needed. Thread-safe. Its owner closes it."""

    def __init__(self, number: int, time_limit_s: float, memory_limit_bytes: int) -> None:
        self.number, self.time_limit_s, self._memory_limit_bytes = number, time_limit_s, memory_limit_bytes
        self._tasks: PriorityQueue[tuple[int, int, _Task | None]] = PriorityQueue()
        self._numbers = count()
        self._slots: LifoQueue[_Slot] = LifoQueue()
        for _ in range(number):
            self._slots.put(_Slot(time_limit_s, memory_limit_bytes))
        self._threads: list[Thread] = []
        self._lock = Lock()
        self._open, self._closed = 0, False

    def submit(
        self,
        work: Work,
        values: Sequence[Any],
        *,
        limit_s: float | None = None,
        tools: Tools | None = None,
        urgent: bool = False,
    ) -> Future[list[Answer]]:
        """Let a worker do `work` on values, within `limit_s` seconds; what is urgent goes before what is not.

        Where the worker dies or hangs or the function raises, each value gets a second try alone. The future raises
        `SandboxError` when no worker can be started: then no value is to blame.
        """
        future: Future[list[Answer]] = Future()
        task = _Task(work, values, tools, self.time_limit_s if limit_s is None else limit_s, future)
        with self._lock:
            if self._closed:
                raise SandboxError("the workers are closed")
            self._open += 1
            self._tasks.put((0 if urgent else 1, next(self._numbers), task))
            if len(self._threads) < min(self.number, self._open):
                self._threads.append(Thread(target=self._serve, name="worker", daemon=True))
                self._threads[-1].start()
        return future

    def close(self) -> None:
        """End the workers, once the requests in hand are answered; others are cancelled."""
        with self._lock:
            self._closed = True
            with suppress(Empty):
                while (task := self._tasks.get_nowait()[2]) is not None:
                    task.future.cancel()
            for _ in self._threads:
                self._tasks.put((_LAST, next(self._numbers), None))
        for thread in self._threads:
            thread.join()
        while not self._slots.empty():
            self._slots.get().close()

    def _serve(self) -> None:
        while (task := self._tasks.get()[2]) is not None:
            if task.future.set_running_or_notify_cancel():
                self._serve_one(task)
            with self._lock:
                self._open -= 1

    def _serve_one(self, task: _Task) -> None:
        slot = self._slots.get()  # the one used last: fewer processes are started than there may be
        try:
            task.future.set_result(slot.answers(task))
        except BaseException as error:  # it is raised by who waits for the answers
            task.future.set_exception(error)
        finally:
            self._slots.put(slot)


class _Slot:
    """The place of one worker process, which is replaced when it dies. One thread at a time."""

    def __init__(self, time_limit_s: float, memory_limit_bytes: int) -> None:
        self._limits = time_limit_s, memory_limit_bytes
        self._worker: Worker | None = None
        self._holds: Tools | None = None

    def answers(self, task: _Task) -> list[Answer]:
        """One answer a value, in order."""
        try:
            return self._asked(task, task.values)
        except (WorkerTimeoutError, WorkerCrashedError, WorkError):
            return [self._alone(task, value) for value in task.values]

    def close(self) -> None:
        if self._worker is not None:
            self._worker.close()
        self._worker = None

    def _alone(self, task: _Task, value: Any) -> Answer:
        try:
            return self._asked(task, [value])[0]
        except (WorkerTimeoutError, WorkerCrashedError, WorkError) as error:
            return error

    def _asked(self, task: _Task, values: Sequence[Any]) -> list[Answer]:
        request = pickle.dumps((task.work, values, False), protocol=5)
        worker = self._ready(task.tools)
        try:
            answer = worker.call(request, task.limit_s)
        except (WorkerTimeoutError, WorkerCrashedError):
            self._worker = None
            raise
        if worker.calls >= RECYCLE_CALLS:
            self.close()
        answers = _read(answer)
        if len(answers) != len(values):
            raise ValueError(f"{len(answers)} answers to {len(values)} questions")
        return answers

    def _ready(self, tools: Tools | None) -> Worker:
        """A worker that lives and holds `tools`. Raises `SandboxError`."""
        if self._worker is not None and not self._worker.is_alive():  # killed while idle, so no value is to blame
            self.close()
        if self._worker is None:
            self._worker, self._holds = self._started(), None
        if tools is not None and tools is not self._holds:
            try:
                _read(self._worker.call(pickle.dumps((tools.take, tools.value, True), protocol=5), START_LIMIT_S))
            except (WorkerTimeoutError, WorkerCrashedError) as error:
                self._worker = None
                raise SandboxError(f"a worker could not take its tools: {error}") from error
            self._holds = tools
        return self._worker

    def _started(self) -> Worker:
        try:
            return Worker(*self._limits)
        except SandboxError:  # perhaps killed as it started
            return Worker(*self._limits)


def error_of(error: Exception) -> dict[str, str]:
    """What was raised, as JSON."""
    message = str(error)[:500].encode("utf-8", "replace").decode()
    return {"class": class_name(error), "message": message}


def class_name(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"


def _read(data: bytes) -> list[Answer]:
    """The answers. Raises WorkError when the worker raised, ValueError on what is not an answer."""
    reply = orjson.loads(data)
    if not isinstance(reply, dict):
        raise ValueError("the answer is not an object")
    if "error" in reply:
        raise WorkError(str(reply["error"]["class"]), str(reply["error"]["message"]))
    return list(reply["answers"] or ())
