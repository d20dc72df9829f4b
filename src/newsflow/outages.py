"""Who was asked and does not answer: said after some seconds, then once a minute, and when it answers again.

Whoever asks a broker or the ledger notes it here, and a thread of the process watches: a call that hangs is heard of
like one that fails.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

log = logging.getLogger(__name__)

FIRST_S, EVERY_S = 10.0, 60.0
_LOOK_S = 0.5


@dataclass
class _Silence:
    since_s: float
    since: datetime
    why: str = ""
    said_s: float | None = None


class Outages:
    """What is asked by name and has not answered. Any thread may call. `first_s` after it was first asked in vain it is
    said, and again every `every_s`."""

    def __init__(self, first_s: float = FIRST_S, every_s: float = EVERY_S) -> None:
        self.first_s, self.every_s = first_s, every_s
        self.waiting: Callable[[], object] = lambda: None
        """Called again and again while something does not answer, so that a job that waits is not taken for hung."""
        self._silent: dict[str, _Silence] = {}
        self._lock = threading.Lock()
        self._watcher: threading.Thread | None = None

    @contextmanager
    def asking(self, whom: str, *passing: type[Exception]) -> Iterator[None]:
        """Within the block `whom` is asked. One of the errors `passing` means that it did not answer."""
        self.ask(whom)
        try:
            yield
        except passing as error:
            self.failed(whom, error)
            raise
        except BaseException:
            self.answered(whom)
            raise
        self.answered(whom)

    def ask(self, whom: str) -> None:
        with self._lock:
            self._silent.setdefault(whom, _Silence(time.monotonic(), datetime.now(UTC)))
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._watch, name="outages", daemon=True)
                self._watcher.start()

    def failed(self, whom: str, why: Exception) -> None:
        """It did not answer, or said that it cannot now."""
        with self._lock:
            if silence := self._silent.get(whom):
                silence.why = " ".join(str(why).split())[:300]

    def answered(self, whom: str) -> None:
        with self._lock:
            silence = self._silent.pop(whom, None)
        if silence is not None and silence.said_s is not None:
            log.warning("%s answers again, after %.0f s", whom, time.monotonic() - silence.since_s)

    def any(self) -> bool:
        """Whether somebody was asked in vain."""
        now_s = time.monotonic()
        with self._lock:
            return any(it.why or now_s - it.since_s >= self.first_s for it in self._silent.values())

    def forget(self) -> None:
        """Nobody is waited for any more."""
        with self._lock:
            self._silent.clear()

    def _watch(self) -> None:
        while True:
            time.sleep(min(_LOOK_S, self.first_s))
            self._look(time.monotonic())

    def _look(self, now_s: float) -> None:
        with self._lock:
            lasting = [(whom, it) for whom, it in self._silent.items() if now_s - it.since_s >= self.first_s]
        for whom, silence in lasting:
            self.waiting()
            if silence.said_s is None or now_s - silence.said_s >= self.every_s:
                silence.said_s = now_s
                why = f": {silence.why}" if silence.why else ""
                at, lasts_s = f"{silence.since:%Y-%m-%d %H:%M:%S} UTC", now_s - silence.since_s
                message = "%s is unavailable since %s (%.0f s); what is in hand waits, and is tried again%s"
                log.warning(message, whom, at, lasts_s, why)


outages = Outages()
"""Those of this process."""
