"""The parent's side of one worker process: start it, ask it, kill it."""

from __future__ import annotations

import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from newsflow.errors import SandboxError

# Length-prefixed frames over pipes, with a deadline on the parent's side.


HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 256 * 1024 * 1024


class FrameTimeoutError(Exception):
    """The other side did not read or answer before the deadline."""


class FrameEndError(Exception):
    """The other side closed its end, or sent what is no frame."""


def frame(payload: bytes) -> bytes:
    """A payload with its length before it."""
    return HEADER.pack(len(payload)) + payload


def write_before(fd: int, data: bytes, deadline: float) -> None:
    """Write all of `data` to a non-blocking pipe before `deadline` (monotonic seconds)."""
    view = memoryview(data)
    while view:
        _wait(fd, select.POLLOUT, deadline)
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise FrameEndError(str(error)) from error


def read_before(fd: int, deadline: float) -> bytes:
    """Read one frame from a non-blocking pipe before `deadline` (monotonic seconds)."""
    (size,) = HEADER.unpack(_read_exactly(fd, HEADER.size, deadline))
    if size > MAX_FRAME_BYTES:
        raise FrameEndError(f"a frame of {size} bytes")
    return _read_exactly(fd, size, deadline)


def _read_exactly(fd: int, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        _wait(fd, select.POLLIN, deadline)
        try:
            part = os.read(fd, min(size - len(data), 1 << 20))
        except BlockingIOError:
            continue
        except OSError as error:
            raise FrameEndError(str(error)) from error
        if not part:
            raise FrameEndError("end of stream")
        data += part
    return bytes(data)


def _wait(fd: int, events: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(fd, events)
    left_s = deadline - time.monotonic()
    if left_s <= 0 or not poll.poll(left_s * 1000):
        raise FrameTimeoutError


START_LIMIT_S = 60.0
READY = b"ready"
# Secrets of the parent are not for a process that reads hostile pages.
_PASSED_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")


class WorkerTimeoutError(Exception):
    """The worker did not answer in time; it was killed."""


class WorkerCrashedError(Exception):
    """The worker ended while it was at work; the message says how."""


class Worker:
    """One worker process. Not thread-safe: one caller at a time.

    It is started by exec (never a bare fork, which is not safe beside threads), reads requests from a pipe,
    and ends by itself when that pipe closes or, at work, when its own alarm goes off; so it does not outlive
    a killed parent by more than `time_limit_s` and a little.
    """

    def __init__(self, time_limit_s: float, memory_limit_bytes: int, start_limit_s: float = START_LIMIT_S) -> None:
        self._time_limit_s = time_limit_s
        self.calls = 0
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed in close()
        command = [sys.executable, "-P", "-m", "newsflow.sandbox.child", str(time_limit_s), str(memory_limit_bytes)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=_environment(), cwd="/"
            )
        except OSError as error:
            self._errors.close()
            raise SandboxError(f"the extraction worker cannot be started: {error}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._wait_until_ready(start_limit_s)

    @property
    def pid(self) -> int:
        """The process id of the worker."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def call(self, request: bytes) -> bytes:
        """One answer for one request.

        Raises WorkerTimeoutError or WorkerCrashedError; the worker is gone after either.
        """
        self.calls += 1
        deadline = time.monotonic() + self._time_limit_s
        try:
            write_before(self._stdin.fileno(), frame(request), deadline)
            return read_before(self._stdout.fileno(), deadline)
        except FrameTimeoutError:
            self.close(kill=True)
            raise WorkerTimeoutError(f"no answer within {self._time_limit_s:g} s") from None
        except FrameEndError:
            message = self._last_words()
            self.close(kill=True)
            raise WorkerCrashedError(message) from None

    def close(self, *, kill: bool = False) -> None:
        """End the worker and reap it. May be called again."""
        if self._errors.closed:
            return
        for pipe in (self._stdin, self._stdout):
            pipe.close()
        if kill:
            self._process.kill()
        try:
            self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def _wait_until_ready(self, limit_s: float) -> None:
        for pipe in (self._stdin, self._stdout):
            os.set_blocking(pipe.fileno(), False)
        try:
            answer = read_before(self._stdout.fileno(), time.monotonic() + limit_s)
        except (FrameTimeoutError, FrameEndError):
            answer = b""
        if answer != READY:
            words = self._last_words()
            self.close(kill=True)
            raise SandboxError(f"the extraction worker did not start: {words}")

    def _last_words(self) -> str:
        """How the process ended and the end of what it wrote to standard error."""
        try:
            code: int | None = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = None
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 300))
        words = self._errors.read().decode("utf-8", "replace").strip()
        return ": ".join(part for part in (_ending(code), words) if part)


def _ending(code: int | None) -> str:
    if code is None:
        return "it closed its pipe"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _PASSED_ENVIRONMENT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(part).resolve()) for part in sys.path if part)
    # BLAS pools reserve address space for each core, which the memory limit would count.
    environment["OPENBLAS_NUM_THREADS"] = environment["OMP_NUM_THREADS"] = environment["MKL_NUM_THREADS"] = "1"
    return environment
