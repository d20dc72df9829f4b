"""Stores and ledgers in one place: side by side where that works, refused in words where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.alerts.outbox import Outbox
from newsflow.errors import ConfigError, LedgerError, SinkError
from newsflow.ledger import open_ledger
from newsflow.stores.contract import StoreRow
from newsflow.stores.iceberg import IcebergStore
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.stores.parquet import ParquetStore, to_table
from newsflow.stores.registry import check_places
from newsflow.stores.sql import migrations_of
from newsflow.stores.sqlite import SqliteStore
from newsflow.tools.postgres import LocalPostgres
from tests.postgres_helpers import new_database
from tests.stores.store_harness import NOON, IcebergHarness, PostgresHarness, row, shown


@pytest.mark.parametrize("ledger_first", [True, False])
def test_a_ledger_and_a_store_share_a_postgresql_database(postgres: LocalPostgres, ledger_first: bool) -> None:
    harness = PostgresHarness(new_database(postgres))
    rows = [row("a"), row("b", 2)]
    if ledger_first:
        open_ledger(harness.url).close()
    with harness.open() as store:
        store.write(rows)
        ledger = open_ledger(harness.url)
        try:
            assert list(ledger.articles()) == []
            assert Outbox(ledger).backlog() == []
        finally:
            ledger.close()
        store.write([*rows, row("c")])
    assert harness.current() == shown([*rows, row("c")])
    harness.close()


def test_the_tables_of_an_earlier_release_move_into_the_schema(postgres: LocalPostgres) -> None:
    import psycopg

    harness = PostgresHarness(new_database(postgres))
    with harness.open() as store:
        store.write([row("a")])
    migrations = migrations_of("postgresql")
    with psycopg.connect(harness.url, autocommit=True) as connection:
        connection.execute("SET search_path = newsflow_store")
        migrations.take_back(lambda sql: connection.execute(sql.encode()), 1, {1, 2})
        for table in ("article", "article_version", "article_topic", "store_migration"):
            connection.execute(f"ALTER TABLE newsflow_store.{table} SET SCHEMA public")
        connection.execute("DROP SCHEMA newsflow_store")
    with pytest.raises(LedgerError, match="holds a store"):
        open_ledger(harness.url)
    with harness.open() as store:
        store.write([row("a"), row("b")])
    assert harness.current() == shown([row("a"), row("b")])
    open_ledger(harness.url).close()
    harness.close()


def test_a_sqlite_file_is_a_ledger_or_a_store(tmp_path: Path) -> None:
    ledger, store = tmp_path / "ledger.sqlite3", tmp_path / "store.sqlite3"
    open_ledger(f"sqlite:///{ledger}").close()
    with SqliteStore(ledger) as opened:
        for _ in range(2):
            with pytest.raises(ConfigError, match="holds a ledger; a store needs a file of its own"):
                opened.write([row("a")])
    with SqliteStore(store) as opened:
        opened.write([row("a")])
    with pytest.raises(LedgerError, match="holds a store; a ledger needs a file of its own"):
        open_ledger(f"sqlite:///{store}")


@pytest.mark.parametrize("kinds", [(ParquetStore, JsonLinesStore), (JsonLinesStore, ParquetStore)])
def test_a_folder_has_one_kind_of_store(
    tmp_path: Path, kinds: tuple[type[ParquetStore | JsonLinesStore], type[ParquetStore | JsonLinesStore]]
) -> None:
    first, second = kinds
    first(tmp_path).write([row("a")])
    with pytest.raises(SinkError, match="needs a folder of its own"):
        second(tmp_path).write([row("a")])
    with pytest.raises(SinkError, match="needs a folder of its own"):
        second(tmp_path).compact()
    assert first(tmp_path).check() == "1 files, 1 rows"


@pytest.mark.parametrize(
    ("ledger", "stores", "words"),
    [
        (
            "sqlite:////d/x.sqlite3",
            {"a": "sqlite:////d/x.sqlite3"},
            "stores.a: /d/x.sqlite3 is the place of ledger already",
        ),
        ("sqlite:////d/x.sqlite3", {"a": "sqlite:////d/e/../x.sqlite3"}, "a sqlite store needs one of its own"),
        ("sqlite:////l", {"a": "parquet:////d", "b": "jsonl:////d"}, "stores.b: /d is the place of stores.a already"),
    ],
)
def test_shared_places_are_told_before_anything_starts(ledger: str, stores: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_places(ledger, stores.items())
    assert words in str(caught.value)


def test_places_that_may_be_shared() -> None:
    both = "postgresql://me@host/news"
    check_places(both, {"a": both, "b": both, "c": "jsonl:////d", "d": "jsonl:////d"}.items())
    check_places("sqlite://", {"a": "sqlite:////x"}.items())


def test_config_check_refuses_shared_places_with_relative_paths(tmp_path: Path) -> None:
    from newsflow.cli.app import app

    path = tmp_path / "newsflow.yaml"
    path.write_text("ledger: {url: 'sqlite:///news.sqlite3'}\nstores: {archive: 'sqlite:///news.sqlite3'}\n")
    done = CliRunner().invoke(app, ["config", "check", "-c", str(path)])
    assert isinstance(done.exception, ConfigError)
    assert f"{tmp_path}/news.sqlite3 is the place of ledger already" in str(done.exception)


@pytest.mark.parametrize("kind", [ParquetStore, JsonLinesStore])
def test_what_a_kill_left_of_a_line_of_the_manifest_does_not_count(
    tmp_path: Path, kind: type[ParquetStore | JsonLinesStore]
) -> None:
    manifest = tmp_path / "manifest.jsonl"
    kind(tmp_path).write([row("a")])
    whole = manifest.read_bytes()
    kind(tmp_path).write([row("bb")])
    torn = manifest.read_bytes()
    for cut in (len(whole) + 1, len(torn) - 1):
        manifest.write_bytes(torn[:cut])
        store = kind(tmp_path)
        assert [entry.rows for entry in store.files()] == [1]
        store.write([row("a"), row("bb"), row("ccc")])
        assert sum(entry.rows for entry in kind(tmp_path).files()) == 3
        assert store.files() == kind(tmp_path).files()


def test_the_manifest_of_an_earlier_release_is_taken_over(tmp_path: Path) -> None:
    store = JsonLinesStore(tmp_path)
    store.write([row("a"), row("bb")])
    entries = [f'{{"path":"{each.path}","rows":{each.rows},"size_bytes":{each.size_bytes}}}' for each in store.files()]
    (tmp_path / "manifest.json").write_text(f'{{"version":1,"files":[{",".join(entries)}]}}\n')
    (tmp_path / "manifest.jsonl").unlink()
    later = JsonLinesStore(tmp_path)
    assert later.files() == store_files(entries)
    with pytest.raises(SinkError, match="another kind"):
        ParquetStore(tmp_path).write([row("a")])
    later.write([row("a"), row("ccc")])
    assert not (tmp_path / "manifest.json").exists()
    assert sorted(_keys(JsonLinesStore(tmp_path))) == [("a", 1), ("bb", 1), ("ccc", 1)]


def store_files(entries: list[str]) -> list[object]:
    import orjson

    from newsflow.stores.manifest import FileEntry

    return [FileEntry(**orjson.loads(each)) for each in entries]


def test_an_open_store_sees_what_others_wrote_and_compacted(tmp_path: Path) -> None:
    one, two = JsonLinesStore(tmp_path), JsonLinesStore(tmp_path)
    one.write([row("a")])
    two.write([row("b")])
    two.compact()
    one.write([row("b"), row("c")])
    two.compact()
    two.compact()
    one.write([row("a"), row("b"), row("c"), row("d")])
    assert _keys(JsonLinesStore(tmp_path)) == _keys(one) == _keys(two)
    assert sorted(_keys(one)) == [(name, 1) for name in "abcd"]


def _keys(store: JsonLinesStore) -> list[tuple[str, int]]:
    return [StoreRow.read(line).key for path in store.paths() for line in path.read_bytes().splitlines()]


def test_a_line_that_the_disk_would_not_sync_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JsonLinesStore(tmp_path)
    store.write([row("a")])

    def fail(_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("newsflow.stores.manifest.os.fsync", fail)
        with pytest.raises(SinkError, match="cannot be written"):
            store.write([row("b")])
    assert _keys(JsonLinesStore(tmp_path)) == [("a", 1)]
    store.write([row("b")])
    assert sorted(_keys(JsonLinesStore(tmp_path))) == [("a", 1), ("b", 1)]


def test_an_iceberg_commit_that_another_forestalls_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("pyiceberg")
    from newsflow.stores import iceberg

    harness = IcebergHarness(tmp_path)
    real, between = to_table, [[row("a"), row("b")]]

    def slow(rows: Sequence[StoreRow]) -> object:
        """Another writer commits while this one makes its table."""
        if between:
            other.write(between.pop())
        return real(rows)

    with harness.open() as one, harness.open() as other:
        one.write([row("first")])
        other.write([row("first")])
        monkeypatch.setattr(iceberg, "to_table", slow)
        one.write([row("b"), row("c")])
    assert harness.versions() == [("a", 1), ("b", 1), ("c", 1), ("first", 1)]


def test_keys_that_were_forgotten_are_read_again(tmp_path: Path) -> None:
    harness = IcebergHarness(tmp_path)
    with harness.open() as store:
        assert isinstance(store, IcebergStore)
        store._held._limit = 1
        days = [NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)]
        rows = [row(f"a{at}", first_seen=day) for at, day in enumerate(days)]
        for _ in range(2):
            for each in rows:
                store.write([each])
    assert harness.versions() == [each.key for each in rows]
