"""Articles a second of the whole Deduplicate step, on each database and in plain memory, beside datasketch.

    python benchmarks/dedup.py [--articles 300000] [--databases sqlite,postgresql,memory,datasketch]

Made-up articles of 120 to 400 words with a natural spread of words, one in six a copy of a recent one with a few
words changed; the same seeded ones for all. CPU seconds are those of this process, and of the PostgreSQL server too,
where there is one. How the cost grows with the window is measured at the end, on batches that go in turn to the full
ledger and to a new one of 10,000 articles: what else the machine does meanwhile then slows both alike.
"""

from __future__ import annotations

import argparse
import importlib.util
import itertools
import multiprocessing
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from newsflow.dedup.decide import KnownArticle, Lookalike, choose_original, choose_story
from newsflow.dedup.fingerprint import (
    ALWAYS,
    SHINGLE_WORDS,
    Fingerprint,
    NearIndex,
    fingerprint,
    matching_tokens,
    numbers_of,
)
from newsflow.dedup.similarity import compare_all, relate
from newsflow.ledger import open_ledger
from newsflow.leftovers import nothing_left_behind
from newsflow.model import Article, Candidate, Event, PublicationDate
from newsflow.tools.postgres import LocalPostgres

START = datetime(2031, 5, 4, 9, 0, tzinfo=UTC)
VOCABULARY, RECENT, COPIED = 60_000, 3_000, 1 / 6
EARLY = 10_000
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهوي"

Step = Callable[[Sequence[Candidate]], None]
Clock = Callable[[], float]


def make_articles(count: int, seed: int = 7) -> Iterator[Article]:
    """Seeded, so that every database sees the same."""
    draw = np.random.default_rng(seed)
    words = ["".join(draw.choice(list(LETTERS), size=size)) for size in draw.integers(2, 9, size=VOCABULARY)]
    spread = np.cumsum(1 / np.arange(1, VOCABULARY + 1))
    spread /= spread[-1]
    recent: deque[NDArray[np.intp]] = deque(maxlen=RECENT)
    date = PublicationDate(START, "explicit", "meta", "2031-05-04T09:00:00Z")
    for number in range(count):
        if recent and draw.random() < COPIED:
            text = recent[int(draw.integers(len(recent)))].copy()
            text[draw.integers(0, len(text), size=6)] = draw.integers(0, VOCABULARY, size=6)
        else:
            text = np.searchsorted(spread, draw.random(int(draw.integers(120, 400))))
        recent.append(text)
        body = " ".join([words[place] for place in text])
        url = f"https://outlet-{number % 40}.example/news/{seed}/{number}"
        yield Article(f"outlet-{number % 40}", body[:60], body, "ar", date, START, url=url, raw={"section": "news"})


def make_batches(count: int, size: int, seed: int = 7) -> Iterator[list[Candidate]]:
    batch: list[Candidate] = []
    for number, article in enumerate(make_articles(count, seed)):
        event = Event("news.article.raw.v1", seed, number, 0, None, article.body.encode())
        batch.append(Candidate(event, article, START))
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class PlainMemory:
    """The rules alone: no database, nothing survives."""

    def __init__(self) -> None:
        self.index, self.prints, self.held = NearIndex(), dict[int, Fingerprint](), dict[int, KnownArticle]()

    def __call__(self, batch: Sequence[Candidate]) -> None:
        articles = [each.result for each in batch if isinstance(each.result, Article)]
        prints = [fingerprint(article.title, article.body) for article in articles]
        found = self.index.find([each.keys for each in prints], [ALWAYS] * len(prints))
        first = len(self.prints)
        own = NearIndex()
        for place, (article, mine, numbers) in enumerate(zip(articles, prints, found, strict=True), start=first):
            likely = [*numbers_of(numbers), *numbers_of(own.find([mine.keys], [ALWAYS])[0])]
            alike = compare_all(mine, [self.prints[number] for number in likely])
            lookalikes = [
                Lookalike(self.held[number], each, relate(each)) for number, each in zip(likely, alike, strict=True)
            ]
            original = choose_original(lookalikes)
            held = _held(place, article, choose_story(lookalikes) or str(place))
            if original is not None:
                held = replace(held, duplicate_of=original.article.id)
            self.prints[place], self.held[place] = mine, held
            own.add([place], [mine.keys], [0])
        self.index.add(range(first, first + len(prints)), [each.keys for each in prints], [0] * len(prints))


def _held(place: int, article: Article, story: str) -> KnownArticle:
    return KnownArticle(
        str(place), article.source, article.url, None, None, "ar", 1, "", None, None, START, START, story, None,
        False, True, place,
    )  # fmt: skip


def datasketch_step() -> Step:
    """128 permutations in 42 bands of 3, asked and filled, nothing verified: its usual use."""
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=128, params=(42, 3))

    def step(batch: Sequence[Candidate]) -> None:
        for each in batch:
            assert isinstance(each.result, Article)
            tokens = matching_tokens(each.result.body)
            shingles = {" ".join(tokens[at : at + SHINGLE_WORDS]) for at in range(len(tokens) - SHINGLE_WORDS + 1)}
            sketch = MinHash(num_perm=128)
            sketch.update_batch([shingle.encode() for shingle in shingles])
            index.query(sketch)
            index.insert(each.event.offset, sketch)

    return step


