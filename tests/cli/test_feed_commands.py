"""`newsflow poll`, `newsflow feeds` and `newsflow sources discover`, as they are typed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from newsflow.cli.app import app
from newsflow.sources.feedlist import feeds_of
from tests.broker_helpers import RunningBroker
from tests.sources.site import Reply, Site, page, rss, rss_item, serving

HOST = "127.0.0.1"
Run = Callable[..., Result]


@pytest.fixture
def site() -> Iterator[Site]:
    """One host, since commands ask the system for addresses."""
    with serving(Site()) as running:
        running.pages |= {
            f"{HOST}/": Reply(
                b'<head><link rel="alternate" type="application/rss+xml" href="/feed"></head><p>Front</p>'
            ),
            f"{HOST}/feed": Reply(rss(rss_item("A wider road", "/n/1", "1"), rss_item("A new ferry", "/n/2", "2"))),
            f"{HOST}/n/1": page("A wider road"),
            f"{HOST}/n/2": page("A new ferry", "The ferry to the island will sail twice a day from May."),
        }
        yield running


@pytest.fixture
def run(site: Site, tmp_path: Path) -> Run:
    """Runs a command with a configuration of its own; `--json` in place of `-o json`."""
    poll = {
        "allow_private": True,
        "host_delay_s": 0,
        "contact": "https://newsroom.example/bot",
        "feeds": ["feeds.yaml"],
    }
    config = {"poll": poll, "ledger": {"url": f"sqlite:///{tmp_path}/ledger.sqlite3"}}
    (tmp_path / "newsflow.yaml").write_text(yaml.safe_dump(config))
    (tmp_path / "feeds.yaml").write_text(
        yaml.safe_dump({"feeds": [{"source": "post", "url": site.url(f"{HOST}/feed")}]})
    )

    def invoke(*words: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(app, [*words, "-c", str(tmp_path / "newsflow.yaml")], input=stdin)

    return invoke


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_a_round_to_a_file_and_how_the_feeds_fare(run: Run, site: Site, tmp_path: Path) -> None:
    out = tmp_path / "raw.jsonl"
    result = run("poll", "--once", "--out", str(out), "-o", "json")
    assert result.exit_code == 0, result.output
    assert rows(result) == [
        {"feeds": 1, "requests": 4, "unchanged": 0, "new": 2, "published": 2, "failed": 0}
    ]  # fmt: skip
    assert {json.loads(line)["title"] for line in out.read_text().splitlines()} == {"A wider road", "A new ferry"}
    [row] = rows(run("feeds", "list", "-o", "json"))
    assert (row["health"], row["form"], row["new"], row["error"]) == ("ok", "rss", 2, None)
    site.pages[f"{HOST}/feed"] = Reply(b"", 500)
    assert "1 failed" in run("poll", "--once", "--out", str(out)).stderr
    assert "failing" in run("feeds", "list").stdout
    assert "the server answers 500" in run("feeds", "list").stdout
    assert {each.headers["user-agent"].partition("/")[0] for each in site.asked} == {"newsflow"}
    assert "(+https://newsroom.example/bot)" in site.asked[0].headers["user-agent"]


def test_a_round_to_kafka(run: Run, site: Site, topics_broker: RunningBroker) -> None:
    servers = topics_broker.bootstrap_servers
    site.pages[f"{HOST}/feed"] = Reply(rss(rss_item("A wider road", "/n/1", "1")))
    result = run("poll", "--once", "-b", servers)
    assert result.exit_code == 0, result.output
    shown = run("tail", "news.article.raw.v1", "-n", "1", "-o", "json", "-b", servers)
    [record] = rows(shown)
    assert record["key"] == f"post/{site.url(f'{HOST}/n/1')}"
    assert record["value"]["content_is"] == "page"


def test_without_a_list_it_says_what_is_accepted(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["poll", "--once", "--ledger", f"sqlite:///{tmp_path}/l.sqlite3"])
    assert "accepted: --feeds FILE, or poll.feeds" in str(result.exception)


def test_check_asks_each_feed_once_and_keeps_nothing(run: Run, site: Site, tmp_path: Path) -> None:
    result = run("feeds", "check", site.url(f"{HOST}/feed"), site.url(f"{HOST}/nothing"), "-o", "json")
    good, bad = rows(result)
    assert result.exit_code == 1
    assert (good["form"], good["items"], good["whole"], good["error"]) == ("rss", 2, 0, None)
    assert bad["error"] == "the server answers 404"
    assert not (tmp_path / "ledger.sqlite3").exists()
    assert run("feeds", "check").exit_code == 0


def test_lists_go_to_opml_and_back(run: Run, tmp_path: Path) -> None:
    opml = run("feeds", "export").stdout
    (tmp_path / "x.opml").write_text(opml)
    runner = CliRunner()
    back = runner.invoke(app, ["feeds", "import", str(tmp_path / "x.opml")]).stdout
    listed = feeds_of((tmp_path / "feeds.yaml").read_text(), "feeds.yaml")
    assert [(each.source, each.url) for each in feeds_of(back, "back")] == [(each.source, each.url) for each in listed]
    assert rows(runner.invoke(app, ["feeds", "import", str(tmp_path / "x.opml"), "-o", "json"]))[0]["source"] == "post"


def test_the_starter_list_is_one(tmp_path: Path) -> None:
    text = CliRunner().invoke(app, ["feeds", "starter"]).stdout
    assert {each.source for each in feeds_of(text, "starter")} == {"harbour-post", "tide-wire"}
    assert all(".example/" in each.url for each in feeds_of(text, "starter"))


def test_discover_proposes_a_list_and_shows_what_articles_become(run: Run, site: Site) -> None:
    text = run("sources", "discover", site.url(f"{HOST}/"), "--articles", "2").stdout
    proposed, profile = yaml.safe_load_all(io.StringIO(text))
    assert [each["url"] for each in proposed["feeds"]] == [site.url(f"{HOST}/feed")]
    assert profile["sources"][0]["id"] == proposed["feeds"][0]["source"]
    assert "language en, title A wider road" in text
    site.pages[f"{HOST}/"] = page("Nothing here")
    site.pages[f"{HOST}/robots.txt"] = Reply(f"Sitemap: {site.url(f'{HOST}/feed')}".encode())
    found = rows(run("sources", "discover", site.url(f"{HOST}/"), "-o", "json", "--articles", "0"))
    assert [each["feed"]["items"] for each in found if "feed" in each] == [2]
    site.pages |= {f"{HOST}/robots.txt": Reply(b""), f"{HOST}/rss.xml": site.pages[f"{HOST}/feed"]}
    found = rows(run("sources", "discover", site.url(f"{HOST}/"), "-o", "json", "--articles", "0"))
    assert found[0]["feed"]["url"] == site.url(f"{HOST}/rss.xml")
