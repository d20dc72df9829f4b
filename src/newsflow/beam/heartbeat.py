"""A file whose age says whether a job's loops still turn, for the probes of a container."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from newsflow.errors import UsageError


class Heartbeat:
    """Keeps `path` as young as the beat that lies longest back, of all loops that are still to turn. It is not there
    before each of them has turned once, and written at most once in `every_s` seconds. Any thread may call.

    What its age tells of is a loop that hangs: one that fails gives up by itself, after `limits.attempts`.
    """

    def __init__(self, path: Path, loops: Iterable[str] = ("",), every_s: float = 1.0) -> None:
        """Raises `UsageError` when the file cannot be written; an older one is removed."""
        self._path, self._every_s, self._next_s = path, every_s, 0.0
        self._beats: dict[str, float | None] = dict.fromkeys(loops)
        self._lock = threading.Lock()
        try:
            path.touch()
            path.unlink()
        except OSError as error:
            raise UsageError(f"--heartbeat {path} cannot be written: {error.strerror}") from error

    def beat(self, loop: str = "") -> None:
        """A loop has turned. If the disk fails, that is for the probe to notice, not a reason to stop the job."""
        with self._lock:
            self._beats[loop] = time.time()
            self._write()

    def end(self, loop: str) -> None:
        """A loop has ended, and is not waited for any more."""
        with self._lock:
            self._beats.pop(loop, None)
            self._write()

    def _write(self) -> None:
        now_s, beats = time.monotonic(), [at for at in self._beats.values() if at is not None]
        if now_s < self._next_s or not beats or len(beats) < len(self._beats):
            return
        self._next_s = now_s + self._every_s
        try:
            self._path.touch()
            os.utime(self._path, (min(beats), min(beats)))
        except OSError:
            return


def beats_of(heartbeat: Heartbeat | None, loop: str) -> Callable[[], None]:
    """What a loop calls at each turn."""
    return (lambda: None) if heartbeat is None else lambda: heartbeat.beat(loop)
