"""`newsflow routes test`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.routes import app
from newsflow.model import Action
from newsflow.model.codec import encode_article
from tests.routing.routing_helpers import WATCH, article, topic
from tests.rule_helpers import AS_LIST

RAW = {
    "source": "river-post",
    "url": "https://river-post.example/port",
    "fetched_at": "2026-03-01T12:00:00Z",
    "content_type": "text/plain",
    "title": "سوريا وروسيا تبحثان مستقبل الميناء",
    "content": "دمشق - بحثت سوريا وروسيا اليوم مستقبل الميناء في اجتماع جديد بين الجانبين السوري والروسي. "
    "وقال مسؤول سوري إن المحادثات مع روسيا ستستمر أسبوعا، وإن موسكو ودمشق تريدان اتفاقا قبل الصيف.",
}


@pytest.fixture(autouse=True)
def few_rules(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEWSFLOW_TOPICS__PATHS", AS_LIST)
    (tmp_path / "watch.yaml").write_text(WATCH)
    monkeypatch.setenv("NEWSFLOW_ROUTES__PATHS", f"[{tmp_path / 'watch.yaml'}]")


def _file(folder: Path, *lines: bytes) -> Path:
    path = folder / "articles.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def test_it_says_who_gets_an_article_and_why_others_do_not(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["test", str(_file(tmp_path, encode_article(article(topic("syria")))))])
    assert result.exit_code == 0, result.output
    assert "feeds   syria" in result.stdout
    assert "+ route topic-feeds: tagged" in result.stdout
    assert "- subscription syria-russia: has syria, lacks russia" in result.stdout


def test_raw_events_are_tagged_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEWSFLOW_TOPICS__PATHS")
    result = CliRunner().invoke(app, ["test", str(_file(tmp_path, orjson.dumps(RAW))), "-o", "json"])
    assert result.exit_code == 0, result.output
    shown = orjson.loads(result.stdout)
    assert set(shown["feeds"]) >= {"syria", "russia"}
    assert shown["alerts"] == [{"subscription": "syria-russia", "to": ["webhook"]}]


def test_lines_that_hold_no_article_are_named_and_the_others_shown(tmp_path: Path) -> None:
    good = encode_article(article("iran"))
    result = CliRunner().invoke(app, ["test", str(_file(tmp_path, b"{", b"", good))])
    assert result.exit_code == 1
    assert "articles.jsonl:1: malformed-json" in result.stderr
    assert "feeds   iran" in result.stdout


def test_routes_that_name_no_known_topic_are_refused(tmp_path: Path) -> None:
    routes = tmp_path / "routes.yaml"
    routes.write_text("version: 1\nroutes:\n  - {id: a, feeds: [atlantis]}\n")
    path = _file(tmp_path, encode_article(article()))
    result = CliRunner().invoke(app, ["test", str(path), "--routes", str(routes)])
    assert "there is no topic 'atlantis'" in str(result.exception)


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_a_file_that_cannot_be_read_is_a_usage_error(tmp_path: Path, name: str) -> None:
    result = CliRunner().invoke(app, ["test", str(tmp_path / name)])
    assert "cannot be read" in str(result.exception)


ROUTES = """
version: 1
subscriptions:
  - id: office
    match: {topics: {any: [syria]}}
    schedule: {zone: Asia/Dubai, from: "08:00", until: "18:00", days: [mon, tue, wed, thu, fri]}
    feed: true
    alert: {to: [hook], cool_down: 1h}
  - id: big-stories
    match: {story_size: {min: 3}, rule: {any: [порт]}}
    feed: true
debug: {}
"""


@pytest.mark.parametrize(
    ("at", "feeds", "why"),
    [
        ("2026-03-02T09:00:00+04:00", "feeds   subscriber.office", "planner office: alerts by their policies"),
        (
            "2026-03-02T20:00:00+04:00",
            "feeds   none",
            "first seen mon 20:00 Asia/Dubai, outside mon, tue, wed, thu, fri",
        ),
    ],
)
def test_schedules_are_tried_for_any_time(tmp_path: Path, at: str, feeds: str, why: str) -> None:
    (tmp_path / "routes.yaml").write_text(ROUTES, encoding="utf-8")
    path = _file(tmp_path, encode_article(article(topic("syria"))))
    result = CliRunner().invoke(app, ["test", str(path), "--routes", str(tmp_path / "routes.yaml"), "--at", at])
    assert result.exit_code == 0, result.output
    assert feeds in result.stdout
    assert why in result.stdout
    assert "- subscription big-stories: story of 1 article so far, not 3 or more" in result.stdout
    assert "debug   reported on the debug feed" in result.stdout


@pytest.mark.parametrize("at", ["noon", "2026-03-02T09:00:00", "0001-01-01T00:00:00+14:00"])
def test_a_time_without_a_zone_is_refused(tmp_path: Path, at: str) -> None:
    result = CliRunner().invoke(app, ["test", str(_file(tmp_path, b"{}")), "--at", at])
    assert "a time with its zone" in str(result.exception)


def test_a_withdrawn_article_goes_where_it_went(tmp_path: Path) -> None:
    withdrawn = replace(article(topic("syria")), action=Action.WITHDRAW)
    result = CliRunner().invoke(app, ["test", str(_file(tmp_path, encode_article(withdrawn)))])
    assert "feeds   syria" in result.stdout
