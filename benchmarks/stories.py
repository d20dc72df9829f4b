"""What stories cost: time and memory an article as the window fills, and the whole job with and without them.

    .venv/bin/python benchmarks/stories.py [--window 10000,100000,300000] [--events 3000] [--url postgresql://…]

Times are of the processor, since a busy machine would otherwise be what is measured. For the window, reports of made-up
happenings in words as frequent as English ones, spread over 72 hours, are settled batch by batch in a new ledger; the
last tenth is measured. Their meanings are random: what an encoder costs is in the second table, where the whole job
runs on files, each way in a process of its own; what a longer file costs more than a short one is measured.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil

from benchmarks.corpus import raw_events
from newsflow.config.load import load_config
from newsflow.ledger import open_ledger
from newsflow.ledger.stories import ReadUpTo
from newsflow.ledger.story_rows import Asked, Told, pack_signals
from newsflow.model import Event
from newsflow.stories import read_signals

BATCH = 200
START_US = 20_000 * 86_400_000_000
WINDOW_US = 72 * 3_600_000_000
REPORTS_A_HAPPENING = 6
SHORT = 200
WAYS = ("without", "none", "use")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--window", default="10000,100000,300000", help="articles in the window, with commas between")
    parser.add_argument("--events", type=int, default=3_000, help="for the whole job; 0 leaves it out")
    parser.add_argument("--url", default="", help="an empty PostgreSQL database; SQLite when left out")
    parser.add_argument("--only", default="", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only:
        what, _, value = arguments.only.partition("=")
        print((window if what == "window" else job)(value, arguments))
        return
    print("articles in the window   CPU ms an article to settle   MB of memory   KB an article   bytes of the ledger")
    for size in filter(None, arguments.window.split(",")):
        print(_alone(f"window={size}"))
    if arguments.events:
        print("\nthe whole job on a file   CPU ms an article   times")
        base = 0.0
        for way in WAYS:
            spent = float(_alone(f"job={way}"))
            base = base or spent
            print(f"{_named(way):<25} {spent:18.2f} {spent / base:7.2f}")


def _alone(only: str) -> str:
    """What this program says of one measurement, made in a process of its own."""
    command = [sys.executable, __file__, *sys.argv[1:], "--only", only]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _named(way: str) -> str:
    return "without stories" if way == "without" else f"stories.encoder: {way}"


# The window.


def window(size: str, arguments: argparse.Namespace) -> str:
    count = int(size)
    with tempfile.TemporaryDirectory(prefix="newsflow-bench-") as folder:
        path = Path(folder) / "ledger.sqlite3"
        ledger = open_ledger(arguments.url or f"sqlite:///{path}")
        before, spent, settled = _memory_mb(), 0.0, 0
        for number, asked in enumerate(_batches(count)):
            events = [Event(each.topic, 0, each.offset, each.time_ms, None, b"") for each in asked]
            began = time.process_time()
            ledger.settle(asked, [ReadUpTo(asked[0].topic, events)])
            if number * BATCH >= count * 0.9:
                spent, settled = spent + time.process_time() - began, settled + len(asked)
        memory = _memory_mb() - before
        ledger.close()
        stored = 0 if arguments.url else path.stat().st_size // count
        figures = f"{1_000 * spent / settled:28.2f} {memory:14.0f} {1_024 * memory / count:15.1f} {stored:21,}"
    return f"{count:22,} {figures}"


def _memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024


def _batches(count: int) -> Iterator[list[Asked]]:
    draw, words = random.Random(1), _words()
    weights = 1.0 / (np.arange(len(words)) + 2.7)
    picks = np.random.default_rng(1).choice(len(words), size=(count, 60), p=weights / weights.sum())
    batch: list[Asked] = []
    for number in range(count):
        batch.append(_report(draw, number, [words[at] for at in picks[number]], count))
        if len(batch) == BATCH or number == count - 1:
            yield batch
            batch = []


def _words() -> list[str]:
    from wordfreq import top_n_list

    return top_n_list("en", 20_000)


def _report(draw: random.Random, number: int, words: list[str], count: int) -> Asked:
    """A report of one of the happenings that go on at its time: it names who, where and how many."""
    of = random.Random(number // 60 * 10 + draw.randrange(60 // REPORTS_A_HAPPENING))
    who, where = ("".join(of.choices("bdfgklmnprstvaeiou", k=8)).capitalize() for _ in range(2))
    title = f"{who}: {' '.join(words[:6])} in {where}"
    body = f"{who} told {where} of {of.randrange(1_000, 99_000)}: {' '.join(words[6:])}."
    meaning = np.random.default_rng(of.randrange(1 << 30)).normal(size=512)
    meaning += np.random.default_rng(number).normal(size=512) * 0.7
    vector = np.clip(np.rint(meaning * 512 / np.linalg.norm(meaning)), -127, 127).astype(np.int8)
    report = pack_signals(read_signals("en", title, body), vector)
    at, name = START_US + number * WINDOW_US // count, f"{number:032x}"
    return Asked(name, 1, "raw", 0, number, at // 1_000, at, "en", Told(name, 1), report=report)


# The whole job.


def job(way: str, arguments: argparse.Namespace) -> str:
    from newsflow.cli.launch import on_files
    from newsflow.ingest import steps
    from newsflow.runners.job import load_job

    if way == "without":
        vars(steps)["settle"] = lambda items, _: list(items)
    sizes = (SHORT, SHORT, arguments.events)  # at the first, imports and word lists are no article's
    with tempfile.TemporaryDirectory(prefix="newsflow-bench-") as folder:
        spent = []
        for number, size in enumerate(sizes):
            path = Path(folder) / f"{number}.jsonl"
            path.write_bytes(b"".join(value + b"\n" for _, value in raw_events(size, seed=3, size_chars=2_500)))
            flags = {"ledger.url": f"sqlite:///{folder}/{number}.sqlite3"}
            flags["stories.encoder"] = "none" if way == "without" else way
            config = load_config(environ={}, flags=flags).config
            began = _cpu_s()
            on_files(load_job("ingest"), config, path, Path(folder) / str(number), quiet=True)
            spent.append(_cpu_s() - began)
    return str(1_000 * (spent[2] - spent[1]) / (arguments.events - SHORT))


def _cpu_s() -> float:
    """Of this process, of those that it ended, and of its workers."""
    own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own + sum(sum(worker.cpu_times()[:2]) for worker in psutil.Process().children(recursive=True))


if __name__ == "__main__":
    main()
