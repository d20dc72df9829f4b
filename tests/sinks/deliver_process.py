"""A process that delivers a log kept in files: what the kill test kills. Arguments: folder, webhook URL, outage file.

While the outage file is there, the store is away.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from newsflow.config.settings import Destination
from newsflow.errors import SinkError
from newsflow.ledger import open_ledger
from newsflow.model import Event
from newsflow.routing import Routes, Subscription
from newsflow.sinks.circuit import Backoff
from newsflow.sinks.deliver import AlertSink, ArticleSink, DeliverLoop, StoreSink
from newsflow.sinks.delivery import AlertDelivery
from newsflow.sinks.desks import AlertDesks
from newsflow.sinks.stores import Refused, Store, StoreRow, open_store

BATCH = 5


@dataclass
class Span:
    start: int
    end: int

    @property
    def empty(self) -> bool:
        return self.start >= self.end


class FileLog:
    """One partition in a file of lines; the place is a file of its own, moved by rename."""

    def __init__(self, lines: Path, place: Path) -> None:
        self.values = lines.read_bytes().splitlines()
        self.place = place
        self.span = Span(0, 0)

    def end_offsets(self) -> Mapping[int, int]:
        return {0: len(self.values)}

    def plan(self, until: Mapping[int, int] | None = None) -> Span:
        start = int(self.place.read_text()) if self.place.exists() else 0
        self.span = Span(start, min(start + 4 * BATCH, len(self.values)))
        return self.span

    def batches(self) -> Iterator[list[Event]]:
        for at in range(self.span.start, self.span.end, BATCH):
            values = self.values[at : min(at + BATCH, self.span.end)]
            yield [Event("news.article.v1", 0, at + n, 0, None, value) for n, value in enumerate(values)]

    def finish(self) -> int:
        temporary = self.place.with_suffix(".new")
        temporary.write_text(str(self.span.end))
        temporary.replace(self.place)
        return self.span.end - self.span.start


class SometimesAway(Store):
    def __init__(self, inner: Store, outage: Path) -> None:
        self.name, self.inner, self.outage = inner.name, inner, outage

    def write(self, rows: list[StoreRow]) -> list[Refused]:  # type: ignore[override]
        if self.outage.exists():
            raise SinkError("the store is away")
        return self.inner.write(rows)

    def close(self) -> None:
        self.inner.close()


def main(folder: Path, hook: str, outage: Path) -> None:
    ledger = open_ledger(f"sqlite:///{folder}/ledger.sqlite3")
    desks = AlertDesks(Routes(subscriptions=(Subscription("desk", alert_to=("hook",)),)), ledger)
    dead = (folder / "dead.txt").open("a")
    stores = [open_store(f"sqlite:///{folder}/articles.sqlite3"), open_store(f"jsonl:///{folder}/jsonl")]
    sinks: list[ArticleSink] = [StoreSink(store.name, SometimesAway(store, outage)) for store in stores]
    sinks.append(AlertSink(desks))
    print("ready", flush=True)
    destination = Destination("webhook", hook, allow_private=True)
    delivery = AlertDelivery(ledger, [("hook", destination)], last_drain_s=20)
    delivery.drainer.lease_s, delivery.drainer.backoff = 0.5, Backoff(0.05, 0.2)
    with delivery:
        for sink in sinks:
            loop = DeliverLoop(
                FileLog(folder / "log.jsonl", folder / f"place-{sink.name}"),
                sink,
                lambda letters: print(*(event.offset for event, _ in letters), file=dead, flush=True),
                backoff=Backoff(0.02, 0.1),
            )
            loop.until_caught_up()
    for store in stores:
        store.close()
    ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
