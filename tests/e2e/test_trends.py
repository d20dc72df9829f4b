"""The job trends on a real broker, by the local loop and on Prism: what it publishes is what the ledger recounts."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from newsflow.dev.broker import LocalBroker
from newsflow.kafka.client import make_producer
from newsflow.ledger import open_ledger
from newsflow.model import Article, Event, Record
from newsflow.model.cloudevents import header
from newsflow.model.codec import decode_article, encode_article
from newsflow.model.names import BURST_TOPIC, TREND_TOPIC, article_key, dead_letter_topic
from newsflow.trends.counting import Cell
from newsflow.trends.recount import recount
from newsflow.trends.settings import TrendSettings
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess, check_repeats
from tests.e2e.test_prism import prism, wait_until
from tests.trends.trend_articles import START, article

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
__all__ = ["prism"]

SETTINGS = TrendSettings()
RULE = SETTINGS.windows
DAYS = 9
PLANTED = START + timedelta(days=DAYS, hours=9)


class News:
    """Articles in a ledger, as the job ingest records them, and on a topic of the test's own."""

    def __init__(self, broker: RunningBroker, ledger_url: str) -> None:
        # Without end: these records are years old, and would be deleted while they are read.
        forever = {"retention.ms": "-1"}
        self.broker, self.topic = broker, broker.create_topic(broker.name("articles"), 2, forever)
        broker.create_topic(dead_letter_topic(self.topic))
        self._ledger, self._producer = open_ledger(ledger_url), make_producer(broker.settings)
        self._random, self.versions, self._sent = Random(7), 0, list[Any]()

    def publish(self, versions: list[Article], *, delay_s: float = 5.0, shuffled: bool = True) -> None:
        """Record versions in order; publish them somewhat out of order, every fifth twice."""
        self._ledger.record([self._record(each) for each in versions])
        self.versions += len(versions)
        wire = versions + self._random.sample(versions, len(versions) // 5)
        if shuffled:
            wire.sort(key=lambda each: each.first_seen.timestamp() + self._random.uniform(0, 300))
        for each in wire:
            written = each.first_seen + timedelta(seconds=delay_s)
            self.send(article_key(each.id), encode_article(each), written)
        self.flush()

    def send(self, key: bytes, value: bytes | None, at: datetime) -> None:
        self._sent.append(
            self._producer.send(self.topic, key=key, value=value, timestamp_ms=round(at.timestamp() * 1_000))
        )

    def flush(self) -> None:
        self._producer.flush(60)
        while self._sent:
            self._sent.pop().get(60)

    def recount(self) -> dict[tuple[int, Cell], int]:
        versions = [decode_article(each.value) for each in self._ledger.articles()]
        assert len(versions) == self.versions
        return recount(versions, RULE, SETTINGS.fresh)

    def closed(self) -> dict[tuple[int, Cell], int]:
        """What the ledger holds as published."""
        windows = self._ledger.trends(SETTINGS).totals(0)
        return {(end, cell): n for end, cells in windows.items() for cell, n in cells.items() if n}

    def is_settled(self) -> bool:
        """All is counted, closed and written."""
        return self.closed() == self.recount() and not self._ledger.trends(SETTINGS).outbox()

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
        return self.broker.read(topic)

    def close(self) -> None:
        self._producer.close()
        self._ledger.close()

    def _record(self, each: Article) -> Record:
        return Record(f"{each.id}-{each.version}", each.id, each.version, encode_article(each), (), ())


def _value(event: Event) -> dict[str, Any]:
    value: dict[str, Any] = orjson.loads(event.value or b"")
    return value


@pytest.fixture
def clean_broker(own_broker: LocalBroker) -> RunningBroker:
    """A broker of its own with the topics that counts go to: they are read whole."""
    broker = RunningBroker(own_broker.status().bootstrap_servers)
    for topic in (TREND_TOPIC, BURST_TOPIC):
        broker.create_topic(topic)
    return broker


@pytest.fixture
def news(clean_broker: RunningBroker, tmp_path: Path) -> Iterator[News]:
    made = News(clean_broker, f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield made
    made.close()


@pytest.fixture
def job(news: News, tmp_path: Path) -> Iterator[JobProcess]:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    environ = {"NEWSFLOW_TRENDS__INPUT_TOPIC": news.topic, "NEWSFLOW_TRENDS__GROUP": news.topic}
    made = JobProcess(news.broker, "unused", tmp_path, url, "unused", environ, job="trends")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def usual_days(random: Random) -> list[Article]:
    """Three topics, a third of the articles with a second version about another topic, some withdrawn."""
    versions = []
    for number in range(DAYS * 60):
        seen = START + timedelta(days=number // 60, hours=7, seconds=random.uniform(0, 5 * 3_600))
        source, topic = f"source-{random.randint(1, 5)}", random.choice(["harbours", "storms", "trains"])
        versions.append(article(number, seen, topics=(topic,), source=source))
        if number % 3 == 0:
            versions.append(article(number, seen, topics=("harbours",), source=source, version=2))
        if number % 9 == 0:
            versions.append(article(number, seen, source=source, version=3, withdrawn=True))
    return versions


def burst_of(topic: str, size: int, random: Random) -> list[Article]:
    return [
        article(
            f"{topic}-{n}", PLANTED + timedelta(seconds=random.uniform(0, 3_000)), topics=(topic,), source=f"s{n % 6}"
        )
        for n in range(size)
    ]


def after(hours: float) -> list[Article]:
    """Something else, so that the hours before are over by event time."""
    return [article(f"later-{hours}", START + timedelta(days=DAYS, hours=hours), topics=("gardens",))]


def late_news() -> list[Article]:
    """Two days late: a new article, a withdrawal, a version about something else; and one a week late."""
    seen = START + timedelta(days=DAYS - 1, hours=8)
    kept = article(f"late-{1}", seen, topics=("storms",))
    return [
        kept,
        article("late-1", seen, version=2, topics=("trains", "storms")),
        article("storms-0", PLANTED + timedelta(minutes=1), version=2, withdrawn=True),
    ]


def test_local_runs_publish_what_the_ledger_recounts(news: News, job: JobProcess) -> None:
    random = Random(3)
    news.publish(usual_days(random) + burst_of("storms", 90, random) + after(14))
    news.send(b"junk", b"{", START)
    news.send(b"null", None, START)
    news.send(b"soon", encode_article(article("soon", START + timedelta(days=900))), START)
    news.flush()
    job.start("--until-caught-up")
    assert job.wait(240) == 0, job.words()
    check_all(news)
    letters = news.read(dead_letter_topic(news.topic))
    assert {(each.key, header(each.headers, "newsflow.error.reason")) for each in letters} == {
        (b"junk", "malformed-json"), (b"null", "malformed-json"), (b"soon", "schema-violation"),
    }  # fmt: skip
    news.publish(late_news(), delay_s=86_400)
    job.start("--until-caught-up")
    assert job.wait(240) == 0, job.words()
    check_all(news)


def test_a_job_that_is_killed_again_and_again_counts_nothing_twice(news: News, job: JobProcess) -> None:
    random = Random(3)
    news.publish(usual_days(random) + burst_of("storms", 90, random) + after(14))
    for counted in (1, 600, 1_200):
        job.start("--until-caught-up")
        wait_until(lambda counted=counted: len(news.closed()) >= counted, job)
        assert job.process is not None
        assert job.process.poll() is None  # killed at work
        job.kill()
    job.start("--until-caught-up")
    assert job.wait(240) == 0, job.words()
    check_all(news)


def test_a_window_closes_in_the_local_loop_also_when_nothing_comes_any_more(news: News, job: JobProcess) -> None:
    now = datetime.now(START.tzinfo)
    job.environ = {**job.environ, "NEWSFLOW_TRENDS__WINDOW_S": "60", "NEWSFLOW_TRENDS__PERIOD_S": "60"}
    job.environ = {**job.environ, "NEWSFLOW_TRENDS__GRACE_S": "1"}
    news.publish([article(1, now), article(2, now - timedelta(seconds=1))], delay_s=0)
    job.start("--follow")
    wait_until(lambda: len(news.read(TREND_TOPIC)) >= 4, job)
    job.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
    assert job.wait(60) == 0, job.words()


def test_prism_publishes_what_the_ledger_recounts(news: News, job: JobProcess, prism: Path) -> None:
    random = Random(3)
    news.publish(usual_days(random))
    job.start("--follow", "--", "--runner=PrismRunner", f"--prism_location={prism}", "--environment_type=LOOPBACK")
    try:
        wait_until(news.is_settled, job)
        news.publish(burst_of("storms", 90, random) + after(14))
        wait_until(news.is_settled, job)
        check_all(news)
        news.publish(late_news(), delay_s=86_400)
        wait_until(news.is_settled, job)
        check_all(news)
    finally:
        stop(job)


def check_all(news: News) -> None:
    """What was counted and what was published is what the ledger's articles make; the planted burst came in time."""
    expected = news.recount()
    assert len(expected) > 200
    assert news.closed() == expected
    assert news.published() == expected
    assert news.bursts() == [("storms", "raised"), ("storms", "ended")]
    assert PLANTED < news.raised_end() <= PLANTED + timedelta(seconds=2 * RULE.size_s)


def stop(job: JobProcess) -> None:
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    try:
        job.wait(30)
    except subprocess.TimeoutExpired:
        job.kill()
