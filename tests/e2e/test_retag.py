"""`newsflow topics retag` on a real broker: killed half way, beside a running job, and once more for nothing."""

from __future__ import annotations

import json
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import pytest

from benchmarks.corpus import raw_events
from newsflow.cli.output import isolate
from newsflow.ingest.retag import pending_retaggings
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import Ledger, open_ledger
from newsflow.model import Event
from newsflow.model.headers import header
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic, topic_feed
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import mine
from tests.e2e.job_process import JobProcess, check_repeats
from tests.postgres_helpers import new_database

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

EVENTS = 900
OLD = """\
id: syria
any: [Damascus, دمشق, Дамаск]
---
id: lebanon
any: [Beirut, بيروت, Бейрута]
"""
NEW = """\
id: syria
any: [Damascus]
---
id: russia
any: [Moscow, موسكو, Москве]
---
id: lebanon
any: [Beirut, بيروت, Бейрута]
"""
NEWEST = NEW + "---\nid: iran\nany: [Tehran, طهران, Тегерана]\n"
RETAG = ("topics", "retag", "--since", "7d", "--settled-for", "0m")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.faults)])
def job(request: pytest.FixtureRequest, topics_broker: RunningBroker, tmp_path: Path) -> JobProcess:
    """A job under the old rules, with its events published and not yet read, on each database in turn."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path}/ledger.sqlite3"
    else:
        url = new_database(request.getfixturevalue("postgres"))
    topic = topics_broker.create_topic(topics_broker.name("raw"))
    topics_broker.create_topic(dead_letter_topic(topic))
    for name, rules in (("old", OLD), ("new", NEW), ("newest", NEWEST)):
        (tmp_path / f"{name}.yaml").write_text(rules, encoding="utf-8")
    environ = {"NEWSFLOW_TOPICS__PATHS": f"[{tmp_path}/old.yaml]", "NEWSFLOW_LIMITS__BATCH_RECORDS": "50"}
    publish(topics_broker, topic, list(raw_events(EVENTS, size_chars=600)))
    return JobProcess(topics_broker, topic, tmp_path, url, topic, environ)


def publish(broker: RunningBroker, topic: str, events: list[tuple[bytes, bytes]]) -> None:
    writer = BatchWriter(broker.settings)
    for key, value in events:
        writer.send(topic, key, value)
    writer.flush()


@contextmanager
def opened(job: JobProcess) -> Iterator[Ledger]:
    ledger = open_ledger(job.ledger_url)
    try:
        yield ledger
    finally:
        ledger.close()


def versions(records: list[Event]) -> dict[bytes, list[dict[str, object]]]:
    """By article, its versions in the order in which they came; a repeat of the one before is passed over."""
    found: dict[bytes, list[dict[str, object]]] = defaultdict(list)
    for record in records:
        value = orjson.loads(record.value or b"")
        assert record.key is not None
        if not found[record.key] or found[record.key][-1] != value:
            found[record.key].append(value)
    return found


def topics_of(value: dict[str, object]) -> set[str]:
    return {topic["id"] for topic in value["topics"]}  # type: ignore[attr-defined]


def last_values(records: list[Event]) -> dict[bytes | None, bytes | None]:
    """What a reader holds of each key who keeps the last record."""
    return {record.key: record.value for record in records}


def kill_when_some_are_made(job: JobProcess, ledger: Ledger, before: int) -> None:
    """SIGKILL as soon as it has decided something."""
    process = job.spawn(*RETAG)
    deadline = time.monotonic() + 60
    while sum(1 for _ in ledger.articles()) <= before:
        assert process.poll() is None, job.words()
        assert time.monotonic() < deadline, job.words()
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL, job.words()


@pytest.mark.slow
def test_killed_half_way_the_rest_is_published_and_nothing_twice(job: JobProcess) -> None:
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    first = versions(mine(job.broker.read(ARTICLE_TOPIC), job.topic))
    job.command("topics", "apply", "new.yaml")
    lines = job.command(*RETAG, "--dry-run", "-o", "json").splitlines()
    planned = {(line["id"], line["version"]) for line in map(json.loads, lines)}
    assert len(planned) > 300
    for_people = job.command(*RETAG, "--dry-run").splitlines()
    assert {line.rpartition("  ")[2] for line in for_people} == {
        isolate(json.loads(line)["title"], 80) for line in lines
    }
    assert versions(mine(job.broker.read(ARTICLE_TOPIC), job.topic)) == first, "a dry run changes nothing"

    with opened(job) as ledger:
        recorded = sum(1 for _ in ledger.articles())
        kill_when_some_are_made(job, ledger, recorded)
        made = sum(1 for _ in ledger.articles()) - recorded
        assert 0 < made < len(planned), "the kill came half way"
        job.command(*RETAG)
        assert pending_retaggings(ledger) == 0
        check_all_retagged(job, ledger, first, planned)
        end = sum(1 for _ in job.broker.read(ARTICLE_TOPIC))
        assert job.command(*RETAG) == "", "the same rules once more"
        assert sum(1 for _ in job.broker.read(ARTICLE_TOPIC)) == end


def check_all_retagged(
    job: JobProcess, ledger: Ledger, first: dict[bytes, list[dict[str, object]]], planned: set[tuple[str, int]]
) -> None:
    records = mine(job.broker.read(ARTICLE_TOPIC), job.topic)
    check_repeats(records)
    assert len({header(record.headers, "ce_id") for record in records}) == sum(map(len, first.values())) + len(planned)
    latest = {stored.article_id: stored for stored in ledger.current_versions()}
    feeds = {topic: last_values(job.broker.read(topic_feed(topic))) for topic in ("syria", "lebanon", "russia")}
    for key, found in versions(records).items():
        before, after = first[key][-1], found[-1]
        assert orjson.dumps(after) == latest[key.decode()].value, "the last record is the last version"
        if (after["id"], after["version"]) not in planned:
            assert found == first[key]
            continue
        assert (after["action"], after["version"]) == ("replace", before["version"] + 1)  # type: ignore[operator]
        assert {name: after[name] for name in ("title", "body", "first_seen", "origin")} == {
            name: before[name] for name in ("title", "body", "first_seen", "origin")
        }
        for topic in topics_of(before) | topics_of(after):
            assert feeds[topic][key] == latest[key.decode()].value, (
                f"{topic} had it or gets it: it has the last version"
            )


def test_beside_a_running_job_no_edit_is_lost(job: JobProcess) -> None:
    job.start("--follow")
    with opened(job) as ledger:
        job.wait_for(lambda: sum(ledger.outcomes().values()) == EVENTS)
        edits = edited(job, ledger)
        publish(job.broker, job.topic, edits[: len(edits) // 2])
        job.command("topics", "apply", "new.yaml")
        process = job.spawn(*RETAG)
        publish(job.broker, job.topic, edits[len(edits) // 2 :])
        assert process.wait(120) == 0, job.words()
        job.wait_for(lambda: sum(ledger.outcomes().values()) == EVENTS + len(edits))
        assert job.process is not None
        job.process.send_signal(signal.SIGTERM)
        assert job.wait(60) == 0, job.words()
        job.command(*RETAG)

        records = mine(job.broker.read(ARTICLE_TOPIC), job.topic)
        by_id = check_repeats(records)
        published: dict[str, set[tuple[int, bytes]]] = defaultdict(set)
        for record in by_id.values():
            value = orjson.loads(record.value or b"")
            published[value["id"]].add((value["version"], record.value or b""))
        stored: dict[str, set[tuple[int, bytes]]] = defaultdict(set)
        for each in ledger.articles():
            stored[each.article_id].add((each.version, each.value))
        for article_id, texts in published.items():
            numbers = [number for number, _ in texts]
            assert len(numbers) == len(set(numbers)), "two texts under one version"
            assert texts <= stored[article_id]
            assert max(texts) == max(stored[article_id]), "the last version was published"
        bodies = [orjson.loads(max(texts)[1])["body"] for texts in published.values()]
        assert sum("A line of its own" in body for body in bodies) == len(edits)


def edited(job: JobProcess, ledger: Ledger) -> list[tuple[bytes, bytes]]:
    """An edit of every third living article."""
    living = {orjson.loads(stored.value)["origin"]["offset"] for stored in ledger.current_versions()}
    edits = []
    for event in job.broker.read(job.topic):
        if event.offset in living and event.offset % 3 == 0:
            value = orjson.loads(event.value or b"")
            value["content"] += f"\n\nA line of its own, number {event.offset}."
            value["fetched_at"] = "2025-03-02T06:00:00Z"
            edits.append((event.key or b"", orjson.dumps(value)))
    assert len(edits) > 100
    return edits


def test_a_feed_that_is_not_there_stops_it_before_anything_is_decided(job: JobProcess) -> None:
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    name = job.broker.name("made-up")
    (job.folder / "other.yaml").write_text(f"id: {name}\nany: [Moscow, موسكو, Москве]\n", encoding="utf-8")
    process = job.spawn(*RETAG, "--rules", "other.yaml")
    assert process.wait(60) == 1
    assert f"not on the broker: news.topic.{name}.v1; `newsflow kafka apply` creates them" in job.words()
    with opened(job) as ledger:
        assert pending_retaggings(ledger) == 0
        assert all(b"made-up" not in stored.value for stored in ledger.articles())
