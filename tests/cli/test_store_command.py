"""`newsflow store`."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.store import app
from newsflow.errors import SinkError, UsageError
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.stores.registry import open_store
from newsflow.tools.postgres import LocalPostgres
from tests.postgres_helpers import new_database
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


@pytest.fixture(params=["sqlite", "postgresql"])
def in_tables(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a store that was not made yet."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/articles.sqlite3"
    server: LocalPostgres = request.getfixturevalue("postgres")
    return new_database(server)


def migrate(*words: str) -> list[str]:
    done = CliRunner().invoke(app, ["migrate", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def test_a_store_goes_back_and_up_again(in_tables: str) -> None:
    store = open_store(in_tables)
    assert store.write([row("a"), row("b"), row("a", 2)]) == []
    store.close()
    back = ["0003_changes_by_article", "0002_read_by_people"]
    assert migrate(in_tables, "--back-to", "1", "--dry-run") == [
        f"would take back {name} of the store {in_tables}" for name in back
    ]
    assert store.check() == "schema 3"
    assert migrate(in_tables, "--back-to", "1") == [f"took back {name} of the store {in_tables}" for name in back]
    assert store.check() == "2 migrations to run, which `newsflow deliver` does"
    assert migrate(in_tables, "--back-to", "1") == []
    assert len(migrate(in_tables, "--dry-run", "-o", "json")) == 2
    assert store.check() == "2 migrations to run, which `newsflow deliver` does"
    assert [orjson.loads(line)["migration"] for line in migrate(in_tables, "-o", "json")] == back[::-1]
    assert store.check() == "schema 3"
    assert store.write([row("a", 2), row("c")]) == []
    assert store.forget("a", 3) == 2, "both versions were kept on the way"
    store.close()


def test_a_store_that_was_not_made_is_not_made_to_go_back(in_tables: str) -> None:
    assert migrate(in_tables, "--back-to", "1") == []
    assert open_store(in_tables).check() == "not made yet"
    assert len(migrate(in_tables, "--dry-run")) == 3
    assert open_store(in_tables).check() == "not made yet"
    assert len(migrate(in_tables)) == 3
    with pytest.raises(SinkError, match=r"cannot be taken back to migration 9; accepted: 1, 2, 3"):
        migrate(in_tables, "--back-to", "9")


def test_all_configured_stores_in_tables_are_migrated(config: Path, tmp_path: Path) -> None:
    assert len(migrate("-c", str(config))) == 3
    assert open_store(f"sqlite:///{tmp_path}/db.sqlite3").check() == "schema 3"
    with pytest.raises(UsageError, match="has nothing to migrate"):
        migrate("lines", "-c", str(config))
