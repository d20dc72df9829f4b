"""What a demonstration left: read from the ledger of the run, its stores and its webhook receiver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from newsflow.config.settings import Config
from newsflow.ledger import DeadLetter, open_ledger
from newsflow.model import Article, Outcome
from newsflow.model.codec import decode_article


@dataclass(frozen=True)
class Stored:
    """What lies in one store. `articles` are current ones, `versions` all that were ever kept."""

    name: str
    kind: str
    place: Path
    articles: int
    versions: int
    files: int = 1


@dataclass(frozen=True)
class Results:
    """Everything the report shows."""

    config_file: Path
    ledger_url: str
    outcomes: dict[Outcome, int]
    articles: Sequence[Article]
    feeds: Counter[str]
    dead_letters: Sequence[DeadLetter]
    alerts: Sequence[dict[str, Any]]
    stores: Sequence[Stored] = ()
    bootstrap_servers: str = ""
    output: Path | None = None


def results_of(
    config_file: Path,
    config: Config,
    alerts: Sequence[dict[str, Any]],
    *,
    bootstrap_servers: str = "",
    output: Path | None = None,
) -> Results:
    """Read the ledger and the stores that `config` names."""
    ledger = open_ledger(config.ledger.url)
    try:
        stored = list(ledger.articles())
        return Results(
            config_file,
            config.ledger.url,
            ledger.outcomes(),
            [decode_article(version.value) for version in stored],
            Counter(feed for version in stored for feed in version.feeds),
            ledger.dead_letters(),
            alerts,
            [] if output is not None else [_stored(name, url) for name, url in config.stores],
            bootstrap_servers,
            output,
        )
    finally:
        ledger.close()


def _stored(name: str, url: str) -> Stored:
    scheme, _, path = url.partition(":///")
    return _in_sqlite(name, Path(path)) if scheme == "sqlite" else _in_parquet(name, Path(path))


def _in_sqlite(name: str, path: Path) -> Stored:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(path)) as connection:
        ((articles,),) = connection.execute("SELECT COUNT(*) FROM article WHERE NOT withdrawn")
        ((versions,),) = connection.execute("SELECT COUNT(*) FROM article_version")
    return Stored(name, "SQLite", path, articles, versions)


def _in_parquet(name: str, folder: Path) -> Stored:
    import pyarrow.parquet as pq

    from newsflow.sinks.stores.parquet import ParquetStore

    newest: dict[str, tuple[int, str]] = {}
    entries = ParquetStore(folder).files()
    for entry in entries:
        for row in pq.read_table(folder / entry.path, columns=["id", "version", "action"]).to_pylist():
            newest[row["id"]] = max(newest.get(row["id"], (0, "")), (row["version"], row["action"]))
    articles = sum(action != "withdraw" for _, action in newest.values())
    return Stored(name, "Parquet", folder, articles, sum(entry.rows for entry in entries), len(entries))
