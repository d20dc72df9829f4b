"""Articles in PostgreSQL: the current state, all versions, topics, and a full-text index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from newsflow.errors import SinkError
from newsflow.migrations import Migration
from newsflow.stores.contract import Refused, StoreRow, first_line, newest, unique
from newsflow.stores.sql import CHANGED, COLUMNS, FORGET, SqlStore, current_values, describe_state, migrations_of, move

SCHEMA = "newsflow_store"
"""The tables' own schema: the ledger has an `article` too, and may live in the same database."""
_TABLES = ("article", "article_version", "article_topic", "store_migration")
_MIGRATIONS = migrations_of("postgresql")
_LOCK = 0x6E657773666C6F77
_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_article (
    id text, version bigint, withdrawn boolean, source text, url text, guid text, title text, body text,
    language text, published_at timestamptz, published_text text, first_seen timestamptz, agency text,
    word_count bigint, content_hash text, story text, words text, topics jsonb
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS staged_version (
    id text, version bigint, action text, article jsonb
) ON COMMIT DELETE ROWS;
"""
_VERSIONS = """
INSERT INTO article_version (id, version, action, article)
SELECT id, version, action, article FROM staged_version ORDER BY id, version ON CONFLICT DO NOTHING
"""
# PostgreSQL has no stemmer for most of the languages of news, hence `simple`. In a database with the C locale it
# would leave capitals beyond ASCII as they are, hence a collation that knows them. A tsvector has at most 1 MB,
# hence the cut.
_SEARCH = (
    "setweight(to_tsvector('simple', lower(left(title, 2000) COLLATE {collation})), 'A') || "
    "setweight(to_tsvector('simple', lower(left(body, 100000) COLLATE {collation})), 'B') || "
    "setweight(to_tsvector('simple', left(words, 100000)), 'B')"
)
_COLLATIONS = ("pg_c_utf8", "und-x-icu", "C.utf8", "en_US.utf8")
# In the order of ids, so that two writers with the same articles wait for each other and never in a circle.
_UPSERT = f"""
INSERT INTO article ({COLUMNS}, search) SELECT {COLUMNS}, {_SEARCH} FROM staged_article ORDER BY id
ON CONFLICT (id) DO UPDATE SET {CHANGED}, search = excluded.search
WHERE excluded.version > article.version
RETURNING id
"""
_TOPICS = """
INSERT INTO article_topic (topic, article_id, scheme, code, score)
SELECT topic ->> 'id', staged.id, topic ->> 'scheme', topic ->> 'code', (topic ->> 'score')::double precision
FROM staged_article staged, jsonb_array_elements(staged.topics) topic WHERE staged.id = ANY(%s)
RETURNING article_id, topic
"""
# Under a lock that is held to the end of the transaction: who has read up to a number finds no smaller one later. It
# is taken last, so that other writers wait for no more than this.
_CHANGES = """
INSERT INTO article_change (no, article_id, version)
SELECT (SELECT COALESCE(max(no), 0) FROM article_change) + row_number() OVER (ORDER BY first_seen, id), id, version
FROM article WHERE id = ANY(%s) RETURNING article_id, no
"""


class PostgresStore(SqlStore):
    """Articles in the database at `url`; its tables are made, and brought to this release, at the first write."""

    name = "postgresql"

    def __init__(self, url: str, connect_s: int = 10) -> None:
        self.url, self.connect_s = url, connect_s
        self._connection: psycopg.Connection[Any] | None = None
        self._upsert = ""

    @classmethod
    def from_url(cls, url: str) -> PostgresStore:
        return cls(url)

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one transaction a batch, by COPY."""
        try:
            return self._write_or_split(self._open(), unique(rows))
        except psycopg.Error as error:
            self.close()
            raise SinkError(f"the PostgreSQL store cannot be written: {first_line(error)}") from error

    def forget(self, article_id: str, before: int) -> int:
        try:
            connection = self._open()
            with connection.transaction():
                for sql in FORGET[1:]:
                    connection.execute(sql.format("%s"), (article_id, before))
                return connection.execute(FORGET[0].format("%s"), (article_id, before)).rowcount
        except psycopg.Error as error:
            self.close()
            raise SinkError(f"the PostgreSQL store cannot be written: {first_line(error)}") from error

    def check(self) -> str:
        try:
            with self._connect() as connection:
                return describe_state(_MIGRATIONS, _applied(connection))
        except psycopg.Error as error:
            raise SinkError(f"the PostgreSQL store cannot be reached: {first_line(error)}") from error

    def migrate(self, back_to: int | None = None, *, dry_run: bool = False) -> list[Migration]:
        self.close()  # the next write brings the tables to this release again
        try:
            with self._connect() as connection:
                if back_to is not None and not _applied(connection):
                    return []
                return _migrate(connection, back_to, dry_run)
        except psycopg.Error as error:
            raise SinkError(f"the PostgreSQL store cannot be migrated: {first_line(error)}") from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.url, autocommit=True, connect_timeout=self.connect_s)

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = self._connect()
            self._connection.execute("SET client_min_messages = warning")
            _migrate(self._connection)
            self._connection.execute(_STAGING)
            self._upsert = _UPSERT.format(collation=_collation(self._connection))
        return self._connection

    def _write_or_split(self, connection: psycopg.Connection[Any], rows: Sequence[StoreRow]) -> list[Refused]:
        """Write a batch; when the data of some row is refused, its halves, down to the rows that are."""
        if not rows:
            return []
        try:
            with connection.transaction():
                self._write(connection, rows)
            return []
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded, psycopg.IntegrityError, ValueError) as error:
            if len(rows) == 1:
                return [Refused(rows[0], first_line(error))]
        half = len(rows) // 2
        return self._write_or_split(connection, rows[:half]) + self._write_or_split(connection, rows[half:])

    def _write(self, connection: psycopg.Connection[Any], rows: Sequence[StoreRow]) -> None:
        with connection.cursor() as cursor:
            with cursor.copy("COPY staged_version FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row.key, row.article.action.value, row.value.decode("utf-8")))
            with cursor.copy("COPY staged_article FROM STDIN") as copy:
                for row in newest(rows):
                    copy.write_row(_staged_values(row))
            cursor.execute(_VERSIONS)
            changed = [each[0] for each in cursor.execute(self._upsert)]
            gone = cursor.execute(
                "DELETE FROM article_topic WHERE article_id = ANY(%s) RETURNING article_id, topic", (changed,)
            )
            topics = set(gone.fetchall())
            topics |= set(cursor.execute(_TOPICS, (changed,)).fetchall())
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK + 1,))
            numbers = dict(cursor.execute(_CHANGES, (changed,)).fetchall())
            rows_of = sorted((topic, numbers[article_id]) for article_id, topic in topics)
            cursor.executemany("INSERT INTO article_change_topic (topic, no) VALUES (%s, %s)", rows_of)


