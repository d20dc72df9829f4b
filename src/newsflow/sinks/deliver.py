"""Published articles to one sink: a store, or the alert desks. Each sink has its own place in the log.

Nothing here knows Kafka or Beam: `pipelines/deliver.py` reads, writes the dead letters and moves the place on.
"""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from newsflow.errors import LedgerError, SinkError
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.sinks.circuit import Backoff
from newsflow.sinks.desks import AlertDesks
from newsflow.sinks.stores import Store, StoreRow

log = logging.getLogger(__name__)

DeadLetter = tuple[Event, Rejected]


class ArticleSink(Protocol):
    """Takes published articles. `take` answers with what it will never take; it raises `SinkError` or
    `LedgerError` while it is away, and is then given the same records again."""

    @property
    def name(self) -> str: ...  # noqa: D102

    def take(self, events: Sequence[Event]) -> list[DeadLetter]: ...  # noqa: D102


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
        refused = self.store.write([row for _, row in rows]) if rows else []
        return dead + [
            (by_row[id(each.row)], Rejected(Reason.SINK_REJECTED, each.message, f"Store {self.name}"))
            for each in refused
        ]


@dataclass
class AlertSink:
    """Lets the alert desks see every article version; what they raise goes to the outbox.

    `desks` opens them where they are not open yet, and raises `LedgerError` while their ledger is away.
    """

    desks: Callable[[], AlertDesks]
    name: str = "alerts"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def take(self, events: Sequence[Event]) -> list[DeadLetter]:
        """See `ArticleSink`."""
        rows, dead = _rows(events, "Alerts")
        articles: list[Article] = [row.article for _, row in rows]
        self.desks().take(articles, self.clock())
        return dead


@dataclass
class PatientSink:
    """Waits for its sink while that is away, with growing pauses, and for as long as each caller says.

    May be called from any thread, and gives its sink one batch at a time: a runner may have several bundles in one
    process, and a store is one connection.
    """

    sink: ArticleSink
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.25, cap_s=30.0))
    alive: Callable[[], object] = lambda: None
    """Called each time the sink is found away: what waits for it does not hang."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        """Wait no longer. May be called from any thread."""
        self._stop.set()

    def take(self, events: Sequence[Event], patience_s: float = math.inf) -> list[DeadLetter]:
        """See `ArticleSink`. Blocks until the sink has the events; raises `SinkError` or `LedgerError` only when it
        was away for longer than `patience_s`, or when told to stop meanwhile."""
        failures, deadline = 0, time.monotonic() + patience_s
        while True:
            try:
                with self._turn:
                    return self.sink.take(events)
            except (SinkError, LedgerError) as error:
                failures += 1
                self.alive()
                pause_s = self.backoff.delay_s(failures, random.random())
                if self._stop.is_set() or time.monotonic() + pause_s > deadline:
                    raise
                log.warning("%s is away, next try in %.1f s: %s", self.sink.name, pause_s, error)
                if self._stop.wait(pause_s):
                    raise


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
