"""Published articles to counts, and what is due to records: what the job trends does with a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from newsflow.ingest.item import OutputRecord, broken, count_outcomes
from newsflow.ledger.trends import Counted, TrendRecord, Trends
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.model.codec import decode_article
from newsflow.model.headers import emitted_headers
from newsflow.model.names import BURST_TOPIC, TREND_TOPIC
from newsflow.model.schemas import violations
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import Change, contribution_of
from newsflow.trends.records import BURST

STAGE = "CountArticles"
AHEAD = timedelta(hours=1)
"""An article cannot be first seen this long after its record was written: a clock is wrong, or someone made it up."""
EARLIEST, LATEST = datetime(1970, 2, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Beyond these, windows would leave the calendar."""
LARGEST_VERSION = 2**63 - 1
"""What a database takes."""

OUTCOMES = {
    Change.COUNTED: "added",
    Change.REPLACED: "replaced",
    Change.WITHDRAWN: "withdrawn",
    Change.REPEAT: "repeat",
    Change.OLD: "stale",
    Change.TOO_LATE: "stale",
}
"""What a run's report calls each change."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a batch of records was: what it did to the counts, and its dead letters."""

    counted: Counted
    dead: tuple[tuple[Event, Rejected], ...]

    def counters(self) -> Counter[str]:
        """Names and numbers for the runner's counters. Those of `outcome.` sum to the records read."""
        changes = self.counted.changes
        names = count_outcomes([OUTCOMES[change] for change in changes], [rejected for _, rejected in self.dead])
        names.update(f"trends.{change}" for change in changes if change in (Change.OLD, Change.TOO_LATE))
        names["trends.late"] += self.counted.late
        return +names


def count(events: Sequence[Event], trends: Trends, settings: TrendSettings) -> Read:
    """Take a batch of article.v1 records into the counts. Raises `LedgerError`: then nothing of it was taken in."""
    parsed = [(event, read_article(event)) for event in events]
    contributions = [
        contribution_of(article, settings.windows, settings.fresh)
        for _, article in parsed
        if isinstance(article, Article)
    ]
    dead = tuple((event, found) for event, found in parsed if isinstance(found, Rejected))
    return Read(trends.count(contributions), dead)


def read_article(event: Event) -> Article | Rejected:
    """The article of a record, or why it is none."""
    if event.value is None:
        message = "a record without a value; articles are withdrawn by an article.v1 value that says so"
        return Rejected(Reason.MALFORMED_JSON, message, STAGE)
    try:
        value = orjson.loads(event.value)
    except orjson.JSONDecodeError as error:
        return Rejected(Reason.MALFORMED_JSON, f"{error}; accepted: an article.v1 value in JSON", STAGE)
    try:
        wrong = next(violations("article", value), None)
        if wrong is not None:
            place = ".".join(map(str, wrong.path)) or "the value"
            return Rejected(Reason.SCHEMA_VIOLATION, f"{place}: {wrong.message[:500]} ({wrong.keyword})", STAGE)
        article = decode_article(event.value)
    except Exception as error:  # A year that no calendar here has: the schema cannot know all of them.
        return broken(STAGE, error)
    if article.version > LARGEST_VERSION:
        return Rejected(Reason.SCHEMA_VIOLATION, f"version {article.version}; accepted: up to {LARGEST_VERSION}", STAGE)
    return _seen_in_time(article, event)


def _seen_in_time(article: Article, event: Event) -> Article | Rejected:
    written = LATEST if event.timestamp_ms == 0 else _time_of(event)
    if EARLIEST <= article.first_seen <= min(written + AHEAD, LATEST):
        return article
    message = (
        f"first_seen {article.first_seen} of a record written {written}; accepted: from 1970 to an hour after that"
    )
    return Rejected(Reason.SCHEMA_VIOLATION, message, STAGE)


def _time_of(event: Event) -> datetime:
    return datetime.fromtimestamp(min(event.timestamp_ms / 1_000, LATEST.timestamp()), UTC)


def emission_of(record: TrendRecord, job: str) -> OutputRecord:
    """What is written for a record of the outbox."""
    headers = emitted_headers(name=record.kind, ce_id=record.id, job=job, time=record.settled_at, subject=record.series)
    topic = BURST_TOPIC if record.kind == BURST else TREND_TOPIC
    return OutputRecord(record.kind, topic, record.series.encode(), record.value, headers, record.id)


def due_records(trends: Trends, upto: int | None) -> Iterator[list[TrendRecord]]:
    """Close window after window up to a time (seconds since 1970; None: all), and yield what is to be written, page
    by page. Mark each page as written before asking for the next one. What an earlier process left comes first."""
    while True:
        while page := trends.outbox():
            yield page
        if trends.close_next(upto) is None:
            return
