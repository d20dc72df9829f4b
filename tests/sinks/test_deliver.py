"""Delivery to sinks: bad records, sinks that are away, processes that are killed."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from newsflow.errors import ConfigError, SinkError
from newsflow.model import Event, Reason
from newsflow.model.codec import encode_article
from newsflow.sinks.circuit import Backoff
from newsflow.sinks.deliver import DeadLetter, DeliverLoop, StoreSink
from newsflow.sinks.stores import Refused, Store, StoreRow, open_store
from newsflow.sinks.stores.jsonl import JsonLinesStore
from newsflow.sinks.stores.sqlite import SqliteStore
from tests.alerts.desk_helpers import gone, told
from tests.sinks.deliver_process import FileLog
from tests.sinks.http_double import answer, drop, serving
from tests.sinks.stores.store_harness import JsonLinesHarness, SqliteHarness, row, shown

ROOT = Path(__file__).resolve().parents[2]


def _log(folder: Path, values: list[bytes], name: str = "place") -> FileLog:
    (folder / "log.jsonl").write_bytes(b"".join(value + b"\n" for value in values))
    return FileLog(folder / "log.jsonl", folder / name)


def _loop(log: FileLog, store: Store, buried: list[DeadLetter]) -> DeliverLoop:
    return DeliverLoop(log, StoreSink(store.name, store), buried.extend, backoff=Backoff(0.001, 0.01))


def test_what_is_no_article_is_a_dead_letter_and_the_rest_go_on(tmp_path: Path) -> None:
    rows = [row(f"a{at}") for at in range(12)]
    values = [rows[0].value, b"{", *(each.value for each in rows[1:]), b'{"id": 1}']
    buried: list[DeadLetter] = []
    harness = SqliteHarness(tmp_path)
    loop = _loop(_log(tmp_path, values), harness.open(), buried)
    loop.until_caught_up()
    assert [(event.offset, rejected.reason) for event, rejected in buried] == [
        (1, Reason.SCHEMA_VIOLATION),
        (13, Reason.SCHEMA_VIOLATION),
    ]
    assert harness.current() == shown(rows)
    assert (loop.taken, loop.buried) == (12, 2)
    harness.close()


def test_what_a_store_refuses_is_its_dead_letter(tmp_path: Path) -> None:
    class Choosy(JsonLinesStore):
        def _problem(self, row: StoreRow) -> str:
            return "too odd" if row.article.id == "a1" else ""

    buried: list[DeadLetter] = []
    rows = [row("a0"), row("a1"), row("a2")]
    _loop(_log(tmp_path, [each.value for each in rows]), Choosy(tmp_path / "articles"), buried).until_caught_up()
    ((event, rejected),) = buried
    assert (event.value, rejected.reason, rejected.message) == (rows[1].value, Reason.SINK_REJECTED, "too odd")
    assert JsonLinesHarness(tmp_path).versions() == [("a0", 1), ("a2", 1)]


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


def test_a_sink_that_is_away_is_waited_for(tmp_path: Path) -> None:
    store, rows = Away(), [row(f"a{at}") for at in range(3)]
    store.back_after = 4
    _loop(_log(tmp_path, [each.value for each in rows]), store, []).until_caught_up()
    assert (store.tries, [each.key for each in store.kept]) == (5, [each.key for each in rows])


def test_told_to_stop_while_the_sink_is_away_the_place_stays(tmp_path: Path) -> None:
    store, log = Away(), _log(tmp_path, [row("a").value])
    loop = _loop(log, store, [])
    thread = threading.Thread(target=loop.follow)
    thread.start()
    while store.tries < 3:
        time.sleep(0.001)
    loop.stop()
    thread.join(10)
    assert not thread.is_alive()
    assert not log.place.exists()


def test_dead_letters_that_cannot_be_written_stop_the_loop_and_the_place_stays(tmp_path: Path) -> None:
    def fail(_: object) -> None:
        raise OSError("broker away")

    log = _log(tmp_path, [b"{"])
    loop = DeliverLoop(log, StoreSink("jsonl", JsonLinesStore(tmp_path / "articles")), fail)
    with pytest.raises(OSError, match="broker away"):
        loop.until_caught_up()
    assert not log.place.exists()


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
    articles = [told(f"a{at}", f"outlet-{at % 7}", story=f"s{at // 4}") for at in range(200)]
    articles += [gone(article) for article in articles[::9]]
    rows = [StoreRow(article, encode_article(article)) for article in articles]
    _log(tmp_path, [each.value for each in rows])
    outage = tmp_path / "outage"
    with serving(answer(204)) as script:
        for _ in range(10):
            script.behaviours = [chance.choice([answer(204), answer(503), drop])]
            outage.touch() if chance.random() < 0.4 else outage.unlink(missing_ok=True)
            process = _start(tmp_path, script.url, outage)
            time.sleep(chance.uniform(0.05, 0.5))
            process.kill()
            process.wait()
        script.behaviours = [answer(204)]
        outage.unlink(missing_ok=True)
        process = _start(tmp_path, script.url, outage)
        assert process.wait(60) == 0
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
    command = [sys.executable, "-m", "tests.sinks.deliver_process", str(folder), url, str(outage)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    process.stdout.close()
    return process
