"""Ten weeks of articles through the real counts of a ledger: nothing is raised, and then a planted burst is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

import numpy as np
import pytest

from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Article
from newsflow.trends.bursts import BurstState, TrendSettings
from newsflow.trends.counting import WindowRule, contribution_of
from newsflow.trends.counts import Trends
from tests.trends.simulated_news import START, WEEK_S, News, plant, simulate
from tests.trends.trend_articles import article

RULE = WindowRule(3_600, 3_600)
SETTINGS = TrendSettings(windows=RULE)
PLANTED = START + 10 * WEEK_S + 2 * 86_400 + 14 * 3_600


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    made = open_ledger("sqlite://")
    yield made
    made.close()


@pytest.mark.property
def test_ten_quiet_weeks_raise_nothing_and_a_planted_burst_is_raised_once(ledger: Ledger) -> None:
    news = simulate(11, 11, RULE, per_hour=25)
    plant(news, "topic-5-0", PLANTED, 70, hours=3, seed=1)
    trends = Trends(ledger, SETTINGS)
    for index, batch in enumerate(hours(news, Random(1))):
        trends.count([contribution_of(each, RULE, SETTINGS.fresh) for each in batch])
        upto = START + index * RULE.period_s  # the hour before: an article that is an hour late corrects it
        close(trends, upto)
        if upto == START + 10 * WEEK_S:
            assert trends.bursts() == []
    (burst,) = trends.bursts()
    assert (burst.name, burst.state) == ("topic-5-0", BurstState.ENDED)
    assert PLANTED < burst.raised.end <= PLANTED + 2 * RULE.size_s
    close(trends, None)
    check_totals(trends, news)


def hours(news: News, random: Random) -> Iterator[list[Article]]:
    """The articles of each hour as they come: one in twenty an hour late."""
    late: list[Article] = []
    for index in range(len(news.total)):
        fresh = list(articles_of(news, index, random))
        delayed = [each for each in fresh if random.random() < 0.05]
        yield [*late, *(each for each in fresh if each not in delayed)]
        late = delayed
    yield late


def articles_of(news: News, index: int, random: Random) -> Iterator[Article]:
    total = int(news.total[index])
    topics = [name for row, name in enumerate(news.names) for _ in range(news.topics[row, index])]
    for number in range(total):
        seen = datetime.fromtimestamp(START + index * RULE.period_s + random.uniform(0, RULE.period_s - 1), UTC)
        about = tuple({*topics[number::total]})
        yield article(f"{index}-{number}", seen, topics=about, source=f"s{random.randint(1, 30)}")


def close(trends: Trends, upto: int | None) -> None:
    """As the job does: windows are closed, and what they put out is written."""
    while trends.close_next(upto) is not None:
        while records := trends.outbox():
            trends.written(records)


def check_totals(trends: Trends, news: News) -> None:
    """Of the days that are remembered, every window has all its articles."""
    found = {end: cells["all", "all"] for end, cells in trends.totals(0).items()}
    assert len(found) > 28 * 24 - 24
    every = zip(START + (np.arange(len(news.total)) + 1) * RULE.period_s, news.total, strict=True)
    assert found == {int(end): int(n) for end, n in every if n and end >= min(found)}
