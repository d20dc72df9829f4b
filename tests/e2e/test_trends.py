"""The job trends on a real broker, by the local loop and on Prism: what it publishes is what the ledger recounts."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from newsflow.model.codec import encode_article
from newsflow.model.headers import header
from newsflow.model.names import TREND_TOPIC, dead_letter_topic
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess
from tests.e2e.test_prism import prism, wait_until
from tests.trends.news import WEEKS_10, News, burst_of_storms, check_all, check_counts, late_news, usual_days
from tests.trends.trend_articles import START, article

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]
__all__ = ["prism"]


@pytest.fixture
def news(topics_broker: RunningBroker, tmp_path: Path) -> Iterator[News]:
    made = News(topics_broker, f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield made
    made.close()


@pytest.fixture
def job(news: News, tmp_path: Path) -> Iterator[JobProcess]:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    environ = {"NEWSFLOW_TRENDS__INPUT_TOPIC": news.topic, "NEWSFLOW_TRENDS__GROUP": news.topic}
    environ["NEWSFLOW_TRENDS__GRACE_S"] = "5"  # so long it takes until the clock closes what comes last
    made = JobProcess(news.broker, "unused", tmp_path, url, "unused", environ, job="trends")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.kill()


def test_local_runs_publish_what_the_ledger_recounts(news: News, job: JobProcess) -> None:
    random = Random(3)
    news.publish(usual_days(random) + burst_of_storms(random))
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


@pytest.mark.faults
def test_a_job_that_is_killed_again_and_again_counts_nothing_twice(news: News, job: JobProcess) -> None:
    random = Random(3)
    news.publish(usual_days(random) + burst_of_storms(random))
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


@pytest.mark.prism
def test_prism_publishes_what_the_ledger_recounts(news: News, job: JobProcess, prism: Path) -> None:
    random = Random(3)
    news.publish(usual_days(random, WEEKS_10))
    job.start("--follow", "--", "--runner=PrismRunner", f"--prism_location={prism}", "--environment_type=LOOPBACK")
    try:
        wait_until(news.is_complete, job)
        check_counts(news)
        assert not news.bursts()
        news.publish(burst_of_storms(random, WEEKS_10))
        wait_until(news.is_complete, job)
        check_all(news, WEEKS_10)
        news.publish(late_news(WEEKS_10), delay_s=86_400)
        wait_until(news.is_complete, job)
        check_all(news, WEEKS_10)
    finally:
        stop(job)


def stop(job: JobProcess) -> None:
    assert job.process is not None
    job.process.send_signal(signal.SIGTERM)
    try:
        job.wait(30)
    except subprocess.TimeoutExpired:
        job.kill()
