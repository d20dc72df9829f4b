"""A file whose age says whether a job's loop still turns, for the probes of a container."""

from __future__ import annotations

import time
from pathlib import Path

from newsflow.errors import UsageError


class Heartbeat:
    """Touches `path` at each beat, at most once in `every_s` seconds. It is not there before the first beat.

    What its age tells of is a loop that hangs: one that fails gives up by itself, after `limits.attempts`.
    """

    def __init__(self, path: Path, every_s: float = 1.0) -> None:
        """Raises `UsageError` when the file cannot be written; an older one is removed."""
        self._path, self._every_s, self._next_s = path, every_s, 0.0
        try:
            path.touch()
            path.unlink()
        except OSError as error:
            raise UsageError(f"--heartbeat {path} cannot be written: {error.strerror}") from error

    def beat(self) -> None:
        """The loop has turned. If the disk fails, that is for the probe to notice, not a reason to stop the job."""
        now_s = time.monotonic()
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._every_s
        try:
            self._path.touch()
        except OSError:
            return
