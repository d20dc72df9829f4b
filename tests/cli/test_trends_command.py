"""`newsflow trends`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner, Result

from newsflow.cli.app import app
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Article, PublishedVersion
from newsflow.model.codec import encode_article
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import contribution_of
from newsflow.trends.counts import Trends
from tests.trends.trend_articles import START, article

SETTINGS = TrendSettings()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")
    yield made
    made.close()


def show(tmp_path: Path, *arguments: str) -> Result:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    return CliRunner().invoke(app, ["trends", "--ledger", url, *arguments])


def take(ledger: Ledger, *articles: Article) -> None:
    """Record articles, and count them, as the jobs do."""
    ledger.record(
        [
            PublishedVersion(f"{each.id}-{each.version}", each.id, each.version, encode_article(each), (), ())
            for each in articles
        ]
    )
    trends = Trends(ledger, SETTINGS)
    trends.count([contribution_of(each, SETTINGS.windows, SETTINGS.fresh) for each in articles])
    while trends.close_next() is not None:
        pass


def busy_day(ledger: Ledger) -> None:
    for day in range(8):
        usual = [
            article(f"{day}-{n}", START + timedelta(days=day, hours=9, seconds=n), topics=("trains",)) for n in range(3)
        ]
        take(ledger, *usual)
    crowd = [
        article(f"s{n}", START + timedelta(days=8, hours=9, seconds=n), topics=("storms",), source=f"s{n % 5}")
        for n in range(70)
    ]
    take(ledger, *crowd)


def test_top_topics_and_bursts(ledger: Ledger, tmp_path: Path) -> None:
    busy_day(ledger)
    shown = show(tmp_path, "--since", "24h")
    assert shown.exit_code == 0, shown.output
    assert "2023-05-08T10:00Z to 2023-05-09T10:00Z: 70 articles" in shown.output
    assert "70  \u2068storms\u2069" in shown.output
    assert "trains" not in shown.output
    assert "burst raised    topic \u2068storms\u2069: 70 articles of 5 sources" in shown.output
    found = orjson.loads(show(tmp_path, "--since", "7d", "--by", "source", "-n", "1", "-o", "json").stdout)
    assert found["names"] == [{"name": "velmora-post", "articles": 18}]
    assert [(each["name"], each["articles"]) for each in found["bursts"]] == [("storms", 70)]


def test_the_check_finds_what_differs(ledger: Ledger, tmp_path: Path) -> None:
    busy_day(ledger)
    assert show(tmp_path, "--since", "7d", "--check").exit_code == 0
    lost = article("lost", START + timedelta(days=8, hours=9), topics=("storms",))
    ledger.record([PublishedVersion("lost-1", lost.id, 1, encode_article(lost), (), ())])
    found = show(tmp_path, "--since", "7d", "--check")
    assert found.exit_code == 1
    assert "topic storms: 70 published, 71 in the ledger" in found.output


def test_a_ledger_without_counts_says_so(ledger: Ledger, tmp_path: Path) -> None:
    for options in ((), ("--check",)):
        found = show(tmp_path, *options)
        assert (found.exit_code, found.stdout) == (0, "")
        assert "nothing is counted yet: `newsflow run trends --follow` counts" in " ".join(found.stderr.split())
    assert json.loads(show(tmp_path, "-o", "json").stdout)["names"] == []
    assert show(tmp_path, "--by", "weather").exit_code != 0
