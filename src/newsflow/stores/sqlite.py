"""Articles in one SQLite file: the current state, all versions, topics, and a full-text index."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from newsflow.errors import ConfigError, SinkError
from newsflow.model import Article
from newsflow.model.headers import instant_text
from newsflow.stores import migrations
from newsflow.stores.contract import Refused, Store, StoreRow, newest, published_instant, published_wall

_COLUMNS = (
    "id, version, withdrawn, source, url, guid, title, body, language, published_at, published_text, first_seen, "
    "agency, word_count, content_hash, story"
)
_CHANGED = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[1:])
_UPSERT = (
    f"INSERT INTO article ({_COLUMNS}) VALUES ({', '.join('?' * 16)}) "
    f"ON CONFLICT (id) DO UPDATE SET {_CHANGED} WHERE excluded.version > article.version"
)
_VERSION = "INSERT INTO article_version (id, version, action, article) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_TOPIC = "INSERT INTO article_topic (topic, article_id, scheme, code, score) VALUES (?, ?, ?, ?, ?)"


class SqliteStore(Store):
    """Articles in the file at `path`, made with its folders when it is missing. `busy_s`: how long another writer
    is waited for."""

    name = "sqlite"

    def __init__(self, path: Path, busy_s: float = 10.0) -> None:
        self.path, self.busy_s = path, busy_s
        self._connection: sqlite3.Connection | None = None

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one transaction a batch. Raises `ConfigError` for a file that holds a ledger."""
        try:
            connection = self._open()
            refused = [Refused(row, problem) for row in rows if (problem := _problem(row))]
            bad = {id(each.row) for each in refused}
            good = [row for row in rows if id(row) not in bad]
            _in_transaction(connection, lambda: _write(connection, good))
            return refused
        except ConfigError:
            self.close()
            raise
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise SinkError(f"the store {self.path} cannot be written: {error}") from error

    def check(self) -> str:
        """See `Store.check`."""
        if not self.path.exists():
            return "not made yet"
        try:
            with closing(
                sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", self.busy_s, uri=True)
            ) as connection:
                _refuse_ledger(connection, self.path)
                return migrations.state("sqlite", _applied(connection))
        except sqlite3.Error as error:
            raise SinkError(f"the store {self.path} cannot be read: {error}") from error

    def close(self) -> None:
        """See `Store.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(self.path, self.busy_s, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            _refuse_ledger(self._connection, self.path)
            _migrate(self._connection)
        return self._connection


def _refuse_ledger(connection: sqlite3.Connection, path: Path) -> None:
    """Both have a table `article`, and one writer at a time: neither would do the other good."""
    names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "migration" in names and "store_migration" not in names:
        raise ConfigError(f"the file {path} holds a ledger; a store needs a file of its own")


def _applied(connection: sqlite3.Connection) -> set[int]:
    there = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'store_migration'").fetchone()
    return {row[0] for row in connection.execute("SELECT number FROM store_migration")} if there else set()


def _migrate(connection: sqlite3.Connection) -> None:
    def work() -> None:
        connection.execute(migrations.TABLE)
        for migration in migrations.pending("sqlite", _applied(connection)):
            for statement in _statements(migration.sql):
                connection.execute(statement)
            connection.execute("INSERT INTO store_migration VALUES (?, ?)", (migration.number, migration.name))

    _in_transaction(connection, work)


def _statements(sql: str) -> list[str]:
    """A file's statements; a trigger has semicolons within, so sqlite itself says where one is complete."""
    statements, lines = [], ""
    for line in sql.splitlines():
        lines += line + "\n"
        if sqlite3.complete_statement(lines):
            statements.append(lines)
            lines = ""
    return statements


def _in_transaction(connection: sqlite3.Connection, work: Callable[[], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        work()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _write(connection: sqlite3.Connection, rows: Sequence[StoreRow]) -> None:
    connection.executemany(_VERSION, [(*row.key, row.article.action.value, row.value.decode("utf-8")) for row in rows])
    for row in newest(rows):
        if connection.execute(_UPSERT, current_values(row)).rowcount:
            article = row.article
            connection.execute("DELETE FROM article_topic WHERE article_id = ?", (article.id,))
            topics = () if row.withdrawn else article.topics
            connection.executemany(
                _TOPIC, [(topic.id, article.id, topic.scheme, topic.code, topic.score) for topic in topics]
            )


def current_values(row: StoreRow) -> tuple[Any, ...]:
    """Return the columns of the current state; a withdrawn article keeps its place and loses its text."""
    article = row.article
    at = published_instant(article)
    return (
        *row.key,
        int(row.withdrawn),
        article.source,
        article.url,
        article.guid,
        "" if row.withdrawn else article.title,
        "" if row.withdrawn else article.body,
        article.language,
        None if at is None else instant_text(at),
        published_wall(article),
        _first_seen(article),
        article.agency,
        article.word_count,
        article.content_hash,
        article.story,
    )


def _first_seen(article: Article) -> str:
    return instant_text(article.first_seen)


def _problem(row: StoreRow) -> str:
    """What SQLite would not take; its integers have 64 bits."""
    for name, number in (("version", row.article.version), ("word_count", row.article.word_count)):
        if not -(2**63) <= number < 2**63:
            return f"{name} {number} does not fit into 64 bits"
    try:
        row.value.decode("utf-8")
    except UnicodeDecodeError as error:
        return f"the article is not UTF-8: {error}"
    return ""
