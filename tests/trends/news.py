"""News that is counted: in a ledger as the job ingest records them, and on a topic; and what must come of them."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime, timedelta
from random import Random
from typing import Any

import orjson
from kafka import TopicPartition

from newsflow.kafka.client import make_consumer, make_producer
from newsflow.ledger import open_ledger
from newsflow.model import Article, Event, PublishedVersion
from newsflow.model.codec import decode_article, encode_article
from newsflow.model.headers import instant_text
from newsflow.model.names import BURST_TOPIC, TREND_TOPIC, article_key, dead_letter_topic
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import DAY_S, Cell, recount
from newsflow.trends.counts import Trends
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import check_repeats
from tests.trends.trend_articles import START, article

SETTINGS = TrendSettings()
RULE = SETTINGS.windows
DAYS = 9
WEEKS_10 = 70


class News:
    """Articles in a ledger, as the job ingest records them, and on a topic of the test's own."""

    def __init__(self, broker: RunningBroker, ledger_url: str, settings: TrendSettings = SETTINGS) -> None:
        # Without end: these records are years old, and would be deleted while they are read.
        forever = {"retention.ms": "-1"}
        self.broker, self.topic = broker, broker.create_topic(broker.name("articles"), 2, forever)
        broker.create_topic(dead_letter_topic(self.topic))
        self.ledger_url, self.newest = ledger_url, START
        self._ledger, self._producer = open_ledger(ledger_url), make_producer(broker.settings)
        self._settings, self._trends = settings, Trends(self._ledger, settings)
        self._begun = {name: self._ends(name) for name in (TREND_TOPIC, BURST_TOPIC)}
        self._random, self.versions, self._sent = Random(7), 0, list[Any]()
        self._expected, self._expected_of = dict[tuple[int, Cell], int](), 0

    def publish(
        self, versions: list[Article], *, delay_s: float = 5.0, shuffled: bool = True, written: datetime | None = None
    ) -> None:
        """Record versions in order; publish them somewhat out of order, every fifth twice. They were written with a
        delay, or at one time: as a backfill is."""
        self._ledger.record([self._record(each) for each in versions])
        self.versions += len(versions)
        self.newest = max(self.newest, *(each.first_seen for each in versions))
        wire = versions + self._random.sample(versions, len(versions) // 5)
        if shuffled:
            wire.sort(key=lambda each: each.first_seen.timestamp() + self._random.uniform(0, 300))
        for each in wire:
            at = written or each.first_seen + timedelta(seconds=delay_s)
            self.send(article_key(each.id), encode_article(each), at, each.first_seen)
        self.flush()

    def send(self, key: bytes, value: bytes | None, at: datetime, event_at: datetime | None = None) -> None:
        headers = [("ce_time", instant_text(event_at).encode())] if event_at else []
        at_ms = round(at.timestamp() * 1_000)
        self._sent.append(self._producer.send(self.topic, key=key, value=value, headers=headers, timestamp_ms=at_ms))

    def flush(self) -> None:
        self._producer.flush(60)
        while self._sent:
            self._sent.pop().get(60)

    def recount(self) -> dict[tuple[int, Cell], int]:
        versions = [decode_article(each.value) for each in self._ledger.articles()]
        assert len(versions) == self.versions
        return recount(versions, self._settings.windows, self._settings.fresh)

    def closed(self) -> dict[tuple[int, Cell], int]:
        """What the ledger holds as published."""
        windows = self._trends.totals(0)
        return {(end, cell): n for end, cells in windows.items() for cell, n in cells.items() if n}

    def is_complete(self) -> bool:
        """All is counted, closed and written. Asked often: what was published is recounted once."""
        if self._expected_of != self.versions:
            self._expected, self._expected_of = _kept(self.recount()), self.versions
        return not self._trends.outbox(1) and _kept(self.closed()) == self._expected

    def published(self) -> dict[tuple[int, Cell], int]:
        """What a reader of the topic knows: of each id the highest revision."""
        best: dict[str, tuple[int, tuple[int, Cell], int]] = {}
        for value in map(_value, check_repeats(self.read(TREND_TOPIC)).values()):
            end = int(datetime.fromisoformat(value["window"]["end"]).timestamp())
            found = (value["revision"], (end, (value["dimension"], value["name"])), value["articles"])
            best[value["id"]] = max(best.get(value["id"], found), found)
        return {place: articles for _, place, articles in best.values() if articles}

    def raised_end(self) -> datetime:
        """The end of the window that raised the one burst."""
        values = map(_value, check_repeats(self.read(BURST_TOPIC)).values())
        (end,) = {value["window"]["end"] for value in values}
        return datetime.fromisoformat(end)

    def bursts(self) -> list[tuple[str, str]]:
        values = map(_value, check_repeats(self.read(BURST_TOPIC)).values())
        return [(value["name"], value["state"]) for value in sorted(values, key=lambda value: value["revision"])]

    def read(self, topic: str) -> list[Event]:
        """What was written to `topic` since this news began."""
        return self.broker.read(topic, self._begun.get(topic))

    def _ends(self, topic: str) -> dict[int, int]:
        with closing(make_consumer(self.broker.settings)) as consumer:
            tps = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
            return {tp.partition: end for tp, end in consumer.end_offsets(tps).items()}

    def close(self) -> None:
        self._producer.close()
        self._ledger.close()

    def _record(self, each: Article) -> PublishedVersion:
        return PublishedVersion(f"{each.id}-{each.version}", each.id, each.version, encode_article(each), (), ())


def _value(event: Event) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(event.value or b"")
    return value


def _kept(counts: dict[tuple[int, Cell], int]) -> dict[tuple[int, Cell], int]:
    """Of the windows that the ledger holds: older ones than the baseline needs are forgotten once they are written."""
    newest = max((end for end, _ in counts), default=0)
    return {(end, cell): n for (end, cell), n in counts.items() if end > newest - SETTINGS.bursts.baseline_days * DAY_S}


def usual_days(random: Random, days: int = DAYS) -> list[Article]:
    """Three topics, a third of the articles with a second version about another topic, some withdrawn."""
    versions = []
    for number in range(days * 60):
        seen = START + timedelta(days=number // 60, hours=7, seconds=random.uniform(0, 5 * 3_600))
        source, topic = f"source-{random.randint(1, 5)}", random.choice(["harbours", "storms", "trains"])
        versions.append(article(number, seen, topics=(topic,), source=source))
        if number % 3 == 0:
            versions.append(article(number, seen, topics=("harbours",), source=source, version=2))
        if number % 9 == 0:
            versions.append(article(number, seen, source=source, version=3, withdrawn=True))
    return versions


def planted_at(days: int = DAYS) -> datetime:
    """When the burst after so many usual days begins."""
    return START + timedelta(days=days, hours=9)


def burst_of_storms(random: Random, days: int = DAYS) -> list[Article]:
    """Ninety articles within fifty minutes, and one about something else, by which those are over."""
    at = planted_at(days)
    burst = [
        article(f"storms-{n}", at + timedelta(seconds=random.uniform(0, 3_000)), topics=("storms",), source=f"s{n % 6}")
        for n in range(90)
    ]
    return [*burst, article("later", at + timedelta(hours=5), topics=("gardens",))]


def late_news(days: int = DAYS) -> list[Article]:
    """More than a day late: a new article, a version of it about something else, a withdrawal."""
    seen = START + timedelta(days=days - 1, hours=8)
    return [
        article("late-1", seen, topics=("storms",)),
        article("late-1", seen, version=2, topics=("trains", "storms")),
        article("storms-0", planted_at(days) + timedelta(minutes=1), version=2, withdrawn=True),
    ]


def check_all(news: News, days: int = DAYS) -> None:
    """What was counted and what was published is what the ledger's articles make; the planted burst came in time."""
    check_counts(news)
    assert news.bursts() == [("storms", "raised"), ("storms", "ended")]
    assert planted_at(days) < news.raised_end() <= planted_at(days) + timedelta(seconds=2 * RULE.size_s)


def check_counts(news: News) -> None:
    """Every window's sums, in the ledger and on the topic, are those of a recount of the ledger's articles."""
    expected = news.recount()
    assert len(expected) > 200
    assert _kept(news.closed()) == _kept(expected)
    assert news.published() == expected
