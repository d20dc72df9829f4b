"""`newsflow story`: show, with and without its name; explain; an editor's word."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.errors import UsageError
from newsflow.ledger import open_ledger
from tests.ledger.ledger_helpers import Wire
from tests.ledger.test_stories import ferry, run, strike

invoke = CliRunner().invoke


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("NEWSFLOW_STORIES__ENCODER", "none")
    return f"sqlite:///{tmp_path}/ledger.sqlite3"


@pytest.fixture
def ids(url: str) -> list[str]:
    """Two reports of a ferry, one of a strike."""
    ledger, wire = open_ledger(url), Wire()
    articles = run(ledger, [ferry(wire, 1), ferry(wire, 2, minute=30), strike(wire, 1, minute=40)])
    ledger.close()
    return [each.id for each in articles]


@pytest.mark.parametrize("words", [["show"], []])
def test_a_story_is_shown_by_its_id_and_by_that_of_an_article(words: list[str], url: str, ids: list[str]) -> None:
    for identifier in ids[:2]:
        shown = json.loads(invoke(app, ["story", *words, identifier, "--ledger", url, "-o", "json"]).stdout)
        assert (shown["id"], shown["size"]) == (ids[0], 2)
        assert [each["id"] for each in shown["articles"]] == ids[:2]
        assert {each["language"] for each in shown["articles"]} == {"en"}
    text = invoke(app, ["story", "-o", "text", *words, ids[0], "--ledger", url] if not words else
                  ["story", *words, ids[0], "--ledger", url]).stdout  # fmt: skip
    assert "by outlet-1 (en)" in text
    assert invoke(app, ["story", *words, "nobody", "--ledger", url]).exit_code == 1


def test_what_links_two_articles_and_what_keeps_them_apart(url: str, ids: list[str]) -> None:
    told = invoke(app, ["story", "explain", ids[0], ids[1], "--ledger", url]).stdout
    assert "one story" in told.splitlines()[-1]
    assert "Ostrovanka" in told
    apart = json.loads(invoke(app, ["story", "explain", ids[0], ids[2], "--ledger", url, "-o", "json"]).stdout)
    assert apart["figure"] < apart["needed"]
    assert "Ostrovanka" in apart["only_left"]


def test_an_editors_word(url: str, ids: list[str]) -> None:
    merged = json.loads(invoke(app, ["story", "merge", ids[2], ids[1], "--ledger", url, "-o", "json"]).stdout)
    assert merged == {"merged": ids[2], "into": ids[0]}
    assert json.loads(invoke(app, ["story", ids[2], "--ledger", url, "-o", "json"]).stdout)["size"] == 3
    parted = json.loads(invoke(app, ["story", "split", ids[0], ids[2], "--ledger", url, "-o", "json"]).stdout)
    assert parted["story"] == ids[0]
    assert json.loads(invoke(app, ["story", parted["part"], "--ledger", url, "-o", "json"]).stdout)["size"] == 1
    with pytest.raises(UsageError, match="cannot be split"):
        invoke(app, ["story", "split", parted["part"], ids[2], "--ledger", url], catch_exceptions=False)
