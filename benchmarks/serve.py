"""How fast what is served answers: every page, search and the API, by one core; and what many streams at once cost.

    .venv/bin/python benchmarks/serve.py [--articles 100000] [--stories 5000] [--rounds 40] [--readers 300]

A ledger and a store in SQLite are filled with made-up articles in English, Arabic and Russian, words as frequent as
English ones. `newsflow serve` is started as an operator starts it, pinned to one core. Times are of the wall clock
beside the processor's time of the server: on a busy machine the second is what holds. Then readers hold streams open
while articles come in at ten a second; the server is killed, again and again, and each reader goes on with
`Last-Event-ID`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
import psutil
import urllib3

from newsflow.ledger import open_ledger
from newsflow.ledger.database import Database, to_micros
from newsflow.ledger.tables import ARTICLE_COLUMNS, EVENT_COLUMNS
from newsflow.model import Action, Article, Evidence, Mention, PublicationDate, TopicMatch
from newsflow.model.codec import encode_article
from newsflow.processes import free_port
from newsflow.stores.contract import StoreRow
from newsflow.stores.sqlite import SqliteStore

TOPICS = ("syria", "russia", "ukraine", "iran", "lebanon", "elections", "economy", "egypt", "israel", "turkey")
LANGUAGES = ("en", "ar", "ru")
STEMS = {"en": "harbour", "ar": "ميناء", "ru": "гавань"}
"""A made-up word is one of these and a number; the lower the number, the more frequent."""
NOW = datetime.now(UTC).replace(microsecond=0)
SPAN = timedelta(days=14)
AT_ONCE = 1_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--articles", type=int, default=100_000)
    parser.add_argument("--stories", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=40, help="how often each page is asked for")
    parser.add_argument("--readers", type=int, default=300, help="streams that are open at once; 0 leaves them out")
    parser.add_argument("--seconds", type=int, default=60, help="how long articles come in, at least")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--place", type=Path, help="folder to fill, or that an earlier run has filled alike")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = arguments.place or Path(folder)
        if not (place / "store.sqlite3").exists():
            place.mkdir(parents=True, exist_ok=True)
            fill(place, arguments.articles, arguments.stories)
        with SqliteStore(place / "store.sqlite3") as store:
            store.write([])  # of an earlier release: it is brought to this one
        size = sum(file.stat().st_size for file in place.iterdir()) / 1e6
        print(f"{arguments.articles:,} articles, {arguments.stories:,} stories, {size:,.0f} MB\n", flush=True)
        port = free_port()
        with serving(place, port) as server:
            pages(f"http://127.0.0.1:{port}", server, arguments.rounds, arguments.articles, arguments.stories)
        if arguments.readers:
            asyncio.run(streams(place, port, arguments.readers, arguments.seconds, arguments.kills))


# The world.


def fill(place: Path, articles: int, stories: int) -> None:
    """A ledger's articles and stories, and the store that holds the texts."""
    chance = np.random.default_rng(25)
    ledger, store = open_ledger(f"sqlite:///{place}/ledger.sqlite3"), SqliteStore(place / "store.sqlite3")
    with closing(ledger), store:
        for start in range(0, articles, AT_ONCE):
            numbers = range(start, min(start + AT_ONCE, articles))
            made = [article(chance, number, articles, stories) for number in numbers]
            store.write([StoreRow(each, encode_article(each)) for each in made])
            ledger.transact(partial(_decided, made=made, numbers=numbers))
        last = [(story_id(number), to_micros(seen(articles - stories + number, articles))) for number in range(stories)]
        columns = "id, last_at, changed, told, told_digest"
        ledger.transact(lambda db: db.insert("story", columns, [(story, at, 1, 1, b"") for story, at in last]))


def _decided(db: Database, made: Sequence[Article], numbers: range) -> None:
    """What the ledger keeps of published articles; one in ten has a copy that was held back."""
    known, log, events = list[tuple[Any, ...]](), list[tuple[Any, ...]](), list[tuple[Any, ...]]()
    for number, each in zip(numbers, made, strict=True):
        at = to_micros(each.first_seen)
        known.append(_known(each.id, each.source, each.url, each.language, at, None, 2 * number))
        log.append((number + 1, "join", each.id, 1, each.story, each.story, 2, at, at, 0, each.language, b""))
        events.append((each.id, "news.article.raw.v1", 0, number, "added", None, each.id, 1, at, at))
        if number % 10 == 0:
            copy = f"c{number:031x}"
            known.append(_known(copy, "outlet-0", f"{each.url}/copy", each.language, at, each.id, 2 * number + 1))
            events.append((copy, "news.article.raw.v1", 1, number, "duplicate", None, copy, 1, at, at))
    db.insert("article", ARTICLE_COLUMNS, known)
    db.insert("event", EVENT_COLUMNS, events)
    columns = (
        "log_no, kind, article_id, version, story, told, told_size, event_at, settled_at, first_day, language, report"
    )
    db.insert("story_log", columns, log)


