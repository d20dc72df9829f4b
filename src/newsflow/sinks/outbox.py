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
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from typing import Protocol

from newsflow.model import PendingAlert
from newsflow.sinks.circuit import Backoff, Circuit
from newsflow.sinks.sending import Attempt, Fate, Sender, retry

log = logging.getLogger(__name__)


class Pending(Protocol):
    """One alert that one destination still has to get."""

    @property
    def alert(self) -> PendingAlert: ...  # noqa: D102

    @property
    def destination(self) -> str: ...  # noqa: D102

    @property
    def attempts(self) -> int: ...  # noqa: D102

    @property
    def due_at(self) -> datetime: ...  # noqa: D102


class Outbox(Protocol):
    """The part of the ledger that is needed here."""

    def pending_alerts(self, limit: int, destination: str | None = None) -> Sequence[Pending]:
        """Return what is not sent yet, oldest first, whether due or not."""
        ...

    def mark_alert_sent(self, alert_id: str, destination: str) -> None:
        """Never offer it again."""
        ...

    def mark_alert_failed(self, alert_id: str, destination: str, error: str, retry_at: datetime | None) -> None:
        """Offer it again, due at `retry_at`; with None, not again unless it is asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Drained:
    """What one pass did. `next_due` is when the next pass can do more, None when nothing waits."""

    sent: int = 0
    retried: int = 0
    refused: int = 0
    waiting: int = 0
    next_due: datetime | None = None

    def plus(self, other: Drained) -> Drained:
        """Return both together."""
        dues = [due for due in (self.next_due, other.next_due) if due is not None]
        return Drained(
            self.sent + other.sent,
            self.retried + other.retried,
            self.refused + other.refused,
            self.waiting + other.waiting,
            min(dues, default=None),
        )


@dataclass
class Drainer:
    """Keeps the circuits between passes. One drainer at a time may work on an outbox."""

    senders: Sequence[Sender]
    backoff: Backoff = field(default_factory=Backoff)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    share: Callable[[], float] = random.random
    circuits: dict[str, Circuit] = field(default_factory=dict)

    def drain(self, outbox: Outbox, limit: int = 200, over: Callable[[], bool] = lambda: False) -> Drained:
        """Try once whatever may be tried now, up to `limit` alerts a destination.

        Once `over` says so no further alert is begun; those in hand are still waited for.
        Destinations are served side by side, so that a slow one holds no other; the outbox is used from this
        thread alone, and each answer is written down as it comes. Blocks while senders do. Raises what the
        outbox raises.
        """
        passes = [
            _Pass(sender, pending, self.circuits.setdefault(sender.name, Circuit(self.backoff)), self)
            for sender in self.senders
            if (pending := outbox.pending_alerts(limit, sender.name))
        ]
        if not passes:
            return Drained()
        answers: SimpleQueue[_Answer | Drained] = SimpleQueue()
        broken = threading.Event()
        with ThreadPoolExecutor(min(len(passes), 16), thread_name_prefix="newsflow-alerts") as pool:
            for each in passes:
                pool.submit(each.run, answers.put, lambda: broken.is_set() or over())
            try:
                return self._collect(outbox, answers, len(passes))
            finally:
                broken.set()

    def drain_all(self, outbox: Outbox, *, deadline_s: float, sleep: Callable[[float], None] = time.sleep) -> Drained:
        """Drain until nothing waits or the time is up; returns what was done in all, and what still waits."""
        total, end = Drained(), self.clock() + timedelta(seconds=deadline_s)
        while True:
            last = self.drain(outbox, over=lambda: self.clock() >= end)
            total = replace(total.plus(last), waiting=last.waiting + last.retried, next_due=last.next_due)
            if last.sent + last.refused == 0 and last.next_due is None:
                return total
            due = last.next_due or self.clock()
            if due >= end or self.clock() >= end:
                return total
            sleep(max(0.0, (due - self.clock()).total_seconds()))

    def _collect(self, outbox: Outbox, answers: SimpleQueue[_Answer | Drained], passes: int) -> Drained:
        total = Drained()
        while passes:
            answer = answers.get()
            if isinstance(answer, Drained):
                passes, total = passes - 1, total.plus(answer)
            else:
                _write_down(outbox, answer)
        return total


@dataclass(frozen=True, slots=True)
class _Answer:
    """One attempt, and when the next one is due if it failed for now."""

    pending: Pending
    attempt: Attempt
    retry_at: datetime | None


@dataclass
class _Pass:
    """One pass over the alerts of one destination, in a thread of its own."""

    sender: Sender
    pending: Sequence[Pending]
    circuit: Circuit
    drainer: Drainer
    held: set[str] = field(default_factory=set)
    """Subscriptions of which an alert waits."""
    tally: Drained = field(default_factory=Drained)

    def run(self, report: Callable[[_Answer | Drained], None], over: Callable[[], bool]) -> None:
        """Report each answer, and at the end what was done."""
        try:
            for each in self.pending:
                if over():
                    break
                self._one(each, report)
        except Exception:
            log.exception("sending to %s broke off", self.sender.name)
        finally:
            report(self.tally)

    def _one(self, pending: Pending, report: Callable[[_Answer | Drained], None]) -> None:
        now = self.drainer.clock()
        if pending.alert.subscription in self.held:
            self._tell(waiting=1)
        elif pending.due_at > now or self.circuit.is_open(now):
            self.held.add(pending.alert.subscription)
            self._tell(waiting=1, next_due=max(pending.due_at, self.circuit.open_until))
        else:
            report(self._answer(pending, self._attempt(pending.alert)))

    def _attempt(self, alert: PendingAlert) -> Attempt:
        try:
            return self.sender.send(alert)
        except Exception as error:
            log.exception("the sender of %s failed on alert %s", self.sender.name, alert.id)
            return retry(f"the sender failed: {type(error).__name__}: {error}")

    def _answer(self, pending: Pending, attempt: Attempt) -> _Answer:
        if attempt.fate is not Fate.RETRY:
            self.circuit.succeeded()
            self._tell(sent=int(attempt.fate is Fate.SENT), refused=int(attempt.fate is Fate.REFUSED))
            return _Answer(pending, attempt, None)
        now, asked_s = self.drainer.clock(), attempt.retry_after_s or 0.0
        wait_s = max(asked_s, self.drainer.backoff.delay_s(pending.attempts + 1, self.drainer.share()))
        self.circuit.failed(now, self.drainer.share(), asked_s)
        self.held.add(pending.alert.subscription)
        due = now + timedelta(seconds=wait_s)
        self._tell(retried=1, next_due=max(due, self.circuit.open_until))
        return _Answer(pending, attempt, due)

    def _tell(
        self, sent: int = 0, retried: int = 0, refused: int = 0, waiting: int = 0, next_due: datetime | None = None
    ) -> None:
        self.tally = self.tally.plus(Drained(sent, retried, refused, waiting, next_due))


def _write_down(outbox: Outbox, answer: _Answer) -> None:
    alert, destination = answer.pending.alert.id, answer.pending.destination
    if answer.attempt.fate is Fate.SENT:
        outbox.mark_alert_sent(alert, destination)
        return
    outbox.mark_alert_failed(alert, destination, answer.attempt.message[:1000], answer.retry_at)
    words = "set aside" if answer.retry_at is None else f"next try at {answer.retry_at:%H:%M:%S}Z"
    log.warning("alert %s to %s failed (%s): %s", alert, destination, words, answer.attempt.message)
