"""Sends what the outbox holds: in order for each subscriber, again after failures, never twice at a time.

The ledger keeps an alert until its destination has it. Alerts of one subscription to one destination go in the
order they were raised: while one of them waits to be tried again, those behind it wait too. Other subscriptions
and destinations go on. What a destination refuses for good is set aside, for a person to look at and resend.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial, reduce
from types import TracebackType
from typing import TypeVar

from newsflow import metrics
from newsflow.alerts.outbox import OPEN_AFTER, Backlog, Outbox, PendingDelivery
from newsflow.alerts.senders.base import Attempt, DeliveryResult, Sender, send_once
from newsflow.alerts.senders.registry import make_senders
from newsflow.backoff import Backoff
from newsflow.config.settings import Destination
from newsflow.errors import LedgerError
from newsflow.model import PendingAlert

LONG_AGO = datetime.min.replace(tzinfo=UTC)
POLL_S, AWAY_S = 0.25, 2.0
TICK_S = 1.0
LAST_DRAIN_S, LAST_WORDS_S = 30.0, 1.0
LEASE_S = 60.0
T = TypeVar("T")
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
    """What one pass did. `waiting` are still in the outbox for the destination it serves; `next_due` is when the first
    of them may be tried, None when nothing waits."""

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
    """Sends to one destination from an outbox, and keeps its circuit between passes. Drainers of several processes may
    share one outbox.

    What a drainer holds when it dies is tried again `lease_s` seconds after it took it.
    """

    sender: Sender
    backoff: Backoff = field(default_factory=Backoff)
    lease_s: float = 60.0
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    share: Callable[[], float] = random.random
    circuit: Circuit = field(init=False)

    def __post_init__(self) -> None:
        self.circuit = Circuit(self.backoff)

    def drain(self, outbox: Outbox, limit: int = 50, over: Callable[[], bool] = lambda: False) -> Drained:
        """Try once whatever may be tried now, up to `limit` alerts.

        Once `over` says so no further alert is begun; the one in hand is still waited for. Each result is written down
        as it comes. Blocks while the sender does. Raises what the outbox raises.
        """
        now, waits = self.clock(), self._backlog(outbox)
        # A lease is a write, so none is asked for before something is due.
        if waits is None or waits.next_due > now or self.circuit.is_open(now):
            return self._with_backlog(Drained(), waits)
        size = 1 if self.circuit.is_on_trial else limit
        leased = outbox.lease(size, lease_s=self.lease_s, destination=self.sender.name)
        # Half the lease: whoever takes over after it must not meet a sender that is still at work.
        done = self._send(outbox, leased, over, now + timedelta(seconds=self.lease_s / 2))
        return self._with_backlog(done, self._backlog(outbox))

    def drain_all(self, outbox: Outbox, *, deadline_s: float, sleep: Callable[[float], None] = time.sleep) -> Drained:
        """Drain until nothing waits or the time is up; returns what was done in all, and what still waits."""
        total, end = Drained(), self.clock() + timedelta(seconds=deadline_s)
        while True:
            total = total.plus(self.drain(outbox, over=lambda: self.clock() >= end))
            if total.next_due is None or total.next_due >= end or self.clock() >= end:
                return total
            sleep(max(0.0, (total.next_due - self.clock()).total_seconds()))

    def _send(
        self, outbox: Outbox, leased: Sequence[PendingDelivery], over: Callable[[], bool], until: datetime
    ) -> Drained:
        counts: Counter[DeliveryResult] = Counter()
        waiting: set[str] = set()  # subscriptions with an alert that failed for now: those behind it wait too
        untried: list[tuple[str, str]] = []
        for each in leased:
            now = self.clock()
            if each.subscription in waiting or over() or now >= until or self.circuit.is_open(now):
                untried.append((each.id, each.destination))
                continue
            tried = self._try(each)
            counts[tried.attempt.result] += 1
            result = tried.attempt.result.value
            metrics.count("newsflow_deliveries_total", destination=each.destination, result=result)
            if tried.attempt.result is DeliveryResult.RETRY:
                waiting.add(each.subscription)
            _write_down(outbox, tried, self.clock())
        if untried:
            outbox.release(untried)
        return Drained(counts[DeliveryResult.SENT], counts[DeliveryResult.RETRY], counts[DeliveryResult.REFUSED])

    def _try(self, delivery: PendingDelivery) -> _Tried:
        alert = PendingAlert(delivery.id, delivery.subscription, delivery.value, (delivery.destination,))
        attempt = send_once(self.sender, alert)
        if attempt.result is not DeliveryResult.RETRY:
            self.circuit.succeeded()
            return _Tried(delivery, attempt)
        now, asked_s = self.clock(), attempt.retry_after_s or 0.0
        wait_s = max(asked_s, self.backoff.delay_s(delivery.attempts + 1, self.share()))
        self.circuit.failed(now, self.share(), asked_s)
        return _Tried(delivery, attempt, now + timedelta(seconds=wait_s))

    def _backlog(self, outbox: Outbox) -> Backlog | None:
        return next((each for each in outbox.backlog() if each.destination == self.sender.name), None)

    def _with_backlog(self, done: Drained, waits: Backlog | None) -> Drained:
        if waits is None:
            return done
        return replace(done, waiting=waits.deliveries, next_due=max(waits.next_due, self.circuit.open_until))


@dataclass(frozen=True, slots=True)
class _Tried:
    """One attempt, and when the next one is due if it failed for now."""

    delivery: PendingDelivery
    attempt: Attempt
    retry_at: datetime | None = None


def _write_down(outbox: Outbox, tried: _Tried, now: datetime) -> None:
    alert, destination, message = tried.delivery.id, tried.delivery.destination, tried.attempt.message
    if tried.attempt.result is DeliveryResult.SENT:
        outbox.mark_sent(alert, destination, now, message[:1000] or None)
        if message:
            log.warning("alert %s to %s was sent, but %s", alert, destination, message)
        return
    outbox.mark_failed(alert, destination, message[:1000], tried.retry_at)
    what_next = "set aside" if tried.retry_at is None else f"next try at {tried.retry_at:%H:%M:%S}Z"
    log.warning("alert %s to %s failed (%s): %s", alert, destination, what_next, message)


class AlertDelivery:
    """Sends alerts while a job runs, from `__enter__` on: each destination has a thread of its own, so that none delays
    another, nor the feeds; at the end once more, for at most `last_drain_s`.

    What is not delivered then waits in the ledger for the next run. A job that fails gets no last drain. A destination
    that hangs is not waited for beyond that time.
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
        self._outbox, self._tick, self.last_drain_s = outbox, tick, last_drain_s
        chosen = list(destinations)
        # Twice the time of one try: see `Drainer.drain`.
        leases = [max(LEASE_S, 2 * destination.timeout_s + LEASE_S / 2) for _, destination in chosen]
        self.drainers = [
            Drainer(sender, lease_s=lease_s) for sender, lease_s in zip(make_senders(chosen), leases, strict=True)
        ]
        self._totals: dict[str, Drained] = {}
        self._stop, self._ticked, self._given_up = threading.Event(), threading.Event(), threading.Event()
        self._ends_s, self._drains, self._unavailable = math.inf, True, False
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> AlertDelivery:
        if self._tick is None:
            self._ticked.set()
        else:
            self._begin("the alert planner", partial(self._keep_time, self._tick))
        for each in self.drainers:
            self._begin(f"alerts to {each.sender.name}", partial(self._serve, each))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ends_s, self._drains = time.monotonic() + self.last_drain_s, kind is None
        self._stop.set()
        for thread in self._threads:
            thread.join(max(0.0, self._ends_s + LAST_WORDS_S - time.monotonic()))
        self._given_up.set()
        for thread in self._threads:
            if thread.is_alive():
                log.warning("%s hangs and is not waited for; what it has in hand is tried again", thread.name)

    @property
    def total(self) -> Drained:
        """What was done so far, at all destinations."""
        return reduce(Drained.plus, list(self._totals.values()), Drained())

    def report(self) -> list[str]:
        """Return lines for a person: what was sent, what waits and for whom."""
        lines = [f"alerts sent: {self.total.sent}"]
        try:
            waiting = {each.destination: each.deliveries for each in self._outbox().backlog()}
        except LedgerError as error:
            return [*lines, f"what waits in the outbox is not known, the ledger is unavailable: {error}"]
        if self.total.refused:
            lines.append(f"alerts refused by their destination and set aside: {self.total.refused}")
        known = {each.sender.name for each in self.drainers}
        for name, count in sorted(waiting.items()):
            why = "which is tried again" if name in known else "which the configuration does not name"
            lines.append(f"alerts waiting in the outbox for {name}, {why}: {count}")
        return lines

    def _serve(self, drainer: Drainer) -> None:
        """The life of one destination's thread."""
        while not self._stop.is_set():
            done = self._asked(lambda: drainer.drain(self._outbox(), over=self._stop.is_set))
            self._add(drainer, done)
            self._stop.wait(AWAY_S if done is None else _pause_s(done))
        self._ticked.wait(self._left_s())
        if self._drains:
            last = self._asked(lambda: drainer.drain_all(self._outbox(), deadline_s=self._left_s()))
            self._add(drainer, last)

    def _add(self, drainer: Drainer, done: Drained | None) -> None:
        name = drainer.sender.name
        if done is not None:
            self._totals[name] = self._totals.get(name, Drained()).plus(done)

    def _keep_time(self, tick: Callable[[datetime], object]) -> None:
        while not self._stop.is_set():
            self._asked(lambda: tick(datetime.now(UTC)))
            self._stop.wait(TICK_S)
        if self._drains:
            self._asked(lambda: tick(datetime.now(UTC)))
        self._ticked.set()

    def _asked(self, ask: Callable[[], T]) -> T | None:
        """What `ask` gives; None while the ledger is unavailable, which is said once: it keeps everything."""
        try:
            given = ask()
        except LedgerError as error:
            if not self._unavailable:
                log.warning("the ledger is unavailable, and the outbox with it: %s", error)
            self._unavailable = True
            return None
        self._unavailable = False
        return given

    def _left_s(self) -> float:
        return max(0.0, self._ends_s - time.monotonic())

    def _begin(self, name: str, work: Callable[[], object]) -> None:
        def run() -> None:
            try:
                work()
            except Exception:
                if not self._given_up.is_set():  # else the ledger may have been closed meanwhile
                    log.exception("%s broke off", name)

        thread = threading.Thread(target=run, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)


def _pause_s(done: Drained) -> float:
    """Poll often: nothing announces a new alert. When alerts wait, wake for them if that is sooner."""
    if done.next_due is None:
        return POLL_S
    return min(POLL_S, max(0.0, (done.next_due - datetime.now(UTC)).total_seconds()))
