"""`newsflow deliver` as an operator runs it, with what it delivers to, all of it to be broken and mended at will."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from newsflow.processes import free_port
from newsflow.stores.contract import StoreRow
from newsflow.tools.postgres import LocalPostgres
from tests.broker_helpers import RunningBroker
from tests.stores.store_harness import (
    Harness,
    JsonLinesHarness,
    ParquetHarness,
    PostgresHarness,
    SqliteHarness,
)

ROUTES = """
version: 1
routes: [{id: all, stores: [postgres, sqlite, parquet, lines]}]
subscriptions:
  - {id: early, alert: {to: [hook], cool_down: 1m}}
  - {id: sure, alert: {to: [hook], sources: 2}}
"""
SMALL_BATCHES = {"NEWSFLOW_LIMITS__BATCH_RECORDS": "10", "NEWSFLOW_LIMITS__RUN_RECORDS": "50"}


class HookServer:
    """A webhook that keeps its port while it goes down and up; remembers each request, in order."""

    def __init__(self) -> None:
        self.port = free_port()
        self.received: list[tuple[str, bytes]] = []
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def up(self) -> None:
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.headers["webhook-id"], body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Connections are refused from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


class Outages(threading.Thread):
    """Takes the database and the webhook away and brings them back, until told to stop; both are up then."""

    def __init__(self, database: LocalPostgres, hook: HookServer, seed: int) -> None:
        super().__init__(name="outages")
        self._database, self._hook, self._chance = database, hook, random.Random(seed)
        self._stop_asked = threading.Event()
        self.counts = {"database": 0, "webhook": 0}
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._stop_asked.wait(self._chance.uniform(0.5, 2.0)):
                self._outage()
        except BaseException as error:
            self.error = error

    def end(self) -> None:
        """Return when both are up."""
        self._stop_asked.set()
        self.join()
        if self.error is not None:
            raise self.error

    def _outage(self) -> None:
        which = self._chance.choice(("database", "webhook"))
        down: Callable[[], object] = self._chance.choice((self._database.stop, self._database.kill))
        up: Callable[[], object] = self._database.start
        if which == "webhook":
            down, up = self._hook.down, self._hook.up
        down()
        time.sleep(self._chance.uniform(0.5, 2.0))
        up()
        self.counts[which] += 1


@dataclass
class Delivery:
    """One deployment of `newsflow deliver`: its configuration, its stores, its process."""

    broker: RunningBroker
    folder: Path
    database_url: str
    hook: HookServer
    harnesses: dict[str, Harness] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Ledger and store share one PostgreSQL database, as operators have it."""
        sqlite, parquet, lines = SqliteHarness(self.folder), ParquetHarness(self.folder), JsonLinesHarness(self.folder)
        parquet.folder, lines.folder = self.folder / "parquet", self.folder / "lines"
        postgres = PostgresHarness(self.database_url)
        self.harnesses = {"postgres": postgres, "sqlite": sqlite, "parquet": parquet, "lines": lines}
        (self.folder / "routes.yaml").write_text(ROUTES)
        stores = {
            "postgres": self.database_url,
            "sqlite": f"sqlite:///{sqlite.path}",
            "parquet": f"parquet:///{parquet.folder}",
            "lines": f"jsonl:///{lines.folder}",
        }
        hook = {"type": "webhook", "url": self.hook.url, "allow_private": True}
        members = {
            "kafka": {"bootstrap_servers": self.broker.bootstrap_servers, "group": self.broker.name("deliver")},
            "ledger": {"url": self.database_url},
            "blobs": {"shared": True},
            "routes": {"paths": ["routes.yaml"]},
            "stores": stores,
            "alerts": {"destinations": {"hook": hook}},
        }
        self.config.write_bytes(orjson.dumps(members))  # JSON is YAML

    @property
    def config(self) -> Path:
        return self.folder / "newsflow.yaml"

    def start(self, *arguments: str) -> None:
        """Its words go to deliver.log."""
        command = [sys.executable, "-m", "newsflow", "deliver", *arguments, "-c", str(self.config)]
        with (self.folder / "deliver.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
                env={**os.environ, "PYTHONWARNINGS": "ignore", **SMALL_BATCHES},
            )  # fmt: skip

    def end(self, how: signal.Signals) -> int:
        """Send a signal and wait; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(120)

    def words(self) -> str:
        return (self.folder / "deliver.log").read_text(encoding="utf-8", errors="replace")[-4000:]

    def wait_until(self, condition: Callable[[], bool], what: str, timeout_s: float = 180) -> None:
        """Wait for something while the process lives."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert self.process is not None
            assert self.process.poll() is None, self.words()
            assert time.monotonic() < deadline, f"{what} did not come\n{self.words()}"
            time.sleep(0.05)

    def stored_on_files(self) -> int:
        """Versions in the stores that are never away."""
        return sum(self._count(name) for name in ("sqlite", "parquet", "lines"))

    def _count(self, name: str) -> int:
        harness = self.harnesses[name]
        if isinstance(harness, SqliteHarness):
            return len(harness.versions()) if _has_tables(harness) else 0
        return sum(entry.rows for entry in harness.make().files())  # type: ignore[attr-defined]

    def close(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for harness in self.harnesses.values():
            harness.close()


def _has_tables(harness: SqliteHarness) -> bool:
    if not harness.path.exists():
        return False
    return bool(harness.query("name FROM sqlite_master WHERE name = 'article_version'"))


def keys_of(rows: Sequence[StoreRow]) -> list[tuple[str, int]]:
    return sorted({row.key for row in rows})
