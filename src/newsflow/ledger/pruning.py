"""Forgets what is older than it must be kept, in small steps so that nobody waits long; also while a job runs."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from types import TracebackType
from typing import TYPE_CHECKING

import orjson

from newsflow.errors import LedgerError
from newsflow.ledger import story_rows
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.workspace import TEXTS_KEPT

if TYPE_CHECKING:
    from newsflow.ledger.ledger import Ledger

STEP_ROWS = 500
PAUSE_S = 0.005
"""Between steps, so that a job that waits for the ledger gets its turn."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """Rows that were deleted."""

    texts: int = 0
    articles: int = 0
    events: int = 0
    alerts: int = 0

    @property
    def total(self) -> int:
        return sum(getattr(self, each.name) for each in fields(self))


def prune(db: Database, now: datetime, window: timedelta, retention: timedelta, run: Callable[..., int]) -> Pruned:
    """Delete texts written longer ago than they are compared, and what was not heard of within the retention.

    `run` is called with one step at a time and runs it in a transaction. Alerts that still wait to be sent are
    kept. Outcomes of deleted events stay in the sums.
    """
    texts_before, before = _bounds(now, window, retention)
    return Pruned(
        texts=_drain(run, lambda: _prune_texts(db, texts_before))
        + _drain(run, lambda: _prune_reports(db, texts_before)),
        articles=_drain(run, lambda: _prune_articles(db, before)),
        events=_drain(run, lambda: _prune_events(db, before)),
        alerts=_drain(run, lambda: _prune_alerts(db, before)),
    )


def prunable(db: Database, now: datetime, window: timedelta, retention: timedelta) -> int:
    """About how many rows `prune` would delete: those that are old. Within a transaction."""
    texts_before, before = _bounds(now, window, retention)
    old = (("text_print", "seen_at", texts_before), ("article", "seen_at", before), ("event", "decided_at", before))
    counts = [f"SELECT COUNT(*) FROM {table} WHERE {column} < ?" for table, column, _ in old]
    return sum(int(db.query(sql, [at])[0][0]) for sql, (_, _, at) in zip(counts, old, strict=True))


def _bounds(now: datetime, window: timedelta, retention: timedelta) -> tuple[int, int]:
    """Texts from before the first, and all else from before the second, is old."""
    return to_micros(now - TEXTS_KEPT * window), to_micros(now - max(window, retention))


def _drain(run: Callable[..., int], step: Callable[[], int]) -> int:
    total = 0
    while deleted := run(step):
        total += deleted
        time.sleep(PAUSE_S)
    return total


def _prune_texts(db: Database, before: int) -> int:
    sql = "SELECT language, text_no FROM text_print WHERE seen_at < ? ORDER BY seen_at LIMIT ?"
    rows = db.query(sql, [before, STEP_ROWS])
    for language in {row[0] for row in rows}:
        numbers = db.list_of([number for other, number in rows if other == language])
        db.execute("DELETE FROM text_print WHERE language = ? AND text_no {in_numbers}", [language, numbers])
    return len(rows)


def _prune_reports(db: Database, before: int) -> int:
    """A story is compared as long as it has a report of a day that is remembered; then all of it goes at once."""
    last = story_rows.last_log_row(db)
    if last is None or not last.first_day:
        return 0
    first = last.first_day * story_rows.DAY_US
    sql = (
        "SELECT l.log_no FROM story_log l LEFT JOIN story s ON s.id = l.story "
        "LEFT JOIN story r ON r.id = COALESCE(s.leads_to, l.story) "
        "WHERE LENGTH(l.report) > 0 AND l.settled_at < ? AND l.event_at < ? AND COALESCE(r.last_at, 0) < ? LIMIT ?"
    )
    numbers = [row[0] for row in db.query(sql, [before, first, first, STEP_ROWS])]
    empty = "UPDATE story_log SET report = ? WHERE log_no {in_numbers}"
    return db.execute(empty, [b"", db.list_of(numbers)]) if numbers else 0


def _prune_articles(db: Database, before: int) -> int:
    """An article goes whole: its names, versions and publications with it."""
    # What was taken down stays known, so that it is not news when it comes again.
    kept = "NOT EXISTS (SELECT 1 FROM takedown t WHERE t.article_id = article.id)"
    found = f"SELECT language, id FROM article WHERE seen_at < ? AND {kept} ORDER BY seen_at LIMIT ?"
    chosen = db.query(found, [before, STEP_ROWS])
    # Nobody decides about these while they go; whoever was heard of until the lock was had stays.
    db.lock(f"language {language}" for language in sorted({row[0] for row in chosen}))
    still = "SELECT id, names FROM article WHERE id {in_texts} AND seen_at < ?"
    rows = db.query(still, [db.list_of([row[1] for row in chosen]), before])
    ids = db.list_of([row[0] for row in rows])
    if rows:
        names = db.list_of([name for row in rows for name in orjson.loads(row[1])])
        db.execute("DELETE FROM identity WHERE name {in_texts}", [names])
        db.execute("DELETE FROM article WHERE id {in_texts}", [ids])
        for table in ("article_version", "unrecorded_article", "emission", "retagging", "story_due"):
            db.execute(f"DELETE FROM {table} WHERE article_id {{in_texts}}", [ids])
        db.execute("DELETE FROM story_log WHERE article_id {in_texts} AND LENGTH(report) = 0", [ids])
        db.execute("DELETE FROM story WHERE id {in_texts} AND last_at < ? AND changed = told", [ids, before])
    return len(rows)


def _prune_events(db: Database, before: int) -> int:
    # One at a time: two that found the same events would both add them to the sums.
    db.lock(["prune events"])
    sql = "SELECT event_id, outcome, COALESCE(reason, '') FROM event WHERE decided_at < ? ORDER BY decided_at LIMIT ?"
    rows = db.query(sql, [before, STEP_ROWS])
    if rows:
        _keep_sums(db, Counter((outcome, reason) for _, outcome, reason in rows))
        ids = db.list_of([row[0] for row in rows])
        for table in ("event", "dead_letter"):
            db.execute(f"DELETE FROM {table} WHERE event_id {{in_texts}}", [ids])
    return len(rows)


def _keep_sums(db: Database, counts: Counter[tuple[str, str]]) -> None:
    rows = [(*names, events) for names, events in sorted(counts.items())]
    add = "ON CONFLICT (outcome, reason) DO UPDATE SET events = pruned_outcome.events + excluded.events"
    db.insert("pruned_outcome", "outcome, reason, events", rows, add)


def _prune_alerts(db: Database, before: int) -> int:
    waiting = "SELECT 1 FROM delivery WHERE delivery.alert_id = alert.id AND state = 'pending'"
    sql = f"SELECT id FROM alert WHERE created_at < ? AND NOT EXISTS ({waiting}) ORDER BY created_at LIMIT ?"
    rows = db.query(sql, [before, STEP_ROWS])
    if rows:
        ids = db.list_of([row[0] for row in rows])
        db.execute("DELETE FROM delivery WHERE alert_id {in_texts}", [ids])
        db.execute("DELETE FROM alert WHERE id {in_texts}", [ids])
    return len(rows)


# Lets the ledger forget while a job runs, in a thread and over a connection of its own.


log = logging.getLogger(__name__)

FIRST_AFTER_S = 60.0
"""The first time comes soon, so that a job that is often restarted prunes too."""


class Upkeep:
    """Prunes from `__enter__` on, every `every` (never when that is zero), until `__exit__`.

    `open_own` opens the ledger for this thread; `also` is called with it afterwards. A ledger that is unavailable is
    tried again the next time: forgetting late harms nobody, so no failure here reaches the job.
    """

    def __init__(
        self,
        open_own: Callable[[], Ledger],
        retention: timedelta,
        every: timedelta,
        first_after_s: float = FIRST_AFTER_S,
        also: Callable[[Ledger], object] = lambda _: None,
    ) -> None:
        self._open_own, self._retention, self._every_s = open_own, retention, every.total_seconds()
        self._also = also
        self._first_after_s = min(first_after_s, self._every_s)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, name="newsflow-upkeep", daemon=True)

    def __enter__(self) -> Upkeep:
        if self._every_s > 0:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        pause_s = self._first_after_s
        while not self._over.wait(pause_s):
            self._prune()
            pause_s = self._every_s

    def _prune(self) -> None:
        try:
            ledger = self._open_own()
            try:
                pruned = ledger.prune(self._retention, over=self._over.is_set)
                self._also(ledger)
            finally:
                ledger.close()
        except LedgerError as error:
            log.warning("the ledger could not be pruned, it is tried again in %.0f s: %s", self._every_s, error)
        else:
            if pruned.total:
                log.info("the ledger forgot %d rows", pruned.total)
