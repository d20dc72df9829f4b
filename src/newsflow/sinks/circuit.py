"""A circuit breaker: a destination that keeps failing is left alone for a while, then tried with one message."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait after failures, in seconds: doubling from `base_s` to `cap_s`."""

    base_s: float = 1.0
    cap_s: float = 300.0

    def delay_s(self, failures: int, share: float) -> float:
        """Return the wait after so many failures (from 1). `share` (0 to 1) spreads it over its upper half."""
        full = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60))
        return full * (0.5 + share / 2)


@dataclass(slots=True)
class Circuit:
    """Closed while things go well; open after `threshold` failures in a row. Not safe between threads."""

    backoff: Backoff = field(default_factory=Backoff)
    threshold: int = 5
    failures: int = 0
    open_until: datetime = LONG_AGO

    def is_open(self, now: datetime) -> bool:
        """Return whether nothing may be sent now. Once the wait is over, one message may go as a probe."""
        return now < self.open_until

    @property
    def is_on_trial(self) -> bool:
        """Whether so many messages failed in a row that one may go at a time."""
        return self.failures >= self.threshold

    def succeeded(self) -> None:
        """Close it."""
        self.failures, self.open_until = 0, LONG_AGO

    def failed(self, now: datetime, share: float, retry_after_s: float = 0.0) -> None:
        """Count a failure; open at the threshold, and at each failed probe for longer.

        A destination that asked for a pause (`retry_after_s`) gets it, from all that would be sent to it.
        """
        self.failures += 1
        wait_s = retry_after_s
        if self.failures >= self.threshold:
            wait_s = max(wait_s, self.backoff.delay_s(self.failures - self.threshold + 1, share))
        if wait_s > 0:
            self.open_until = max(self.open_until, now + timedelta(seconds=wait_s))
