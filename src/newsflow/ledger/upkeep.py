"""Lets the ledger forget while a job runs, in a thread and over a connection of its own."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from newsflow.errors import LedgerError
from newsflow.ledger.ledger import Ledger

log = logging.getLogger(__name__)

FIRST_AFTER_S = 60.0
"""The first time comes soon, so that a job that is often restarted prunes too."""


class Upkeep:
    """Prunes from `__enter__` on, every `every` (never when that is zero), until `__exit__`.

    `open_own` opens the ledger for this thread. A ledger that is unavailable is tried again the next time: forgetting
    late harms nobody, so no failure here reaches the job.
    """

    def __init__(
        self,
        open_own: Callable[[], Ledger],
        retention: timedelta,
        every: timedelta,
        first_after_s: float = FIRST_AFTER_S,
    ) -> None:
        self._open_own, self._retention, self._every_s = open_own, retention, every.total_seconds()
        self._first_after_s = min(first_after_s, self._every_s)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="newsflow-upkeep", daemon=True)

    def __enter__(self) -> Upkeep:
        if self._every_s > 0:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        pause_s = self._first_after_s
        while not self._over.wait(pause_s):
            self._prune()
            pause_s = self._every_s

    def _prune(self) -> None:
        try:
            ledger = self._open_own()
            try:
                pruned = ledger.prune(self._retention, over=self._over.is_set)
            finally:
                ledger.close()
        except LedgerError as error:
            log.warning("the ledger could not be pruned, it is tried again in %.0f s: %s", self._every_s, error)
        else:
            if pruned.total:
                log.info("the ledger forgot %d rows", pruned.total)
