"""Articles a second into the counts of a ledger, beside a dictionary that counts the same in memory.

    python benchmarks/trends.py [--articles 20000] [--batch 200]

Each article has 2 of 260 topics, one of 300 sources and one of 12 languages; news of six hours, so that 27 windows are
closed on the way. The dictionary forgets all of it at the end, and tells no repeat and no version apart. CPU seconds
are this process's; of PostgreSQL's server none are counted, so the wall clock is given too.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from newsflow.errors import MissingToolError
from newsflow.ledger import open_ledger
from newsflow.leftovers import nothing_left_behind
from newsflow.tools.postgres import LocalPostgres, find_programs
from newsflow.trends.bursts import TrendSettings
from newsflow.trends.counting import Cell, Contribution
from newsflow.trends.counts import Trends

SETTINGS = TrendSettings()
HOURS = 6
Batches = Sequence[Sequence[Contribution]]


@nothing_left_behind()
def main() -> None:
    """Print one line a database."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=20_000)
    parser.add_argument("--batch", type=int, default=200)
    options = parser.parse_args()
    batches = list(_batches(options.articles, options.batch))
    began = time.process_time()
    windows = len({end for end, _ in _in_memory(batches)})
    bare = options.articles / (time.process_time() - began)
    print(
        f"{options.articles} articles, {options.batch} a batch, {windows} windows; in memory {bare:,.0f} a CPU-second"
    )
    for name, url in _databases():
        ledger = open_ledger(url)
        _line(name, Trends(ledger, SETTINGS), batches, options.articles, bare)
        ledger.close()


def _batches(articles: int, batch: int) -> Iterator[list[Contribution]]:
    chance, start = random.Random(3), datetime(2025, 3, 10, tzinfo=UTC)
    made: list[Contribution] = []
    for at in range(articles):
        seen = start + timedelta(hours=HOURS * at / articles)
        topics = {f"topic-{int(260 * chance.random() ** 2)}" for _ in range(2)}
        source = f"source-{chance.randrange(300)}"
        cells: tuple[Cell, ...] = (("all", "all"), ("language", f"l{chance.randrange(12)}"), ("source", source))
        cells += tuple(("topic", topic) for topic in sorted(topics))
        made.append(Contribution(f"{at:032x}", 1, SETTINGS.windows.slice_of(seen), source, f"s{at // 3}", cells))
        if len(made) == batch:
            yield made
            made = []
    yield made


def _in_memory(batches: Batches) -> Counter[tuple[int, Cell]]:
    counts: Counter[tuple[int, Cell]] = Counter()
    for batch in batches:
        for each in batch:
            for end in SETTINGS.windows.ends(each.slice_start):
                counts.update((end, cell) for cell in each.cells)
    return counts


def _line(name: str, trends: Trends, batches: Batches, articles: int, bare: float) -> None:
    cpu, wall, closing, windows, records = time.process_time(), time.perf_counter(), 0.0, 0, 0
    for batch in batches:
        trends.count(batch)
        began = time.perf_counter()
        while batch and trends.close_next(batch[-1].slice_start) is not None:
            windows += 1
            while page := trends.outbox():
                trends.written(page)
                records += len(page)
        closing += time.perf_counter() - began
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    speed = f"{articles / cpu:8,.0f} a CPU-second (ratio {articles / cpu / bare:.3f}), {articles / wall:,.0f} a second"
    closed = f"{windows} windows of {records / windows:,.0f} records, {1_000 * closing / windows:.0f} ms each"
    print(f"{name:10} {speed}; {closed}", flush=True)


def _databases() -> Iterator[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        yield "SQLite", f"sqlite:///{folder}/ledger.sqlite3"
    try:
        find_programs()
    except MissingToolError as error:
        print(f"postgresql: not measured: {error}")
        return
    with LocalPostgres() as server:
        yield "PostgreSQL", server.url


if __name__ == "__main__":
    main()
