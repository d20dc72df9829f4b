"""What every sender of alerts shares: what it is given, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from newsflow.model import PendingAlert


class Fate(StrEnum):
    """What came of one attempt."""

    SENT = "sent"
    """The destination has it."""
    RETRY = "retry"
    """The destination is at fault or away: the same alert may go through later."""
    REFUSED = "refused"
    """The destination will not have this alert, however often it is asked."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The answer of one attempt. `retry_after_s`: not before so many seconds, as the destination asked."""

    fate: Fate
    message: str = ""
    retry_after_s: float | None = None


class Sender(Protocol):
    """Sends alerts to one destination."""

    @property
    def name(self) -> str:
        """The destination's name, as subscriptions write it."""
        ...

    def send(self, alert: PendingAlert) -> Attempt:
        """Try once. Blocks up to the sender's own time-outs; a failing destination is an answer, not an exception.

        The same alert may be sent twice after a crash: it then carries the same id.
        """
        ...


SENT = Attempt(Fate.SENT)


def retry(message: str, retry_after_s: float | None = None) -> Attempt:
    """Return an attempt that failed for now."""
    return Attempt(Fate.RETRY, message, retry_after_s)


def refused(message: str) -> Attempt:
    """Return an attempt that failed for good."""
    return Attempt(Fate.REFUSED, message)
