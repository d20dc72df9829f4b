"""Articles a second into each store, beside the client library's own bulk path with the same batches.

    python benchmarks/sinks.py [--rows 20000] [--batch 500] [--opensearch URL]

The library's path writes the same rows to the same tables, files or indices, and promises less: it does not look
what is there already, does not keep an older version from winning, and cannot tell which row was refused.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from newsflow.dev.postgres import LocalPostgres, find_programs
from newsflow.errors import MissingToolError
from newsflow.model import Article, PublicationDate, TopicMatch
from newsflow.model.codec import encode_article
from newsflow.sinks.stores import Store, StoreRow
from newsflow.sinks.stores import postgresql as pg
from newsflow.sinks.stores import sqlite as lite
from newsflow.sinks.stores.jsonl import JsonLinesStore
from newsflow.sinks.stores.layout import partition_of, sync
from newsflow.sinks.stores.parquet import ParquetStore, to_table

WORDS = ["порт", "суд", "الميناء", "المدينة", "harbour", "council", "river", "دمشق", "переговоры", "strike", "водa"]
Batches = Sequence[Sequence[StoreRow]]


def main() -> None:
    """Print one line a store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--opensearch", help="URL of a running node")
    options = parser.parse_args()
    batches = list(_batches(options.rows, options.batch))
    print(f"{options.rows} articles of about 1,800 characters, {options.batch} a batch; articles a second")
    with tempfile.TemporaryDirectory() as name:
        for kind, ours, theirs in _contests(Path(name), options.opensearch):
            first, own = _race(batches, ours, theirs)
            print(f"{kind:12} store {first:8,.0f}   library {own:8,.0f}   ratio {first / own:.2f}", flush=True)


def _batches(rows: int, batch: int) -> Iterator[list[StoreRow]]:
    chance = random.Random(3)
    made: list[StoreRow] = []
    for at in range(rows):
        made.append(_row(at, chance))
        if len(made) == batch:
            yield made
            made = []
    if made:
        yield made


def _row(at: int, chance: random.Random) -> StoreRow:
    seen = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(seconds=at)
    article = Article(
        source=f"outlet-{at % 40}",
        title=" ".join(chance.choices(WORDS, k=9)),
        body=" ".join(f"{word}{chance.randrange(400)}" for word in chance.choices(WORDS, k=190)),
        language=("ar", "ru", "en")[at % 3],
        published=PublicationDate(seen, "explicit", "meta", seen.isoformat()),
        first_seen=seen,
        id=f"{chance.getrandbits(128):032x}",
        url=f"https://outlet.example/{at}",
        word_count=190,
        content_hash=f"{at:032x}",
        story=f"{at // 3:032x}",
        topics=(TopicMatch("syria", "iso3166", "SY", 4.0, "1", ()), TopicMatch("energy", "medtop", "1", 3.0, "1", ())),
    )
    return StoreRow(article, encode_article(replace(article)))


def _race(batches: Batches, *writers: Callable[[Sequence[StoreRow]], object]) -> list[float]:
    """Articles a second of each writer. They take turns batch by batch, so that what else the machine does is
    shared between them."""
    for write in writers:
        write(batches[0])  # what is made at the first write is not what is measured
    spent = [0.0] * len(writers)
    for number, batch in enumerate(batches[1:]):
        for at in (0, 1) if number % 2 else (1, 0):
            started = time.perf_counter()
            writers[at](batch)
            spent[at] += time.perf_counter() - started
    rows = sum(map(len, batches[1:]))
    return [rows / seconds for seconds in spent]


def _contests(folder: Path, opensearch: str | None) -> Iterator[tuple[str, Any, Any]]:
    yield "sqlite", lite.SqliteStore(folder / "ours.sqlite3").write, _sqlite(folder / "theirs.sqlite3")
    yield "parquet", ParquetStore(folder / "ours").write, _files(folder / "theirs", _parquet)
    yield "jsonl", JsonLinesStore(folder / "ours-lines").write, _files(folder / "theirs-lines", _lines)
    try:
        find_programs()
    except MissingToolError as error:
        print(f"postgresql   skipped: {error}")
    else:
        with LocalPostgres() as server:
            yield "postgresql", pg.PostgresStore(server.url).write, _postgres(server.url)
    if opensearch:
        from newsflow.sinks.stores.opensearch import OpenSearchStore

        yield "opensearch", OpenSearchStore(opensearch, f"bench-{time.time_ns()}").write, _opensearch(opensearch)


