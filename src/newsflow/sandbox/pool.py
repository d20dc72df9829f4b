"""The worker processes of a job: what is asked of them, in which order, and what becomes of it where one dies or hangs.

A request is a function of this package and values for it, pickled: it goes from parent to child, within one trust. What
the function makes of each value is JSON: a child that a page took over must not be able to run code in the parent.
"""

from __future__ import annotations

import pickle
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Condition, Thread
from typing import Any

import orjson

from newsflow.errors import SandboxError
from newsflow.sandbox.worker import Worker, WorkerCrashedError, WorkerTimeoutError

Work = Callable[[Sequence[Any]], Sequence[Any]]
"""Gives for each value one that has a form as JSON."""
Answer = Any
"""What a function made of a value; or the `WorkerTimeoutError`, `WorkerCrashedError` or `WorkError` that it ended in,
twice."""
RECYCLE_CALLS = 20_000
"""A worker is replaced after so many requests: parsers leak, and memory fragments."""
TOOLS_LIMIT_S = 10.0
"""Of processor time, to take tools: rules are some 1.2 s."""
_SOON = 4
"""Requests that may wait for one worker that holds the tools for them, before another gets these."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Task:
    work: Work
    values: Sequence[Any]
    tools: Tools | None
    limit_s: float
    future: Future[list[Answer]]


class Workers:
    """Up to `number` worker processes, started as they are needed. Thread-safe. Its owner closes it."""

    def __init__(self, number: int, time_limit_s: float, memory_limit_bytes: int) -> None:
        self.number, self.time_limit_s = number, time_limit_s
        self._turn = Condition()
        self._urgent, self._others = deque[_Task](), deque[_Task]()
        self._slots = [_Slot(time_limit_s, memory_limit_bytes) for _ in range(number)]
        self._idle: set[_Slot] = set()
        self._threads: list[Thread] = []
        self._closed = False

    def submit(
        self,
        work: Work,
        values: Sequence[Any],
        *,
        limit_s: float | None = None,
        tools: Tools | None = None,
        urgent: bool = False,
    ) -> Future[list[Answer]]:
        """Let a worker do `work` on values, within `limit_s` seconds of its processor time; what is urgent goes before
        what is not.

        Where the worker dies or hangs or the function raises, each value gets a second try alone. The future raises
        `SandboxError` when no worker can be started: then no value is to blame.
        """
        future: Future[list[Answer]] = Future()
        task = _Task(work, values, tools, self.time_limit_s if limit_s is None else limit_s, future)
        with self._turn:
            if self._closed:
                raise SandboxError("the workers are closed")
            (self._urgent if urgent else self._others).append(task)
            if len(self._threads) < min(self.number, len(self._waiting()) + len(self._threads) - len(self._idle)):
                slot = self._slots[len(self._threads)]
                self._threads.append(Thread(target=self._serve, args=[slot], name="worker", daemon=True))
                self._threads[-1].start()
            self._turn.notify_all()
        return future

    def close(self) -> None:
        """End the workers, once the requests in hand are answered; others are cancelled."""
        with self._turn:
            self._closed = True
            for task in self._waiting():
                task.future.cancel()
            self._turn.notify_all()
        for thread in self._threads:
            thread.join()
        for slot in self._slots:
            slot.close()

    def _waiting(self) -> list[_Task]:
        return [*self._urgent, *self._others]

    def _serve(self, slot: _Slot) -> None:
        while (task := self._next(slot)) is not None:
            if not task.future.set_running_or_notify_cancel():
                continue
            try:
                task.future.set_result(slot.answers(task))
            except BaseException as error:  # it is raised by who waits for the answers
                task.future.set_exception(error)

    def _next(self, slot: _Slot) -> _Task | None:
        """What a worker does next, when there is something for it; None when there will be nothing more."""
        with self._turn:
            self._idle.add(slot)
            while not self._closed and (task := self._choose(slot)) is None:
                self._turn.wait()
            self._idle.discard(slot)
            return None if self._closed else task

    def _choose(self, slot: _Slot) -> _Task | None:
        if not slot.started and len(self._waiting()) <= sum(other.started for other in self._idle):
            return None  # others are there, and start no process for it
        for queue in (self._urgent, self._others):
            for task in queue:
                if task.tools is None or task.tools is slot.tools or self._is_much(task.tools):
                    queue.remove(task)
                    slot.tools = task.tools or slot.tools
                    return task
        return None

    def _is_much(self, tools: Tools) -> bool:
        """Whether more waits for tools than those workers will soon do that have them: they take time and memory."""
        holders = sum(slot.tools is tools for slot in self._slots)
        return sum(task.tools is tools for task in self._waiting()) > _SOON * holders


class _Slot:
    """The place of one worker process, which is replaced when it dies. One thread at a time."""

    def __init__(self, time_limit_s: float, memory_limit_bytes: int) -> None:
        self._limits = time_limit_s, memory_limit_bytes
        self._worker: Worker | None = None
        self._holds: Tools | None = None
        self.tools: Tools | None = None
        """What it holds, or gets with its next request."""

    @property
    def started(self) -> bool:
        return self._worker is not None

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
        try:
            return self._equipped(tools)
        except (WorkerTimeoutError, WorkerCrashedError):  # perhaps killed as it took them
            self._worker = None
        try:
            return self._equipped(tools)
        except (WorkerTimeoutError, WorkerCrashedError) as error:
            self._worker = None
            raise SandboxError(f"a worker could not take its tools: {error}") from error

    def _equipped(self, tools: Tools | None) -> Worker:
        if self._worker is not None and not self._worker.is_alive():  # killed while idle, so no value is to blame
            self.close()
        if self._worker is None:
            self._worker, self._holds = self._started(), None
        if tools is not None and tools is not self._holds:
            _read(self._worker.call(pickle.dumps((tools.take, tools.value, True), protocol=5), TOOLS_LIMIT_S))
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
