"""Months of articles published within minutes and followed: counted as they were streamed, and beside a live stream."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from newsflow.config.load import config_of, load_config
from newsflow.ingest.runtime import opened
from newsflow.kafka.client import make_consumer
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.model import Article
from newsflow.runners.job import Job, load_job
from newsflow.runners.local import LocalLoop, PreparedPipeline
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import WindowRule
from tests.broker_helpers import RunningBroker
from tests.trends.news import News
from tests.trends.trend_articles import article

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

HOUR = timedelta(hours=1)
DAYS, HOURLY_DAYS = 200, 9
RULE = WindowRule(3_600, 3_600)


class Followed:
    """The job trends, which follows; its turns are taken one by one."""

    def __init__(self, broker: RunningBroker, news: News, ledger_url: str) -> None:
        flags = {
            "kafka.bootstrap_servers": broker.bootstrap_servers,
            "ledger.url": ledger_url,
            "trends": {"input_topic": news.topic, "group": news.topic, "window_s": 3_600, "period_s": 3_600},
        }
        config = config_of("trends", load_config(environ={}, flags=flags).config)
        self.counters: Counter[str] = Counter()
        self._opened = opened(config)
        self._opened.__enter__()
        consumer = make_consumer(broker.settings, group=news.topic, fetch_max_wait_ms=100)
        self._reader, job = AvailableReader(consumer, news.topic, RunLimits(records=400)), Job(config)
        pipeline = PreparedPipeline(load_job("trends").build, job, PipelineOptions([]))
        self._loop = LocalLoop(pipeline, self._reader, job, lambda _, found, __: self.counters.update(found))

    def turn(self) -> None:
        """Read all there is; and once more, when nothing is there."""
        while self._loop._turn(None):
            pass
        self._loop._turn(None, even_empty=True)

    def fall_silent(self) -> None:
        """As if nothing had come for the grace."""
        self._reader._heard_ms = dict.fromkeys(self._reader._heard_ms, 0)
        self.turn()

    def close(self) -> None:
        self._reader.close()
        self._opened.__exit__(None, None, None)


@pytest.fixture
def news(topics_broker: RunningBroker, tmp_path: Path) -> Iterator[News]:
    made = News(topics_broker, f"sqlite:///{tmp_path}/ledger.sqlite3", TrendSettings(windows=RULE))
    yield made
    made.close()


@pytest.fixture
def job(news: News, tmp_path: Path) -> Iterator[Followed]:
    with closing(Followed(news.broker, news, f"sqlite:///{tmp_path}/ledger.sqlite3")) as made:
        yield made


@pytest.mark.slow
def test_a_backfill_is_counted_as_it_was_streamed_and_one_beside_the_stream_raises_nothing(
    news: News, job: Followed
) -> None:
    random = Random(2)
    last_hour = (datetime.now(UTC) - timedelta(minutes=5)).replace(minute=0, second=0, microsecond=0)
    first_day = last_hour - timedelta(days=DAYS)
    versions = [each for day in range(DAYS) for each in usual_day(random, day, first_day)]
    job.turn()  # it waits for news when they come
    for at in range(0, len(versions), 150):
        news.publish(versions[at : at + 150], shuffled=False, written=datetime.now(UTC))
        job.turn()
    job.fall_silent()
    counted = Counter(each.action.value for each in versions)
    assert job.counters["outcome.added"] == counted["add"]
    assert job.counters["outcome.replaced"] == counted["replace"]
    assert job.counters["outcome.withdrawn"] == counted["withdraw"]
    assert not {"outcome.stale", "outcome.dead-lettered", "trends.too-late", "trends.late"} & job.counters.keys()
    assert news.published() == news.recount()
    assert news.bursts() == [("storms", "raised"), ("storms", "ended")]
    assert news.raised_end() == first_day + timedelta(days=DAYS - HOURLY_DAYS - 20, hours=3)

    job.counters.clear()
    hours_ago = [crowd(random, last_hour - back * HOUR) for back in (1, 2, 30)]
    forgotten = crowd(random, last_hour - timedelta(days=5))
    before = news.recount()
    news.publish([*hours_ago[0], *hours_ago[2], *hours_ago[1]], written=datetime.now(UTC))
    job.turn()
    assert job.counters["outcome.added"] == 3 * 60
    assert job.counters["trends.late"] == 3 * 60
    assert news.published() == news.recount() != before
    assert len(news.bursts()) == 2, "no new one"

    job.counters.clear()
    final = news.recount()
    news.publish(forgotten, written=datetime.now(UTC))
    job.turn()
    assert job.counters["trends.too-late"] == 60 + 60 // 5, "every fifth came twice"
    assert news.published() == final


def usual_day(random: Random, day: int, first_day: datetime) -> Iterator[Article]:
    """In the order in which they were seen: some about storms, many on one day; at last some in each hour."""
    hours = range(24) if day >= DAYS - HOURLY_DAYS else range(1, 5)
    for hour in hours:
        seen = first_day + timedelta(days=day, hours=hour, seconds=random.uniform(0, 900))
        for number in range(40 if (day, hour) == (DAYS - HOURLY_DAYS - 20, 2) else 2):
            name, source = f"{day}-{hour}-{number}", f"source-{number % 4}"
            seen += timedelta(seconds=random.uniform(1, 60))
            topics = ("storms",) if number else ("harbours",)
            yield article(name, seen, topics=topics, source=source)
            if hour == 3:
                yield article(name, seen, topics=("trains",), source=source, version=2)
            if hour == 4 and day % 7 == 0:
                yield article(name, seen, source=source, version=2, withdrawn=True)


def crowd(random: Random, hour: datetime) -> list[Article]:
    """More than enough for a burst."""
    return [
        article(
            f"{hour}-{n}", hour + timedelta(seconds=random.uniform(0, 3_500)), topics=("storms",), source=f"s{n % 6}"
        )
        for n in range(60)
    ]
