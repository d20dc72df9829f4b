"""The stores there are: what opens each, and what must be known of it before it is opened.

A new store is a module and one entry in `STORES`. Its class is a `Store` with a class method `from_url(url)`, which
raises `ConfigError` for a URL that does not name one, and connects to nothing yet.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from newsflow.errors import ConfigError
from newsflow.stores.contract import Store, path_of


@dataclass(frozen=True, slots=True)
class StoreKind:
    """One kind of store. `url` is the form of its URL, `holds` says in Markdown what a reader finds there.

    `implementation` is `module:class`, imported only when a store is opened, and `extra` what must be installed for
    it (`newsflow[extra]`). `on_files`: its URL has the path of a file or folder, which then has one owner.
    `several_writers`: workers on several machines may write to it, since a server keeps their writes apart.
    """

    title: str
    schemes: tuple[str, ...]
    url: str
    implementation: str
    holds: str
    extra: str = ""
    on_files: bool = False
    several_writers: bool = False


STORES = (
    StoreKind(
        "SQLite", ("sqlite",), "sqlite:///FILE", "newsflow.stores.sqlite:SqliteStore", on_files=True,
        holds="tables `article` (current state, full text by FTS5), `article_version` (all versions, JSON), "
        "`article_topic`",
    ),
    StoreKind(
        "PostgreSQL", ("postgresql", "postgres"), "postgresql://…", "newsflow.stores.postgresql:PostgresStore",
        extra="postgres", several_writers=True,
        holds="the same tables in the schema `newsflow_store`, with a full-text index",
    ),
    StoreKind(
        "Parquet", ("parquet",), "parquet:///FOLDER", "newsflow.stores.parquet:ParquetStore", on_files=True,
        holds="files under `date=…/language=…/`, listed by `manifest.jsonl`: every version is a row; the current state "
        "is the highest version of each id",
    ),
    StoreKind(
        "JSON Lines", ("jsonl",), "jsonl:///FOLDER", "newsflow.stores.jsonl:JsonLinesStore", on_files=True,
        holds="the same, every version a line of article.v1",
    ),
    StoreKind(
        "OpenSearch", ("opensearch+http", "opensearch+https"), "opensearch+http(s)://HOST:PORT/INDEX",
        "newsflow.stores.opensearch:OpenSearchStore", extra="opensearch", several_writers=True,
        holds="two indices: `news-article-1` (current state, analysed by language), `news-article-version-1` (all "
        "versions)",
    ),
    StoreKind(
        "Iceberg", ("iceberg",), "iceberg://CATALOG/NAMESPACE.TABLE", "newsflow.stores.iceberg:IcebergStore",
        extra="iceberg", several_writers=True,
        holds="a table partitioned by day: every version is a row; the current state is the highest version of each id",
    ),
)  # fmt: skip


def kind_of(url: str) -> StoreKind:
    """Return what is known of the store at `url`. Raises `ConfigError` for a scheme that no store has."""
    scheme = url.partition("://")[0]
    for kind in STORES:
        if scheme in kind.schemes:
            return kind
    forms = ", ".join(kind.url for kind in STORES)
    raise ConfigError(f"there is no store {scheme!r}; accepted: {forms}; an absolute path has four slashes")


def open_store(url: str) -> Store:
    """Return the store at `url`; nothing is connected yet.

    Raises `ConfigError` for a URL that does not name one, or when its extra is not installed.
    """
    kind = kind_of(url)
    try:
        store: Store = resolve_name(kind.implementation).from_url(url)
    except ImportError as error:
        raise ConfigError(f"a store of this kind needs the extra: pip install 'newsflow[{kind.extra}]'") from error
    return store


def takes_several_writers(url: str) -> bool:
    """Tell whether workers on several machines may write to the store at `url`."""
    return url.partition("://")[0] in {scheme for kind in STORES if kind.several_writers for scheme in kind.schemes}


def check_places(ledger_url: str, stores: Iterable[tuple[str, str]]) -> None:
    """Refuse stores of no known kind, and two owners of one file or folder; `stores` are names and URLs, references
    resolved.

    The same store under two names is fine, and so are a ledger and a store in one PostgreSQL database: each has
    tables of its own there. Raises `ConfigError` naming the store.
    """
    owners: dict[Path, tuple[str, str]] = {}
    scheme, _, rest = ledger_url.partition(":///")
    if scheme == "sqlite" and rest:
        owners[Path(rest).resolve()] = ("ledger", "a ledger")
    for name, url in stores:
        try:
            if not kind_of(url).on_files:
                continue
            path = path_of(url).resolve()
        except ConfigError as error:
            raise ConfigError(error.message, path=f"stores.{name}") from error
        kind = f"a {url.partition(':')[0]} store"
        owner, owner_kind = owners.setdefault(path, (f"stores.{name}", kind))
        if kind != owner_kind:
            raise ConfigError(
                f"{path} is the place of {owner} already, which is {owner_kind}; {kind} needs one of its own",
                path=f"stores.{name}",
            )
