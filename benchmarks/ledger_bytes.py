"""Bytes of the ledger for an article, and the time to decide and record one.

    .venv/bin/python benchmarks/ledger_bytes.py [--events 10000] [--batch 200] [--url postgresql://…]

Made-up events go through all stages into a new ledger (SQLite unless `--url` names an empty database). The file is
measured when it is closed, its log folded in; nothing is vacuumed. Times are of the thread's processor, since a busy
machine would otherwise be what is measured, and beside them of the wall.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.corpus import raw_events
from newsflow.config.load import load_config
from newsflow.ingest import steps
from newsflow.ingest.runtime import Runtime
from newsflow.model import Event

T = TypeVar("T")


class Spent:
    """Seconds of processor and of wall, summed over calls."""

    def __init__(self) -> None:
        self.cpu = self.wall = 0.0

    def of(self, work: Callable[[], T]) -> T:
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            return work()
        finally:
            self.cpu += time.thread_time() - cpu
            self.wall += time.perf_counter() - wall


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--url", help="an empty PostgreSQL database; a SQLite file of its own when left out")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newsflow-bench-") as folder:
        path = Path(folder) / "ledger.sqlite3"
        url = arguments.url or f"sqlite:///{path}"
        runtime = Runtime(load_config(environ={}, flags={"ledger.url": url}).config)
        spent = {"decide": Spent(), "record": Spent()}
        for number, batch in enumerate(_batches(arguments.events, arguments.batch)):
            _process(batch, runtime, spent)
            if number == 0:  # Imports, caches and the database's own start are no article's.
                spent = {name: Spent() for name in spent}
        size = _size(runtime, path if arguments.url is None else None)
        outcomes = {str(name): count for name, count in sorted(runtime.ledger.outcomes().items()) if count}
        runtime.close()
        size = path.stat().st_size if size is None else size
    print(f"{arguments.events:,} events: {outcomes}")
    print(f"ledger      {size / arguments.events:8,.0f} bytes an event")
    timed = arguments.events - arguments.batch
    for name, each in spent.items():
        print(f"{name:<11} {each.cpu / timed * 1e6:8,.0f} µs of processor, {each.wall / timed * 1e6:,.0f} µs an event")


def _batches(count: int, size: int) -> list[list[Event]]:
    events = [Event("raw", 0, place, 1, key, value) for place, (key, value) in enumerate(raw_events(count))]
    return [events[start : start + size] for start in range(0, count, size)]


def _process(batch: list[Event], runtime: Runtime, spent: dict[str, Spent]) -> None:
    items = steps.normalise(batch, runtime)
    items = spent["decide"].of(lambda: steps.deduplicate(items, runtime))
    routed = steps.route(steps.tag(items, runtime), runtime)
    spent["record"].of(lambda: steps.record(routed, runtime))


def _size(runtime: Runtime, path: Path | None) -> int | None:
    """The size of a server's database; that of a file is known when it is closed."""
    if path is not None:
        return None
    sql = "SELECT pg_database_size(current_database())"
    return int(runtime.ledger.transact(lambda db: db.query(sql)[0][0], writes=False))


if __name__ == "__main__":
    main()