def _migrate(connection: psycopg.Connection[Any], back_to: int | None = None, dry_run: bool = False) -> list[Migration]:
    with connection.transaction(force_rollback=dry_run):
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _enter_schema(connection)
        return move(_MIGRATIONS, lambda each: connection.execute(each.encode()), _applied(connection), back_to, dry_run)


def _applied(connection: psycopg.Connection[Any]) -> set[int]:
    table = f"{SCHEMA}.{_MIGRATIONS.table}"
    if connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone() != (True,):
        return set()
    return {row[0] for row in connection.execute(f"SELECT number FROM {table}".encode())}


def _enter_schema(connection: psycopg.Connection[Any]) -> None:
    """Use the store's own schema from here on, and move the tables there that an earlier release made beside it."""
    found = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL, current_schemas(false)", (SCHEMA,)).fetchone()
    assert found is not None
    exists, schemas = found
    if not exists:
        connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        for schema in schemas:
            _move_tables(connection, schema)
    connection.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(SCHEMA)))


def _move_tables(connection: psycopg.Connection[Any], schema: str) -> None:
    there = "SELECT to_regclass(format('%%I.store_migration', %s::text)) IS NOT NULL"
    if connection.execute(there, (schema,)).fetchone() != (True,):
        return
    for table in _TABLES:
        move = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
        connection.execute(move.format(sql.Identifier(schema, table), sql.Identifier(SCHEMA)))


def _collation(connection: psycopg.Connection[Any]) -> str:
    """A collation that knows all letters, quoted; the database's own where the server has none we know."""
    known_to_us = "SELECT collname FROM pg_collation WHERE collname = ANY(%s) AND collencoding IN (-1, 6)"
    known = {row[0] for row in connection.execute(known_to_us, (list(_COLLATIONS),))}
    best = next((name for name in _COLLATIONS if name in known), "default")
    return f'"{best}"'


def _staged_values(row: StoreRow) -> tuple[Any, ...]:
    topics = [
        {"id": each.id, "scheme": each.scheme, "code": each.code, "score": each.score}
        for each in {each.id: each for each in row.shown.topics}.values()
    ]
    return *current_values(row, lambda at: at), Jsonb(topics, dumps=orjson.dumps)
