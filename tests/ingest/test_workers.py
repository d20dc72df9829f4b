"""One batch gives the same bytes for any number of workers, also where one is killed or hangs amid it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Thread

import orjson
import psutil
import pytest

from benchmarks.corpus import raw_events
from newsflow.config.load import load_config
from newsflow.ingest.emit import output_records
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import begin, go_ahead, process
from newsflow.model import Event, Outcome
from tests.rule_helpers import FEW_RULES

NOW = datetime(2025, 5, 1, 12, tzinfo=UTC)


def events(count: int) -> list[Event]:
    """Wire texts, some of them repeats, edits and copies, and each fifth as a page."""
    found = []
    for offset, (key, value) in enumerate(raw_events(count, size_chars=600)):
        raw = orjson.loads(value)
        if offset % 5 == 0:
            text = "".join(f"<p>{line}</p>" for line in raw["content"].split("\n\n"))
            page = f"<html><body><article><h1>{raw['title']}</h1>{text}</article></body></html>"
            raw |= {"content": page, "content_type": "text/html"}
        found.append(Event("raw", 0, offset, 1_740_000_000_000 + offset, key, orjson.dumps(raw)))
    return found


def run(
    folder: Path, workers: int, disturb: Callable[[], object] = lambda: None, **flags: object
) -> list[OutputRecord]:
    settings = {
        "ledger.url": f"sqlite:///{folder}/{workers}{len(flags)}.sqlite3",
        "topics.paths": [str(path) for path in FEW_RULES],
        "stories.encoder": "none",
        "run.workers": workers,
        **{name.replace("__", "."): value for name, value in flags.items()},
    }
    runtime = Runtime(load_config(environ={}, flags=settings).config, clock=lambda: NOW)
    try:
        batches = [go_ahead(begin(each, runtime), runtime) for each in (events(60)[:40], events(60)[40:])]
        disturber = Thread(target=disturb)
        disturber.start()
        written = [record for batch in batches for record in output_records(process(batch, runtime), "test")]
        disturber.join()
        assert Outcome.DEAD_LETTERED not in runtime.ledger.outcomes()
        return written
    finally:
        runtime.close()


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> list[OutputRecord]:
    """What one worker reads, and this process tells."""
    return run(tmp_path_factory.mktemp("alone"), 1)


@pytest.mark.parametrize("workers", [2, 3])
def test_the_same_bytes_for_any_number_of_workers(alone: list[OutputRecord], tmp_path: Path, workers: int) -> None:
    assert {each.kind for each in alone} >= {"article", "feed", "duplicate"}
    assert run(tmp_path, workers) == alone


@pytest.mark.parametrize("harm", [signal.SIGKILL, signal.SIGSTOP])
def test_the_same_bytes_where_a_worker_is_killed_or_hangs(
    alone: list[OutputRecord], tmp_path: Path, harm: signal.Signals
) -> None:
    before = {child.pid for child in psutil.Process().children()}

    def disturb() -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if found := {child.pid for child in psutil.Process().children()} - before:
                os.kill(found.pop(), harm)
                return

    assert run(tmp_path, 2, disturb, limits__extract_s=10) == alone


def test_meanings_are_the_same_from_workers(tmp_path: Path) -> None:
    """The encoder gets other neighbours for a text there."""
    assert run(tmp_path, 1, stories__encoder="use") == run(tmp_path, 2, stories__encoder="use")


def test_where_nothing_new_comes_workers_are_asked_about_nothing_ahead(tmp_path: Path) -> None:
    settings = {
        "ledger.url": f"sqlite:///{tmp_path}/ledger.sqlite3",
        "topics.paths": [str(path) for path in FEW_RULES],
        "stories.encoder": "none",
        "run.workers": 2,
    }
    runtime = Runtime(load_config(environ={}, flags=settings).config, clock=lambda: NOW)
    try:
        first = process(go_ahead(begin(events(40), runtime), runtime), runtime)
        assert {str(each.decision.outcome) for each in first if each.decision} >= {"added", "replaced", "duplicate"}
        assert runtime.teller.goes_ahead
        again = [replace(each, offset=each.offset + 40) for each in events(40)]
        told = process(go_ahead(begin(again, runtime), runtime), runtime)
        assert {str(each.decision.outcome) for each in told if each.decision} <= {"repeat", "stale", "duplicate"}
        assert not runtime.teller.goes_ahead
    finally:
        runtime.close()
