"""What `newsflow import` takes for a WARC file, beside the library that reads it and the producer that publishes.

    python benchmarks/importing.py [--records 20000] [--chars 8000] [--rounds 2]

Alone, the least that any program would do: fastwarc reads of every record in the file its address, date, type, charset
and body, which is decoded; and the raw events that an import made of it, held ready as objects, are encoded as JSON and
published in batches. Then the import does both, into a new topic with a new ledger; and once more, which publishes
nothing. Then a new one keeps every page in the raw archive, too, in a folder. CPU time is that of this process, the
best of the rounds; the broker's own is not in it.
"""

from __future__ import annotations

import argparse
import gc
import gzip
import random
import tempfile
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import orjson
from fastwarc.warc import ArchiveIterator, WarcRecordType

from newsflow.archive.archive import Archive
from newsflow.archive.pages import PutAside
from newsflow.blobs import BlobStore
from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.kafka.admin import apply_topics, group_lag
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import open_ledger
from newsflow.leftovers import nothing_left_behind
from newsflow.model.names import RAW_TOPIC
from newsflow.model.topics import declared_topics
from newsflow.processes import free_port
from newsflow.sources.importing import BATCH_RECORDS, Imported, import_file
from newsflow.sources.outlets import Entrance, KafkaOutlet, Outlet
from newsflow.sources.records import Reading
from newsflow.tools.broker import LocalBroker

LEAST_SHARE = 0.9
SYLLABLES = ("ha", "bour", "fer", "ry", "coun", "cil", "is", "land", "ro", "ad", "bri", "dge", "мо", "ст", "مي", "ناء")


@dataclass
class Held:
    """Holds events ready."""

    events: list[tuple[bytes, bytes]] = field(default_factory=list)

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        self.events += events

    def close(self) -> None: ...


@dataclass
class Taken:
    """Seconds, by the clock and of this process's CPU."""

    wall_s: float = float("inf")
    cpu_s: float = float("inf")

    def by(self, work: Callable[[], object]) -> None:
        """Keep what a piece of work takes, if that is less."""
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        work()
        self.wall_s = min(self.wall_s, time.perf_counter() - wall_s)
        self.cpu_s = min(self.cpu_s, time.process_time() - cpu_s)

    def __str__(self) -> str:
        return f"{self.cpu_s:7.2f} s of CPU, {self.wall_s:7.2f} s by the clock"


