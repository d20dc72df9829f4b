"""From raw events to what is said of their sources: counted once, judged by event time, published when it changes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from newsflow.config.load import load_config
from newsflow.health.judge import Kind
from newsflow.ingest.health import Health, look, publish_health
from newsflow.ingest.item import OutputRecord
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.steps import process
from newsflow.ledger.source_hours import KEPT_H, hour_of, load_hours
from newsflow.model import Event
from newsflow.model.schemas import violations
from newsflow.testing import Clock, raw_event

BEGIN = datetime(2025, 3, 3, tzinfo=UTC)
WORDS = ("harbour", "quay", "council", "gate", "ferry", "road", "winter", "budget", "pupil", "bridge", "storm", "cargo")


class Scene:
    """Six sources with a handful of articles an hour each, all of them written by hand into the ledger's counts but for
    those that are processed."""

    def __init__(self, folder: Path, ledger_url: str) -> None:
        members = {"ledger": {"url": ledger_url}, "stories": {"encoder": "none"}, "topics": {"applied": "applied"}}
        (folder / "newsflow.yaml").write_bytes(orjson.dumps(members))
        self.clock, self.offset = Clock(), 0
        self.runtime = Runtime(load_config(folder / "newsflow.yaml", environ={}).config, clock=self.clock)
        self.ledger = self.runtime.ledger
        self.written: list[OutputRecord] = []

    def come(self, *values: object) -> list[Event]:
        events = []
        for value in values:
            self.offset += 1
            raw = value if isinstance(value, bytes) else orjson.dumps(value)
            events.append(Event("news.article.raw.v1", 0, self.offset, 0, None, raw))
        process(events, self.runtime)
        return events

    def usual(self, source: str, hours: Sequence[int], articles: int = 4) -> None:
        """Counts of hours, as they would be there by then."""
        rows = [(source, hour, articles, articles, 0, 0, 900, 600, articles * 2_000, 0) for hour in hours]
        columns = "source, hour, events, articles, dead, undated, words_in, words_kept, chars, conflicts"
        self.ledger.transact(lambda db: db.insert("source_hour", columns, rows))
        spoken = [(source, hour, "en", articles) for hour in hours]
        self.ledger.transact(lambda db: db.insert("source_language", "source, hour, language, articles", spoken))

    def write(self, records: Sequence[OutputRecord]) -> None:
        self.written += records

    def publish(self) -> dict[str, Health]:
        self.written.clear()
        return {each.source: each for each in publish_health(self.ledger, "ingest", self.write)}


@pytest.fixture
def scene(tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    monkeypatch.chdir(tmp_path)
    built = Scene(tmp_path, ledger_url)
    yield built
    built.runtime.close()


def at(hour: int, minute: int = 0) -> str:
    return f"{BEGIN + timedelta(hours=hour, minutes=minute):%Y-%m-%dT%H:%M:%SZ}"


def article(number: int, hour: int, **members: object) -> dict[str, object]:
    words = " ".join(WORDS[number * step % len(WORDS)] for step in range(1, 40))
    text = f"{words} {number}. The council of Marrow Bay agreed on Monday."
    return raw_event(title=f"Notes {number}", content=text, fetched_at=at(hour, number), **members)


def test_each_event_counts_once_in_the_hour_it_was_fetched(scene: Scene) -> None:
    first, dated = article(1, 0), article(2, 0, published=at(0))
    short = raw_event(
        content="", content_type="text/html", title=None, url="https://harbour-post.example/x", fetched_at=at(1)
    )
    events = scene.come(first, dated, first, article(3, 2, language="en"), short, b"{")
    process(events, scene.runtime)  # a job that was killed asks again
    hours = scene.ledger.transact(lambda db: load_hours(db, 0), writes=False)
    start = hour_of(BEGIN)
    assert set(hours) == {"harbour-post"}
    counted = {
        hour - start: (each.events, each.articles, each.dead, each.undated)
        for hour, each in hours["harbour-post"].items()
    }
    assert counted == {0: (3, 2, 0, 1), 1: (1, 0, 1, 0), 2: (1, 1, 0, 1)}
    told = hours["harbour-post"][start]
    assert told.words_in == told.words_kept > 40
    assert told.chars > 200
    assert sum(told.languages.values()) == 2


def test_a_source_goes_silent_and_returns(scene: Scene) -> None:
    start = hour_of(BEGIN)
    for source in ("a-post", "b-post", "c-post", "d-post", "e-post"):
        scene.usual(source, range(start, start + 21 * 24))
    quiet_from = start + 20 * 24
    scene.ledger.transact(
        lambda db: db.execute("DELETE FROM source_hour WHERE source = ? AND hour >= ?", ["b-post", quiet_from])
    )
    found = scene.publish()
    assert {source for source, each in found.items() if each.findings} == {"b-post"}
    [silent, fewer] = sorted(found["b-post"].findings, key=lambda each: each.kind, reverse=True)
    assert (silent.kind, silent.since, silent.now, fewer.kind) == (Kind.SILENT, quiet_from, 0, Kind.FEWER)
    [record] = scene.written
    value = orjson.loads(record.value or b"")
    assert list(violations("source-health", value)) == []
    assert (record.topic, record.key, value["state"]) == ("news.source-health.v1", b"b-post", "ailing")
    scene.publish()
    assert scene.written == [], "nothing changed"

    for source in ("a-post", "b-post", "c-post", "d-post", "e-post"):
        scene.usual(source, range(start + 21 * 24, start + 23 * 24))
    assert not scene.publish()["b-post"].findings
    assert [orjson.loads(each.value or b"")["state"] for each in scene.written] == ["well"]


def test_killed_before_it_is_kept_the_same_is_written_again(scene: Scene) -> None:
    start = hour_of(BEGIN)
    for source in ("a-post", "b-post"):
        scene.usual(source, range(start, start + 18 * 24))
    scene.usual("a-post", range(start + 18 * 24, start + 22 * 24))

    def die(records: Sequence[OutputRecord]) -> None:
        scene.write(records)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish_health(scene.ledger, "ingest", die)
    first = list(scene.written)
    scene.publish()
    assert [(each.key, each.value, each.headers) for each in scene.written] == [
        (each.key, each.value, each.headers) for each in first
    ]
    assert first


def test_looking_changes_nothing_and_old_counts_go(scene: Scene) -> None:
    assert look(scene.ledger) == []
    assert scene.publish() == {}
    start = hour_of(BEGIN)
    scene.usual("a-post", [start, start + KEPT_H, start + KEPT_H + 1])
    look(scene.ledger)
    assert len(scene.ledger.transact(lambda db: load_hours(db, 0), writes=False)["a-post"]) == 3
    scene.publish()
    hours = scene.ledger.transact(lambda db: load_hours(db, 0), writes=False)["a-post"]
    assert sorted(hours) == [start + KEPT_H, start + KEPT_H + 1]
