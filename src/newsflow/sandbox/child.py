"""The worker process: reads requests and answers each with what the page says, within its limits.

Run as `python -m newsflow.sandbox.child TIME_LIMIT_S MEMORY_LIMIT_BYTES`; started by `Worker` only.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import pickle
import resource
import signal
import sys
from typing import BinaryIO

from newsflow.sandbox.normaliser import answer
from newsflow.sandbox.worker import HEADER, READY, frame


def main() -> int:
    """Answer requests until the parent closes the pipe."""
    time_limit_s, memory_limit_bytes = float(sys.argv[1]), int(sys.argv[2])
    requests, answers = _private_pipes()
    _limit_memory(memory_limit_bytes)
    faulthandler.enable(all_threads=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which finishes its work
    with contextlib.suppress(BrokenPipeError):
        _send(answers, READY)
        while (request := _receive(requests)) is not None:
            # The parent kills us at the limit. If the parent was killed itself, the alarm's default action does so:
            # it needs no interpreter, so it ends a loop inside C code, too.
            signal.setitimer(signal.ITIMER_REAL, time_limit_s * 1.5 + 1)
            _send(answers, answer(pickle.loads(request)))
            signal.setitimer(signal.ITIMER_REAL, 0)
    return 0


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our two pipes on descriptors that a stray `print` or `input` cannot reach."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return requests, answers


def _limit_memory(limit_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def _receive(stream: BinaryIO) -> bytes | None:
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    (size,) = HEADER.unpack(header)
    payload = stream.read(size)
    return payload if len(payload) == size else None


def _send(stream: BinaryIO, payload: bytes) -> None:
    stream.write(frame(payload))
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