@nothing_left_behind()
def main() -> None:
    """Print a line for each, and the share of the import's time that the two alone would take."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=20_000)
    parser.add_argument("--chars", type=int, default=8_000)
    parser.add_argument("--rounds", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="newsflow-bench-") as name:
        folder = Path(name)
        file = write_warc(folder / "news.warc.gz", options.records, options.chars)
        broker = LocalBroker(folder / "kafka", free_port(), libs=Path(".newsflow/kafka/libs").absolute())
        servers = broker.up().bootstrap_servers
        try:
            _report(folder, file, servers, options.rounds)
        finally:
            broker.kill()


def write_warc(path: Path, records: int, chars: int) -> Path:
    """A WARC file of pages of about so many characters, each record compressed by itself, as crawlers write them."""
    chosen = random.Random(24)
    words = ["".join(chosen.choices(SYLLABLES, k=chosen.randint(1, 4))) for _ in range(20_000)]
    with path.open("wb") as file:
        for number in range(records):
            text = "</p><p>".join(" ".join(chosen.choices(words, k=60)) for _ in range(chars // 380))
            page = f"<html><head><title>Page {number}</title></head><body><p>{text}</p></body></html>".encode()
            block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + page
            head = (
                f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://post.example/n/{number}\r\n"
                f"WARC-Date: 2025-03-03T06:00:00Z\r\n"
                f"WARC-Record-ID: <urn:uuid:{number:08d}-0000-4000-8000-000000000000>\r\n"
                f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
            )
            file.write(gzip.compress(head.encode() + block + b"\r\n\r\n", 6))
    return path


def _report(folder: Path, file: Path, servers: str, rounds: int) -> None:
    library, publishing, both, again, keeping = Taken(), Taken(), Taken(), Taken(), Taken()
    ledgers, held = iter(range(1_000)), Held()
    done = _import(file, f"sqlite:///{folder}/held.sqlite3", held)
    size_mb = sum(len(value) for _, value in held.events) / 1e6
    for number in range(rounds):
        # Anew in each round: a text that was encoded once remembers how.
        events = [(key, orjson.loads(value)) for key, value in held.events]
        gc.collect()
        gc.freeze()  # what is held ready is not to be looked through again and again
        library.by(lambda: _read(file))
        with closing(KafkaOutlet(_config(servers, f"alone-{number}"))) as outlet:
            publishing.by(lambda outlet=outlet, events=events: _publish(events, outlet))  # type: ignore[misc]
        config, ledger = _config(servers, f"imported-{number}"), f"sqlite:///{folder}/{next(ledgers)}.sqlite3"
        with closing(KafkaOutlet(config)) as outlet:
            both.by(lambda o=outlet, at=ledger: _import(file, at, o))  # type: ignore[misc]
            again.by(lambda o=outlet, at=ledger: _import(file, at, o))  # type: ignore[misc]
        keeping.by(lambda at=folder / f"kept-{number}", to=config: _import_and_keep(file, at, to))  # type: ignore[misc]
        found = group_lag(KafkaSettings.of(config.kafka), "nobody", config.kafka.input_topic).records
        assert found == 2 * done.events == 2 * done.records, "a second import publishes nothing"
    print(
        f"{done.records:,} records of {file.name}, {file.stat().st_size / 1e6:.0f} MB; {size_mb:.0f} MB of raw events"
    )
    print(f"fastwarc alone      {library}")
    print(f"publishing alone    {publishing}")
    cpu_share = (library.cpu_s + publishing.cpu_s) / both.cpu_s
    wall_share = (library.wall_s + publishing.wall_s) / both.wall_s
    print(f"newsflow import     {both}; {done.records / both.wall_s:,.0f} records a second")
    shares = f"{cpu_share:.2f} of its CPU, {wall_share:.2f} of its time by the clock"
    print(f"the two alone take  {shares}; wanted: at least {LEAST_SHARE}")
    print(f"imported again      {again}; nothing is published twice: the topic has {done.events:,} records")
    kept_mb = sum(each.stat().st_size for each in folder.glob("kept-0/archive/**/*.gz")) / 1e6
    print(f"with the archive    {keeping}; {kept_mb:.0f} MB are kept")


def _read(file: Path) -> None:
    with file.open("rb") as stream:
        for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=True, auto_decode="all"):
            _ = record.headers.get("WARC-Target-URI"), record.record_date, record.http_content_type
            record.reader.read().decode(record.http_charset or "utf-8")


def _publish(events: list[tuple[bytes, object]], outlet: Outlet) -> None:
    for start in range(0, len(events), BATCH_RECORDS):
        outlet.write([(key, orjson.dumps(members)) for key, members in events[start : start + BATCH_RECORDS]])


def _import(file: Path, ledger_url: str, outlet: Outlet) -> Imported:
    with closing(open_ledger(ledger_url)) as ledger:
        return import_file(file, "warc", Reading(), ledger, outlet)


def _import_and_keep(file: Path, folder: Path, config: Config) -> None:
    store = BlobStore(f"folder:///{folder}")
    with closing(open_ledger(f"sqlite:///{folder}.sqlite3")) as ledger, closing(KafkaOutlet(config)) as outlet:
        aside = PutAside(lambda: store, ledger, config.limits.inline_bytes)
        entrance = Entrance(outlet, aside, Archive(lambda: store, ledger).keep)
        import_file(file, "warc", Reading(), ledger, entrance)


def _config(servers: str, topic: str) -> Config:
    """A configuration with a raw topic of its own, which is made."""
    flags = {"kafka.bootstrap_servers": servers, "kafka.input_topic": topic}
    config = load_config(environ={}, flags=flags).config
    raw = next(each for each in declared_topics() if each.name == RAW_TOPIC)
    apply_topics(KafkaSettings.of(config.kafka), [replace(raw, name=topic, partitions=4)])
    return config


if __name__ == "__main__":
    main()