def _known(
    name: str, source: str, url: str | None, language: str, at: int, original: str | None, text_no: int
) -> tuple[Any, ...]:
    return (name, source, url, None, None, language, 1, name, None, at, at, at, name, original, 0, 1, text_no, "[]", "")


def seen(number: int, articles: int) -> datetime:
    """The later the number, the later it came; the last one a moment ago."""
    return NOW - SPAN * (1 - number / articles)


def story_id(number: int) -> str:
    return f"{number:032x}"


def article(chance: np.random.Generator, number: int, articles: int, stories: int) -> Article:
    language = LANGUAGES[number % 3]
    words = [f"{STEMS[language]}{each}" for each in (30_000 * chance.random(250) ** 3).astype(int)]
    body = "\n".join(" ".join(words[at : at + 50]) + "." for at in range(0, len(words), 50))
    at = seen(number, articles)
    named = {TOPICS[int(each)] for each in len(TOPICS) * chance.random(2) ** 2}
    topics = tuple(
        TopicMatch(each, "iso3166", each[:2].upper(), 3.0, "1", (Evidence("w", "body", 0, 5, body[:5], 1.0),))
        for each in sorted(named)
    )
    return Article(
        source=f"outlet-{number % 60}", title=" ".join(words[:9]), body=body, language=language,
        published=PublicationDate(at, "explicit", "meta", ""), first_seen=at, id=f"{number:032x}", version=1,
        action=Action.ADD, url=f"https://outlet-{number % 60}.example/{number}", story=story_id(number % stories),
        topics=topics, mentions=(Mention("egypt", "EG", 1),),
    )  # fmt: skip


