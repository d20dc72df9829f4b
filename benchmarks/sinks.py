"""Articles a second into each store, beside the client library's own bulk path with the same batches.

    python benchmarks/sinks.py [--rows 20000] [--batch 500] [--only parquet,jsonl] [--opensearch URL]

The library's path writes the same rows to the same tables, files or indices, as durably: in one transaction, or
with each file synced, renamed and its folder synced, one after the other. It is what the goal (.8) is about. It
still promises less: it does not look what is there already, does not keep an older version from winning, and cannot
tell which row was refused. For files there are two more: `side by side` is the same with the files of a batch
written by four threads, as the store does; `bare` syncs nothing, and a power cut takes what it wrote.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pyarrow as pa
import pyarrow.dataset as pads
import pyarrow.parquet as pq
import pytest

from newsflow.errors import MissingToolError
from newsflow.leftovers import nothing_left_behind
from newsflow.model import Article, PublicationDate, TopicMatch
from newsflow.model.codec import encode_article
from newsflow.model.headers import instant_text
from newsflow.stores import postgresql as pg
from newsflow.stores import sql
from newsflow.stores import sqlite as lite
from newsflow.stores.contract import Store, StoreRow
from newsflow.stores.folder import partition_of
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.stores.manifest import sync
from newsflow.stores.parquet import ParquetStore, to_table
from newsflow.tools.postgres import LocalPostgres, find_programs
from tests.stores.opensearch_node import running_node

WORDS = ["порт", "суд", "الميناء", "المدينة", "harbour", "council", "river", "دمشق", "переговоры", "strike", "водa"]
Batches = Sequence[Sequence[StoreRow]]


@nothing_left_behind()
def main() -> None:
    """Print one line a store."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--only", help="stores, with commas between")
    parser.add_argument("--opensearch", help="URL of a running node; without it one is started from Maven's jars")
    options = parser.parse_args()
    kinds = options.only.split(",") if options.only else list(CONTESTS)
    batches = list(_batches(options.rows, options.batch))
    print(f"{options.rows} articles of about 1,800 characters, {options.batch} a batch; articles a second")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        for kind in kinds:
            folder = Path(name) / kind
            folder.mkdir()
            try:
                contest = CONTESTS[kind](folder, stack, options)
            except (MissingToolError, pytest.skip.Exception) as error:
                print(f"{kind:12} skipped: {error}")
                continue
            print(_line(kind, _race(batches, *contest)), flush=True)


def _line(kind: str, rates: Sequence[float]) -> str:
    """The store's rate, then the library's as durable, then its others where there are."""
    ours = rates[0]
    others = zip(("library", "side by side", "bare"), rates[1:], strict=False)
    line = f"{kind:12} store {ours:8,.0f}"
    return line + "".join(f"   {name} {rate:8,.0f} ratio {ours / rate:4.2f}" for name, rate in others)


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
        for turn in range(len(writers)):
            at = (number + turn) % len(writers)
            started = time.perf_counter()
            writers[at](batch)
            spent[at] += time.perf_counter() - started
    rows = sum(map(len, batches[1:]))
    return [rows / seconds for seconds in spent]


Writer = Callable[[Sequence[StoreRow]], object]


def _on_sqlite(folder: Path, stack: ExitStack, _: Any) -> tuple[Writer, ...]:
    ours = stack.enter_context(lite.SqliteStore(folder / "ours.sqlite3"))
    return ours.write, _sqlite(folder / "theirs.sqlite3")


def _on_parquet(folder: Path, stack: ExitStack, _: Any) -> tuple[Writer, ...]:
    ours = stack.enter_context(ParquetStore(folder / "ours"))
    return ours.write, *_durable(folder, _parquet), _dataset(folder / "bare")


def _on_jsonl(folder: Path, stack: ExitStack, _: Any) -> tuple[Writer, ...]:
    ours = stack.enter_context(JsonLinesStore(folder / "ours"))
    return ours.write, *_durable(folder, _lines), _files(folder / "bare", _lines, threads=1, durable=False)


def _on_postgresql(_folder: Path, stack: ExitStack, _: Any) -> tuple[Writer, ...]:
    find_programs()
    server = stack.enter_context(LocalPostgres())
    return stack.enter_context(pg.PostgresStore(server.url)).write, _postgres(server.url)


def _on_iceberg(folder: Path, stack: ExitStack, _: Any) -> tuple[Writer, ...]:
    from pyiceberg.catalog import Catalog
    from pyiceberg.catalog.sql import SqlCatalog

    from newsflow.stores.iceberg import IcebergStore

    def catalog(name: str) -> Catalog:
        (folder / name).mkdir(exist_ok=True)
        return SqlCatalog(name, uri=f"sqlite:///{folder}/{name}/catalog.db", warehouse=f"file://{folder}/{name}")

    ours = stack.enter_context(IcebergStore(lambda: catalog("ours")))
    IcebergStore(lambda: catalog("theirs"))._opened()
    theirs = catalog("theirs").load_table("newsflow.article_version")
    return ours.write, lambda rows: theirs.append(to_table(rows))


