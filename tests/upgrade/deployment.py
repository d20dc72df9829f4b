"""An operator's newsflow in a folder: configuration, rules, ledger, stores, a broker, and the release installed now."""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.corpus import raw_events
from newsflow.tools.sample.build import sample_events
from tests.broker_helpers import RunningBroker
from tests.e2e.deliver_kit import HookServer
from tests.upgrade.releases import Release

RULES = ("syria", "russia", "lebanon", "iran", "ukraine", "turkey")
INPUT, ARTICLES = "news.article.raw.v1", "news.article.v1"
CONFIGURATION = """
ledger: {url: "env:LEDGER_URL", window_h: 876000, retention_d: 36500}
topics: {applied: topics}
routes: {paths: [routes.yaml]}
stores:
  sqlite: sqlite:///articles.sqlite3
  lines: jsonl:///lines
  parquet: parquet:///parquet
alerts:
  destinations:
    hook: {type: webhook, url: "env:HOOK_URL", allow_private: true, timeout_s: 2}
trends: {window_s: 60, period_s: 60, grace_s: 0, fresh_h: 876000}
limits: {batch_records: 100}
"""
BLOBS = "blobs: {shared: true}\n"
ROUTES = """
version: 1
routes:
  - {id: topic-feeds, match: {tagged: true}, feeds: topics}
  - {id: all, stores: [sqlite, lines, parquet%s]}
subscriptions:
  - {id: early, alert: {to: [hook], cool_down: 1m}}
  - {id: sure, alert: {to: [hook], sources: 2}}
"""


STACKED = "\u0301" * 2500
"""Marks on one letter, all of which 0.1 keeps; later releases cut them."""
_MARKED = {
    "source": "harbour-ledger",
    "url": "https://www.harbour-ledger.example/odd/marks",
    "fetched_at": "2025-04-02T08:00:00+00:00",
    "content_type": "text/plain",
    "title": "A letter under many marks",
    "content": f"The printers of Inhul showed a letter with thousands of accents, e{STACKED}, and sold it as a poster. "
    "Visitors to the fair on the quay thought it was rain. The printers say that they will set another one in May.",
}


def made_up_events(count: int) -> list[bytes]:
    """The bundled sample, and texts of random words up to `count` events in all: edits, copies, repeats among them."""
    sample = [orjson.dumps(_MARKED)]
    sample += [event.value for event in sample_events() if b"\n" not in event.value and len(event.value) < 50_000]
    return sample + [value for _, value in raw_events(count - len(sample), seed=1, size_chars=350)]


