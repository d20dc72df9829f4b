from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli import dedup
from newsflow.cli import ledger as ledger_command
from newsflow.cli.dedup import story
from newsflow.errors import LedgerError, UsageError
from newsflow.ledger import open_ledger
from tests.ledger.ledger_helpers import HARBOUR, RIVER, Wire

run = CliRunner().invoke


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/ledger.sqlite3"


@pytest.fixture
def ids(url: str) -> list[str]:
    """An original, its copy with other words, and another article."""
    ledger, wire = open_ledger(url), Wire()
    decisions = ledger.decide(
        [
            wire.publish(agency="Tarsen Press"),
            wire.publish("https://b.example/1", HARBOUR + " More.", source="b", agency="Tarsen Press", title="Digging"),
            wire.publish("https://c.example/1", RIVER, source="c"),
            wire.reject(),
        ]
    )
    ledger.close()
    return [each.article.id for each in decisions if each.article]


def test_init_migrate_status(url: str) -> None:
    with pytest.raises(LedgerError, match="no ledger at"):
        run(ledger_command.app, ["status", "--ledger", url], catch_exceptions=False)
    assert "applied 0001_initial" in run(ledger_command.app, ["init", "--ledger", url]).stderr
    assert "is there already" in run(ledger_command.app, ["init", "--ledger", url]).stderr
    assert "up to date" in run(ledger_command.app, ["migrate", "--ledger", url]).stderr
    shown = run(ledger_command.app, ["status", "--ledger", url, "-o", "json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["pending_migrations"] == []


LATER = [
    "0006_stored_once", "0007_event_time", "0008_source_findings", "0009_boilerplate", "0010_stories", "0011_letters",
    "0012_polling", "0013_source_health", "0014_archive", "0015_poll_lease",
]  # fmt: skip
"""Migrations since version 0.1."""


def test_migrate_takes_a_ledger_back(url: str) -> None:
    run(ledger_command.app, ["init", "--ledger", url])
    back = ["migrate", "--ledger", url, "--back-to", "5"]
    assert "would take back 0006_stored_once" in run(ledger_command.app, [*back, "--dry-run"]).stderr
    done = run(ledger_command.app, [*back, "-o", "json"])
    assert [json.loads(line) for line in done.stdout.splitlines()[: len(LATER)]] == [
        {"migration": name, "step": "took back"} for name in reversed(LATER)
    ]
    assert "nothing to take back" in run(ledger_command.app, back).stderr
    shown = run(ledger_command.app, ["status", "--ledger", url, "-o", "json"])
    assert json.loads(shown.stdout)["pending_migrations"] == LATER
    assert "applied 0006_stored_once" in run(ledger_command.app, ["migrate", "--ledger", url]).stderr
    for number in ("4", "99"):
        with pytest.raises(LedgerError, match=rf"cannot be taken back to migration {number}; accepted: 5, 6, 7, 8, 9"):
            run(ledger_command.app, ["migrate", "--ledger", url, "--back-to", number], catch_exceptions=False)


def test_status_sums_outcomes(url: str, ids: list[str]) -> None:
    shown = json.loads(run(ledger_command.app, ["status", "--ledger", url, "-o", "json"]).stdout)
    assert shown["outcomes"] == {"added": 2, "duplicate": 1, "dead-lettered (malformed-json)": 1}
    assert shown["rows"]["event"] == 4


def test_prune_says_what_it_deleted(url: str, ids: list[str]) -> None:
    pruned = run(ledger_command.app, ["prune", "--ledger", url, "--retention-days", "0", "-o", "json"])
    assert json.loads(pruned.stdout) == {"texts": 0, "articles": 0, "events": 0, "alerts": 0}, "within the window"


def test_prune_warns_where_raw_events_would_outlive_it(url: str, ids: list[str]) -> None:
    short = run(ledger_command.app, ["prune", "--ledger", url, "--retention-days", "1"])
    assert "warning: the raw topic keeps its records for 7 days as declared, longer than 1:" in short.stderr
    assert "warning" not in run(ledger_command.app, ["prune", "--ledger", url, "--retention-days", "7"]).stderr


def test_story_of_an_article(url: str, ids: list[str]) -> None:
    import typer

    app = typer.Typer()
    app.command()(story)
    shown = json.loads(run(app, [ids[1], "--ledger", url, "-o", "json"]).stdout)
    assert (shown["size"], shown["independent_sources"], shown["sources"]) == (2, 1, ["b", "velmora-post"])
    assert [each["standing"] for each in shown["articles"]] == ["original", "copy"]
    assert shown["representative"] == ids[0]
    text = run(app, [shown["id"], "--ledger", url]).stdout
    assert "2, of them 1 independent" in text
    assert "Digging" in text
    assert run(app, ["0" * 32, "--ledger", url]).exit_code == 1


def test_explain_two_articles(url: str, ids: list[str]) -> None:
    shown = json.loads(run(dedup.app, ["explain", ids[0], ids[1], "--ledger", url, "-o", "json"]).stdout)
    assert shown["relation"] == "duplicate"
    assert shown["similarity"]["containment"] == 1.0
    assert shown["passages"][0]["text"].startswith("The harbour authority")
    text = run(dedup.app, ["explain", ids[0], ids[2], "--ledger", url]).stdout
    assert "not alike" in text
    assert "shared passages: 0" in text


def test_explain_reads_files(url: str, ids: list[str], tmp_path: Path) -> None:
    copy = tmp_path / "copy.txt"
    copy.write_text(HARBOUR.upper(), "utf-8")
    other = tmp_path / "other.txt"
    other.write_text(HARBOUR, "utf-8")
    assert "the matching texts are equal" in run(dedup.app, ["explain", str(copy), str(other)]).stdout
    with pytest.raises(UsageError, match="neither a file nor the id"):
        run(dedup.app, ["explain", "nothing", str(copy), "--ledger", url], catch_exceptions=False)
