"""The parent's side of one worker process: start it, ask it, kill it. They exchange frames, payloads with a length."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from newsflow.errors import SandboxError, in_words

HEADER = struct.Struct(">I")
LIMIT = struct.Struct(">d")
"""Before a request: the seconds of processor time that it may take."""
PATIENCE = 6
"""So many times its limit a request may take by the clock: on a busy machine a worker has a part of a core. What takes
longer hangs."""
MAX_FRAME_BYTES = 256 * 1024 * 1024
START_LIMIT_S = 60.0
PIPE_BYTES = 1 << 20
"""Most pages fit: in a pipe of the usual 64 KB either side would wait for the other several times."""
READY = b"ready"
# A process that reads hostile pages must not see the parent's secrets.
_PASSED_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SYSTEMROOT")


def frame(payload: bytes) -> bytes:
    return HEADER.pack(len(payload)) + payload


def _write_frame(fd: int, payload: bytes, deadline: float) -> None:
    """Write a frame to a non-blocking pipe before `deadline` (monotonic seconds). Raises TimeoutError, EOFError."""
    view = memoryview(frame(payload))
    while view:
        _wait(fd, select.POLLOUT, deadline)
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise EOFError(str(error)) from error


def _read_frame(fd: int, deadline: float) -> bytes:
    """Read a frame from a non-blocking pipe before `deadline` (monotonic seconds). Raises TimeoutError, EOFError."""
    (size,) = HEADER.unpack(_read_exactly(fd, HEADER.size, deadline))
    if size > MAX_FRAME_BYTES:
        raise EOFError(f"a frame of {size} bytes")
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
            raise EOFError(str(error)) from error
        if not part:
            raise EOFError("end of stream")
        data += part
    return bytes(data)


def _wait(fd: int, events: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(fd, events)
    left_s = deadline - time.monotonic()
    if left_s <= 0 or not poll.poll(left_s * 1000):
        raise TimeoutError


class WorkerTimeoutError(Exception):
    """The worker did not answer in time and was killed, or it ended by its limit of processor time."""


class WorkerCrashedError(Exception):
    """The worker ended during a call; the message says how."""


class Worker:
    """One worker process. Not thread-safe: one caller at a time.

    It is started by exec (a bare fork is not safe beside threads) and reads requests from a pipe. It ends by itself
    when that pipe closes or, during a request, when its own alarm goes off: so it outlives a killed parent by little
    more than the request may take.
    """

    def __init__(self, time_limit_s: float, memory_limit_bytes: int, start_limit_s: float = START_LIMIT_S) -> None:
        self._time_limit_s = time_limit_s
        self.calls = 0
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed in close()
        command = [sys.executable, "-P", "-m", "newsflow.sandbox.child", str(memory_limit_bytes)]
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._errors, env=_environment(), cwd="/"
            )
        except OSError as error:
            self._errors.close()
            raise SandboxError(f"the worker cannot be started: {in_words(error)}") from error
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._stdin, self._stdout = self._process.stdin, self._process.stdout
        self._wait_until_ready(start_limit_s)

    @property
    def pid(self) -> int:
        return self._process.pid

    def is_alive(self) -> bool:
        return self._process.poll() is None

    def call(self, request: bytes, limit_s: float | None = None) -> bytes:
        """The answer to a request, within the worker's time limit or another: so many seconds of its processor time,
        and `PATIENCE` times as many by the clock. Raises WorkerTimeoutError or WorkerCrashedError; the worker is gone
        after either."""
        self.calls += 1
        limit_s = self._time_limit_s if limit_s is None else limit_s
        deadline = time.monotonic() + PATIENCE * limit_s
        try:
            _write_frame(self._stdin.fileno(), LIMIT.pack(limit_s) + request, deadline)
            return _read_frame(self._stdout.fileno(), deadline)
        except TimeoutError:
            self.close(kill=True)
            raise WorkerTimeoutError(f"no answer within {PATIENCE * limit_s:g} s") from None
        except EOFError:
            message = self._how_it_ended()
            self.close(kill=True)
            if self._process.returncode == -signal.SIGPROF:
                raise WorkerTimeoutError(f"more than {limit_s:g} s of processor time") from None
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
            with suppress(OSError):  # beyond what this user may take
                fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        try:
            answer = _read_frame(self._stdout.fileno(), time.monotonic() + limit_s)
        except (TimeoutError, EOFError):
            answer = b""
        if answer != READY:
            message = self._how_it_ended()
            self.close(kill=True)
            raise SandboxError(f"the worker did not start: {message}")

    def _how_it_ended(self) -> str:
        """How the process ended and the end of what it wrote to standard error."""
        try:
            code: int | None = self._process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            code = None
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 300))
        written = self._errors.read().decode("utf-8", "replace").strip()
        return ": ".join(part for part in (_ending(code), written) if part)


def _ending(code: int | None) -> str:
    if code is None:
        return "it closed its pipe"
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"


def _environment() -> dict[str, str]:
    environment = {name: os.environ[name] for name in _PASSED_ENVIRONMENT if name in os.environ}
    environment["PYTHONPATH"] = os.pathsep.join(str(Path(part).resolve()) for part in sys.path if part)
    # BLAS pools reserve address space for each core, which would count towards the memory limit.
    environment["OPENBLAS_NUM_THREADS"] = environment["OMP_NUM_THREADS"] = environment["MKL_NUM_THREADS"] = "1"
    return environment
