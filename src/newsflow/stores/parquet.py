"""Articles as Parquet, in hive partitions that DuckDB, Spark and pandas read as they are.

    SELECT language, count(*) FROM read_parquet('articles/**/*.parquet', hive_partitioning = true) GROUP BY 1

Every version is a row. The current state is, for each id, the row with the highest version, unless its action is
`withdraw`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from newsflow.model import Article
from newsflow.model.codec import published_text
from newsflow.stores.contract import StoreRow, first_line, published_instant
from newsflow.stores.folder import EncodingError, FolderStore, Key

_INSTANT = pa.timestamp("us", tz="UTC")
_TOPIC = pa.struct([("id", pa.string()), ("scheme", pa.string()), ("code", pa.string()), ("score", pa.float64())])
_COLUMNS: tuple[tuple[pa.Field, Callable[[Article], Any]], ...] = (
    (pa.field("id", pa.string(), nullable=False), lambda a: a.id),
    (pa.field("version", pa.int64(), nullable=False), lambda a: a.version),
    (pa.field("action", pa.string(), nullable=False), lambda a: a.action.value),
    (pa.field("source", pa.string(), nullable=False), lambda a: a.source),
    (pa.field("url", pa.string()), lambda a: a.url),
    (pa.field("guid", pa.string()), lambda a: a.guid),
    (pa.field("title", pa.string(), nullable=False), lambda a: a.title),
    (pa.field("body", pa.string(), nullable=False), lambda a: a.body),
    (pa.field("published_at", _INSTANT), published_instant),
    (pa.field("published_text", pa.string(), nullable=False), lambda a: published_text(a.published)),
    (pa.field("published_zone", pa.string(), nullable=False), lambda a: a.published.zone),
    (pa.field("published_evidence", pa.string(), nullable=False), lambda a: a.published.evidence),
    (pa.field("first_seen", _INSTANT, nullable=False), lambda a: a.first_seen),
    (pa.field("authors", pa.list_(pa.string())), lambda a: list(a.authors)),
    (pa.field("agency", pa.string()), lambda a: a.agency),
    (pa.field("word_count", pa.int64(), nullable=False), lambda a: a.word_count),
    (pa.field("content_hash", pa.string(), nullable=False), lambda a: a.content_hash),
    (pa.field("story", pa.string()), lambda a: a.story),
    (
        pa.field("topics", pa.list_(_TOPIC)),
        lambda a: [{"id": t.id, "scheme": t.scheme, "code": t.code, "score": t.score} for t in a.topics],
    ),
)
# The language is a partition and so is not a column, as in hive; the exact tag is kept beside it.
SCHEMA = pa.schema(
    [*(column for column, _ in _COLUMNS), pa.field("language_tag", pa.string(), nullable=False)],
    metadata={"newsflow.schema": "article.v1"},
)

# Only columns whose values repeat: a dictionary of texts that all differ is built for nothing.
_REPEATED = [
    *("action", "source", "published_zone", "published_evidence", "agency", "story", "language_tag"),
    *("authors.list.element", "topics.list.element.id", "topics.list.element.scheme", "topics.list.element.code"),
]
_UNWRITABLE = (pa.ArrowException, OverflowError, UnicodeError, ValueError, TypeError)


def to_table(rows: Sequence[StoreRow]) -> pa.Table:
    """Return rows as a table of `SCHEMA`. Raises `pa.ArrowException`, `OverflowError` or `UnicodeError` for a
    value no column takes."""
    columns = [pa.array([read(row.article) for row in rows], column.type) for column, read in _COLUMNS]
    columns.append(pa.array([row.article.language for row in rows], pa.string()))
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def keys_in(table: pa.Table) -> list[Key]:
    return list(zip(table["id"].to_pylist(), table["version"].to_pylist(), strict=True))


class ParquetStore(FolderStore):
    """Article versions in `.parquet` files of a folder; see `FolderStore`."""

    name = "parquet"
    suffix = ".parquet"

    def _encoder(self, rows: Sequence[StoreRow]) -> Callable[[int, int, Path], None]:
        try:
            table = to_table(rows)
        except _UNWRITABLE as error:
            raise EncodingError from error
        return lambda start, stop, path: _write_table(table.slice(start, stop - start), path)

    def _read_keys(self, path: Path) -> Iterable[Key]:
        return keys_in(pq.ParquetFile(path).read(columns=["id", "version"]))

    def _merge(self, paths: Sequence[Path], target: Path, keys: Set[Key]) -> None:
        table = pa.concat_tables([pq.ParquetFile(path).read() for path in paths], promote_options="default")
        table = table.sort_by([("id", "ascending"), ("version", "ascending")])
        found = keys_in(table)
        first = [at for at, key in enumerate(found) if key in keys and (at == 0 or key != found[at - 1])]
        _write_table(table.take(pa.array(first, pa.int64())), target)

    def _problem(self, row: StoreRow) -> str:
        return conversion_error([row])


def conversion_error(rows: Sequence[StoreRow]) -> str:
    """Say why rows cannot become a table; empty when they can."""
    try:
        to_table(rows)
    except _UNWRITABLE as error:
        return first_line(error)
    return ""


def _write_table(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd", use_dictionary=_REPEATED, write_page_index=True)
