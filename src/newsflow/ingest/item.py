"""What travels between the stages of a job: one event and all that is known of it so far."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from newsflow.model import Candidate, Decision, Event, Headers, PendingAlert, Reason, Rejected


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
class OutputRecord:
    """One record to write. `topic` is a full Kafka topic name; `kind` is what files are sorted by."""

    kind: str
    """`article`, `feed`, `duplicate`, `alert`, `debug` or `dead-letter`."""
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    event_id: str
    """The raw event it comes from."""


# One wrapper for all stages: an article that breaks a stage becomes a dead letter, its batch goes on.


log = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")


def each(
    values: Iterable[In], stage: str, work: Callable[[In], Out], failed: Callable[[In, Rejected], Out]
) -> list[Out]:
    """`work` on every value, in order; where it raises, `failed` with a `transform-error`.

    Only `Exception`: running out of memory, an exit and an interrupt end the bundle, as they must.
    """
    results: list[Out] = []
    for value in values:
        try:
            results.append(work(value))
        except Exception as error:
            log.warning("%s: a %s became a dead letter", stage, type(error).__name__, exc_info=True)
            results.append(failed(value, broken(stage, error)))
    return results


def broken(stage: str, error: BaseException) -> Rejected:
    """The `transform-error` for an exception that a stage did not expect."""
    kind = type(error)
    return Rejected(
        reason=Reason.TRANSFORM_ERROR,
        message=f"{stage} failed on this article: {kind.__name__}: {str(error)[:500]}",
        stage=stage,
        error_class=f"{kind.__module__}.{kind.__qualname__}",
    )
