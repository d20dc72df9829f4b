"""The commands `normalise`, `sources` and `eval normalise`."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from newsflow.cli import evaluate
from newsflow.cli import normalise as sources
from newsflow.cli.normalise import normalise
from newsflow.cli.output import isolate
from newsflow.errors import UsageError
from newsflow.ledger import open_ledger
from newsflow.ledger.findings import IDENTITY_CONFLICT, Finding, save_findings

SENTENCE = "The harbour council of Merrow met on Tuesday and agreed to repair the old sea wall before winter."
PAGE = f"<html><head><title>Harbour wall</title></head><body><nav>Tides and ferries</nav><article><h1>Harbour wall</h1><p>{SENTENCE}</p><p>{SENTENCE} Again.</p></article></body></html>"
runner = CliRunner()
app = typer.Typer()
app.command()(normalise)
# Typer makes a group only of two commands and more.
evaluations = typer.Typer()
evaluations.command("normalise")(evaluate.normalise)
evaluations.command("other")(evaluate.normalise)


@pytest.mark.parametrize("content", ["", "\n \n"])
def test_an_input_that_holds_nothing_is_said(content: str) -> None:
    result = CliRunner().invoke(app, ["-"], input=content)
    assert "-: holds nothing" in str(result.exception)


def test_a_page_is_shown_beside_what_was_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(PAGE, encoding="utf-8")
    result = runner.invoke(app, [str(tmp_path / "page.html"), "--url", "https://merrow.example/wall"])
    assert result.exit_code == 0
    assert "Harbour wall" in result.stdout
    assert "+ " in result.stdout
    assert "Tides and ferries" in result.stdout
    assert "outside-body" in result.stdout


def test_standard_input_and_json() -> None:
    result = runner.invoke(
        app,
        ["-", "-o", "json", "--zone", "Asia/Dubai"],
        input=f"Harbour wall\n\n15 December 2024, 5:21 pm\n\n{SENTENCE}",
    )
    assert result.exit_code == 0
    value = json.loads(result.stdout)
    assert value["article"]["title"] == "Harbour wall"
    assert value["article"]["published"]["at"] == "2024-12-15T13:21:00+00:00"


def test_a_raw_event_is_read_too(tmp_path: Path) -> None:
    event = {
        "source": "merrow-post",
        "fetched_at": "2025-01-01T00:00:00Z",
        "content_type": "text/html",
        "content": PAGE,
        "url": "https://merrow.example/1",
    }
    (tmp_path / "event.json").write_text(json.dumps(event), encoding="utf-8")
    value = json.loads(runner.invoke(app, [str(tmp_path / "event.json"), "-o", "json"]).stdout)
    assert (value["article"]["source"], value["article"]["url"]) == ("merrow-post", "https://merrow.example/1")


def test_a_source_without_a_profile_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "profiles.yaml").write_text("id: merrow-post\nzone: Asia/Dubai\n", encoding="utf-8")
    monkeypatch.setenv("NEWSFLOW_SOURCES__PATHS", f"[{tmp_path}/profiles.yaml]")
    result = CliRunner().invoke(app, ["-", "--source", "merow-post"], input=PAGE)
    assert "there is no source profile 'merow-post'; did you mean 'merrow-post'?" in result.stderr
    assert result.exit_code == 0


def test_a_page_without_an_article_fails() -> None:
    result = runner.invoke(app, ["-"], input="<html></html>")
    assert result.exit_code == 1
    assert "no-text" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["/no/such/file"], "No such file"), (["-", "--zone", "Mars/Base"], "IANA"), (["-"], "raw event is not valid")],
)
def test_wrong_use_is_said(arguments: list[str], message: str) -> None:
    result = runner.invoke(app, arguments, input='{"content": 7}' if arguments == ["-"] else "x")
    assert isinstance(result.exception, UsageError)
    assert message in str(result.exception)


def _sample(path: Path) -> Path:
    rows = [
        {"source": "merrow-post", "fetched_at": "2025-01-01T00:00:00Z", "content_type": "text/html",
         "content": PAGE.replace("Tuesday", f"day {number}"), "url": f"https://merrow.example/{number}"}
        for number in range(4)
    ]  # fmt: skip
    lines = "\n".join([*map(json.dumps, rows), "no json"])
    path.write_bytes(gzip.compress(lines.encode()) if path.suffix == ".gz" else lines.encode())
    return path


@pytest.mark.parametrize("name", ["sample.jsonl", "sample.jsonl.gz"])
def test_profiles_are_proposed_that_load(tmp_path: Path, name: str) -> None:
    result = runner.invoke(sources.app, ["learn", str(_sample(tmp_path / name))])
    assert result.exit_code == 0
    assert "1 lines are not valid raw events" in result.stderr
    assert '- "Tides and ferries" # 4, header' in result.stdout
    (tmp_path / "profiles.yaml").write_text(result.stdout, encoding="utf-8")
    checked = runner.invoke(sources.app, ["check", str(tmp_path / "profiles.yaml")])
    assert checked.stdout.startswith("merrow-post\t")


def test_learning_about_a_source_that_is_not_there_fails(tmp_path: Path) -> None:
    assert runner.invoke(sources.app, ["learn", str(_sample(tmp_path / "s.jsonl")), "--source", "other"]).exit_code == 1


def test_evaluation_skips_without_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NEWSFLOW_DATA", raising=False)
    for arguments in ([], ["--data", str(tmp_path)]):
        result = runner.invoke(evaluations, ["normalise", *arguments])
        assert result.exit_code == 0
        assert "skipped, no data" in result.stderr


def test_evaluation_fails_where_a_goal_is_not_held(tmp_path: Path) -> None:
    row = {"locale": "ar", "format": "long", "text": "15 ديسمبر 2024", "iso": "2024-12-15"}
    (tmp_path / "cldr_dates.jsonl").write_text(json.dumps(row), encoding="utf-8")
    good = runner.invoke(evaluations, ["normalise", "--data", str(tmp_path)])
    assert good.exit_code == 0
    assert "goal 1.000 held" in good.stdout
    (tmp_path / "cldr_dates.jsonl").write_text(json.dumps(row | {"iso": "2024-12-16"}), encoding="utf-8")
    bad = runner.invoke(evaluations, ["normalise", "--data", str(tmp_path), "-o", "json", "--misses", "1"])
    assert bad.exit_code == 1
    assert [json.loads(line)["held"] for line in bad.stdout.splitlines()] == [False, False]


def test_findings_about_sources(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    at, places = datetime(2031, 5, 4, tzinfo=UTC), ("https://a.example/r?sid=1", "https://a.example/r?sid=2")
    found = [Finding(name, IDENTITY_CONFLICT, "?sid", places, at, 3) for name in ("a-post", "b-post")]
    with closing(open_ledger(url)) as ledger:
        ledger.transact(lambda db: save_findings(db, found))
        ledger.transact(lambda db: save_findings(db, found[:1]))
    listed = runner.invoke(sources.app, ["findings", "--ledger", url, "--source", "a-post"])
    row = "a-post\tidentity-conflict\t?sid\t6\t2031-05-04T00:00:00+00:00\t"
    assert listed.stdout == f"{row}{' '.join(map(isolate, places))}\n"
    values = runner.invoke(sources.app, ["findings", "--ledger", url, "-o", "json"]).stdout.splitlines()
    assert [json.loads(value)["source"] for value in values] == ["a-post", "b-post"]
