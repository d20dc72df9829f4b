"""The worker process: reads requests and answers each, within its limits.

Run as `python -m newsflow.sandbox.child MEMORY_LIMIT_BYTES`; started by `Worker` only.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import os
import pickle
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

import orjson

from newsflow.sandbox.pool import error_of
from newsflow.sandbox.worker import HEADER, LIMIT, PATIENCE, READY, frame

LATER_BYTES = 250 * 1024 * 1024
"""What tools may take beyond what they hold at first: word lists, the sentence encoder."""


def main() -> int:
    """Answer requests until the parent closes the pipe."""
    memory_limit_bytes = int(sys.argv[1])
    requests, answers = _private_pipes()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _limit_memory(memory_limit_bytes)
    faulthandler.enable(all_threads=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which finishes its work
    with contextlib.suppress(BrokenPipeError):
        _send(answers, READY)
        while (request := _receive(requests)) is not None:
            [limit_s] = LIMIT.unpack_from(request)
            _limit_time(limit_s)
            _send(answers, _answer(memoryview(request)[LIMIT.size :], memory_limit_bytes))
            _limit_time(0)
    return 0


def _limit_time(limit_s: float) -> None:
    """End this process after so much processor time; or when it hangs and its parent, which would end it earlier, was
    killed. 0 for no limit. What signals do by default needs no interpreter, so it ends a loop inside C code, too."""
    signal.setitimer(signal.ITIMER_PROF, limit_s and max(limit_s, 0.001))
    signal.setitimer(signal.ITIMER_REAL, limit_s and 1.5 * PATIENCE * limit_s + 1)


def _answer(request: memoryview, memory_limit_bytes: int) -> bytes:
    """What the function of a request gives, or what it raised."""
    work, values, are_tools = pickle.loads(request)
    try:
        if are_tools:
            gc.disable()  # many new objects, none of them garbage
            _limit_memory(resource.RLIM_INFINITY)
        answer = orjson.dumps({"answers": work(values)})
    except Exception as error:  # whatever it is, the parent is told
        answer = orjson.dumps({"error": error_of(error)})
    if are_tools:
        gc.freeze()  # they stay
        gc.enable()
        _limit_memory(_held_bytes() + LATER_BYTES + memory_limit_bytes)
    return answer


def _private_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Our two pipes on descriptors that a stray `print` or `input` cannot reach."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return requests, answers


def _limit_memory(limit_bytes: int) -> None:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, resource.getrlimit(resource.RLIMIT_DATA)[1]))


def _held_bytes() -> int:
    """What counts towards the limit now."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[5]) * resource.getpagesize()
    return 0


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
