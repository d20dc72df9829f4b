"""Delivery to sinks: bad records, sinks that are away, processes that are killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from newsflow.backoff import Backoff
from newsflow.config.load import load_config
from newsflow.config.settings import Config
from newsflow.errors import ConfigError, KafkaError, SinkError, UsageError
from newsflow.ingest import runtime as parts
from newsflow.ingest.deliver import PatientSink, StoreSink, chosen_sinks, sink_names, sink_on_flink
from newsflow.ingest.emit import dead_letter
from newsflow.model import Event, Reason, Rejected
from newsflow.model.codec import encode_article
from newsflow.runners.local import JobStoppedError
from newsflow.stores.contract import Refused, Store, StoreRow
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.stores.registry import open_store
from newsflow.stores.sqlite import SqliteStore
from tests.alerts.deliver_process import FileLog, loop_over
from tests.alerts.http_double import answer, drop, serving
from tests.alerts.planner_helpers import gone, reported
from tests.stores.store_harness import JsonLinesHarness, SqliteHarness, row, shown

ROOT = Path(__file__).resolve().parents[2]


def _events(values: list[bytes]) -> list[Event]:
    return [Event("news.article.v1", 0, at, 1_700_000_000_000, b"k", value) for at, value in enumerate(values)]


def test_what_is_no_article_is_a_dead_letter_and_the_rest_go_on(tmp_path: Path) -> None:
    rows = [row(f"a{at}") for at in range(12)]
    harness = SqliteHarness(tmp_path)
    dead = StoreSink("archive", harness.open()).take(
        _events([rows[0].value, b"{", *(each.value for each in rows[1:]), b'{"id": 1}'])
    )
    assert [(event.offset, rejected.reason) for event, rejected in dead] == [
        (1, Reason.SCHEMA_VIOLATION),
        (13, Reason.SCHEMA_VIOLATION),
    ]
    assert harness.current() == shown(rows)
    harness.close()


def test_what_a_store_refuses_is_its_dead_letter(tmp_path: Path) -> None:
    class Choosy(JsonLinesStore):
        def _problem(self, row: StoreRow) -> str:
            return "too odd" if row.article.id == "a1" else ""

    rows = [row("a0"), row("a1"), row("a2")]
    ((event, rejected),) = StoreSink("archive", Choosy(tmp_path / "articles")).take(_events([r.value for r in rows]))
    assert (event.value, rejected.reason, rejected.message) == (rows[1].value, Reason.SINK_REJECTED, "too odd")
    assert JsonLinesHarness(tmp_path).versions() == [("a0", 1), ("a2", 1)]


def headers_of(event: Event, rejected: Rejected) -> dict[str, bytes | None]:
    return dict(dead_letter(event, rejected, "job", qualifier=rejected.stage).headers)


def test_dead_letters_repeat_word_for_word_and_two_sinks_have_two() -> None:
    (event,) = _events([b"{"])
    here, there = (Rejected(Reason.SINK_REJECTED, "no", f"Store {name}") for name in ("here", "there"))
    assert dead_letter(event, here, "job") == dead_letter(event, here, "job")
    ids = {headers_of(event, each)["newsflow.error.id"] for each in (here, there)}
    assert len(ids) == 2
    dated = replace(event, headers=(("ce_time", b"2026-03-01T12:00:00+01:00"),))
    assert dead_letter(dated, here, "job").topic == "news.article.v1.dlq"
    assert headers_of(dated, here)["newsflow.error.time"] == b"2026-03-01T11:00:00Z"


@pytest.mark.parametrize("ce_time", [b"", b"soon", b"2026-03-01T12:00:00", b"0001-01-01T00:00:00+23:00", b"\xff"])
@pytest.mark.parametrize("timestamp_ms", [0, 1, 10**20])
def test_a_dead_letter_has_a_time_whatever_the_record_says(ce_time: bytes, timestamp_ms: int) -> None:
    event = Event("news.article.v1", 0, 0, timestamp_ms, None, b"{", (("ce_time", ce_time),))
    rejected = Rejected(Reason.SINK_REJECTED, "no", "Store x")
    assert headers_of(event, rejected)["newsflow.error.time"]


def test_a_tombstone_is_passed_over(tmp_path: Path) -> None:
    sink = StoreSink("jsonl", JsonLinesStore(tmp_path / "articles"))
    assert sink.take([Event("news.article.v1", 0, 0, 0, b"k", None)]) == []


class Away(Store):
    name = "away"

    def __init__(self) -> None:
        self.tries, self.back_after = 0, 10**9
        self.kept: list[StoreRow] = []

    def write(self, rows: list[StoreRow]) -> list[Refused]:  # type: ignore[override]
        self.tries += 1
        if self.tries <= self.back_after:
            raise SinkError("not now")
        self.kept += rows
        return []

    def close(self) -> None:
        pass


def test_a_sink_that_is_away_is_waited_for() -> None:
    store, rows = Away(), [row(f"a{at}") for at in range(3)]
    store.back_after = 4
    beats: list[int] = []
    sink = PatientSink(StoreSink("away", store), Backoff(0.001, 0.01), alive=lambda: beats.append(store.tries))
    assert sink.take(_events([r.value for r in rows])) == []
    assert (store.tries, [each.key for each in store.kept]) == (5, [each.key for each in rows])
    assert beats == [1, 2, 3, 4], "who waits for a sink does not hang"


def test_patience_ends(tmp_path: Path) -> None:
    store = Away()
    store.back_after = 10**9
    sink = PatientSink(StoreSink("away", store), Backoff(0.001, 0.01))
    with pytest.raises(SinkError):
        sink.take(_events([row("a").value]), patience_s=0.05)
    assert store.tries > 1


def test_bundles_of_several_threads_take_turns(tmp_path: Path) -> None:
    harness = SqliteHarness(tmp_path)
    sink = PatientSink(StoreSink("archive", harness.open()))
    batches = [[row(f"a{thread}-{at}") for at in range(5)] for thread in range(16)]
    with ThreadPoolExecutor(8) as pool:
        refused = list(pool.map(lambda rows: sink.take(_events([each.value for each in rows])), batches))
    assert refused == [[]] * 16
    assert harness.current() == shown([each for rows in batches for each in rows])
    harness.close()


def _config(folder: Path, **flags: object) -> Config:
    (folder / "routes.yaml").write_text("version: 1\nroutes: [{id: all, stores: [archive]}]\n")
    flags = {"stores": {"archive": f"sqlite:///{folder}/articles.sqlite3"}, **flags}
    return load_config(environ={}, flags={"routes.paths": [str(folder / "routes.yaml")], **flags}).config


def _log(folder: Path, values: list[bytes]) -> FileLog:
    (folder / "log.jsonl").write_bytes(b"".join(value + b"\n" for value in values))
    return FileLog(folder / "log.jsonl", folder / "place")


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[Away]:
    """The store that every URL opens."""
    store = Away()
    monkeypatch.setattr(parts, "open_store", lambda _: store)
    yield store
    parts.close_runtimes()


@pytest.mark.pipeline
def test_the_page_takes_all_there_is_and_moves_on(tmp_path: Path, stores: Away) -> None:
    stores.back_after = 1
    rows = [row(f"a{at}") for at in range(47)]
    log, config = _log(tmp_path, [each.value for each in rows]), _config(tmp_path)
    parts.runtime_for(config).sink("archive").backoff = Backoff(0.001, 0.01)
    loop_over(log, config, "archive").until_caught_up()
    assert [each.key for each in stores.kept] == [each.key for each in rows]
    assert log.finished == {0: 47}


@pytest.mark.pipeline
@pytest.mark.allow_errors
def test_told_to_stop_while_the_sink_is_away_the_place_stays(tmp_path: Path, stores: Away) -> None:
    log, config = _log(tmp_path, [row("a").value]), _config(tmp_path)
    sink = parts.runtime_for(config).sink("archive")
    sink.backoff = Backoff(0.001, 0.01)
    loop = loop_over(log, config, "archive")
    thread = threading.Thread(target=loop.follow)
    thread.start()
    while stores.tries < 3:
        time.sleep(0.001)
    loop.stop()
    sink.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert not log.place.exists()


@pytest.mark.pipeline
@pytest.mark.allow_errors
def test_dead_letters_that_cannot_be_written_stop_the_job_and_the_place_stays(
    tmp_path: Path, stores: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise KafkaError("broker away")

    for name in ("expect", "send"):
        monkeypatch.setattr(f"newsflow.kafka.producer.BatchWriter.{name}", fail)
    log = _log(tmp_path, [b"{"])
    config = _config(tmp_path, **{"limits.attempts": 1})
    with pytest.raises(JobStoppedError, match="broker away"):
        loop_over(log, config, "archive").until_caught_up()
    assert not log.place.exists()


def test_sinks_are_named_by_the_configuration(tmp_path: Path) -> None:
    config = _config(tmp_path)
    assert chosen_sinks(config, None) == ("archive", "alerts")
    assert chosen_sinks(config, " alerts,archive,, alerts") == ("alerts", "archive")
    for text in ("archiv", "", ","):
        with pytest.raises(UsageError, match="there are: archive, alerts"):
            chosen_sinks(config, text)
    with pytest.raises(ConfigError, match="that of the alert planner"):
        sink_names(_config(tmp_path, stores={"alerts": "sqlite:///x"}))


def test_a_job_on_flink_delivers_to_one_store_that_takes_several_writers(tmp_path: Path) -> None:
    servers = {"base": "postgresql://x@y/z", "lake": "iceberg://c/n.t", "secret": "env:NOT_SET_HERE"}
    config = _config(tmp_path, stores={**servers, "files": f"jsonl:///{tmp_path}"})
    for name in servers:
        assert sink_on_flink(config, name) == name
    for text, why in (("files", "files of one machine"), ("alerts", "by one process"), (None, "a job of its own")):
        with pytest.raises(UsageError, match=f"{why}.*accepted: --sinks base, --sinks lake, --sinks secret"):
            sink_on_flink(config, text)


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://relative", "sqlite:///", "mysql:///x", "iceberg://catalog/table", "jsonl:"]
)
def test_urls_that_name_no_store(url: str) -> None:
    with pytest.raises(ConfigError, match="accepted"):
        open_store(url)


def test_urls_of_stores(tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/a.sqlite3")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "a.sqlite3"
    names: Mapping[str, str] = {
        "postgresql://x/y": "postgresql",
        "parquet:///data": "parquet",
        "jsonl:////data": "jsonl",
        "opensearch+https://host:9200/news": "opensearch",
        "iceberg://local/news.article": "iceberg",
    }
    assert {url: open_store(url).name for url in names} == names


@pytest.mark.faults
def test_killed_ten_times_while_the_store_and_the_webhook_come_and_go(tmp_path: Path) -> None:
    chance = random.Random(11)
    articles = [reported(f"a{at}", f"outlet-{at % 7}", story=f"s{at // 4}") for at in range(200)]
    articles += [gone(article) for article in articles[::9]]
    rows = [StoreRow(article, encode_article(article)) for article in articles]
    _log(tmp_path, [each.value for each in rows])
    outage = tmp_path / "outage"
    with serving(answer(204)) as script:
        for _ in range(10):
            script.behaviours = [chance.choice([answer(204), answer(503), drop])]
            outage.touch() if chance.random() < 0.4 else outage.unlink(missing_ok=True)
            process = _start(tmp_path, script.url, outage)
            time.sleep(chance.uniform(0.05, 1.0))
            process.kill()
            process.wait()
        script.behaviours = [answer(204)]
        outage.unlink(missing_ok=True)
        process = _start(tmp_path, script.url, outage)
        assert process.wait(120) == 0
        requests = list(script.requests)
    sqlite, lines = SqliteHarness(tmp_path), JsonLinesHarness(tmp_path)
    sqlite.path, lines.folder = tmp_path / "articles.sqlite3", tmp_path / "jsonl"
    for harness in (sqlite, lines):
        assert harness.versions() == sorted(each.key for each in rows)
        assert harness.current() == shown(rows)
    bodies: dict[str, set[bytes]] = {}
    for _, headers, body in requests:
        bodies.setdefault(headers["webhook-id"], set()).add(body)
    assert all(len(different) == 1 for different in bodies.values()), "the same id, the same bytes"
    firsts = {body for (body,) in map(tuple, bodies.values()) if b'"step":"first"' in body}
    assert len(firsts) == 50, "one first alert a story, none missing"


def _start(folder: Path, url: str, outage: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.alerts.deliver_process", str(folder), url, str(outage)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process