def _on_opensearch(folder: Path, stack: ExitStack, options: Any) -> tuple[Writer, ...]:
    from newsflow.stores.opensearch import OpenSearchStore

    url = options.opensearch or stack.enter_context(running_node(folder))
    return stack.enter_context(OpenSearchStore(url, f"bench-{time.time_ns()}")).write, _opensearch(url)


CONTESTS: dict[str, Callable[[Path, ExitStack, Any], tuple[Writer, ...]]] = {
    "sqlite": _on_sqlite,
    "parquet": _on_parquet,
    "jsonl": _on_jsonl,
    "postgresql": _on_postgresql,
    "iceberg": _on_iceberg,
    "opensearch": _on_opensearch,
}
"""Each: the store's way to write a batch, the library's as durable, and its bare one where that is another."""


def _sqlite(path: Path) -> Callable[[Sequence[StoreRow]], object]:
    _made(lite.SqliteStore(path))
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    columns = sql.COLUMNS

    def write(rows: Sequence[StoreRow]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        versions = [(*row.key, "add", row.value.decode()) for row in rows]
        connection.executemany("INSERT INTO article_version VALUES (?, ?, ?, ?)", versions)
        marks = ", ".join("?" * 16)
        current = [sql.current_values(row, instant_text) for row in rows]
        connection.executemany(f"INSERT INTO article ({columns}) VALUES ({marks})", current)
        connection.executemany("INSERT INTO article_topic VALUES (?, ?, ?, ?, ?)", list(_topics(rows)))
        connection.execute("COMMIT")

    return write


def _postgres(url: str) -> Callable[[Sequence[StoreRow]], object]:
    """COPY into the tables; the current state by way of a temporary one, since the full text is computed there."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE theirs")
    url = url.rsplit("/", 1)[0] + "/theirs"
    _made(pg.PostgresStore(url))
    connection = psycopg.connect(url, autocommit=True)
    connection.execute(f"SET search_path = {pg.SCHEMA}")
    connection.execute(pg._STAGING)
    search = pg._SEARCH.format(collation=pg._collation(connection))
    current = f"INSERT INTO article ({sql.COLUMNS}, search) SELECT {sql.COLUMNS}, {search} FROM staged_article"

    def write(rows: Sequence[StoreRow]) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy("COPY article_version FROM STDIN") as copy:
                for row in rows:
                    copy.write_row((*row.key, "add", row.value.decode()))
            with cursor.copy("COPY staged_article FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(pg._staged_values(row))
            cursor.execute(current)
            with cursor.copy("COPY article_topic FROM STDIN") as copy:
                for topic in _topics(rows):
                    copy.write_row(topic)

    return write


Encode = Callable[[Sequence[StoreRow], Path], None]


def _durable(folder: Path, encode: Encode) -> tuple[Writer, Writer]:
    return tuple(_files(folder / f"{n}-threads", encode, threads=n, durable=True) for n in (1, 4))  # type: ignore[return-value]


def _files(folder: Path, encode: Encode, *, threads: int, durable: bool) -> Writer:
    """A file a partition; durable: synced, renamed and its folder synced."""
    pool = ThreadPoolExecutor(threads)

    def put(path: Path, members: Sequence[StoreRow]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not durable:
            encode(members, path)
            return
        temporary = path.with_suffix(".tmp")
        encode(members, temporary)
        sync(temporary)
        temporary.replace(path)
        sync(path.parent)

    def write(rows: Sequence[StoreRow]) -> None:
        by_partition: dict[str, list[StoreRow]] = {}
        for row in rows:
            by_partition.setdefault(partition_of(row), []).append(row)
        paths = [folder / partition / members[0].article.id for partition, members in by_partition.items()]
        list(pool.map(put, paths, by_partition.values()))

    return write


def _parquet(rows: Sequence[StoreRow], path: Path) -> None:
    pq.write_table(to_table(rows), path, compression="zstd", write_page_index=True)


def _dataset(folder: Path) -> Callable[[Sequence[StoreRow]], object]:
    """pyarrow's own writer of partitions: parallel within, nothing synced."""
    kind = pads.ParquetFileFormat()
    hive = pads.partitioning(pa.schema([("date", pa.string()), ("language", pa.string())]), flavor="hive")

    def write(rows: Sequence[StoreRow]) -> None:
        table = to_table(rows)
        days = pa.array([row.article.first_seen.date().isoformat() for row in rows], pa.string())
        table = table.append_column("date", days).append_column("language", table["language_tag"])
        pads.write_dataset(
            table, folder, format=kind, partitioning=hive, existing_data_behavior="overwrite_or_ignore",
            basename_template=f"{rows[0].article.id}-{{i}}.parquet",
            file_options=kind.make_write_options(compression="zstd", write_page_index=True),
        )  # fmt: skip

    return write


def _lines(rows: Sequence[StoreRow], path: Path) -> None:
    path.write_bytes(b"".join(row.value + b"\n" for row in rows))


def _opensearch(url: str) -> Callable[[Sequence[StoreRow]], object]:
    import orjson
    from opensearchpy import OpenSearch, helpers

    from newsflow.stores.opensearch import OpenSearchStore, document

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
