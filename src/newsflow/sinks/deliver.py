"""Published articles to one sink: a store, or the alert desks. Each sink has its own place in the log.

The order is: the sink has it, its dead letters are written, the place moves on. A sink that is away is waited for,
alone; whatever kills the process before the place has moved brings the same records again, which sinks know.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from newsflow.errors import LedgerError, SinkError
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.sinks.circuit import Backoff
from newsflow.sinks.desks import AlertDesks
from newsflow.sinks.stores import Store, StoreRow

log = logging.getLogger(__name__)

DeadLetter = tuple[Event, Rejected]
T = TypeVar("T")


class ArticleSink(Protocol):
    """Takes published articles. `take` answers with what it will never take; it raises `SinkError` or
    `LedgerError` while it is away, and is then given the same records again."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def take(self, events: Sequence[Event]) -> list[DeadLetter]: ...  # noqa: D102


class Log(Protocol):
    """Where records come from; `newsflow.kafka.reader.AvailableReader` is one."""

    def plan(self, until: Mapping[int, int] | None = None) -> Planned: ...  # noqa: D102
    def end_offsets(self) -> Mapping[int, int]: ...  # noqa: D102
    def batches(self) -> Iterator[list[Event]]: ...  # noqa: D102
    def finish(self) -> int: ...  # noqa: D102


class Planned(Protocol):
    """A run that was planned."""

    @property
    def empty(self) -> bool: ...  # noqa: D102


@dataclass
class StoreSink:
    """Keeps article versions in a store: those that `wants` takes, and every later version, since an earlier one
    may be there."""

    name: str
    store: Store
    wants: Callable[[Article], bool] = lambda _: True

    def take(self, events: Sequence[Event]) -> list[DeadLetter]:
        """See `ArticleSink`."""
        rows, dead = _rows(events, f"Store {self.name}")
        rows = [(event, row) for event, row in rows if row.article.version > 1 or self.wants(row.article)]
        by_row = {id(row): event for event, row in rows}
        refused = self.store.write([row for _, row in rows])
        return dead + [
            (by_row[id(each.row)], Rejected(Reason.SINK_REJECTED, each.message, f"Store {self.name}"))
            for each in refused
        ]


@dataclass
class AlertSink:
    """Lets the alert desks see every article version; what they raise goes to the outbox."""

    desks: AlertDesks
    name: str = "alerts"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, events: Sequence[Event]) -> list[DeadLetter]:
        """See `ArticleSink`."""
        rows, dead = _rows(events, "Alerts")
        articles: list[Article] = [row.article for _, row in rows]
        self.desks.take(articles, self.clock())
        return dead


@dataclass
class DeliverLoop:
    """Reads a log into one sink. `bury` writes dead letters and returns when they are safe.

    `idle` is called when there is nothing to read, at least every `idle_s` seconds of following: alert desks
    have something to do as time passes.
    """

    log: Log
    sink: ArticleSink
    bury: Callable[[Sequence[DeadLetter]], None]
    idle: Callable[[], object] = lambda: None
    idle_s: float = 1.0
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.25, cap_s=30.0))
    taken: int = 0
    buried: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def stop(self) -> None:
        """Return after the batch in hand. May be called from any thread."""
        self._stop.set()

    def until_caught_up(self) -> None:
        """Read to the end offsets seen now, then return."""
        until = self.log.end_offsets()
        while not self._stop.is_set() and self._step(until):
            pass
        self._tried(self.idle)

    def follow(self) -> None:
        """Read on until told to stop."""
        while not self._stop.is_set():
            moved = self._step(None)
            self._tried(self.idle)
            if not moved:
                self._stop.wait(self.idle_s)

    def _step(self, until: Mapping[int, int] | None) -> bool:
        if self.log.plan(until).empty:
            return False
        for batch in self.log.batches():
            dead = self._tried(lambda batch=batch: self.sink.take(batch))  # type: ignore[misc]
            if dead is None:
                return False  # told to stop while the sink was away: the place stays
            if dead:
                self.bury(dead)
            self.taken, self.buried = self.taken + len(batch) - len(dead), self.buried + len(dead)
        self.log.finish()
        return True

    def _tried(self, work: Callable[[], T]) -> T | None:
        """`work`, again and again while its sink is away; None when told to stop meanwhile."""
        failures = 0
        while True:
            try:
                return work()
            except (SinkError, LedgerError) as error:
                failures += 1
                pause_s = self.backoff.delay_s(failures, random.random())
                log.warning("%s is away, next try in %.1f s: %s", self.sink.name, pause_s, error)
                if self._stop.wait(pause_s):
                    return None


def _rows(events: Sequence[Event], stage: str) -> tuple[list[tuple[Event, StoreRow]], list[DeadLetter]]:
    rows: list[tuple[Event, StoreRow]] = []
    dead: list[DeadLetter] = []
    for event in events:
        if event.value is None:
            continue  # a tombstone of the compacted topic says nothing about an article
        try:
            rows.append((event, StoreRow.read(event.value)))
        except ValueError as error:
            dead.append((event, Rejected(Reason.SCHEMA_VIOLATION, f"no article.v1: {error}", stage, "ValueError")))
    return rows, dead
