"""How the contract suite looks into each store, breaks it and mends it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import sqlite3
import threading
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from newsflow.model import Action, Article, PublicationDate, TopicMatch
from newsflow.model.codec import encode_article
from newsflow.stores.contract import Store, StoreRow
from newsflow.stores.folder import FolderStore
from newsflow.stores.jsonl import MAX_LINE_BYTES, JsonLinesStore
from newsflow.stores.parquet import ParquetStore
from newsflow.stores.sqlite import SqliteStore
from tests.postgres_helpers import new_database

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TITLES = {"ar": "مرفأ النورس يعيد فتح أبوابه", "en": "Harbour reopens", "ru": "Порт снова открыт", "he": "הנמל נפתח"}

Current = dict[str, tuple[int, bool, str]]
"""Article id to version, whether it is withdrawn, and the title a reader finds."""


def row(name: str, version: int = 1, action: Action | None = None, **changes: Any) -> StoreRow:
    """An article version; the same arguments always give the same bytes."""
    language = sorted(TITLES)[sum(map(ord, name)) % len(TITLES)]
    usual = Action.ADD if version == 1 else Action.REPLACE
    article = Article(
        source="river-post",
        title=f"{TITLES[language]} {name} v{version}",
        body=f"{TITLES[language]}. Body of {name}, version {version}.\nSecond line “quoted” \\ and a tab\t.",
        language=language,
        published=PublicationDate(NOON - timedelta(hours=1), "explicit", "meta", "2026-03-01T11:00:00Z"),
        first_seen=NOON + timedelta(hours=len(name)),
        id=name,
        version=version,
        action=action or usual,
        url=f"https://river-post.example/{name}",
        authors=("Ж. Кравец",),
        word_count=12,
        content_hash=f"{version:032x}",
        story="story-1",
        topics=(
            TopicMatch("syria", "iso-3166", "SY", 4.5, "1", ()),
            TopicMatch("russia", "iso-3166", "RU", 3, "1", ()),
        ),
    )
    article = replace(article, **changes)
    return StoreRow(article, encode_article(article) if article.version < 2**63 else b"{}")


def shown(rows: list[StoreRow]) -> Current:
    """What a store should show of the rows it was given."""
    best: dict[str, StoreRow] = {}
    for each in rows:
        held = best.get(each.article.id)
        if held is None or each.article.version > held.article.version:
            best[each.article.id] = each
    return {
        name: (each.article.version, each.withdrawn, "" if each.withdrawn else each.article.title)
        for name, each in best.items()
    }


class Harness(ABC):
    """One kind of store, in a place of its own."""

    url_for_writer = ""
    """By it another process, which is then killed, opens the store; empty where that would prove nothing."""

    def __init__(self) -> None:
        self.opened: list[Store] = []

    def open(self) -> Store:
        """A new object for the same place, as a restarted process would make."""
        self.opened.append(self.make())
        return self.opened[-1]

    @abstractmethod
    def make(self) -> Store: ...

    @abstractmethod
    def current(self) -> Current: ...

    @abstractmethod
    def versions(self) -> list[tuple[str, int]]:
        """Every stored version, sorted; a version stored twice stands twice."""

    def bad_row(self) -> StoreRow:
        """A row the store cannot take."""
        return row("bad", 2**63)

    @abstractmethod
    def take_away(self) -> None:
        """Make the store unreachable."""

    @abstractmethod
    def bring_back(self) -> None: ...

    def close(self) -> None:
        """Give back what was opened."""
        for store in self.opened:
            store.close()


class SqliteHarness(Harness):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = folder / "new" / "articles.sqlite3"
        self.url_for_writer = f"sqlite:///{self.path}"
        self.lock: sqlite3.Connection | None = None

    def make(self) -> Store:
        return SqliteStore(self.path, busy_s=0.1)

    def current(self) -> Current:
        return {
            id_: (version, bool(gone), title)
            for id_, version, gone, title in self.query("id, version, withdrawn, title FROM article")
        }

    def versions(self) -> list[tuple[str, int]]:
        return sorted(self.query("id, version FROM article_version"))

    def query(self, sql: str) -> list[Any]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute("SELECT " + sql).fetchall()
        finally:
            connection.close()

    def take_away(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = sqlite3.connect(self.path, isolation_level=None)
        self.lock.execute("BEGIN EXCLUSIVE")

    def bring_back(self) -> None:
        assert self.lock is not None
        self.lock.close()


class ProxiedHarness(Harness):
    """A store behind a proxy, which is cut to take it away."""

    proxy: Proxy

    def take_away(self) -> None:
        self.proxy.cut()

    def bring_back(self) -> None:
        self.proxy.mend()

    def close(self) -> None:
        super().close()
        self.proxy.close()


class PostgresHarness(ProxiedHarness):
    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = self.url_for_writer = url
        host, _, port = url.split("@")[1].split("/")[0].partition(":")
        self.proxy = Proxy(host, int(port))
        self.proxied = url.replace(f":{port}/", f":{self.proxy.port}/")

    def make(self) -> Store:
        from newsflow.stores.postgresql import PostgresStore

        return PostgresStore(self.proxied, connect_s=2)

    def current(self) -> Current:
        return {
            id_: (version, gone, title)
            for id_, version, gone, title in self.query("id, version, withdrawn, title FROM article")
        }

    def versions(self) -> list[tuple[str, int]]:
        return sorted(self.query("id, version FROM article_version"))

    def query(self, sql: str) -> list[Any]:
        import psycopg

        with psycopg.connect(self.url, options="-c search_path=newsflow_store") as connection:
            return connection.execute(f"SELECT {sql}").fetchall()

    def bad_row(self) -> StoreRow:
        return row("bad", title="NUL \x00 within")


class FolderHarness(Harness):
    """A store of files in a folder: to take it away, a file stands where the folder should."""

    store: type[FolderStore]

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder / "articles"
        self.url_for_writer = f"{self.store.name}:///{self.folder}"

    def make(self) -> Store:
        return self.store(self.folder)

    def take_away(self) -> None:
        if self.folder.exists():
            shutil.move(self.folder, self.folder.with_name("elsewhere"))
        self.folder.write_text("in the way")

    def bring_back(self) -> None:
        self.folder.unlink()
        if self.folder.with_name("elsewhere").exists():
            shutil.move(self.folder.with_name("elsewhere"), self.folder)


class ParquetHarness(FolderHarness):
    store = ParquetStore

    def current(self) -> Current:
        sql = "SELECT id, version, action, title FROM {} QUALIFY row_number() OVER (PARTITION BY id ORDER BY version DESC) = 1"
        found = self.query(sql)
        return {
            id_: (version, action == "withdraw", "" if action == "withdraw" else title)
            for id_, version, action, title in found
        }

    def versions(self) -> list[tuple[str, int]]:
        return sorted(self.query("SELECT id, version FROM {}"))

    def query(self, sql: str) -> list[Any]:
        """Ask DuckDB about the files that the manifest lists."""
        import duckdb

        paths = [str(path) for path in ParquetStore(self.folder).paths()]
        if not paths:
            return []
        with duckdb.connect() as connection:
            return connection.execute(sql.format("read_parquet($1, hive_partitioning = true)"), [paths]).fetchall()


class IcebergHarness(Harness):
    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder / "warehouse"

    def make(self) -> Store:
        from newsflow.stores.iceberg import IcebergStore

        return IcebergStore(self.catalog)

    def catalog(self) -> Any:
        from pyiceberg.catalog.sql import SqlCatalog

        self.folder.mkdir(exist_ok=True)
        uri = f"sqlite:///{self.folder}/catalog.db"
        return SqlCatalog("test", uri=uri, warehouse=f"file://{self.folder}")

    def rows(self) -> list[dict[str, Any]]:
        catalog = self.catalog()
        try:
            return catalog.load_table("newsflow.article_version").scan().to_arrow().to_pylist()  # type: ignore[no-any-return]
        finally:
            catalog.close()

    def current(self) -> Current:
        best: dict[str, dict[str, Any]] = {}
        for each in self.rows():
            if each["version"] > best.get(each["id"], {"version": 0})["version"]:
                best[each["id"]] = each
        gone = {name: each["action"] == "withdraw" for name, each in best.items()}
        return {name: (each["version"], gone[name], "" if gone[name] else each["title"]) for name, each in best.items()}

    def versions(self) -> list[tuple[str, int]]:
        return sorted((each["id"], each["version"]) for each in self.rows())

    def take_away(self) -> None:
        if self.folder.exists():
            shutil.move(self.folder, self.folder.with_name("elsewhere"))
        self.folder.write_text("in the way")

    def bring_back(self) -> None:
        self.folder.unlink()
        if self.folder.with_name("elsewhere").exists():
            shutil.move(self.folder.with_name("elsewhere"), self.folder)


class OpenSearchHarness(ProxiedHarness):
    def __init__(self, url: str, index: str) -> None:
        super().__init__()
        host, _, port = url.removeprefix("http://").partition(":")
        self.url, self.index, self.proxy = url, index, Proxy(host, int(port))

    def make(self) -> Store:
        from newsflow.stores.opensearch import OpenSearchStore

        return OpenSearchStore(f"http://127.0.0.1:{self.proxy.port}", self.index, timeout_s=20)

    def search(self, index: str, query: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        from opensearchpy import OpenSearch

        with OpenSearch([self.url], timeout=30) as client:
            client.indices.refresh(index=index)
            found = client.search(index=index, body={"query": query or {"match_all": {}}, "size": 10_000})
        return [{"_id": hit["_id"], **hit["_source"]} for hit in found["hits"]["hits"]]

    def current(self) -> Current:
        return {hit["_id"]: (hit["version"], hit["withdrawn"], hit["title"]) for hit in self.search(f"{self.index}-1")}

    def versions(self) -> list[tuple[str, int]]:
        return sorted((hit["id"], hit["version"]) for hit in self.search(f"{self.index}-version-1"))

    def bad_row(self) -> StoreRow:
        return row("bad", source="x" * 40_000)


class JsonLinesHarness(FolderHarness):
    store = JsonLinesStore

    def _rows(self) -> list[StoreRow]:
        lines = [line for path in JsonLinesStore(self.folder).paths() for line in path.read_bytes().splitlines()]
        return [StoreRow.read(line) for line in lines]

    def current(self) -> Current:
        return shown(self._rows())

    def versions(self) -> list[tuple[str, int]]:
        return sorted(each.key for each in self._rows())

    def bad_row(self) -> StoreRow:
        return row("bad", body="x" * MAX_LINE_BYTES)


def _postgres(_: Path, request: pytest.FixtureRequest) -> Harness:
    return PostgresHarness(new_database(request.getfixturevalue("postgres")))


def _parquet(folder: Path, _: pytest.FixtureRequest) -> Harness:
    pytest.importorskip("duckdb")
    return ParquetHarness(folder)


def _iceberg(folder: Path, _: pytest.FixtureRequest) -> Harness:
    pytest.importorskip("pyiceberg")
    return IcebergHarness(folder)


def _opensearch(_: Path, request: pytest.FixtureRequest) -> Harness:
    return OpenSearchHarness(request.getfixturevalue("store_opensearch"), f"test-{uuid.uuid4().hex}")


HARNESSES: dict[str, Callable[[Path, pytest.FixtureRequest], Harness]] = {
    "sqlite": lambda folder, _: SqliteHarness(folder),
    "postgresql": _postgres,
    "parquet": _parquet,
    "jsonl": lambda folder, _: JsonLinesHarness(folder),
    "iceberg": _iceberg,
    "opensearch": _opensearch,
}
"""By the name of the store. The contract suite runs on each."""


class Proxy:
    """A TCP proxy that can be cut, and cuts what runs through it then."""

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.server.getsockname()[1]
        self.up = True
        self.streams: list[socket.socket] = []
        self._spawn(self._accept)

    def cut(self) -> None:
        self.up = False
        for stream in self.streams:
            _shut(stream)

    def mend(self) -> None:
        self.up = True

    def close(self) -> None:
        self.cut()
        _shut(self.server)
        self.server.close()
        for stream in self.streams:
            stream.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            if not self.up:
                client.close()
                continue
            upstream = socket.create_connection(self.target)
            self.streams += [client, upstream]
            self._spawn(_pump, client, upstream)
            self._spawn(_pump, upstream, client)

    def _spawn(self, work: Callable[..., None], *arguments: Any) -> None:
        threading.Thread(target=work, args=arguments, daemon=True).start()


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        _shut(target)


def _shut(stream: socket.socket) -> None:
    with contextlib.suppress(OSError):
        stream.shutdown(socket.SHUT_RDWR)
