"""Numbered migrations: databases of version 0.1 are taken as they are, and nothing is run twice."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

import newsflow
from newsflow.errors import LedgerError, SinkError
from newsflow.ledger import open_ledger
from newsflow.ledger.opening import MIGRATIONS as LEDGER
from newsflow.ledger.opening import migrate, take_back
from newsflow.ledger.sqlite import SqliteDatabase
from newsflow.migrations import Migration, MigrationSet
from newsflow.stores.sql import migrations_of
from newsflow.stores.sqlite import SqliteStore
from newsflow.tools.postgres import LocalPostgres
from tests.postgres_helpers import new_database
from tests.stores.store_harness import PostgresHarness, SqliteHarness, row, shown

FOLDER = Path(newsflow.__file__).parent
ALL = (LEDGER, migrations_of("sqlite"), migrations_of("postgresql"))
# The tables in which version 0.1 kept its migrations, as it made them.
OLD_LEDGER = "CREATE TABLE migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)"
OLD_STORE = "CREATE TABLE store_migration (number bigint NOT NULL PRIMARY KEY, name text NOT NULL)"
AN_EVENT = "INSERT INTO event VALUES ('e', 'news.article.raw.v1', 0, 7, 'stale', NULL, NULL, NULL, 1)"


def old_sql(folder: str, numbers: int) -> list[tuple[int, str, str]]:
    """The first files of a folder, read here, so that the runner under test has no part in it."""
    files = sorted((FOLDER / folder).glob("*.sql"))[:numbers]
    return [(int(each.name[:4]), each.stem, each.read_text(encoding="utf-8")) for each in files]


def migrations_in(url: str | Path, table: str) -> list[tuple[int, str]]:
    query = f"SELECT number, name FROM {table} ORDER BY number"
    if isinstance(url, Path):
        with closing(sqlite3.connect(url)) as connection:
            return connection.execute(query).fetchall()
    import psycopg

    with psycopg.connect(url) as server:
        return server.execute(query.encode()).fetchall()


@pytest.mark.parametrize("numbers", [1, 4])
def test_a_ledger_of_version_0_1_in_sqlite(tmp_path: Path, numbers: int) -> None:
    path = tmp_path / "ledger.sqlite3"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(OLD_LEDGER)
        for number, name, sql in old_sql("ledger/migrations", numbers):
            connection.executescript(sql)
            connection.execute("INSERT INTO migration VALUES (?, ?)", (number, name))
        connection.execute(AN_EVENT)
        connection.commit()
    for _ in range(2):
        with closing(open_ledger(f"sqlite:///{path}")) as ledger:
            assert sum(ledger.outcomes().values()) == 1
        assert migrations_in(path, "migration") == [(each.number, each.name) for each in LEDGER.shipped()]


@pytest.mark.parametrize("numbers", [1, 4])
def test_a_ledger_of_version_0_1_in_postgresql(postgres: LocalPostgres, numbers: int) -> None:
    import psycopg

    url = new_database(postgres)
    with psycopg.connect(url) as connection:
        connection.execute(OLD_LEDGER)
        for number, name, sql in old_sql("ledger/migrations", numbers):
            connection.execute(sql.encode())
            connection.execute("INSERT INTO migration VALUES (%s, %s)", (number, name))
        connection.execute(AN_EVENT)
    for _ in range(2):
        with closing(open_ledger(url)) as ledger:
            assert sum(ledger.outcomes().values()) == 1
        assert migrations_in(url, "migration") == [(each.number, each.name) for each in LEDGER.shipped()]


def test_a_store_of_version_0_1_in_sqlite(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    shipped = [(each.number, each.name) for each in migrations_of("sqlite").shipped()]
    harness.path.parent.mkdir()
    with closing(sqlite3.connect(harness.path)) as connection:
        connection.execute(OLD_STORE)
        [(number, name, sql)] = old_sql("stores/migrations/sqlite", 1)
        connection.executescript(sql)
        connection.execute("INSERT INTO store_migration VALUES (?, ?)", (number, name))
        connection.execute("INSERT INTO article_version VALUES ('kept', 1, 'add', '{}')")
        connection.commit()
    with harness.open() as store:
        assert store.check() == f"{len(shipped) - 1} migrations to run, which `newsflow deliver` does"
        store.write([row("a")])
        assert store.check() == f"schema {shipped[-1][0]}"
    assert harness.current() == shown([row("a")])
    assert harness.versions() == [("a", 1), ("kept", 1)]
    assert migrations_in(harness.path, "store_migration") == shipped


@pytest.mark.parametrize("schema", ["public", "newsflow_store"])
def test_a_store_of_version_0_1_in_postgresql(postgres: LocalPostgres, schema: str) -> None:
    import psycopg

    harness = PostgresHarness(new_database(postgres))
    shipped = [(each.number, each.name) for each in migrations_of("postgresql").shipped()]
    [(number, name, sql)] = old_sql("stores/migrations/postgresql", 1)
    with psycopg.connect(harness.url) as connection:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}".encode())
        connection.execute(f"SET search_path = {schema}".encode())
        connection.execute(OLD_STORE)
        connection.execute(sql.encode())
        connection.execute("INSERT INTO store_migration VALUES (%s, %s)", (number, name))
        connection.execute("INSERT INTO article_version VALUES ('kept', 1, 'add', '{}')")
    with harness.open() as store:
        store.write([row("a")])
        assert store.check() == f"schema {shipped[-1][0]}"
    assert harness.current() == shown([row("a")])
    assert harness.versions() == [("a", 1), ("kept", 1)]
    assert migrations_in(harness.url, "newsflow_store.store_migration") == shipped
    harness.close()


@pytest.mark.parametrize("migrations", ALL, ids=lambda each: each.folder)
def test_files_are_numbered_in_order_and_split_whole(migrations: MigrationSet) -> None:
    shipped = migrations.shipped()
    numbers = [each.number for each in shipped]
    assert numbers == sorted(set(numbers)), "a number may be free, and is never given twice"
    for each in shipped:
        assert each.statements()
        assert "".join("".join(each.statements()).split()) == "".join(each.sql.split())


def test_a_store_of_a_newer_release_is_refused(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    with harness.open() as store:
        store.write([row("a")])
    with closing(sqlite3.connect(harness.path)) as connection:
        connection.execute("INSERT INTO store_migration VALUES (9999, '9999_future')")
        connection.commit()
    for call in (lambda: SqliteStore(harness.path).check(), lambda: SqliteStore(harness.path).write([row("b")])):
        with pytest.raises(SinkError, match=r"the store has migration 9999, .* use the newer release"):
            call()


def test_half_a_set_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (
        Migration(1, "0001_one", "CREATE TABLE one (a TEXT);\n"),
        Migration(2, "0002_two", "CREATE TABEL;\n"),
    )
    monkeypatch.setattr(MigrationSet, "shipped", lambda _: [first, second])
    with pytest.raises(SinkError, match="syntax error"):
        SqliteStore(tmp_path / "store.sqlite3").write([row("a")])
    with pytest.raises(LedgerError, match="syntax error"):
        open_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3")
    for name in ("store", "ledger"):
        with closing(sqlite3.connect(tmp_path / f"{name}.sqlite3")) as connection:
            assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_every_migration_behind_version_0_1_has_a_way_back() -> None:
    for each in ALL:
        last_of_0_1 = 5 if each is LEDGER else 1
        assert set(each.ways_back()) == {migration.number for migration in each.shipped()} - set(
            range(1, last_of_0_1 + 1)
        )
        names = {migration.number: migration.name for migration in each.shipped()}
        assert all(names[number] == way.name for number, way in each.ways_back().items())


def test_the_way_back_leaves_the_tables_of_version_0_1(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"

    def tables() -> list[tuple[str, str]]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()

    with closing(sqlite3.connect(path)) as connection:
        connection.execute(OLD_LEDGER)
        for number, name, sql in old_sql("ledger/migrations", 5):
            connection.executescript(sql)
            connection.execute("INSERT INTO migration VALUES (?, ?)", (number, name))
        connection.commit()
    before = tables()
    with closing(SqliteDatabase(str(path))) as db:
        assert [each.number for each in migrate(db)] == [6, 7, 8, 9, 10, 11, 12, 13, 14, 15]
        assert tables() != before
        assert [each.number for each in take_back(db, 5)] == [15, 14, 13, 12, 11, 10, 9, 8, 7, 6]
        assert tables() == before
        db.run(lambda: db.execute("INSERT INTO migration (number, name) VALUES (99, 'later')"))
        with pytest.raises(LedgerError, match="use the newer release"):
            take_back(db, 5)


def test_the_way_back_of_a_store_in_sqlite_leaves_what_version_0_1_made(tmp_path: Path) -> None:
    store, path = migrations_of("sqlite"), tmp_path / "store.sqlite3"
    with SqliteStore(path) as made:
        made.write([row("a"), row("b")])
    with closing(sqlite3.connect(path)) as connection, closing(sqlite3.connect(":memory:")) as old:
        store.take_back(connection.execute, 1, {each.number for each in store.shipped()})
        old.executescript(OLD_STORE + ";" + old_sql("stores/migrations/sqlite", 1)[0][2])
        query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'article_search_%' ORDER BY name"
        sides = [
            [
                (name, " ".join((sql or "").split()).replace("IF NOT EXISTS ", "").lower())
                for name, sql in each.execute(query)
            ]
            for each in (connection, old)
        ]
        assert sides[0] == sides[1]
        found = connection.execute("SELECT rowid FROM article_search WHERE article_search MATCH 'version'").fetchall()
        assert len(found) == 2


def test_a_ledger_that_is_written_can_be_opened_and_read(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    with closing(open_ledger(url)), closing(sqlite3.connect(tmp_path / "ledger.sqlite3", isolation_level=None)) as job:
        job.execute("BEGIN IMMEDIATE")
        with closing(open_ledger(url, retry_for_s=0.1)) as second:
            assert sum(second.outcomes().values()) == 0
        job.execute("ROLLBACK")
