"""The same stream makes the same stories, however many workers read it, wherever they are killed, on each database."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.ingest.runtime import Runtime, SharedRules
from newsflow.model import Event
from newsflow.tagging import RuleSource
from newsflow.testing import Clock
from tests.ingest.story_streams import TOPIC, Worker, kill_at, report_of, settled, stories_stream
from tests.mixed_events import START
from tests.postgres_helpers import new_database
from tests.rule_helpers import FEW_RULES

COUNT = 350
KILLS = [("decide", True), ("settle", False), ("settle", True), ("record", False), ("record", True)]
"""Between the steps of a batch."""


@pytest.fixture
def make_runtime() -> Iterator[Callable[..., Runtime]]:
    made: list[Runtime] = []
    rules = SharedRules(RuleSource(list(FEW_RULES)))

    def make(url: str, encoder: str = "use") -> Runtime:
        flags: dict[str, Any] = {"ledger.url": url, "stories.encoder": encoder}
        made.append(Runtime(load_config(environ={}, flags=flags).config, rules=rules, clock=Clock(START)))
        made[-1].latest = lambda: None
        return made[-1]

    yield make
    for runtime in made:
        runtime.close()


@pytest.fixture(scope="module")
def alone() -> dict[str, Any]:
    """What one worker made, once it is known."""
    return {}


SEEDS, SEED_COUNT = 24, 200


@pytest.mark.faults
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_many_streams(
    database: str, make_runtime: Callable[..., Runtime], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for seed in range(SEEDS if database == "sqlite" else SEEDS // 4):
        events = stories_stream(SEED_COUNT, seed)
        alone, url = f"sqlite:///{tmp_path}/alone{seed}.sqlite3", f"sqlite:///{tmp_path}/{seed}.sqlite3"
        if database == "postgresql":
            url = new_database(request.getfixturevalue("postgres"))
        expected = _run(lambda: make_runtime(alone, encoder="none"), 1, seed, events=events)  # noqa: B023
        found = _run(lambda: make_runtime(url, encoder="none"), 4, seed, kills=10, events=events)  # noqa: B023
        assert found == expected, seed


def test_one_worker(make_runtime: Callable[[str], Runtime], tmp_path: Path, alone: dict[str, Any]) -> None:
    for number in range(2):  # with other batches
        found = _run(lambda number=number: make_runtime(f"sqlite:///{tmp_path}/{number}.sqlite3"), 1, seed=number)  # type: ignore[misc]
        assert found == alone.setdefault("stories", found)
    stories = Counter(alone["stories"]["stories"].values())
    assert max(stories.values()) >= 5
    assert len(stories) > 10
    assert any(row[0] == "merge" for row in alone["stories"]["log"])


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
@pytest.mark.parametrize("workers", [1, 4])
def test_workers_that_are_killed(
    database: str,
    workers: int,
    make_runtime: Callable[[str], Runtime],
    tmp_path: Path,
    request: pytest.FixtureRequest,
    alone: dict[str, Any],
) -> None:
    if "stories" not in alone:
        alone["stories"] = _run(lambda: make_runtime(f"sqlite:///{tmp_path}/alone.sqlite3"), 1, seed=0)
    url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    if database == "postgresql":
        url = new_database(request.getfixturevalue("postgres"))
    found = _run(lambda: make_runtime(url), workers, seed=workers, kills=10)
    assert found["stories"] == alone["stories"]["stories"]
    assert found["log"] == alone["stories"]["log"]


class OneByOne(random.Random):
    """Lets a worker take one event at a time."""

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        return 1


@pytest.mark.parametrize("then", ["withdraw", "rewrite"])
@pytest.mark.parametrize("turns", ["001", "010", "100"])
def test_a_copy_that_is_read_before_or_after_its_original_changes(
    make_runtime: Callable[..., Runtime], tmp_path: Path, then: str, turns: str
) -> None:
    """Who reads the copy ahead decides it before its original is changed. A third partition holds all of them up."""
    first, second, *others = (report_of(random.Random(seed), 40 * seed) for seed in (1, 2, 3, 4))
    changed = {name: first[name] for name in ("source", "url")} | {"action": "withdraw"}
    if then == "rewrite":
        changed = first | {"title": second["title"], "content": second["content"]}
    copied = first if then == "withdraw" else changed
    copy = {**copied, "source": "copier", "url": "https://copier.example/1"}
    events = [
        [_event(0, 0, 0, first), _event(0, 1, 2, changed), _event(0, 2, 9, second)],
        [_event(1, 0, 4, copy)],
        [_event(2, 0, -5, others[0]), _event(2, 1, 3, others[1])],
    ]

    def run(count: int, order: str) -> list[tuple[Any, ...]]:
        url = f"sqlite:///{tmp_path}/{count}.sqlite3"
        workers = [
            Worker(lambda: make_runtime(url, encoder="none"), events, range(number, 3, count), OneByOne())
            for number in range(count)
        ]
        for number in order:
            workers[int(number)].work()
        for worker in workers:
            while worker.work():
                pass
        return _told_by(make_runtime(url, encoder="none"))

    assert run(3, turns) == run(1, "")


def _event(partition: int, offset: int, minute: int, value: dict[str, Any]) -> Event:
    at = START + timedelta(minutes=minute)
    told = orjson.dumps({**value, "fetched_at": at.isoformat()})
    return Event(TOPIC, partition, offset, round(at.timestamp() * 1_000), None, told)


def _run(
    make: Callable[[], Runtime], count: int, seed: int, kills: int = 0, events: Sequence[Sequence[Event]] = ()
) -> dict[str, Any]:
    draw = random.Random(seed)
    events = events or stories_stream(COUNT)
    workers = [Worker(make, events, range(number, 4, count), draw) for number in range(count)]
    turns, killed, waiting = 0, 0, list(workers)
    while waiting:
        worker = draw.choice(waiting)
        turns += 1
        kill = None
        if killed < kills and turns % 2 == 0:
            name, after = KILLS[killed % len(KILLS)]
            kill, killed = kill_at(name, after=after), killed + 1
        if not worker.work(kill):
            waiting.remove(worker)
    assert killed == kills
    runtime = make()
    return {"stories": settled(runtime), "log": _told_by(runtime)}


def _told_by(runtime: Runtime) -> list[tuple[Any, ...]]:
    """The log of what was settled, byte for byte."""
    sql = "SELECT kind, article_id, version, story, event_at, first_day, language, report FROM story_log"
    rows = runtime.ledger.transact(
        lambda db: db.query(f"{sql} WHERE kind IN ('join', 'merge') ORDER BY log_no"), writes=False
    )
    due = runtime.ledger.transact(lambda db: db.query("SELECT COUNT(*) FROM story_due"), writes=False)
    assert due == [(0,)]
    return [(*row[:-1], bytes(row[-1])) for row in rows]
