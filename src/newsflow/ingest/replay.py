"""Raw records that were processed already, through the code and the rules of today, into a ledger of their own.

Routes are evaluated, and what they say is kept in that ledger. Nothing is written to Kafka, delivered or stored; no
group commits. Done again it does the same: events that were decided get the answer they got.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from newsflow.config.settings import Config
from newsflow.errors import KafkaError, UsageError
from newsflow.ingest.files import STDIN, event_of, printed_place, read_lines
from newsflow.ingest.item import outcomes_of
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.kafka.admin import TopicTail
from newsflow.kafka.client import make_consumer, partitions_of, translated
from newsflow.kafka.settings import KafkaSettings
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Event
from newsflow.secrets import resolve

NAME = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
MOST_NAME = 40


@dataclass(frozen=True, slots=True)
class Namespace:
    """A ledger beside the live one: a file beside its file, or a schema of its database."""

    name: str
    live_url: str

    @classmethod
    def of(cls, config: Config, name: str) -> Namespace:
        """Raises `UsageError` for a name that is none."""
        if not NAME.fullmatch(name) or len(name) > MOST_NAME:
            raise UsageError(
                f"{name!r} names no namespace; accepted: a-z, 0-9 and single hyphens, as in before-rules-9"
            )
        return cls(name, resolve(config.ledger.url))

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None on PostgreSQL."""
        if not self.live_url.startswith("sqlite:"):
            return None
        live = Path(self.live_url.removeprefix("sqlite:///"))
        return live.with_name(f"{live.stem}.replay-{self.name}{live.suffix}")

    @property
    def schema(self) -> str:
        return f"newsflow_replay_{self.name.replace('-', '_')}"

    def open(self, window_h: float) -> Ledger:
        """The ledger, made where it is not there. Raises `LedgerError`."""
        if self.file is not None:
            return open_ledger(f"sqlite:///{self.file}", window_h=window_h)
        return open_ledger(self.live_url, window_h=window_h, namespace=self.schema)

    def exists(self) -> bool:
        """Whether it was replayed into. Raises `LedgerError`."""
        if self.file is not None:
            return self.file.exists()
        return self._ask(f"SELECT 1 FROM information_schema.schemata WHERE schema_name = '{self.schema}'")

    def drop(self) -> None:
        """Remove it. Raises `LedgerError`."""
        if self.file is None:
            self._ask(f'DROP SCHEMA IF EXISTS "{self.schema}" CASCADE', writes=True)
            return
        for suffix in ("", "-wal", "-shm"):
            self.file.with_name(self.file.name + suffix).unlink(missing_ok=True)

    def _ask(self, sql: str, *, writes: bool = False) -> bool:
        from newsflow.ledger.opening import open_database

        with closing(open_database(self.live_url)) as db:
            if writes:
                db.run(lambda: db.execute(sql))
                return True
            return bool(db.run(lambda: db.query(sql), writes=False))


Offsets = Mapping[int, int]


def span_of(config: Config, since: datetime | None, until: datetime | None) -> tuple[Offsets, Offsets]:
    """From which to before which offsets: records written in this time, and only those that the live job is done with.
    Raises `KafkaError`."""
    kafka = KafkaSettings.of(config.kafka)
    topic = config.kafka.input_topic
    with closing(make_consumer(kafka, group=config.kafka.group)) as consumer, translated(f"looking up {topic}"):
        partitions = partitions_of(consumer, topic)
        if not partitions:
            raise KafkaError(f"topic {topic} does not exist at {kafka.bootstrap_servers}")
        first, end = consumer.beginning_offsets(partitions), consumer.end_offsets(partitions)
        done = {tp: min(end[tp], consumer.committed(tp) or 0) for tp in partitions}

        def at(moment: datetime | None, otherwise: Mapping[object, int]) -> dict[object, int]:
            if moment is None:
                return dict(otherwise)
            found = consumer.offsets_for_times(dict.fromkeys(partitions, int(moment.timestamp() * 1000)))
            return {tp: end[tp] if found.get(tp) is None else found[tp].offset for tp in partitions}

        start, stop = at(since, first), at(until, done)
        begin = {tp.partition: max(first[tp], start[tp]) for tp in partitions}
        return begin, {tp.partition: max(begin[tp.partition], min(done[tp], stop[tp])) for tp in partitions}


def bounded(
    span: tuple[Offsets, Offsets], wanted: Mapping[int, tuple[int, int | None]] | None
) -> tuple[Offsets, Offsets]:
    """The part of a span that lies within the first and last offsets `wanted`, by partition; all of it for None.
    Raises `UsageError` for a partition that is not there."""
    start, end = span
    if wanted is None:
        return span
    if unknown := sorted(wanted.keys() - end.keys()):
        raise UsageError(f"there is no partition {unknown[0]}; accepted: 0 to {max(end)}")
    begin = {each: min(end[each], max(start[each], first)) for each, (first, _) in wanted.items()}
    stop = {each: end[each] if last is None else min(end[each], last + 1) for each, (_, last) in wanted.items()}
    return begin, {each: max(begin[each], stop[each]) for each in wanted}


def of_file(path: Path, most_bytes: int) -> Iterator[Event]:
    """The events of a file. A line that `newsflow tail` printed is the record that it was, at its place; of one that is
    longer than an event may be, as much is read as shows that. Raises `UsageError`."""

    def beginning(_: int, pieces: Iterator[bytes]) -> bytes:
        kept = b""
        for piece in pieces:
            kept += piece[: max(0, most_bytes + 1 - len(kept))]
        return kept

    for number, line in read_lines(path, beginning, most_bytes):
        event = event_of(path.name, number, line)
        yield replace(event, **place) if (place := printed_place(line)) else event


def written_at(path: Path) -> datetime | None:
    """When a file was last changed; None for standard input. Raises `UsageError` where there is none."""
    if str(path) == STDIN:
        return None
    if not path.is_file():
        raise UsageError(f"{path} is not a file; accepted: JSON lines, plain or .gz")
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def in_order(config: Config, start: Offsets, end: Offsets) -> Iterator[Event]:
    """The records of a span, by the time they were written, as a job reads them. Raises `KafkaError`."""
    kafka, topic = KafkaSettings.of(config.kafka), config.kafka.input_topic
    with ExitStack() as stack:
        streams = [
            stack.enter_context(TopicTail(kafka, topic)).between(
                {partition: start[partition]}, {partition: end[partition]}
            )
            for partition in sorted(end)
            if start[partition] < end[partition]
        ]
        yield from heapq.merge(*streams, key=lambda event: (event.timestamp_ms, event.partition, event.offset))


def replay(
    config: Config,
    ledger: Ledger,
    events: Iterator[Event],
    report: Callable[[int], object],
    latest: datetime | None = None,
) -> Counter[str]:
    """Process events into `ledger`; the counters of a job. `report` is told of each batch. No event was fetched after
    `latest`. Raises as a job."""
    total: Counter[str] = Counter()
    with closing(Runtime(config, ledger=ledger)) as runtime:
        runtime.latest = lambda: latest
        while batch := list(islice(events, config.limits.batch_records)):
            total.update(outcomes_of(process(batch, runtime)))
            report(len(batch))
    return total
