"""`newsflow.testing`: a job of one's own on Kafka in memory; what it gives is what the real thing gives."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from newsflow.errors import UsageError
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.testing import BEGINNING, Clock, MemoryKafka, raw_event
from tests.model.schema_laws import reference_violations
from tests.rule_helpers import FEW_RULES

MINE = """
import apache_beam as beam
from newsflow.runners.read import ReadArticles
from newsflow.runners.transforms import Deduplicate, Normalise, Route, TagTopics, WriteArticles

def build(pipeline, job):
    (
        pipeline
        | "ReadArticles" >> ReadArticles(job)
        | "Normalise" >> Normalise(job.config)
        | "Deduplicate" >> Deduplicate(job.config)
        | "TagTopics" >> TagTopics(job.config)
        | "Route" >> Route(job.config)
        | "WriteArticles" >> WriteArticles(job)
    )
"""
TREATY = "Syria signed a treaty with Russia in Damascus on Monday. Syria and Russia had talked for a year about it."


def test_a_job_of_ones_own_in_five_lines(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MINE, encoding="utf-8")
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", raw_event(title="Syria and Russia sign a treaty", content=TREATY))
    kafka.run(tmp_path / "mine.py")
    [article] = kafka.values("news.article.v1")
    assert {topic["id"] for topic in article["topics"]} == {"russia", "syria"}
    assert kafka.records("news.topic.syria.v1")[0].value == kafka.records("news.article.v1")[0].value


def test_a_run_leaves_nothing_in_the_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", raw_event())
    kafka.run("ingest", {"topics.paths": [str(path) for path in FEW_RULES]})
    assert not list(tmp_path.glob("beam-pipeline-temp*"))


def test_what_was_read_is_not_read_again_and_the_ledger_remembers() -> None:
    kafka = MemoryKafka()
    for partition in (0, 2):
        kafka.publish("news.article.raw.v1", raw_event(), partition=partition)
    assert kafka.run("ingest")["outcome.added"] == 1
    assert kafka.run("ingest") == {}
    kafka.clock.move(hours=1)
    event = kafka.publish("news.article.raw.v1", raw_event())
    assert {name: n for name, n in kafka.run("ingest").items() if name.startswith("outcome")} == {"outcome.repeat": 1}
    assert event.timestamp_ms == (BEGINNING.timestamp() + 3600) * 1000


def test_dead_letters_and_headers_come_out_as_on_kafka() -> None:
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", b"{", key=b"k", headers=(("traceparent", b"00-1"),))
    assert kafka.run("ingest") == {"outcome.dead-lettered": 1, "reason.malformed-json": 1}
    [letter] = kafka.records("news.article.raw.v1.dlq")
    assert (letter.key, letter.value) == (b"k", b"{")
    assert dict(letter.headers)["newsflow.error.reason"] == b"malformed-json"


def test_jobs_one_behind_the_other(tmp_path: Path) -> None:
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", raw_event(title="Syria and Russia sign a treaty", content=TREATY))
    kafka.run("ingest")
    archive = f"jsonl:///{tmp_path / 'archive'}"
    assert kafka.run("deliver", {"stores": {"articles": archive}})["outcome.delivered"] == 2
    assert [entry.rows for entry in JsonLinesStore(tmp_path / "archive").files()] == [1]
    assert kafka.run("trends", {"kafka.input_topic": "news.article.v1", "kafka.group": "counts"})["outcome.added"] == 1


def test_a_raw_event_is_valid_and_takes_members() -> None:
    assert not list(reference_violations("raw-article", raw_event()))
    assert not list(reference_violations("raw-article", raw_event(guid="7", url=None)))
    assert "url" not in raw_event(guid="7", url=None)
    assert raw_event(title="Harbour opens")["url"] == "https://harbour-post.example/harbour-opens"
    assert orjson.dumps(raw_event())


def test_a_clock_stands_until_it_is_moved() -> None:
    clock = Clock()
    assert clock() == clock() == BEGINNING
    clock.move(days=1, minutes=5)
    assert (clock() - BEGINNING).total_seconds() == 86_700


def test_a_job_that_is_not_there_is_an_error() -> None:
    with pytest.raises(UsageError, match="there is no job"):
        MemoryKafka().run("nothing")
