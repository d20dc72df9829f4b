"""Sends what the outbox holds: in order for each subscriber, again after failures, never twice at a time.

The ledger keeps an alert until its destination has it. Alerts of one subscription to one destination go in the
order they were raised: while one of them waits to be tried again, those behind it wait too. Other subscriptions
and destinations go on. What a destination refuses for good is set aside, for a person to look at and resend.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from types import TracebackType

from newsflow.alerts.outbox import OPEN_AFTER, Outbox, PendingDelivery
from newsflow.alerts.senders.base import Attempt, DeliveryResult, Sender, retry
from newsflow.alerts.senders.registry import make_senders
from newsflow.backoff import Backoff
from newsflow.config.settings import Destination
from newsflow.errors import LedgerError
from newsflow.model import PendingAlert

LONG_AGO = datetime.min.replace(tzinfo=UTC)
POLL_S = 0.25
TICK_S = 1.0
LAST_DRAIN_S = 30.0
log = logging.getLogger(__name__)


@dataclass(slots=True)
class Circuit:
    """A circuit breaker: a destination that keeps failing is left alone for a while, then tried with one message.

    Closed while things go well; open after `threshold` failures in a row. Not safe between threads.
    """

    backoff: Backoff = field(default_factory=Backoff)
    threshold: int = OPEN_AFTER
    failures: int = 0
    open_until: datetime = LONG_AGO

    def is_open(self, now: datetime) -> bool:
        """Return whether nothing may be sent now. Once the wait is over, one message may go as a probe."""
        return now < self.open_until

    @property
    def is_on_trial(self) -> bool:
        """Whether so many messages failed in a row that only one may go at a time."""
        return self.failures >= self.threshold

    def succeeded(self) -> None:
        self.failures, self.open_until = 0, LONG_AGO

    def failed(self, now: datetime, share: float, retry_after_s: float = 0.0) -> None:
        """Count a failure; open at the threshold, and at each failed probe for longer.

        A destination that asked for a pause (`retry_after_s`) gets it from everything that would be sent to it.
        """
        self.failures += 1
        wait_s = retry_after_s
        if self.is_on_trial:
            wait_s = max(wait_s, self.backoff.delay_s(self.failures - self.threshold + 1, share))
        if wait_s > 0:
            self.open_until = max(self.open_until, now + timedelta(seconds=wait_s))


@dataclass(frozen=True, slots=True)
class Drained:
    """What one pass did. `waiting` are still in the outbox for the destinations it serves; `next_due` is when the
    first of them may be tried, None when nothing waits."""

    sent: int = 0
    retried: int = 0
    refused: int = 0
    waiting: int = 0
    next_due: datetime | None = None

    def plus(self, other: Drained) -> Drained:
        """Return both together: what was done adds up, what waits is the other's."""
        sent, retried, refused = self.sent + other.sent, self.retried + other.retried, self.refused + other.refused
        return Drained(sent, retried, refused, other.waiting, other.next_due)


