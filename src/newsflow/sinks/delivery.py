"""Sends alerts while a job runs, in a thread of its own, so that no destination holds the feeds."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType

from newsflow.config.settings import Destination
from newsflow.errors import LedgerError
from newsflow.sinks.outbox import Drained, Drainer, Outbox
from newsflow.sinks.senders import make_senders

log = logging.getLogger(__name__)

POLL_S = 0.25
TICK_S = 1.0
LAST_DRAIN_S = 30.0


class AlertDelivery:
    """Drains the outbox from `__enter__` on; at the end once more, for at most `last_drain_s`.

    What is not delivered then waits in the ledger for the next run. A job that fails gets no last drain.
    `outbox` gives the outbox, and raises `LedgerError` while it is away: it is asked again then.
    `tick`, given the time (UTC), is called every second and before the last drain: alert desks have something to do
    as time passes. It may raise `LedgerError`, and is then called again later.
    Raises `ConfigError` for a destination that cannot be used.
    """

    def __init__(
        self,
        outbox: Callable[[], Outbox],
        destinations: Iterable[tuple[str, Destination]],
        last_drain_s: float = LAST_DRAIN_S,
        tick: Callable[[datetime], object] | None = None,
    ) -> None:
        self._outbox, self.last_drain_s = outbox, last_drain_s
        self._tick, self._ticked_s = tick, 0.0
        self.drainer = Drainer(make_senders(destinations))
        self.total = Drained()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="newsflow-delivery", daemon=True)

    def __enter__(self) -> AlertDelivery:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if kind is None:
            self._finish()

    def report(self) -> list[str]:
        """Lines for a person: what was sent, what waits and for whom."""
        lines = [f"alerts sent: {self.total.sent}"]
        try:
            waiting = {each.destination: each.deliveries for each in self._outbox().alert_backlog()}
        except LedgerError as error:
            return [*lines, f"what waits in the outbox cannot be told, the ledger is away: {error}"]
        if self.total.refused:
            lines.append(f"alerts refused by their destination and set aside: {self.total.refused}")
        known = {sender.name for sender in self.drainer.senders}
        for name, count in sorted(waiting.items()):
            why = "which is tried again" if name in known else "which the configuration does not name"
            lines.append(f"alerts waiting in the outbox for {name}, {why}: {count}")
        return lines

    def _work(self) -> None:
        while (self.drainer.senders or self._tick) and not self._stop.is_set():
            try:
                self._tick_if_due()
                done = self.drainer.drain(self._outbox(), over=self._stop.is_set)
            except LedgerError as error:
                log.warning("the ledger is away, and the outbox with it: %s", error)
                self._stop.wait(POLL_S * 8)
                continue
            self.total = self.total.plus(done)
            self._stop.wait(_pause_s(done))

    def _tick_if_due(self) -> None:
        if self._tick is not None and time.monotonic() - self._ticked_s >= TICK_S:
            self._ticked_s = time.monotonic()
            self._tick(datetime.now(UTC))

    def _finish(self) -> None:
        """The last tick and the last drain; a ledger that is away keeps everything for the next run."""
        try:
            if self._tick is not None:
                self._tick(datetime.now(UTC))
            self.total = self.total.plus(self.drainer.drain_all(self._outbox(), deadline_s=self.last_drain_s))
        except LedgerError as error:
            log.warning("alerts wait in the ledger for the next run: %s", error)


def _pause_s(done: Drained) -> float:
    """Poll often: new alerts do not ring. When alerts wait, wake for them if that is sooner."""
    if done.next_due is None:
        return POLL_S
    return min(POLL_S, max(0.0, (done.next_due - datetime.now(UTC)).total_seconds()))
