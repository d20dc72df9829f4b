"""What an article costs as the ledger grows: processor time of each step that asks it, bytes, memory; and how long a
job waits while the ledger is pruned beside it.

    .venv/bin/python benchmarks/growth.py [--articles 10000,100000] [--url postgresql://…/one,postgresql://…/two]

Made-up events, in words as frequent as English ones, spread over 72 hours, all of them within the window, go through
the steps of the main job in one process, with a vector of random numbers for what the encoder says; topics, which do
not depend on the ledger, are left out. At each number the next events go batch by batch in turn to the full ledger and
to one that had the first number and these: so a machine that is busy for a while is no growth. Then a thread with a
connection of its own prunes half of the full ledger, as a job that follows its topic does, while the job goes on;
batches are timed by the wall before and meanwhile.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import orjson

from benchmarks.ledger_bytes import Spent
from newsflow.config.load import load_config
from newsflow.ingest import steps
from newsflow.ingest.item import Item
from newsflow.ingest.runtime import Runtime
from newsflow.ledger import open_ledger
from newsflow.ledger.pruning import Pruned
from newsflow.ledger.story_rows import pack_signals
from newsflow.leftovers import nothing_left_behind
from newsflow.model import Event
from newsflow.stories import read_signals

BEGAN = datetime(2025, 3, 1, tzinfo=UTC)
SPAN = timedelta(hours=72)
RETENTION = 2 * SPAN
"""As long as texts are kept."""
BATCH, MEASURED, TIMED = 200, 2_000, 25
"""Events of a batch; events measured at each number; batches timed without pruning."""
WORDS, HAPPENING = 200, 60
"""Words of a body; so many articles are told while a happening goes on."""
STEPS = ("decide", "settle", "record")


@nothing_left_behind()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--articles", default="10000,100000", help="numbers of events, with commas between")
    parser.add_argument("--url", default="", help="two empty PostgreSQL databases; SQLite files when left out")
    arguments = parser.parse_args()
    marks = sorted(map(int, arguments.articles.split(",")))
    with tempfile.TemporaryDirectory(prefix="newsflow-bench-") as folder, ExitStack() as opened:
        files = [Path(folder) / "full.sqlite3", Path(folder) / "small.sqlite3"]
        urls = arguments.url.split(",") if arguments.url else [f"sqlite:///{each}" for each in files]
        full, small = (opened.enter_context(closing(_runtime(url))) for url in urls)
        _grow(marks, full, small, None if arguments.url else files[0], urls[0])


def _runtime(url: str) -> Runtime:
    config = load_config(environ={}, flags={"ledger.url": url, "run.workers": 1}).config
    return Runtime(config, clock=_time)


def _grow(marks: list[int], full: Runtime, small: Runtime, path: Path | None, url: str) -> None:
    events = _events(marks[-1] + 1_000_000, SPAN / marks[-1])
    print(
        f"events   {'   '.join(f'{step} ms' for step in STEPS)}   sum ms   times   bytes an event   MB of memory (both)"
    )
    there = 0
    for mark in marks:
        for batch in _batches(islice(events, mark - there)):
            for runtime in (full, small) if mark == marks[0] else (full,):
                _process(batch, runtime, {step: Spent() for step in STEPS})
        size, memory = _size_bytes(full, path) / mark, _memory_mb()
        spent = [{step: Spent() for step in STEPS} for _ in range(2)]
        for number, batch in enumerate(_batches(islice(events, MEASURED))):
            for place in (0, 1) if number % 2 else (1, 0):
                _process(batch, (full, small)[place], spent[place])
        there = mark + MEASURED
        each, beside = ([of[step].cpu / MEASURED * 1_000 for step in STEPS] for of in spent)
        figures = "".join(f"{ms:12.2f}" for ms in (*each, sum(each)))
        print(f"{mark:9,}{figures} {sum(each) / sum(beside):7.2f} {size:14,.0f} {memory:14,.0f}", flush=True)
    _prune(full, url, events)


def _events(count: int, every: timedelta) -> Iterator[Event]:
    """A twelfth are repeats, as many are edits, and as many another outlet's copy, of one of the last 200."""
    draw, words = random.Random(1), _words()
    weights = [*accumulate(1 / (rank + 2.7) for rank in range(len(words)))]
    recent: list[dict[str, str]] = []
    for number in range(count):
        at = BEGAN + number * every
        fate = draw.randrange(12) if recent else 11
        event = dict(draw.choice(recent)) if fate < 3 else _fresh(draw, number, words, weights)
        if fate == 1:
            event["content"] += f"\n\n{' '.join(draw.choices(words, cum_weights=weights, k=12))}."
        elif fate == 2:
            event |= {"source": "copier", "url": f"https://copier.example/{number}"}
        event["fetched_at"] = at.isoformat()
        recent = [*recent[-199:], event]
        yield Event("raw", 0, number, round(at.timestamp() * 1_000), event["url"].encode(), orjson.dumps(event))


