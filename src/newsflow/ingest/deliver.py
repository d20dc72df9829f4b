"""Published articles to one sink: a store, or the alert planner. Each sink has its own position in the log.

Nothing here knows Kafka or Beam: the job `deliver` reads, writes the dead letters and moves the position on.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

from newsflow import metrics
from newsflow.alerts.planner import AlertPlanner
from newsflow.backoff import Backoff
from newsflow.config.settings import Config
from newsflow.errors import ConfigError, LedgerError, SinkError, UsageError, not_there
from newsflow.ingest.claims import Claimed
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.model.headers import fetched_before_written
from newsflow.model.letter import ALERTS, ALERTS_STAGE, STORE_STAGE
from newsflow.secrets import resolve
from newsflow.stores.contract import Store, StoreRow
from newsflow.stores.registry import takes_several_writers

log = logging.getLogger(__name__)

DeadLetter = tuple[Event, Rejected]


class ArticleSink(Protocol):
    """Takes published articles. `take` returns what it will never take; it raises `SinkError` or `LedgerError` while it
    is unavailable, and is then given the same records again."""

    @property
    def name(self) -> str: ...

    def take(self, events: Sequence[Event]) -> list[DeadLetter]: ...


@dataclass
class StoreSink:
    """Keeps article versions in a store: those that `wants` accepts, and every later version, since an earlier one may
    be there."""

    name: str
    store: Store
    wants: Callable[[Article], bool] = lambda _: True
    read: Claimed | None = None

    def take(self, events: Sequence[Event]) -> list[DeadLetter]:
        rows, dead = _rows(events, STORE_STAGE + self.name, self.read)
        rows = [(event, row) for event, row in rows if row.article.version > 1 or self.wants(row.article)]
        by_row = {id(row): event for event, row in rows}
        refused = self.store.write([row for _, row in rows]) if rows else []
        return dead + [
            (by_row[id(each.row)], Rejected(Reason.SINK_REJECTED, each.message, STORE_STAGE + self.name))
            for each in refused
        ]


@dataclass
class AlertSink:
    """Lets the alert planner see every article version; what it raises goes to the outbox.

    `planner` opens it where it is not open yet, and raises `LedgerError` while its ledger is unavailable.
    """

    planner: Callable[[], AlertPlanner]
    name: str = "alerts"
    read: Claimed | None = None
    fresh: timedelta = timedelta.max
    """An article that was fetched longer before it was written is old."""

    def take(self, events: Sequence[Event]) -> list[DeadLetter]:
        rows, dead = _rows(events, ALERTS_STAGE, self.read)
        old = {number for number, (event, _) in enumerate(rows) if fetched_before_written(event) > self.fresh}
        self.planner().take([row.article for _, row in rows], datetime.now(UTC), old)
        return dead


@dataclass
class PatientSink:
    """Waits for its sink while that is unavailable, with growing pauses, for as long as each caller says.

    May be called from any thread, and gives its sink one batch at a time: a runner may have several bundles in one
    process, and a store is one connection.
    """

    sink: ArticleSink
    backoff: Backoff = field(default_factory=lambda: Backoff(base_s=0.25, cap_s=30.0))
    alive: Callable[[], object] = lambda: None
    """Called at each failed try: a loop that waits for its sink does not hang."""
    _stop: threading.Event = field(default_factory=threading.Event)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def stop(self) -> None:
        """Wait no longer. May be called from any thread."""
        self._stop.set()

    def take(self, events: Sequence[Event], patience_s: float = math.inf) -> list[DeadLetter]:
        """Blocks until the sink has the events; raises `SinkError` or `LedgerError` only when it was unavailable for
        longer than `patience_s`, or after `stop`."""
        failures, deadline = 0, time.monotonic() + patience_s
        while True:
            try:
                with self._turn:
                    dead = self.sink.take(events)
                for result, articles in (("taken", len(events) - len(dead)), ("refused", len(dead))):
                    metrics.count("newsflow_sink_articles_total", articles, sink=self.sink.name, result=result)
                return dead
            except (SinkError, LedgerError) as error:
                failures += 1
                metrics.count("newsflow_sink_failures_total", sink=self.sink.name)
                self.alive()
                pause_s = self.backoff.delay_s(failures)
                if self._stop.is_set() or time.monotonic() + pause_s > deadline:
                    raise
                log.warning("%s is unavailable, next try in %.1f s: %s", self.sink.name, pause_s, error)
                if self._stop.wait(pause_s):
                    raise


def _rows(
    events: Sequence[Event], stage: str, read: Claimed | None
) -> tuple[list[tuple[Event, StoreRow]], list[DeadLetter]]:
    rows: list[tuple[Event, StoreRow]] = []
    dead: list[DeadLetter] = []
    for event in events:
        value = event.value if read is None else read.value(event, stage)
        if value is None:
            continue  # a tombstone of the compacted topic says nothing about an article
        if isinstance(value, Rejected):
            dead.append((event, value))
            continue
        try:
            rows.append((event, StoreRow.read(value)))
        except ValueError as error:
            dead.append((event, Rejected(Reason.SCHEMA_VIOLATION, f"not an article.v1: {error}", stage, "ValueError")))
    return rows, dead


def sink_names(config: Config) -> tuple[str, ...]:
    """All sinks: the configured stores, and the alert planner. Raises `ConfigError` for a store of that name."""
    stores = tuple(name for name, _ in config.stores)
    if ALERTS in stores:
        raise ConfigError(f"the name {ALERTS!r} is that of the alert planner; give the store another", path="stores")
    return (*stores, ALERTS)


def chosen_sinks(config: Config, text: str | None) -> tuple[str, ...]:
    """The sinks that `text` names, with commas between, each once; all of them for None. Raises `UsageError`."""
    known = sink_names(config)
    if text is None:
        return known
    chosen = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in chosen if name not in known]
    if unknown or not chosen:
        raise UsageError("; ".join(not_there("sink", name, known) for name in unknown or [text]))
    return chosen


def sink_on_flink(config: Config, text: str | None) -> str:
    """The one store that a job on Flink delivers to. Raises `UsageError` for more or less than one, the alert planner,
    and stores that are files."""
    chosen = chosen_sinks(config, text)
    able = [name for name, url in config.stores if _may_be_shared(url)]
    if len(chosen) == 1 and chosen[0] in able:
        return chosen[0]
    if len(chosen) > 1:
        why = "each sink is a job of its own there, so that one that is unavailable holds no other's checkpoints"
    elif chosen[0] == ALERTS:
        why = "alerts are sent by one process: run `newsflow run deliver --follow --sinks alerts` beside it"
    else:
        why = f"{chosen[0]} is files of one machine; `newsflow run deliver --follow --sinks {chosen[0]}` writes them"
    accepted = ", ".join(f"--sinks {name}" for name in able) or "none of those configured"
    raise UsageError(f"{', '.join(chosen)} on Flink: {why}; accepted: {accepted}")


def _may_be_shared(url: str) -> bool:
    try:
        return takes_several_writers(resolve(url))
    except ConfigError:
        return True  # A secret that only the workers have; theirs to find.
