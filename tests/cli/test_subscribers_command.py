"""`newsflow subscribers report`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.errors import UsageError
from newsflow.ledger import open_ledger
from tests.ledger.ledger_helpers import Wire
from tests.ledger.test_subscriber_account import record, told


def test_the_report_of_one_subscriber(tmp_path: Path) -> None:
    (tmp_path / "routes.yaml").write_text(
        "version: 1\nsubscriptions:\n  - {id: desk, feed: true}\n  - {id: new, feed: true}\n"
    )
    file = tmp_path / "newsflow.yaml"
    file.write_text(f"ledger: {{url: 'sqlite:///{tmp_path}/ledger.sqlite3'}}\nroutes: {{paths: [routes.yaml]}}\n")
    with closing(open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")) as ledger:
        record(ledger, Wire().publish(), ("subscriber.desk",), told("first"))

    def ask(*words: str) -> str:
        done = CliRunner().invoke(app, ["subscribers", "report", *words, "-c", str(file)], catch_exceptions=False)
        assert done.exit_code == 0
        return done.stdout

    text = ask("desk")
    assert "feed: 1 versions of 1 articles, 1 add" in text
    assert "  hook: 1 pending" in text
    assert "from raised to delivered: nothing to measure" in text
    made = orjson.loads(ask("desk", "-o", "json", "--late", "1h"))
    assert made["feed"]["published"] == {"add": 1}
    assert made["feed"]["delay_s"]["known"] == 1
    assert made["alerts"]["deliveries"] == {"hook": {"pending": 1}, "mail": {"pending": 1}}
    assert "feed: 0 versions" in ask("new")
    with pytest.raises(UsageError, match="desk"):
        ask("desks")
    with pytest.raises(UsageError, match="span of time"):
        ask("desk", "--since", "yesterday")