@dataclass
class Drainer:
    """Sends from an outbox, and keeps the circuits between passes. Drainers of several processes may share one outbox.

    What a drainer holds when it dies is tried again `lease_s` seconds after it took it.
    """

    senders: Sequence[Sender]
    backoff: Backoff = field(default_factory=Backoff)
    lease_s: float = 60.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    share: Callable[[], float] = random.random
    circuits: dict[str, Circuit] = field(default_factory=dict)

    def drain(self, outbox: Outbox, limit: int = 50, over: Callable[[], bool] = lambda: False) -> Drained:
        """Try once whatever may be tried now, up to `limit` alerts a destination.

        Once `over` says so no further alert is begun; those in hand are still waited for. Destinations are served
        side by side, so that a slow one does not delay another; the outbox is used from this thread alone, and each
        result is written down as it comes. Blocks while senders do. Raises what the outbox raises.
        """
        backlog = {each.destination: each for each in outbox.backlog()}
        passes = [
            each
            for sender in self.senders
            if sender.name in backlog and (each := self._lease(outbox, sender, backlog[sender.name].next_due, limit))
        ]
        done = self._run(outbox, passes, over) if passes else Drained()
        return self._with_backlog(outbox, done)

    def drain_all(self, outbox: Outbox, *, deadline_s: float, sleep: Callable[[float], None] = time.sleep) -> Drained:
        """Drain until nothing waits or the time is up; returns what was done in all, and what still waits."""
        total, end = Drained(), self.clock() + timedelta(seconds=deadline_s)
        while True:
            total = total.plus(self.drain(outbox, over=lambda: self.clock() >= end))
            if total.next_due is None or total.next_due >= end or self.clock() >= end:
                return total
            sleep(max(0.0, (total.next_due - self.clock()).total_seconds()))

    def _lease(self, outbox: Outbox, sender: Sender, due: datetime, limit: int) -> _Pass | None:
        """What one destination may be sent now. A lease is a write, so none is asked for before something is due."""
        now, circuit = self.clock(), self._circuit(sender.name)
        if due > now or circuit.is_open(now):
            return None
        size = 1 if circuit.is_on_trial else limit
        leased = outbox.lease(size, lease_s=self.lease_s, destination=sender.name)
        # Half the lease: whoever takes over after it must not meet a sender that is still at work.
        return _Pass(sender, leased, circuit, self, now + timedelta(seconds=self.lease_s / 2)) if leased else None

    def _run(self, outbox: Outbox, passes: Sequence[_Pass], over: Callable[[], bool]) -> Drained:
        reports: SimpleQueue[_Report] = SimpleQueue()
        broken = threading.Event()
        counts: Counter[DeliveryResult] = Counter()
        running = len(passes)
        with ThreadPoolExecutor(running, thread_name_prefix="newsflow-alerts") as pool:
            for each in passes:
                pool.submit(each.run, reports.put, lambda: broken.is_set() or over())
            try:
                while running:
                    report = reports.get()
                    if isinstance(report, _Pass):
                        running -= 1
                        if report.untried:
                            outbox.release(report.untried)
                    else:
                        counts[report.attempt.result] += 1
                        _write_down(outbox, report, self.clock())
            finally:
                broken.set()
        return Drained(counts[DeliveryResult.SENT], counts[DeliveryResult.RETRY], counts[DeliveryResult.REFUSED])

    def _with_backlog(self, outbox: Outbox, done: Drained) -> Drained:
        names = {sender.name for sender in self.senders}
        waits = [each for each in outbox.backlog() if each.destination in names]
        dues = [max(each.next_due, self._circuit(each.destination).open_until) for each in waits]
        return replace(done, waiting=sum(each.deliveries for each in waits), next_due=min(dues, default=None))

    def _circuit(self, name: str) -> Circuit:
        return self.circuits.setdefault(name, Circuit(self.backoff))


@dataclass(frozen=True, slots=True)
class _Tried:
    """One attempt, and when the next one is due if it failed for now."""

    delivery: PendingDelivery
    attempt: Attempt
    retry_at: datetime | None = None


