"""The job trends on a real Flink cluster: its sums are those of a recount, through a kill and a savepoint."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from newsflow.model.names import TREND_TOPIC
from tests.flink.stack import FlinkRun, Stack, wait_until
from tests.postgres_helpers import new_database
from tests.trends.news import WEEKS_10, News, burst_of_storms, check_all, check_counts, late_news, usual_days
from tests.trends.trend_articles import article

pytestmark = [pytest.mark.flink, pytest.mark.timeout(1800)]


@pytest.fixture
def news(stack: Stack) -> Iterator[News]:
    made = News(stack.broker, new_database(stack.postgres))
    yield made
    made.close()


@pytest.fixture
def run(stack: Stack, news: News, tmp_path: Path) -> Iterator[FlinkRun]:
    environ = {"NEWSFLOW_TRENDS__INPUT_TOPIC": news.topic, "NEWSFLOW_TRENDS__GROUP": news.topic}
    environ["NEWSFLOW_TRENDS__GRACE_S"] = "5"  # so long it takes until the clock closes what comes last
    made = FlinkRun(stack, stack.broker.name("counting"), tmp_path, news.ledger_url, news.topic, environ=environ)
    made.page = "trends"
    try:
        yield made
    finally:
        made.end()


def test_sums_and_bursts_are_those_of_a_recount(news: News, run: FlinkRun) -> None:
    random = Random(3)
    news.publish(usual_days(random, WEEKS_10))
    job = run.start("--parallelism", "2")
    wait_until(lambda: len(news.closed()) > 100, 240, run.why)
    run.stack.workers()[0].kill()  # at work: hundreds of windows are to be closed
    settled(news, run)
    check_counts(news)
    assert not news.bursts()
    assert checkpoint_bytes(run, job) < 200_000  # nothing is kept of the thousands of windows that are closed

    savepoint = run.stop()
    news.publish(burst_of_storms(random, WEEKS_10))
    run.restore(savepoint)
    settled(news, run)
    check_all(news, WEEKS_10)

    news.publish(late_news(WEEKS_10), delay_s=86_400)
    settled(news, run)
    check_all(news, WEEKS_10)

    run.cancel()
    news.publish([article("late-2", news.newest, topics=("trains",))], delay_s=86_400)
    run.start()  # from the group's offsets: articles are read again
    settled(news, run)
    check_all(news, WEEKS_10)


def test_a_window_closes_also_when_nothing_comes_any_more(news: News, run: FlinkRun) -> None:
    run.environ = {**run.environ, "NEWSFLOW_TRENDS__WINDOW_S": "60", "NEWSFLOW_TRENDS__PERIOD_S": "60"}
    run.environ = {**run.environ, "NEWSFLOW_TRENDS__GRACE_S": "1"}
    run.start()
    now = datetime.now(UTC)
    news.publish([article(1, now), article(2, now - timedelta(seconds=1))], delay_s=0)
    wait_until(lambda: len(news.read(TREND_TOPIC)) >= 4, 180, run.why)


def checkpoint_bytes(run: FlinkRun, job: str) -> int:
    """The size of a checkpoint that is begun after this call."""
    cluster = run.stack.cluster
    before = cluster.last_checkpoint(job)
    assert before is not None
    wait_until(
        lambda: (last := cluster.last_checkpoint(job)) is not None and last.number > before.number + 1, 60, run.why
    )
    after = cluster.last_checkpoint(job)
    assert after is not None
    return after.size_bytes


def settled(news: News, run: FlinkRun) -> None:
    wait_until(news.is_complete, 300, run.why)
