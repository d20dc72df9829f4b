"""Whatever a program starts ends when it ends: by an exception, by a signal, even by SIGKILL.

Processes inherit the environment. So a mark in it names all that a program has started, however deep and in whatever
session. A watcher reads a pipe that the program alone holds open: at its end the program has ended, and what bears the
mark is ended too. Imports nothing of newsflow, since the watcher runs this file by itself.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

MARK = "STARTED_BY_NEWSFLOW"
IN_ORDER_S = 3.0
"""How long what is left has to end in order, before it is killed."""
_GIVE_UP_S = 10.0
_LAST_WORDS_S = 1.0
_PROC = Path("/proc")


def end_in_order(number: int, _: FrameType | None) -> None:
    """A handler of signals: the process ends as by an exception, so that what it holds is given back."""
    raise SystemExit(128 + number)


@contextlib.contextmanager
def ending_in_order(handler: Callable[[int, FrameType | None], Any] = end_in_order) -> Iterator[None]:
    """Within the block `handler` takes SIGTERM and SIGHUP (the terminal was closed), unless they are ignored (nohup).
    For the main thread."""
    taken = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in taken}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)


def end_within(seconds: float, say: Callable[[], object]) -> None:
    """End this process after so many seconds, with 1, whatever hangs in it by then; `say` is called before."""

    def end() -> None:
        last_words = threading.Thread(target=say, daemon=True)
        last_words.start()
        last_words.join(_LAST_WORDS_S)  # what is written to may be what hangs
        os._exit(1)

    watchdog = threading.Timer(seconds, end)
    watchdog.daemon = True
    watchdog.start()


@contextlib.contextmanager
def nothing_left_behind(handler: Callable[[int, FrameType | None], Any] = end_in_order) -> Iterator[None]:
    """No process that is started within the block outlives it, or this process. `handler` as for `ending_in_order`."""
    before, mark = os.environ.get(MARK), f"{os.getpid()}-{uuid.uuid4().hex}"
    watcher = subprocess.Popen(
        [sys.executable, "-I", "-S", __file__, mark],
        stdin=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C and a closed terminal are not for it
        env={name: value for name, value in os.environ.items() if name != MARK},
    )
    os.environ[MARK] = mark
    try:
        with ending_in_order(handler):
            yield
    finally:
        os.environ.pop(MARK, None)
        if before is not None:
            os.environ[MARK] = before
        assert watcher.stdin is not None
        watcher.stdin.close()
        watcher.wait()


def marked(mark: str, name: str = MARK) -> set[int]:
    """The processes that were started with `mark` in their environment."""
    wanted = f"{name}={mark}"
    if not _PROC.is_dir():
        listed = subprocess.run(["ps", "-axEww", "-o", "pid=,command="], capture_output=True, text=True, check=False)
        return {int(line.split()[0]) for line in listed.stdout.splitlines() if wanted in line.split()}
    return {int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit() and _bears(entry, wanted.encode())}


def _bears(process: Path, wanted: bytes) -> bool:
    try:
        return wanted in (process / "environ").read_bytes().split(b"\0")
    except OSError:  # it has ended, or is another user's
        return False


def _watch(mark: str) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    began_s = time.monotonic()
    told: set[int] = set()
    while (left := marked(mark)) and (waited_s := time.monotonic() - began_s) < _GIVE_UP_S:
        for pid in left if waited_s > IN_ORDER_S else left - told:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL if waited_s > IN_ORDER_S else signal.SIGTERM)
        told |= left
        time.sleep(0.05)


if __name__ == "__main__":
    _watch(sys.argv[1])