def _words() -> list[str]:
    from wordfreq import top_n_list

    return top_n_list("en", 20_000)


def _fresh(draw: random.Random, number: int, words: list[str], weights: list[float]) -> dict[str, str]:
    """A report of a happening that goes on: it names who and where."""
    of = random.Random(number // HAPPENING * 10 + draw.randrange(10))
    who, where = ("".join(of.choices("bdfgklmnprstvaeiou", k=8)).capitalize() for _ in range(2))
    told = draw.choices(words, cum_weights=weights, k=WORDS)
    source = f"outlet-{draw.randrange(40):02d}"
    return {
        "source": source,
        "url": f"https://{source}.example/news/{number}",
        "content_type": "text/plain",
        "content_is": "article",
        "language": "en",
        "title": f"{who}: {' '.join(told[:6])} in {where}",
        "content": f"{who} told {where} of {of.randrange(1_000, 99_000)}: {' '.join(told[6:])}.",
    }


_now = [BEGAN]


def _time() -> datetime:
    """The time of decisions is that of the events."""
    return _now[0]


def _batches(events: Iterator[Event]) -> Iterator[list[Event]]:
    while batch := [*islice(events, BATCH)]:
        yield batch


def _process(batch: list[Event], runtime: Runtime, spent: dict[str, Spent]) -> None:
    _now[:] = [datetime.fromtimestamp(batch[-1].timestamp_ms / 1_000, UTC)]
    items = steps.normalise(batch, runtime)
    items = spent["decide"].of(lambda: steps.deduplicate(items, runtime))
    told = [_told(item) for item in items]
    routed = spent["settle"].of(lambda: steps.route(told, runtime))
    spent["record"].of(lambda: steps.record(routed, runtime))


def _told(item: Item) -> Item:
    """What telling would have read of a new article."""
    article = item.article
    if article is None or item.decision is None or item.decision.outcome not in steps.TAGGED:
        return item
    draw = np.random.default_rng(item.event.offset)
    meaning = draw.normal(size=512)
    vector = np.clip(np.rint(meaning * 512 / np.linalg.norm(meaning)), -127, 127).astype(np.int8)
    return replace(item, report=pack_signals(read_signals("en", article.title, article.body), vector))


def _prune(runtime: Runtime, url: str, events: Iterator[Event]) -> None:
    """Half of the ledger is behind the retention: batches before, and while that goes."""
    quiet = [_wall_s(runtime, events) for _ in range(TIMED)]
    found: list[Pruned] = []
    now = BEGAN + SPAN / 2 + RETENTION

    def work() -> None:
        own = open_ledger(url, clock=lambda: now)
        found.append(own.prune(RETENTION))
        own.close()

    thread, began, meanwhile = threading.Thread(target=work), time.perf_counter(), list[float]()
    thread.start()
    while thread.is_alive():
        meanwhile.append(_wall_s(runtime, events))
    took_s = time.perf_counter() - began
    print(f"pruned {found[0].total:,} rows in {took_s:,.1f} s, beside {len(meanwhile)} batches of {BATCH}")
    for name, seconds in (("without", quiet), ("with", meanwhile)):
        middle = sorted(seconds)[len(seconds) // 2]
        print(f"a batch {name:<8} pruning: {middle:.2f} s in the middle, {max(seconds):.2f} s at most")


def _wall_s(runtime: Runtime, events: Iterator[Event]) -> float:
    """Seconds that a batch waits for the ledger and works with it."""
    spent = {step: Spent() for step in STEPS}
    _process([*islice(events, BATCH)], runtime, spent)
    return sum(each.wall for each in spent.values())


def _size_bytes(runtime: Runtime, path: Path | None) -> int:
    if path is not None:  # with what its log holds
        return sum(each.stat().st_size for each in path.parent.glob(f"{path.name}*"))
    sql = "SELECT pg_database_size(current_database())"
    return int(runtime.ledger.transact(lambda db: db.query(sql)[0][0], writes=False))


def _memory_mb() -> float:
    [line] = [each for each in Path("/proc/self/status").read_text("ascii").splitlines() if each.startswith("VmRSS")]
    return int(line.split()[1]) / 1_024


if __name__ == "__main__":
    main()
