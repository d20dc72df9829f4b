"""A process that delivers a log kept in files by the real page: what the kill test kills.

Arguments: folder, webhook URL, outage file. While the outage file is there, the stores are away.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions

from newsflow.alerts.delivery import AlertDelivery, Circuit
from newsflow.alerts.outbox import Outbox
from newsflow.backoff import Backoff
from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.errors import SinkError
from newsflow.ingest import runtime as parts
from newsflow.ingest.deliver import sink_names
from newsflow.kafka.reader import Run
from newsflow.model import Event
from newsflow.runners.job import Job, load_job
from newsflow.runners.local import LocalLoop, PreparedPipeline
from newsflow.stores.contract import Refused, Store, StoreRow
from newsflow.stores.registry import open_store

BATCH = 5


class FileLog:
    """One partition in a file of lines; the place is a file of its own, moved by rename."""

    def __init__(self, lines: Path, place: Path) -> None:
        self.values = lines.read_bytes().splitlines()
        self.place = place
        self.run = Run({0: (0, 0)})

    @property
    def finished(self) -> Mapping[int, int]:
        return {0: int(self.place.read_text()) if self.place.exists() else 0}

    def end_offsets(self) -> Mapping[int, int]:
        return {0: len(self.values)}

    def plan(self, until: Mapping[int, int] | None = None) -> Run:
        start = self.finished[0]
        self.run = Run({0: (start, min(start + 4 * BATCH, len(self.values)))})
        return self.run

    def batches(self) -> Iterator[list[Event]]:
        start, end = self.run.spans[0]
        for at in range(start, end, BATCH):
            values = self.values[at : min(at + BATCH, end)]
            yield [Event("news.article.v1", 0, at + n, 0, None, value) for n, value in enumerate(values)]

    def finish(self) -> int:
        start, end = self.run.spans[0]
        temporary = self.place.with_suffix(".new")
        temporary.write_text(str(end))
        temporary.replace(self.place)
        return end - start

    def stop(self) -> None:
        pass


def loop_over(log: FileLog, config: Config, sink: str) -> LocalLoop:
    """The shipped page for one sink, reading a log of files."""
    job = Job(config, sinks=(sink,))
    pipeline = PreparedPipeline(load_job("deliver").build, job, PipelineOptions([]))
    return LocalLoop(pipeline, log, job, lambda *_: None, position=job.published(sink))


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
    (folder / "routes.yaml").write_text(
        "version: 1\nroutes: [{id: all, stores: [sqlite, jsonl]}]\n"
        "subscriptions: [{id: desk, alert: {to: [hook], cool_down: 14m}}]\n"
    )
    flags = {
        "ledger.url": f"sqlite:///{folder}/ledger.sqlite3",
        "routes.paths": [str(folder / "routes.yaml")],
        "stores": {"sqlite": f"sqlite:///{folder}/articles.sqlite3", "jsonl": f"jsonl:///{folder}/jsonl"},
        "alerts.destinations": {"hook": {"type": "webhook", "url": hook, "allow_private": True}},
    }
    config = load_config(environ={}, flags=flags).config
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "open_store", lambda url: SometimesAway(open_store(url), outage))
        runtime = parts.runtime_for(config)
        for name in sink_names(config):
            runtime.sink(name).backoff = Backoff(0.02, 0.1)
    loops = [
        loop_over(FileLog(folder / "log.jsonl", folder / f"place-{name}"), config, name) for name in sink_names(config)
    ]
    outbox = runtime.alert_ledger
    delivery = AlertDelivery(lambda: Outbox(outbox), config.destinations, last_drain_s=20, tick=runtime.planner.tick)
    for drainer in delivery.drainers:
        drainer.lease_s, drainer.backoff, drainer.circuit = 0.5, Backoff(0.05, 0.2), Circuit(Backoff(0.05, 0.2))
    print("ready", flush=True)
    with delivery:
        for loop in loops:
            loop.until_caught_up()
    parts.close_runtimes()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
