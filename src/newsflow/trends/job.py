"""Published articles to counts, and what is due to records: what the job trends does with a batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

from newsflow.ingest.claims import Claimed
from newsflow.ingest.item import OutputRecord, broken, count_outcomes
from newsflow.model import Article, Event, Reason, Rejected
from newsflow.model.codec import article_from_json
from newsflow.model.headers import emitted_headers
from newsflow.model.names import BURST_TOPIC, TREND_TOPIC
from newsflow.model.schemas import violations
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import Contribution, CountChange, contribution_of
from newsflow.trends.counts import CountedBatch, Trends
from newsflow.trends.records import BURST, TrendRecord

STAGE = "CountArticles"
AHEAD = timedelta(hours=1)
"""An article first seen longer than this after its record was written is wrong: no clock differs so much."""
EARLIEST, LATEST = datetime(1970, 2, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Beyond these, windows would leave the calendar."""
LARGEST_VERSION = 2**63 - 1
"""What a database takes."""

OUTCOMES = {CountChange.COUNTED: "added", CountChange.OLD: "stale", CountChange.TOO_LATE: "stale"}
"""What a run's report calls a change, where it is not the change's own name."""


@dataclass(frozen=True, slots=True)
class ReadBatch:
    """What a batch of records was: what it did to the counts, and its dead letters."""

    counted: CountedBatch
    dead: tuple[tuple[Event, Rejected], ...]

    def counters(self) -> Counter[str]:
        """Names and numbers for the runner's counters. Those of `outcome.` sum to the records read."""
        changes = self.counted.changes
        dead = [rejected for _, rejected in self.dead]
        names = count_outcomes([OUTCOMES.get(change, change) for change in changes], dead)
        names.update(f"trends.{change}" for change in changes if OUTCOMES.get(change) == "stale")
        names["trends.late"] += self.counted.late
        return +names


def count(events: Sequence[Event], trends: Trends, settings: TrendSettings, read: Claimed | None = None) -> ReadBatch:
    """Count a batch of article.v1 records; `read` finds those that are elsewhere. Raises `LedgerError` or `SinkError`:
    then nothing of it was counted."""
    contributions: list[Contribution] = []
    dead: list[tuple[Event, Rejected]] = []
    for event in events:
        found = read_article(event, read)
        if isinstance(found, Article):
            contributions.append(contribution_of(found, settings.windows, settings.fresh))
        else:
            dead.append((event, found))
    return ReadBatch(trends.count(contributions), tuple(dead))


def read_article(event: Event, read: Claimed | None = None) -> Article | Rejected:
    """The article of a record, or why it is a dead letter."""
    found = event.value if read is None else read.value(event, STAGE)
    if isinstance(found, Rejected):
        return found
    if found is None:
        message = "a record without a value; articles are withdrawn by an article.v1 value that says so"
        return Rejected(Reason.MALFORMED_JSON, message, STAGE)
    try:
        value = orjson.loads(found)
        wrong = next(violations("article", value), None)
        if wrong is not None:
            path = ".".join(map(str, wrong.path)) or "the value"
            return Rejected(Reason.SCHEMA_VIOLATION, f"{path}: {wrong.message[:500]} ({wrong.keyword})", STAGE)
        article = article_from_json(value)
    except orjson.JSONDecodeError as error:
        return Rejected(Reason.MALFORMED_JSON, f"{error}; accepted: an article.v1 value in JSON", STAGE)
    except Exception as error:  # A year that is not in Python's calendar: the schema cannot know all of them.
        return broken(STAGE, error)
    if article.version > LARGEST_VERSION:
        return Rejected(Reason.SCHEMA_VIOLATION, f"version {article.version}; accepted: up to {LARGEST_VERSION}", STAGE)
    written = LATEST if event.timestamp_ms == 0 else _time_of(event)
    if EARLIEST <= article.first_seen <= min(written + AHEAD, LATEST):
        return article
    message = (
        f"first_seen {article.first_seen} of a record written {written}; accepted: from 1970 to an hour after that"
    )
    return Rejected(Reason.SCHEMA_VIOLATION, message, STAGE)


def _time_of(event: Event) -> datetime:
    return datetime.fromtimestamp(min(event.timestamp_ms / 1_000, LATEST.timestamp()), UTC)


def output_record(record: TrendRecord, job: str) -> OutputRecord:
    """What is written for a record of the outbox. Its event time is the end of its window."""
    end = datetime.fromisoformat(orjson.loads(record.value)["window"]["end"])
    headers = emitted_headers(
        name=record.kind,
        ce_id=record.id,
        job=job,
        time=end,
        decided_at=record.decided_at,
        subject=record.series,
    )
    topic = BURST_TOPIC if record.kind == BURST else TREND_TOPIC
    return OutputRecord(record.kind, topic, record.series.encode(), record.value, headers, record.id)


def due_records(trends: Trends, upto: int | None) -> Iterator[list[TrendRecord]]:
    """Close window after window up to a time (seconds since 1970; None: all), and yield what is to be written, some
    records at a time. Mark these as written before asking for the next ones. What an earlier process left comes
    first."""
    while True:
        while records := trends.outbox():
            yield records
        if trends.close_next(upto) is None:
            return