@dataclass(frozen=True)
class Result:
    """Rates in articles a second; `early` and `late` in microseconds of CPU an article."""

    name: str
    articles: int
    wall_rate: float
    cpu_rate: float
    early: float
    late: float
    memory_mb: float

    def row(self) -> str:
        growth = f"{self.late / self.early:.2f}" if self.early and self.late else "-"
        return (
            f"{self.name:<12}{self.articles:>9,}{self.wall_rate:>12,.0f}{self.cpu_rate:>12,.0f}"
            f"{self.early:>12,.0f}{self.late:>12,.0f}{growth:>9}{self.memory_mb:>12,.0f}"
        )


HEADER = (
    f"{'where':<12}{'articles':>9}{'articles/s':>12}{'per CPU-s':>12}{'us at 10k':>12}{'us at end':>12}"
    f"{'growth':>9}{'memory MB':>12}"
)


def measure(name: str, make_step: Callable[[], Step], count: int, size: int, cpu: Clock) -> Result:
    """Only the step is timed, not the making of articles."""
    before_mb = psutil.Process().memory_info().rss / 1e6
    step = make_step()
    spans = []
    for number, batch in enumerate(make_batches(count, size)):
        spans.append(_timed(step, batch, cpu))
        if number * size % 50_000 == 0:
            print(f"  {name}: {number * size:,}", file=sys.stderr, flush=True)
    memory_mb = psutil.Process().memory_info().rss / 1e6 - before_mb
    skip = spans[2:]  # The caches of words and statements fill in the first batches.
    total = sum(span[0] for span in skip)
    early, late = _in_turn(make_step, step, size, cpu) if count >= 3 * EARLY else ([], [])
    return Result(
        name, count, total / sum(span[1] for span in skip), total / sum(span[2] for span in skip),
        _micros(early), _micros(late), memory_mb,
    )  # fmt: skip


Span = tuple[int, float, float]
"""Articles, seconds by the clock, seconds of CPU."""


def _timed(step: Step, batch: Sequence[Candidate], cpu: Clock) -> Span:
    wall, used = time.perf_counter(), cpu()
    step(batch)
    return len(batch), time.perf_counter() - wall, cpu() - used


def _in_turn(make_step: Callable[[], Step], full: Step, size: int, cpu: Clock) -> tuple[list[Span], list[Span]]:
    """Batches on a new window of 10,000 articles and on the full one, in turn."""
    small = make_step()
    for batch in make_batches(EARLY, size, seed=8):
        small(batch)
    early, late = [], []
    for batch, other in zip(make_batches(EARLY, size, seed=9), make_batches(EARLY, size, seed=10), strict=True):
        early.append(_timed(small, batch, cpu))
        late.append(_timed(full, other, cpu))
    return early, late


def _micros(spans: Sequence[Span]) -> float:
    articles = sum(span[0] for span in spans)
    return 1e6 * sum(span[2] for span in spans) / articles if articles else 0.0


def run_sqlite(count: int, size: int) -> Result:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        urls = (f"sqlite:///{folder}/ledger-{number}.sqlite3" for number in itertools.count())
        return measure("sqlite", lambda: _ledger_step(next(urls), stack), count, size, time.process_time)


def _ledger_step(url: str, stack: ExitStack) -> Step:
    ledger = open_ledger(url)
    stack.callback(ledger.close)

    def step(batch: Sequence[Candidate]) -> None:
        ledger.decide(batch)

    return step


def run_postgresql(count: int, size: int) -> Result:
    with LocalPostgres() as server, ExitStack() as stack:
        urls = iter([server.url, server.url.rsplit("/", 1)[0] + "/template1"])

        first, used = psutil.Process(server.pid), dict[int, float]()

        def cpu() -> float:
            for each in [first, *first.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):  # Helpers of the server come and go; what they used stays used.
                    used[each.pid] = sum(each.cpu_times()[:2])
            return time.process_time() + sum(used.values())

        return measure("postgresql", lambda: _ledger_step(next(urls), stack), count, size, cpu)


def run_memory(count: int, size: int) -> Result:
    return measure("memory", PlainMemory, count, size, time.process_time)


def run_datasketch(count: int, size: int) -> Result | None:
    if importlib.util.find_spec("datasketch") is None:
        print("datasketch is not installed (pip install datasketch): left out", file=sys.stderr)
        return None
    return measure("datasketch", datasketch_step, count, size, time.process_time)


RUNS: dict[str, Callable[[int, int], Result | None]] = {
    "memory": run_memory,
    "datasketch": run_datasketch,
    "sqlite": run_sqlite,
    "postgresql": run_postgresql,
}


@nothing_left_behind()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--articles", type=int, default=300_000, help="articles in the window at the end")
    parser.add_argument("--rival-articles", type=int, default=20_000, help="the same for datasketch, which is slow")
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--databases", default=",".join(RUNS))
    options = parser.parse_args()
    print(HEADER)
    for name in options.databases.split(","):
        count = options.rival_articles if name == "datasketch" else options.articles
        # A process of its own, so that none inherits another's memory or caches.
        with multiprocessing.get_context("spawn").Pool(1) as process:
            result = process.apply(RUNS[name], (count, options.batch))
        if result is not None:
            print(result.row(), flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent))
    main()
