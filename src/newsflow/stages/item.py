"""What travels between the stages of a job: one event and all that is known of it so far."""

from __future__ import annotations

from dataclasses import dataclass, replace

from newsflow.model import Candidate, Decision, Event, Headers, PendingAlert, Rejected


@dataclass(frozen=True, slots=True)
class Item:
    """One event on its way. Each stage returns a fuller copy; a failed one carries its `Rejected` along.

    `value` is the article.v1 bytes once they are settled, `feeds` where they go: topic ids, and
    `subscriber.<id>` for the feeds of single subscribers. `debug` is a debug.v1 value: what routing said of it.
    """

    candidate: Candidate
    decision: Decision | None = None
    value: bytes | None = None
    feeds: tuple[str, ...] = ()
    alerts: tuple[PendingAlert, ...] = ()
    debug: bytes | None = None
    failure: Rejected | None = None
    """A failure after the decision: it takes the decision back."""
    promoted: bool = False
    """Not what its event asked for: the copy that takes the place of a withdrawn original, or a version that new
    rules made. It has no outcome."""

    @property
    def event(self) -> Event:
        """The raw event it began as."""
        return self.candidate.event

    @property
    def rejected(self) -> Rejected | None:
        """Why it is a dead letter, or None while it is none."""
        if self.failure is not None:
            return self.failure
        if self.decision is not None:
            return self.decision.rejected
        return self.candidate.result if isinstance(self.candidate.result, Rejected) else None

    def fail(self, rejected: Rejected) -> Item:
        """The same item as a dead letter."""
        return replace(self, failure=rejected, value=None, feeds=(), alerts=(), debug=None)


@dataclass(frozen=True, slots=True)
class Emission:
    """One record to write. `topic` is a full Kafka topic name; `kind` is what files are sorted by."""

    kind: str
    """`article`, `feed`, `duplicate`, `alert`, `debug` or `dead-letter`."""
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    event_id: str
    """The raw event it comes from."""
