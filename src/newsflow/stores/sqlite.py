"""Articles in one SQLite file: the current state, all versions, topics, and a full-text index."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from newsflow.errors import ConfigError, SinkError, in_words
from newsflow.migrations import Migration
from newsflow.model.headers import instant_text
from newsflow.stores.contract import Refused, StoreRow, newest, path_of, separate_refused
from newsflow.stores.sql import CHANGED, COLUMNS, FORGET, SqlStore, current_values, describe_state, migrations_of, move

_UPSERT = (
    f"INSERT INTO article ({COLUMNS}) VALUES ({', '.join('?' * 17)}) "
    f"ON CONFLICT (id) DO UPDATE SET {CHANGED} WHERE excluded.version > article.version"
)
_VERSION = "INSERT INTO article_version (id, version, action, article) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_TOPIC = "INSERT INTO article_topic (topic, article_id, scheme, code, score) VALUES (?, ?, ?, ?, ?)"
_MIGRATIONS = migrations_of("sqlite")


class SqliteStore(SqlStore):
    """Articles in the file at `path`, made with its folders when it is missing. `busy_s`: how long another writer
    is waited for."""

    name = "sqlite"

    def __init__(self, path: Path, busy_s: float = 10.0) -> None:
        self.path, self.busy_s = path, busy_s
        self._connection: sqlite3.Connection | None = None

    @classmethod
    def from_url(cls, url: str) -> SqliteStore:
        return cls(path_of(url))

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one transaction a batch. Raises `ConfigError` for a file that holds a ledger."""
        good, refused = separate_refused(rows, _problem)
        try:
            connection = self._open()
            with _transaction(connection):
                _write(connection, good)
        except ConfigError:
            self.close()
            raise
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise SinkError(f"the store {self.path} cannot be written: {in_words(error)}") from error
        return refused

    def forget(self, article_id: str, before: int) -> int:
        try:
            connection = self._open()
            connection.execute("PRAGMA secure_delete = ON")  # else the text stays in the file, in pages of nobody
            with _transaction(connection):
                for sql in FORGET[1:]:
                    connection.execute(sql.format("?"), (article_id, before))
                removed = connection.execute(FORGET[0].format("?"), (article_id, before)).rowcount
            connection.execute("INSERT INTO article_search (article_search) VALUES ('optimize')")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return removed
        except (OSError, sqlite3.Error) as error:
            self.close()
            raise SinkError(f"the store {self.path} cannot be written: {in_words(error)}") from error

    def ids(self) -> list[str]:
        """The ids of all articles, withdrawn ones too."""
        return [row[0] for row in self._open().execute("SELECT id FROM article ORDER BY id")]

    def remove(self, ids: Iterable[str]) -> None:
        """Forget articles with all their versions. Their changes stay, as numbers are never given again."""
        gone, connection = [(each,) for each in ids], self._open()
        with _transaction(connection):
            for table, column in (("article_topic", "article_id"), ("article_version", "id"), ("article", "id")):
                connection.executemany(f"DELETE FROM {table} WHERE {column} = ?", gone)

    def check(self) -> str:
        if not self.path.exists():
            return "not made yet"
        url = f"{self.path.absolute().as_uri()}?mode=ro"
        try:
            with closing(sqlite3.connect(url, self.busy_s, uri=True)) as connection:
                return describe_state(_MIGRATIONS, self._applied(connection))
        except sqlite3.Error as error:
            raise SinkError(f"the store {self.path} cannot be read: {error}") from error

    def migrate(self, back_to: int | None = None, *, dry_run: bool = False) -> list[Migration]:
        if not self.path.exists() and (dry_run or back_to is not None):
            return [] if back_to is not None else _MIGRATIONS.shipped()
        self.close()  # the next write brings the tables to this release again
        try:
            with closing(self._connect()) as connection, _transaction(connection):
                return move(_MIGRATIONS, connection.execute, self._applied(connection), back_to, dry_run)
        except (OSError, sqlite3.Error) as error:
            raise SinkError(f"the store {self.path} cannot be migrated: {in_words(error)}") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._connect()
            with _transaction(self._connection):
                _MIGRATIONS.run(self._connection.execute, self._applied(self._connection))
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, self.busy_s, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _applied(self, connection: sqlite3.Connection) -> set[int]:
        """Numbers of the migrations that the file has. Raises `ConfigError` when it holds a ledger."""
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if _MIGRATIONS.table in tables:
            return {row[0] for row in connection.execute(f"SELECT number FROM {_MIGRATIONS.table}")}
        if "migration" in tables:
            # Both have a table `article`, and one writer at a time: neither would do the other good.
            raise ConfigError(f"the file {self.path} holds a ledger; a store needs a file of its own")
        return set()


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _write(connection: sqlite3.Connection, rows: Sequence[StoreRow]) -> None:
    connection.executemany(_VERSION, [(*row.key, row.article.action.value, row.value.decode("utf-8")) for row in rows])
    for row in sorted(newest(rows), key=lambda each: each.article.first_seen):
        if connection.execute(_UPSERT, current_values(row, instant_text)).rowcount:
            _replace_topics(connection, row)


def _replace_topics(connection: sqlite3.Connection, row: StoreRow) -> None:
    """Replace the topics of an article, and note that it changed under those that it has and had."""
    gone = connection.execute("DELETE FROM article_topic WHERE article_id = ? RETURNING topic", row.key[:1]).fetchall()
    topics = {topic.id: topic for topic in row.shown.topics}
    connection.executemany(
        _TOPIC, [(each.id, row.article.id, each.scheme, each.code, each.score) for each in topics.values()]
    )
    change = connection.execute("INSERT INTO article_change (article_id, version) VALUES (?, ?)", row.key).lastrowid
    changed = topics.keys() | {topic for (topic,) in gone}
    connection.executemany(
        "INSERT INTO article_change_topic (topic, no) VALUES (?, ?)", [(topic, change) for topic in sorted(changed)]
    )


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
