"""The store that a URL names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from newsflow.errors import ConfigError
from newsflow.stores.contract import Store

ACCEPTED = (
    "sqlite:///FILE, postgresql://…, parquet:///FOLDER, jsonl:///FOLDER, opensearch+http(s)://HOST:PORT/INDEX, "
    "iceberg://CATALOG/NAMESPACE.TABLE; an absolute path has four slashes"
)


def open_store(url: str) -> Store:
    """Return the store at `url`; nothing is connected yet. A catalogue of Iceberg is one of pyiceberg's own
    configuration. Raises `ConfigError` for a URL that names none, or when its extra is not installed."""
    scheme, _, rest = url.partition("://")
    try:
        if scheme in ("postgresql", "postgres"):
            from newsflow.stores.postgresql import PostgresStore

            return PostgresStore(url)
        if scheme in ("opensearch+http", "opensearch+https"):
            return _opensearch(scheme.removeprefix("opensearch+"), rest)
        if scheme == "iceberg":
            return _iceberg(rest)
    except ImportError as error:
        raise ConfigError(f"a store of this kind needs the extra: pip install 'newsflow[{_EXTRAS[scheme]}]'") from error
    return _on_files(scheme, rest)


_EXTRAS = {
    "postgresql": "postgres",
    "postgres": "postgres",
    "opensearch+http": "opensearch",
    "opensearch+https": "opensearch",
    "iceberg": "iceberg",
}


def takes_several_writers(url: str) -> bool:
    """Tell whether workers on several machines may write to the store at `url`: a server keeps their writes apart.
    Files belong to one process."""
    return url.partition("://")[0] in _EXTRAS


def _on_files(scheme: str, rest: str) -> Store:
    path = Path(rest.removeprefix("/"))
    if not rest.startswith("/") or rest == "/":
        raise ConfigError(f"no store is named by this URL ({scheme}://…); accepted: {ACCEPTED}")
    if scheme == "sqlite":
        from newsflow.stores.sqlite import SqliteStore

        return SqliteStore(path)
    if scheme == "parquet":
        from newsflow.stores.parquet import ParquetStore

        return ParquetStore(path)
    if scheme == "jsonl":
        from newsflow.stores.jsonl import JsonLinesStore

        return JsonLinesStore(path)
    raise ConfigError(f"there is no store {scheme!r}; accepted: {ACCEPTED}")


def _opensearch(scheme: str, rest: str) -> Store:
    from newsflow.stores.opensearch import OpenSearchStore

    host, _, index = rest.partition("/")
    return OpenSearchStore(f"{scheme}://{host}", index or "news-article")


def _iceberg(rest: str) -> Store:
    from pyiceberg.catalog import load_catalog

    from newsflow.stores.iceberg import IcebergStore

    catalog, _, table = rest.partition("/")
    if not catalog or "." not in table:
        raise ConfigError("accepted: iceberg://CATALOG/NAMESPACE.TABLE")
    return IcebergStore(lambda: load_catalog(catalog), table)


# Which stores and ledgers may not live in one place, told before anything is opened.


_ON_FILES = ("sqlite", "parquet", "jsonl")


def check_places(ledger_url: str, stores: Iterable[tuple[str, str]]) -> None:
    """Refuse two owners of one file or folder; `stores` are names and URLs, references resolved.

    The same store under two names is fine, and so are a ledger and a store in one PostgreSQL database: each has
    tables of its own there. Raises `ConfigError` naming the store.
    """
    taken: dict[Path, tuple[str, str]] = {}
    for owner, url in [("ledger", ledger_url), *((f"stores.{name}", url) for name, url in stores)]:
        place = _place(url)
        if place is None:
            continue
        kind = "a ledger" if owner == "ledger" else f"a {url.partition(':')[0]} store"
        first, first_kind = taken.setdefault(place, (owner, kind))
        if kind != first_kind:
            raise ConfigError(
                f"{place} is the place of {first} already, which is {first_kind}; {kind} needs one of its own",
                path=owner,
            )


def _place(url: str) -> Path | None:
    """The file or folder a URL names; None for what is elsewhere."""
    scheme, _, rest = url.partition("://")
    if scheme not in _ON_FILES or not rest.startswith("/") or rest == "/":
        return None
    return Path(rest.removeprefix("/")).resolve()
