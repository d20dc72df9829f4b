"""A backfill of 200 days is decided as the stream was, day by day; and its second half again is all repeats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import Item
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.ingest.steps import process
from newsflow.model import Event, Outcome
from newsflow.model.codec import decode_article
from newsflow.testing import Clock
from newsflow.trends.counting import recount
from newsflow.trends.counts import Trends
from newsflow.trends.job import count, due_records
from tests.mixed_events import START, mixed_events

MakeRuntime = Callable[..., Runtime]
DAYS, A_DAY = 200, 4
RETENTION = timedelta(days=60)


@pytest.fixture
def make_runtime(shipped_rules: SharedRules, tmp_path: Path) -> Iterator[MakeRuntime]:
    made: list[Runtime] = []

    def make(name: str, now: datetime, **more: Any) -> Runtime:
        flags = {"ledger.url": f"sqlite:///{tmp_path}/{name}.sqlite3", "trends.fresh_h": 876_000}
        flags |= {"trends.period_s": 3_600, **more}
        made.append(Runtime(load_config(environ={}, flags=flags).config, rules=shipped_rules, clock=Clock(now)))
        made[-1].latest = lambda: None
        return made[-1]

    yield make
    for runtime in made:
        runtime.close()


@pytest.fixture(scope="module")
def events() -> list[Event]:
    # No names that come again after the retention: the stream has forgotten whose they were, the backfill has not.
    mixed = mixed_events(DAYS * A_DAY, seed=7, minutes=1_440 / A_DAY, sessions=False)
    return [
        Event("raw", 0, number, round(at.timestamp() * 1_000), None, value) for number, (value, at) in enumerate(mixed)
    ]


@pytest.mark.slow
def test_a_backfill_is_decided_as_the_stream_was(make_runtime: MakeRuntime, events: list[Event]) -> None:
    streamed = make_runtime("streamed", START)
    day_by_day = _run(streamed, events, A_DAY, timedelta(days=1))
    now = START + timedelta(days=900)
    backfilled = make_runtime("backfilled", now)
    at_once = _run(backfilled, events, 40, timedelta(seconds=1))
    assert at_once.decided == day_by_day.decided
    # What was published and taken back before its window was closed, or after it, is zero in the end.
    assert +at_once.counts == +day_by_day.counts
    assert {"added", "duplicate", "replaced", "withdrawn", "repeat", "stale"} <= {each[0] for each in at_once.decided}
    assert len({each[3] for each in at_once.decided if each[3]}) > 40  # stories

    half = [Event("raw", 1, each.offset, each.timestamp_ms, None, each.value) for each in events[len(events) // 2 :]]
    again = _run(backfilled, half, 40, timedelta(seconds=1))
    outcomes = Counter(each[0] for each in again.decided)
    # Also what was edited or withdrawn since: its earlier states are known to be older.
    assert outcomes.keys() == {"repeat", "stale", "dead-lettered"}
    assert not +again.counts


class Run:
    def __init__(self) -> None:
        self.decided: list[tuple[Any, ...]] = []
        self.counts: Counter[Any] = Counter()


def _run(runtime: Runtime, events: Sequence[Event], size: int, pause: timedelta) -> Run:
    """Batch after batch, with a pruning after each; the counts are those of windows that are final at the end."""
    run, clock, trends = Run(), runtime.clock, Trends(runtime.ledger, runtime.config.trends)
    assert isinstance(clock, Clock)
    seen_s = 0
    for start in range(0, len(events), size):
        clock.move(seconds=pause.total_seconds())
        items = process(events[start : start + size], runtime)
        run.decided += map(_decided, items)
        articles = [each for each in output_records(items, "test") if each.kind == "article"]
        published = [Event("a", 0, 0, 0, each.key, each.value, each.headers) for each in articles]
        read = count(published, trends, runtime.config.trends)
        assert read.dead == ()
        seen_s = max([seen_s, *(_event_s(each) for each in items)])
        _close(trends, seen_s, run)
        runtime.ledger.prune(RETENTION)
    _close(trends, seen_s + 10 * 86_400, run)
    return run


def _event_s(item: Item) -> int:
    return 0 if item.fetched_at is None else int(item.fetched_at.timestamp())


def _close(trends: Trends, upto: int, run: Run) -> None:
    for records in due_records(trends, upto):
        trends.written(records)
        for record in records:
            if record.kind == "trend":
                value = orjson.loads(record.value)
                run.counts[value["window"]["end"], value["dimension"], value["name"]] = value["articles"]


def _decided(item: Item) -> tuple[Any, ...]:
    decision, article = item.decision, item.article
    assert decision is not None
    link = decision.duplicate
    outcome = Outcome.DEAD_LETTERED if item.rejected else decision.outcome
    if article is None or outcome in (Outcome.REPEAT, Outcome.STALE):
        return outcome.value, None, None, None
    return outcome.value, article.id, link and link.original.id, article.story, article.first_seen, article.version


def test_the_counts_are_those_of_the_articles(make_runtime: MakeRuntime, events: list[Event]) -> None:
    runtime = make_runtime("counted", START + timedelta(days=900), **{"trends.lateness_h": 8_760})
    run = _run(runtime, events[:300], 25, timedelta(seconds=1))
    settings = runtime.config.trends
    versions = [decode_article(each.value) for each in runtime.ledger.articles()]
    expected = recount(versions, settings.windows, settings.fresh)
    assert sum(run.counts.values()) == sum(expected.values())
