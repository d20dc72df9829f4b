"""`newsflow store`."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.store import app
from newsflow.stores.jsonl import JsonLinesStore
from tests.stores.store_harness import row


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "newsflow.yaml"
    path.write_text(f"stores: {{lines: 'jsonl:///{tmp_path}/lines', db: 'sqlite:///{tmp_path}/db.sqlite3'}}\n")
    return path


def test_compact_and_list(tmp_path: Path, config: Path) -> None:
    store = JsonLinesStore(tmp_path / "lines")
    for version in range(1, 6):
        store.write([row("a", version)])
    runner = CliRunner()
    listed = runner.invoke(app, ["files", "lines", "-c", str(config), "-o", "json"])
    assert [orjson.loads(line)["rows"] for line in listed.stdout.splitlines()] == [1] * 5
    done = runner.invoke(app, ["compact", "lines", "-c", str(config)])
    assert done.exit_code == 0, done.output
    assert "5 files are 1 now, 5 rows" in done.stderr
    by_url = runner.invoke(app, ["files", f"jsonl:///{tmp_path}/lines"])
    assert by_url.stdout.splitlines() == [str(path) for path in store.paths()]


@pytest.mark.parametrize(
    ("name", "words"), [("nowhere", "there are: db, lines"), ("db", "accepted: parquet and jsonl")]
)
def test_what_cannot_be_compacted(config: Path, name: str, words: str) -> None:
    assert words in str(CliRunner().invoke(app, ["compact", name, "-c", str(config)]).exception)