def _sqlite(path: Path) -> Callable[[Sequence[StoreRow]], object]:
    _made(lite.SqliteStore(path))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    columns = lite._COLUMNS

    def write(rows: Sequence[StoreRow]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        versions = [(*row.key, "add", row.value.decode()) for row in rows]
        connection.executemany("INSERT INTO article_version VALUES (?, ?, ?, ?)", versions)
        marks = ", ".join("?" * 16)
        current = [lite.current_values(row) for row in rows]
        connection.executemany(f"INSERT INTO article ({columns}) VALUES ({marks})", current)
        connection.executemany("INSERT INTO article_topic VALUES (?, ?, ?, ?, ?)", list(_topics(rows)))
        connection.execute("COMMIT")

    return write


def _postgres(url: str) -> Callable[[Sequence[StoreRow]], object]:
    import psycopg

    admin = psycopg.connect(url, autocommit=True)
    admin.execute("CREATE DATABASE theirs")
    admin.close()
    url = url.rsplit("/", 1)[0] + "/theirs"
    _made(pg.PostgresStore(url))
    connection = psycopg.connect(url, autocommit=True)
    search = pg._SEARCH.format(collation=pg._collation(connection)).replace("title", "%(title)s::text").replace(
        "body", "%(body)s::text"
    )  # fmt: skip
    names = pg._CURRENT.split(", ")
    sql = f"INSERT INTO article ({pg._CURRENT}, search) VALUES ({', '.join(f'%({name})s' for name in names)}, {search})"

    def write(rows: Sequence[StoreRow]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            versions = [(*row.key, "add", row.value.decode()) for row in rows]
            cursor.executemany("INSERT INTO article_version VALUES (%s, %s, %s, %s)", versions)
            cursor.executemany(sql, [dict(zip(names, pg._current_values(row), strict=False)) for row in rows])
            cursor.executemany("INSERT INTO article_topic VALUES (%s, %s, %s, %s, %s)", list(_topics(rows)))

    return write


def _files(folder: Path, encode: Callable[[Sequence[StoreRow], Path], None]) -> Callable[[Sequence[StoreRow]], object]:
    def write(rows: Sequence[StoreRow]) -> None:
        by_partition: dict[str, list[StoreRow]] = {}
        for row in rows:
            by_partition.setdefault(partition_of(row), []).append(row)
        for partition, members in by_partition.items():
            path = folder / partition / members[0].article.id
            path.parent.mkdir(parents=True, exist_ok=True)
            encode(members, path)
            sync(path)

    return write


def _parquet(rows: Sequence[StoreRow], path: Path) -> None:
    pq.write_table(to_table(rows), path, compression="zstd", write_page_index=True)


def _lines(rows: Sequence[StoreRow], path: Path) -> None:
    path.write_bytes(b"".join(row.value + b"\n" for row in rows))


def _opensearch(url: str) -> Callable[[Sequence[StoreRow]], object]:
    import orjson
    from opensearchpy import OpenSearch, helpers

    from newsflow.sinks.stores.opensearch import OpenSearchStore, document

    store = OpenSearchStore(url, f"bench-theirs-{time.time_ns()}")
    _made(store)
    client = OpenSearch([url], timeout=60)

    def write(rows: Sequence[StoreRow]) -> None:
        actions: list[dict[str, Any]] = []
        for row in rows:
            version = {"id": row.key[0], "version": row.key[1], "article": orjson.loads(row.value)}
            actions.append({"_index": store.versions, "_id": f"{row.key[0]}/{row.key[1]}", "_source": version})
            actions.append({"_index": store.current, "_id": row.key[0], "_source": document(row)})
        helpers.bulk(client, actions)

    return write


def _topics(rows: Iterable[StoreRow]) -> Iterator[tuple[str, str, str, str, float]]:
    for row in rows:
        for topic in row.article.topics:
            yield topic.id, row.article.id, topic.scheme, topic.code, topic.score


def _made(store: Store) -> None:
    """Have the store make its tables, and leave them empty."""
    store.write([])
    store.close()


if __name__ == "__main__":
    main()