@dataclass
class _Pass:
    """One pass over the alerts of one destination, in a thread of its own."""

    sender: Sender
    leased: Sequence[PendingDelivery]
    circuit: Circuit
    drainer: Drainer
    until: datetime
    waiting: set[str] = field(default_factory=set)
    """Subscriptions with an alert that failed for now: those behind it wait too."""
    untried: list[tuple[str, str]] = field(default_factory=list)

    def run(self, report: Callable[[_Report], None], over: Callable[[], bool]) -> None:
        """Report each attempt, and at the end the pass itself: what it left untried goes back to the outbox."""
        try:
            for each in self.leased:
                if self._may_try(each, over):
                    report(self._try(each))
                else:
                    self.untried.append((each.id, each.destination))
        except Exception:
            log.exception("sending to %s broke off", self.sender.name)
        finally:
            report(self)

    def _may_try(self, delivery: PendingDelivery, over: Callable[[], bool]) -> bool:
        now = self.drainer.clock()
        waits = delivery.subscription in self.waiting
        return not (waits or over() or now >= self.until or self.circuit.is_open(now))

    def _try(self, delivery: PendingDelivery) -> _Tried:
        alert = PendingAlert(delivery.id, delivery.subscription, delivery.value, (delivery.destination,))
        try:
            attempt = self.sender.send(alert)
        except Exception as error:
            log.exception("the sender of %s failed on alert %s", self.sender.name, alert.id)
            attempt = retry(f"the sender failed: {type(error).__name__}: {error}")
        if attempt.result is not DeliveryResult.RETRY:
            self.circuit.succeeded()
            return _Tried(delivery, attempt)
        now, asked_s = self.drainer.clock(), attempt.retry_after_s or 0.0
        wait_s = max(asked_s, self.drainer.backoff.delay_s(delivery.attempts + 1, self.drainer.share()))
        self.circuit.failed(now, self.drainer.share(), asked_s)
        self.waiting.add(delivery.subscription)
        return _Tried(delivery, attempt, now + timedelta(seconds=wait_s))


_Report = _Tried | _Pass


def _write_down(outbox: Outbox, tried: _Tried, now: datetime) -> None:
    alert, destination = tried.delivery.id, tried.delivery.destination
    if tried.attempt.result is DeliveryResult.SENT:
        outbox.mark_sent(alert, destination, now)
        return
    outbox.mark_failed(alert, destination, tried.attempt.message[:1000], tried.retry_at)
    what_next = "set aside" if tried.retry_at is None else f"next try at {tried.retry_at:%H:%M:%S}Z"
    log.warning("alert %s to %s failed (%s): %s", alert, destination, what_next, tried.attempt.message)


class AlertDelivery:
    """Sends alerts while a job runs: drains the outbox from `__enter__` on, in a thread of its own so that no
    destination delays the feeds; at the end once more, for at most `last_drain_s`.

    What is not delivered then waits in the ledger for the next run. A job that fails gets no last drain.
    `outbox` gives the outbox, and raises `LedgerError` while its ledger is unavailable: it is asked again then.
    `tick`, given the time (UTC), is called every second and before the last drain: the alert planner has something to
    do as time passes. It may raise `LedgerError`, and is then called again later.
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
        """Return lines for a person: what was sent, what waits and for whom."""
        lines = [f"alerts sent: {self.total.sent}"]
        try:
            waiting = {each.destination: each.deliveries for each in self._outbox().backlog()}
        except LedgerError as error:
            return [*lines, f"what waits in the outbox is not known, the ledger is unavailable: {error}"]
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
                log.warning("the ledger is unavailable, and the outbox with it: %s", error)
                self._stop.wait(POLL_S * 8)
                continue
            self.total = self.total.plus(done)
            self._stop.wait(_pause_s(done))

    def _tick_if_due(self) -> None:
        if self._tick is not None and time.monotonic() - self._ticked_s >= TICK_S:
            self._ticked_s = time.monotonic()
            self._tick(datetime.now(UTC))

    def _finish(self) -> None:
        """The last tick and the last drain; while the ledger is unavailable it keeps everything for the next run."""
        try:
            if self._tick is not None:
                self._tick(datetime.now(UTC))
            self.total = self.total.plus(self.drainer.drain_all(self._outbox(), deadline_s=self.last_drain_s))
        except LedgerError as error:
            log.warning("alerts wait in the ledger for the next run: %s", error)


def _pause_s(done: Drained) -> float:
    """Poll often: nothing announces a new alert. When alerts wait, wake for them if that is sooner."""
    if done.next_due is None:
        return POLL_S
    return min(POLL_S, max(0.0, (done.next_due - datetime.now(UTC)).total_seconds()))
