"""Long work says how far it is: what is done, how fast, and how long the rest takes."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.cli import progress
from newsflow.cli.app import app
from newsflow.cli.progress import Progress, how_far
from newsflow.ledger import open_ledger
from newsflow.stores.registry import open_store
from newsflow.testing import Clock
from tests.ledger.ledger_helpers import Wire
from tests.stores.store_harness import row

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LINE = re.compile(r"[\d,]+ (rows|articles), [\d,]+ a second, [\d,]+ to go")


def test_what_is_said() -> None:
    assert how_far("events", 1200, 3.0, 2000) == "1,200 events, 400 a second, 2,000 to go in 5 s"
    assert how_far("rows", 7, 1.0, None) == "7 rows, 7 a second"
    assert how_far("rows", 0, 0.0, 5) == "0 rows, 0 a second, 5 to go"
    assert how_far("rows", 5, 1.0, 0) == "5 rows, 5 a second, 0 to go"


def test_more_than_was_expected_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "TELL_S", -1)
    with Progress("rows", 3) as shown:
        shown.add(5)
    assert "0 to go" in capsys.readouterr().err
    with Progress("rows", 3, quiet=True) as shown:
        shown.add(5)
    assert capsys.readouterr().err == ""


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a ledger with articles of long ago."""
    monkeypatch.setattr(progress, "TELL_S", -1)
    url, clock, wire = f"sqlite:///{tmp_path}/ledger.sqlite3", Clock(LONG_AGO), Wire()
    with closing(open_ledger(url, clock=clock)) as ledger:
        for number in range(30):
            ledger.decide([wire.publish(f"https://a.example/{number}", f"Words {number} of an article of long ago.")])
            clock.move(seconds=1)
    return url


def test_prune_counts_rows(old: str) -> None:
    done = CliRunner().invoke(app, ["ledger", "prune", "--ledger", old, "--retention-days", "1"])
    assert done.exit_code == 0, done.output
    assert LINE.search(done.stderr), done.stderr
    assert "to go" not in done.stdout
    quiet = CliRunner().invoke(app, ["ledger", "prune", "--ledger", old, "--quiet"])
    assert "to go" not in quiet.stderr


def test_what_retag_counts_is_what_it_reads(old: str) -> None:
    with closing(open_ledger(old)) as ledger:
        expected = sum(1 for _ in ledger.current_versions(since=LONG_AGO - timedelta(days=1)))
        assert ledger.count_current(since=LONG_AGO - timedelta(days=1)) == expected


def test_compact_counts_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TELL_S", -1)
    url = f"jsonl:///{tmp_path}/lines"
    for name in ("a", "b"):
        with closing(open_store(url)) as store:
            store.write([row(name)])
    done = CliRunner().invoke(app, ["store", "compact", url])
    assert done.exit_code == 0, done.output
    assert "2 rows" in done.stderr


def test_a_bar_on_a_terminal_leaves_data_where_it_goes(tmp_path: Path) -> None:
    """Standard error is a terminal, standard output a file: none of the data may go to the terminal."""
    code = (
        "from newsflow.cli.progress import Progress\n"
        "with Progress('rows', 2) as shown:\n    shown.add(1)\n    print('data')\n    shown.add(1)\n"
    )
    leader, follower = pty.openpty()
    with (tmp_path / "out").open("wb") as out:
        environ = {**os.environ, "TERM": "xterm"}
        subprocess.run([sys.executable, "-c", code], stdout=out, stderr=follower, env=environ, check=True)
    os.close(follower)
    seen = os.read(leader, 65_536)
    os.close(leader)
    assert (tmp_path / "out").read_bytes() == b"data\n"
    assert b"rows" in seen
    assert b"data" not in seen
