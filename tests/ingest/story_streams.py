"""A stream of reports on made-up happenings, spread over partitions, and workers that read it as jobs do."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

import orjson

from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.kafka.reader import TopicPosition
from newsflow.ledger.story_links import stories_of
from newsflow.model import Event
from newsflow.model.event import NEVER_MS
from tests.mixed_events import START

TOPIC = "news.article.raw.v1"
_NAMES = ["Marentis", "Halbergstad", "Ostrovanka", "Tolbertin", "Kelstrand", "Vesterholt", "Dragomarin", "Pellingrad"]
_PLACES = ["Velmora", "Tarsen", "Ultana", "Brelovsk", "Quarrim", "Soldenau", "Ivendra", "Mostrava"]
_EVENTS = ["bridge collapses", "mayor resigns", "harbour strike ends", "train derails", "festival cancelled",
           "mine flooded", "court frees editor", "ferry sinks"]  # fmt: skip
_WITH = ["witnesses", "officials", "rescue", "inquiry", "report", "crowd", "police", "minister", "evening", "repair"]


def stories_stream(count: int, seed: int = 1, partitions: int = 4) -> list[list[Event]]:
    """By partition: reports, copies, corrections, texts written anew, withdrawals, notes of one form with other figures.
    Record times go up but for a little disorder."""
    draw = random.Random(seed)
    events: list[list[Event]] = [[] for _ in range(partitions)]
    sent: list[dict[str, Any]] = []
    for number in range(count):
        at = START + timedelta(minutes=7 * number)
        kind = (
            draw.choice(["new"] * 6 + ["copy", "copy", "edit", "rewrite", "rewrite", "note", "withdraw", "repeat"])
            if sent
            else "new"
        )
        if kind == "new":
            value = report_of(draw, number)
        elif kind == "note":
            value = _note(draw, number)
        elif kind == "copy":
            outlet = f"copier-{number % 5}"
            value = {**draw.choice(sent), "source": outlet, "url": f"https://{outlet}.example/{number}"}
        else:
            value = dict(draw.choice(sent))
            if kind == "edit" and "content" in value:
                value["content"] += f" Corrected: {draw.randrange(100, 999)} were there."
            elif kind == "rewrite" and "content" in value:  # the address of the one tells what the other told
                of = report_of(draw, draw.choice([number, draw.randrange(count)]))
                value |= {name: of[name] for name in draw.choice([["content"], ["title", "content"]])}
            elif kind == "withdraw":
                value = {name: value[name] for name in ("source", "url")} | {"action": "withdraw"}
        value["fetched_at"] = (at - timedelta(minutes=draw.randrange(30))).isoformat()
        if kind != "withdraw" and "content" in value:
            sent.append(value)
        partition = sum(value["url"].encode()) % partitions  # as a key would: all states of an article in one
        written = round((at + timedelta(minutes=draw.choice([0, 0, 0, -9]))).timestamp() * 1_000)
        place = len(events[partition])
        events[partition].append(Event(TOPIC, partition, place, written, None, orjson.dumps(value)))
    return events


def report_of(draw: random.Random, number: int) -> dict[str, Any]:
    """A report on one of the happenings of its time."""
    happening = max(0, number // 25 * 3 + draw.randrange(-3, 4))
    of = random.Random(happening)
    name, place, what = of.choice(_NAMES), of.choice(_PLACES), of.choice(_EVENTS)
    figure, other = of.randrange(1_000, 90_000), "".join(of.sample("bdfgklmnprstv", 5)).capitalize()
    about = f"{what} in {place}"
    others = " ".join(draw.sample(_WITH, 5))
    told = draw.sample([f"{other} saw it", f"{figure} people came", f"{name} spoke", f"near {other}"], 3)
    body = f"{name} said the {about}, {others}. {'. '.join(told)}. " + " ".join(
        f"{draw.choice(_WITH)}{draw.choice('abcdefgh')}{draw.randrange(10**5)}" for _ in range(9)
    )
    outlet = f"outlet-{draw.randrange(9)}"
    return {
        "source": outlet,
        "url": f"https://{outlet}.example/{number}",
        "content_type": "text/plain",
        "content_is": "article",
        "title": f"{name}: {about} ({others.split()[0]})",
        "content": body,
    }


def _note(draw: random.Random, number: int) -> dict[str, Any]:
    place, outlet = draw.choice(_PLACES[:3]), f"outlet-{draw.randrange(9)}"
    rates = [f"{metal} {draw.randrange(1_000, 9_999)} marks" for metal in ("copper", "tin", "zinc", "lead", "nickel")]
    return {
        "source": outlet,
        "url": f"https://{outlet}.example/{number}",
        "content_type": "text/plain",
        "content_is": "article",
        "title": f"Metal prices at the {place} exchange",
        "content": f"At the close of trading the exchange of {place} quoted these prices: {', '.join(rates)} a ton. "
        "The exchange publishes its closing prices every day after the last round of trading, without warranty.",
    }


class Worker:
    """Reads some partitions to their ends, merged by record time, and decides batch by batch. It may be killed between
    any two steps, and begins again where it last committed."""

    def __init__(
        self, make: Callable[[], Runtime], events: Sequence[Sequence[Event]], mine: Sequence[int], draw: random.Random
    ) -> None:
        self._make, self._events, self._mine, self._draw = make, events, list(mine), draw
        self._committed = dict.fromkeys(mine, 0)
        self._begin()

    def _begin(self) -> None:
        self._at = dict(self._committed)
        self.runtime = self._make()
        config = self.runtime.config.kafka
        self.runtime.lend(TopicPosition(config.input_topic, config.group), self)
        self._merged = self._merge()

    def _merge(self) -> Iterator[Event]:
        heads = [(self._events[p][at].timestamp_ms, p) for p, at in self._at.items() if at < len(self._events[p])]
        heapq.heapify(heads)
        while heads:
            _, partition = heads[0]
            event = self._events[partition][self._at[partition]]
            self._at[partition] += 1
            if self._at[partition] < len(self._events[partition]):
                heapq.heapreplace(heads, (self._events[partition][self._at[partition]].timestamp_ms, partition))
            else:
                heapq.heappop(heads)
            yield event

    def next_places(self) -> tuple[frozenset[int], Mapping[int, tuple[int, int]]]:
        found = {}
        for partition, at in self._at.items():
            rest = self._events[partition][at:]
            found[partition] = (rest[0].timestamp_ms, at) if rest else (NEVER_MS, at)
        return frozenset(range(len(self._events))), found

    def work(self, kill: Callable[[Runtime], None] | None = None) -> bool:
        """One batch; False when all is read. `kill` lets a step of it fail."""
        batch = list(islice(self._merged, self._draw.randrange(1, 30)))
        if not batch:
            return False
        try:
            if kill is not None:
                kill(self.runtime)
            process(batch, self.runtime)
        except KilledError:
            self.runtime.close()
            self._begin()
            return True
        if self._draw.random() < 0.7:  # else what it did is done again after a kill
            self._committed = dict(self._at)
        return True


class KilledError(Exception):
    """Stands for the end of a process."""


def kill_at(name: str, *, after: bool) -> Callable[[Runtime], None]:
    """Ends a worker before or after a call of the ledger."""

    def kill(runtime: Runtime) -> None:
        real = getattr(runtime.ledger, name)

        def killed(*args: Any, **kwargs: Any) -> Any:
            if after:
                real(*args, **kwargs)
            raise KilledError(name)

        setattr(runtime.ledger, name, killed)

    return kill


def settled(runtime: Runtime) -> dict[str, str]:
    """The story that each article is in now."""
    ids = runtime.ledger.transact(lambda db: [row[0] for row in db.query("SELECT id FROM article")], writes=False)
    return runtime.ledger.transact(lambda db: stories_of(db, ids), writes=False)