@dataclass
class Deployment:
    """What is in `folder` is all there is, beside the broker and a PostgreSQL where `ledger_url` names one."""

    folder: Path
    broker: RunningBroker
    ledger_url: str
    hook: HookServer
    release: Release
    said: list[str] = field(default_factory=list)

    def configure(self) -> None:
        store, routed = ("  postgres: env:LEDGER_URL\n", ", postgres") if self.on_postgres else ("", "")
        marker = "  parquet: parquet:///parquet\n"
        (self.folder / "newsflow.yaml").write_text(CONFIGURATION.replace(marker, marker + store))
        (self.folder / "routes.yaml").write_text(ROUTES % routed)

    def share_blobs(self, shared: bool = True) -> None:
        """Set what releases since 0.2 ask for beside a ledger on PostgreSQL, or take it out of the configuration."""
        file = self.folder / "newsflow.yaml"
        without = file.read_text().replace(BLOBS, "")
        file.write_text(without + BLOBS if shared else without)

    @property
    def on_postgres(self) -> bool:
        return self.ledger_url.startswith("postgresql")

    def types(self, *words: str, expect: int = 0) -> str:
        """Run a command of the release that is installed; what it wrote, on both of its outputs."""
        done = self.release.run(list(words), self.folder, self._environ())
        words_said = f"$ newsflow {' '.join(words)}\n{done.stdout}{done.stderr}"
        self.said.append(words_said)
        assert done.returncode == expect, "\n".join(self.said[-3:])[-6000:]
        return done.stdout + done.stderr

    def _environ(self) -> dict[str, str]:
        return {
            "NEWSFLOW_CONFIG": "newsflow.yaml",
            "NEWSFLOW_KAFKA__BOOTSTRAP_SERVERS": self.broker.bootstrap_servers,
            "LEDGER_URL": self.ledger_url,
            "HOOK_URL": self.hook.url,
        }

    def publish(self, values: Iterable[bytes]) -> None:
        file = self.folder / "events.jsonl"
        file.write_bytes(b"".join(value + b"\n" for value in values))
        self.types("publish", "events.jsonl")
        file.unlink()

    def catch_up(self) -> None:
        """Run the jobs until they have read all there is: those behind `ingest` beside each other."""
        self.types("run", "ingest", "--until-caught-up")
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda job: self.types("run", job, "--until-caught-up"), ("trends", "deliver")))

    def send_what_waits(self) -> None:
        """Run `deliver` until no alert waits: after an outage each is tried again at a time of its own, and what changes a
        story that was told goes out when the minute of `early` is over."""
        deadline = time.monotonic() + 600
        held = "SELECT 1 FROM alert_subscriber WHERE subscription = 'early' AND next_tick_at IS NOT NULL"
        while "pending" in self.alerts().values() or self.query(held):
            assert time.monotonic() < deadline, self.alerts()
            time.sleep(5)
            self.types("run", "deliver", "--until-caught-up")

    # What there is now. Nothing here opens a ledger as newsflow does, which would migrate it.

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        if self.on_postgres:
            import psycopg

            with psycopg.connect(self.ledger_url) as connection:
                return connection.execute(sql).fetchall()
        with closing(sqlite3.connect(self.folder / "ledger.sqlite3")) as file:
            return file.execute(sql).fetchall()

    def outcomes(self) -> Counter[str]:
        return Counter(dict(self.query("SELECT outcome, COUNT(*) FROM event GROUP BY outcome")))

    def alerts(self) -> dict[str, str]:
        """Whether each alert was sent: its state by its id."""
        return dict(self.query("SELECT alert_id, state FROM delivery"))

    def migrations(self) -> list[int]:
        return [number for (number,) in self.query("SELECT number FROM migration ORDER BY number")]

    def counted(self) -> int:
        """Articles that trends counts."""
        return int(self.query("SELECT COUNT(*) FROM trend_article")[0][0])

    def published(self) -> list[tuple[str, int]]:
        """The versions that went out, by the ledger."""
        rows = self.query("SELECT article_id, version FROM emission")
        held_back = {row[0] for row in self.query("SELECT id FROM article WHERE accepted = 0")}
        return sorted((article_id, int(version)) for article_id, version in rows if article_id not in held_back)

    def stored(self) -> dict[str, list[tuple[str, int]]]:
        """The versions that each store has, once for each time that it has them."""
        found = {"sqlite": _rows_of_sqlite(self.folder / "articles.sqlite3"), "lines": _rows_of_lines(self.folder)}
        found["parquet"] = _rows_of_parquet(self.folder)
        if self.on_postgres:
            found["postgres"] = self.query("SELECT id, version FROM newsflow_store.article_version")
        return {
            name: sorted((article_id, int(version)) for article_id, version in rows) for name, rows in found.items()
        }


def _rows_of_sqlite(file: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(file)) as store:
        return store.execute("SELECT id, version FROM article_version").fetchall()


def _listed(folder: Path) -> Iterator[Path]:
    """The files of a store that its manifest lists."""
    for line in (folder / "manifest.jsonl").read_bytes().splitlines():
        for file in orjson.loads(line).get("files", ()):
            yield folder / file["path"]


def _rows_of_lines(folder: Path) -> list[tuple[Any, ...]]:
    rows = [orjson.loads(line) for file in _listed(folder / "lines") for line in file.read_bytes().splitlines()]
    return [(row["id"], row["version"]) for row in rows]


def _rows_of_parquet(folder: Path) -> list[tuple[Any, ...]]:
    import pyarrow.parquet as pq

    tables = [pq.ParquetFile(file).read(columns=["id", "version"]).to_pylist() for file in _listed(folder / "parquet")]
    return [(row["id"], row["version"]) for table in tables for row in table]


def parts(values: Sequence[bytes]) -> tuple[Sequence[bytes], Sequence[bytes], Sequence[bytes]]:
    """What 0.1 read and delivered, read while its webhook was down, and had not read yet when it was stopped."""
    half, most = len(values) // 2, len(values) * 9 // 10
    return values[:half], values[half:most], values[most:]


def begin_with_01(deployment: Deployment, values: Sequence[bytes]) -> None:
    """Lead a deployment of 0.1 to where the upgrade finds it: alerts wait, and so do raw events."""
    delivered, waiting, unread = parts(values)
    deployment.configure()
    rules = [str(deployment.release.rules / "countries" / f"{name}.yaml") for name in RULES]
    deployment.types("topics", "apply", *rules)
    deployment.types("kafka", "apply")
    deployment.hook.up()
    deployment.publish(delivered)
    deployment.catch_up()
    deployment.hook.down()
    deployment.publish(waiting)
    deployment.catch_up()
    deployment.publish(unread)
