"""Articles in PostgreSQL: the current state, all versions, topics, and a full-text index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from newsflow.errors import SinkError
from newsflow.stores import migrations
from newsflow.stores.contract import Refused, Store, StoreRow, newest, published_instant, published_wall, unique

SCHEMA = "newsflow_store"
"""The tables' own schema: the ledger has an `article` too, and may live in the same database."""
_TABLES = ("article", "article_version", "article_topic", "store_migration")
_NUMBERS = "SELECT number FROM {}.store_migration"
_LOCK = 0x6E657773666C6F77
_CURRENT = (
    "id, version, withdrawn, source, url, guid, title, body, language, published_at, published_text, first_seen, "
    "agency, word_count, content_hash, story"
)
_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_article (
    id text, version bigint, withdrawn boolean, source text, url text, guid text, title text, body text,
    language text, published_at timestamptz, published_text text, first_seen timestamptz, agency text,
    word_count bigint, content_hash text, story text, topics jsonb
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
    "setweight(to_tsvector('simple', lower(left(body, 100000) COLLATE {collation})), 'B')"
)
_COLLATIONS = ("pg_c_utf8", "und-x-icu", "C.utf8", "en_US.utf8")
# In the order of ids, so that two writers with the same articles wait for each other and never in a circle.
_UPSERT = f"""
INSERT INTO article ({_CURRENT}, search) SELECT {_CURRENT}, {_SEARCH} FROM staged_article ORDER BY id
ON CONFLICT (id) DO UPDATE SET {", ".join(f"{name} = excluded.{name}" for name in _CURRENT.split(", ")[1:])},
search = excluded.search
WHERE excluded.version > article.version
RETURNING id
"""
_TOPICS = """
INSERT INTO article_topic (topic, article_id, scheme, code, score)
SELECT topic ->> 'id', staged.id, topic ->> 'scheme', topic ->> 'code', (topic ->> 'score')::double precision
FROM staged_article staged, jsonb_array_elements(staged.topics) topic WHERE staged.id = ANY(%s)
"""


class PostgresStore(Store):
    """Articles in the database at `url`; its tables are made, and brought to this release, at the first write."""

    name = "postgresql"

    def __init__(self, url: str, connect_s: int = 10) -> None:
        self.url, self.connect_s = url, connect_s
        self._connection: psycopg.Connection[Any] | None = None
        self._upsert = ""

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one transaction a batch, by COPY."""
        try:
            return self._write_or_split(self._open(), unique(rows))
        except psycopg.Error as error:
            self.close()
            raise SinkError(f"the PostgreSQL store cannot be written: {_words(error)}") from error

    def check(self) -> str:
        """See `Store.check`."""
        table = f"{SCHEMA}.store_migration"
        try:
            with psycopg.connect(self.url, autocommit=True, connect_timeout=self.connect_s) as connection:
                there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,)).fetchone() == (True,)
                numbers = connection.execute(sql.SQL(_NUMBERS).format(sql.Identifier(SCHEMA))) if there else ()
                return migrations.state("postgresql", {row[0] for row in numbers})
        except psycopg.Error as error:
            raise SinkError(f"the PostgreSQL store cannot be reached: {_words(error)}") from error

    def close(self) -> None:
        """See `Store.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection[Any]:
        if self._connection is None:
            self._connection = psycopg.connect(self.url, autocommit=True, connect_timeout=self.connect_s)
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
                return [Refused(rows[0], _words(error))]
        half = len(rows) // 2
        return self._write_or_split(connection, rows[:half]) + self._write_or_split(connection, rows[half:])

    def _write(self, connection: psycopg.Connection[Any], rows: Sequence[StoreRow]) -> None:
        with connection.cursor() as cursor:
            with cursor.copy("COPY staged_version FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row.key, row.article.action.value, row.value.decode("utf-8")))
            with cursor.copy("COPY staged_article FROM STDIN") as copy:
                for row in newest(rows):
                    copy.write_row(_current_values(row))
            cursor.execute(_VERSIONS)
            changed = [each[0] for each in cursor.execute(self._upsert)]
            cursor.execute("DELETE FROM article_topic WHERE article_id = ANY(%s)", (changed,))
            cursor.execute(_TOPICS, (changed,))


def _migrate(connection: psycopg.Connection[Any]) -> None:
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        _settle(connection)
        connection.execute(migrations.TABLE)
        applied = {row[0] for row in connection.execute("SELECT number FROM store_migration")}
        for migration in migrations.pending("postgresql", applied):
            connection.execute(migration.sql)
            connection.execute("INSERT INTO store_migration VALUES (%s, %s)", (migration.number, migration.name))


def _settle(connection: psycopg.Connection[Any]) -> None:
    """Work in the store's own schema from here on, which gets the tables that an earlier release made beside it."""
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


def _current_values(row: StoreRow) -> tuple[Any, ...]:
    article = row.article
    topics = [
        {"id": each.id, "scheme": each.scheme, "code": each.code, "score": each.score}
        for each in ({each.id: each for each in article.topics}.values() if not row.withdrawn else ())
    ]
    return (
        *row.key,
        row.withdrawn,
        article.source,
        article.url,
        article.guid,
        "" if row.withdrawn else article.title,
        "" if row.withdrawn else article.body,
        article.language,
        published_instant(article),
        published_wall(article),
        article.first_seen,
        article.agency,
        article.word_count,
        article.content_hash,
        article.story,
        Jsonb(topics, dumps=orjson.dumps),
    )


def _words(error: Exception) -> str:
    """The first line of what the server said; the rest may repeat the row."""
    return (str(error).splitlines() or [type(error).__name__])[0]