@contextmanager
def serving(place: Path, port: int) -> Iterator[psutil.Process]:
    """`newsflow serve` as an operator starts it, on one core of its own."""
    (place / "newsflow.yaml").write_text(
        f"ledger: {{url: 'sqlite:///{place}/ledger.sqlite3'}}\nstores: {{all: 'sqlite:///{place}/store.sqlite3'}}\n"
        "serve: {requests_per_minute: 1000000}\n"
    )
    words = [sys.executable, "-m", "newsflow", "serve", "--listen", f"127.0.0.1:{port}", "-c", f"{place}/newsflow.yaml"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        os.sched_setaffinity(process.pid, {max(os.sched_getaffinity(0))})
        try:
            assert process.stderr is not None
            if "serving on" not in (line := process.stderr.readline()):
                raise SystemExit(line + process.stderr.read())
            yield psutil.Process(process.pid)
        finally:
            process.kill()


# Pages.


def _asked(articles: int, stories: int) -> dict[str, Callable[[random.Random], str]]:
    def one(chance: random.Random) -> str:
        return f"{chance.randrange(articles):032x}"

    def word(chance: random.Random, language: str, most: int) -> str:
        return quote(f"{STEMS[language]}{chance.randrange(most // 3, most)}")

    return {
        "now": lambda _: "/",
        "now, of a topic": lambda c: f"/?topic={c.choice(TOPICS)}",
        "topics": lambda _: "/topics",
        "topic": lambda c: f"/topics/{c.choice(TOPICS)}",
        "story": lambda c: f"/stories/{story_id(c.randrange(stories))}",
        "article": lambda c: f"/articles/{one(c)}",
        "duplicates": lambda _: "/duplicates",
        "alerts": lambda _: "/alerts",
        "dead letters": lambda _: "/dead-letters",
        "trace": lambda c: f"/trace?q={one(c)}",
        "sources": lambda _: "/sources",
        "status": lambda _: "/status",
        "search, a frequent word": lambda c: f"/search?q={word(c, 'en', 60)}",
        "search, a rare word": lambda c: f"/search?q={word(c, 'ru', 29_000)}",
        "search, two words": lambda c: f"/search?q={word(c, 'ar', 300)}+{word(c, 'ar', 300)}",
        "search, a word of a topic": lambda c: f"/search?q={word(c, 'ar', 300)}&topic={c.choice(TOPICS)}",
        "/v1/articles": lambda c: f"/v1/articles?topic={c.choice(TOPICS)}&language=ar",
        "/v1/stories": lambda _: "/v1/stories",
        "/v1/topics/ID/trend": lambda c: f"/v1/topics/{c.choice(TOPICS)}/trend",
        "Atom of a topic": lambda c: f"/topics/{c.choice(TOPICS)}.atom",
    }


def pages(base: str, server: psutil.Process, rounds: int, articles: int, stories: int) -> None:
    print(f"{'':<28}{'wall clock, ms':>20}{'CPU of the server, ms':>26}")
    print(f"{'page':<28}{'p50':>10}{'p95':>10}{'on average':>16}{'p95':>10}")
    slow = Counter[str]()
    with urllib3.PoolManager(retries=False) as pool:
        for name, path in _asked(articles, stories).items():
            chance, times = random.Random(name), list[float]()
            pool.request("GET", base + path(chance))  # whatever is made once
            spent = list[float]()
            for _ in range(rounds):
                before, begun = sum(server.cpu_times()[:2]), time.perf_counter()
                answer = pool.request("GET", base + path(chance))
                times.append(1_000 * (time.perf_counter() - begun))
                spent.append(1_000 * (sum(server.cpu_times()[:2]) - before))
                if answer.status != 200:
                    raise SystemExit(f"{name}: {answer.status} {answer.data[:300]!r}")
            wall, cpu = (sorted(each)[int(0.95 * rounds)] for each in (times, spent))
            mean = statistics.mean(spent)
            print(f"{name:<28}{statistics.median(times):>10.0f}{wall:>10.0f}{mean:>16.1f}{cpu:>10.0f}", flush=True)
            most = 500 if name.startswith("search") else 300
            slow += Counter({"wall clock": wall > most, "CPU": cpu > most})
    print(
        f"over 300 ms at p95, searches over 500 ms: {slow['wall clock']} by the wall clock, {slow['CPU']} by CPU time"
    )


# Streams.


@dataclass
class Reader:
    """One who follows everything: the numbers of what it was told, in order."""

    port: int
    told: list[int] = field(default_factory=list)
    breaks: int = 0

    async def follow(self, begin: int, until: asyncio.Event) -> None:
        last = begin
        while not until.is_set():
            try:
                last = await self._once(last)
            except (OSError, EOFError, asyncio.IncompleteReadError):
                self.breaks += 1
            last = max(last, self.told[-1] if self.told else begin)
            await asyncio.sleep(1)

    async def _once(self, last: int) -> int:
        source, sink = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            sink.write(f"GET /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {last}\r\n\r\n".encode())
            if b" 200 " not in await source.readline():
                raise OSError
            number = 0
            while line := await source.readline():
                if line.startswith(b"id: "):
                    number = int(line[4:])
                elif line.startswith(b"event: "):
                    self.told.append(number)
            raise EOFError
        finally:
            sink.close()


async def streams(place: Path, port: int, readers: int, seconds: int, kills: int) -> None:
    print(f"\n{readers} streams, 10 articles a second, the server killed {kills} times", flush=True)
    chance, until = np.random.default_rng(7), asyncio.Event()
    with SqliteStore(place / "store.sqlite3") as store, ExitStack() as stack:
        server = stack.enter_context(serving(place, port))
        begin = _last(place)
        following = [Reader(port) for _ in range(readers)]
        tasks = [asyncio.create_task(each.follow(begin, until)) for each in following]
        begun, killed, written, spent = time.monotonic(), 0, 0, 0.0
        up = begun
        while killed < kills or time.monotonic() - begun < seconds:
            if killed < kills and time.monotonic() - up > seconds / (kills + 1):
                spent += sum(server.cpu_times()[:2])
                server.kill()
                await asyncio.to_thread(stack.close)
                server, killed = await asyncio.to_thread(stack.enter_context, serving(place, port)), killed + 1
                up = time.monotonic()
            while written < 10 * (time.monotonic() - begun):
                made = replace(article(chance, written, 10_000, 100), id=f"f{begin:015x}{written:016x}")
                await asyncio.to_thread(store.write, [StoreRow(made, encode_article(made))])
                written += 1
            await asyncio.sleep(0.1)
        print(f"memory of the server: {server.memory_info().rss / 1e6:.0f} MB")
        wanted = list(range(begin + 1, begin + written + 1))
        end = time.monotonic() + 120
        while time.monotonic() < end and any(len(each.told) < written for each in following):
            await asyncio.sleep(1)
        spent += sum(server.cpu_times()[:2])
        until.set()
        for each in tasks:
            each.cancel()
    good = sum(each.told == wanted for each in following)
    counts = Counter(len(each.told) for each in following)
    print(f"{good} of {readers} readers were told each of {written} articles once and in order", end="")
    print("" if good == readers else f": {dict(counts)}")
    breaks = sum(each.breaks for each in following)
    print(f"{killed} kills, {breaks} connections lost or refused; {spent:.0f} s of the server's CPU")


def _last(place: Path) -> int:
    from newsflow.stores.reading import ArticleReader

    with closing(ArticleReader(f"sqlite:///{place}/store.sqlite3")) as reader:
        return reader.last_number()


if __name__ == "__main__":
    main()
