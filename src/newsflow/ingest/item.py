"""What travels between the stages of a job, what they write, and the wrapper that keeps a failure to its article."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from newsflow.errors import TimeLimitError
from newsflow.model import Article, Candidate, Decision, Headers, Outcome, PublishedVersion, Reason, Rejected

log = logging.getLogger(__name__)

In = TypeVar("In")
Out = TypeVar("Out")

PUBLISHED = frozenset({Outcome.ADDED, Outcome.REPLACED, Outcome.WITHDRAWN})
"""Outcomes whose article goes out to readers."""
STORED = PUBLISHED | {Outcome.DUPLICATE}
"""Outcomes whose article is kept whole in the ledger."""


@dataclass(frozen=True, slots=True)
class Item(Candidate):
    """One event on its way. Each stage returns a fuller copy; a failed one carries its `Rejected` along.

    `published` is there once its bytes, feeds and alerts are known. `debug` is a debug.v1 value: what routing said.
    """

    decision: Decision | None = None
    published: PublishedVersion | None = None
    debug: bytes | None = None
    report: bytes = b""
    """What of an article that may be new shows which story it belongs to."""
    words: Mapping[str, int] = field(default_factory=dict)
    """Counters of where its words went: see `normalise.words`."""
    failure: Rejected | None = None
    """A failure after the decision: it takes the decision back."""
    clamped: bool = False
    """It claims to have been fetched after it was written; `fetched_at` is when it was written."""
    old: bool = False
    """It was fetched so long before it was written that it raises no alert."""
    read_s: float = 0.0
    """When its batch was begun, in seconds since 1970."""
    promoted: bool = False
    """Not what its event asked for: the copy that takes the place of a withdrawn original, or a version that new
    rules made. It has no outcome."""

    @property
    def article(self) -> Article | None:
        return None if self.decision is None else self.decision.article

    @property
    def rejected(self) -> Rejected | None:
        """Why it is a dead letter, or None where it is not one."""
        if self.failure is not None:
            return self.failure
        if self.decision is not None:
            return self.decision.rejected
        return self.result if isinstance(self.result, Rejected) else None

    def fail(self, rejected: Rejected) -> Item:
        """The same item as a dead letter."""
        return replace(self, failure=rejected, published=None, debug=None)


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """One record to write. `topic` is a full Kafka topic name; `kind` is what files are sorted by."""

    kind: str
    """`article`, `feed`, `duplicate`, `story`, `alert`, `debug` or `dead-letter`."""
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers
    event_id: str
    """The raw event it comes from; "" for a story, which comes of many."""


def outcomes_of(items: Sequence[Item]) -> Counter[str]:
    """The counters of a batch: see `count_outcomes`."""
    made = [item.decision.outcome for item in items if item.decision and not item.promoted and not item.rejected]
    counts = count_outcomes(made, [item.rejected for item in items if item.rejected])
    for item in items:
        if not item.promoted:
            counts.update(item.words)
    counts["input.fetched-in-the-future"] = sum(item.clamped and not item.promoted for item in items)
    return +counts


def count_outcomes(outcomes: Iterable[str], dead: Iterable[Rejected]) -> Counter[str]:
    """`outcome.added`, `outcome.dead-lettered`, `reason.no-text` … with how many there are of each. `dead` are the
    dead letters, which `outcomes` leaves out."""
    names = Counter(f"outcome.{outcome}" for outcome in outcomes)
    for rejected in dead:
        names.update((f"outcome.{Outcome.DEAD_LETTERED}", f"reason.{rejected.reason}"))
    return names


def each(
    values: Iterable[In], stage: str, work: Callable[[In], Out], failed: Callable[[In, Rejected], Out]
) -> list[Out]:
    """`work` on every value, in order; where it raises, `failed` with the rejection: the batch goes on.

    Only `Exception`: running out of memory, an exit and an interrupt end the bundle, as they must.
    """
    results: list[Out] = []
    for value in values:
        try:
            results.append(work(value))
        except Exception as error:
            event: Any = getattr(value, "event", value)
            about = {"event_id": getattr(event, "event_id", None)}
            log.warning("%s: a %s became a dead letter", stage, type(error).__name__, exc_info=True, extra=about)
            results.append(failed(value, broken(stage, error)))
    return results


def broken(stage: str, error: BaseException) -> Rejected:
    """The `time-limit` or, for an exception that a stage did not expect, the `transform-error`."""
    if isinstance(error, TimeLimitError):
        return Rejected(Reason.TIME_LIMIT, str(error), stage)
    kind = type(error)
    return Rejected(
        reason=Reason.TRANSFORM_ERROR,
        message=f"{stage} failed on this article: {kind.__name__}: {str(error)[:500]}",
        stage=stage,
        error_class=f"{kind.__module__}.{kind.__qualname__}",
    )
