"""The store that a URL names."""

from __future__ import annotations

from pathlib import Path

from newsflow.errors import ConfigError
from newsflow.sinks.stores.contract import Store

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
            from newsflow.sinks.stores.postgresql import PostgresStore

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
        from newsflow.sinks.stores.sqlite import SqliteStore

        return SqliteStore(path)
    if scheme == "parquet":
        from newsflow.sinks.stores.parquet import ParquetStore

        return ParquetStore(path)
    if scheme == "jsonl":
        from newsflow.sinks.stores.jsonl import JsonLinesStore

        return JsonLinesStore(path)
    raise ConfigError(f"there is no store {scheme!r}; accepted: {ACCEPTED}")


def _opensearch(scheme: str, rest: str) -> Store:
    from newsflow.sinks.stores.opensearch import OpenSearchStore

    host, _, index = rest.partition("/")
    return OpenSearchStore(f"{scheme}://{host}", index or "news-article")


def _iceberg(rest: str) -> Store:
    from pyiceberg.catalog import load_catalog

    from newsflow.sinks.stores.iceberg import IcebergStore

    catalog, _, table = rest.partition("/")
    if not catalog or "." not in table:
        raise ConfigError("accepted: iceberg://CATALOG/NAMESPACE.TABLE")
    return IcebergStore(lambda: load_catalog(catalog), table)
