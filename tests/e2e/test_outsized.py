"""Whatever does not fit a record never stops a job: it goes to the blob store, and every reader of ours gets it back."""

from __future__ import annotations

import binascii
import shutil
import signal
import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from newsflow.blobs import BlobStore
from newsflow.ingest.claims import Claimed
from newsflow.kafka.expansion import KEPT_HEADER
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model import Event, Outcome, Rejected
from newsflow.model.claim import Blob, read_claim
from newsflow.model.headers import header
from newsflow.model.names import ARTICLE_TOPIC, dead_letter_topic
from newsflow.testing import raw_event
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess, check_repeats

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

MIB = 1 << 20
PARAGRAPH = "The ferry {n} from Latakia reached Cyprus at noon; Syria had closed line {n} nine years ago, it was said. "


def reason(event: Event) -> str:
    return header(event.headers, "newsflow.error.reason") or ""


def job_over(
    broker: RunningBroker, folder: Path, records: list[tuple[bytes | None, bytes | None]], **environ: str
) -> JobProcess:
    topic = broker.create_topic(broker.name("raw"), configs={"max.message.bytes": str(16 * MIB)})
    broker.create_topic(dead_letter_topic(topic), configs={"max.message.bytes": "500000"})
    writer = BatchWriter(broker.settings)
    for key, value in records:
        writer.send(topic, key, value)
    writer.flush()
    settings = {"NEWSFLOW_LIMITS__ATTEMPTS": "2", **environ}
    return JobProcess(broker, topic, folder, f"sqlite:///{folder}/ledger.sqlite3", topic, settings)


def reader_of(folder: Path) -> Claimed:
    return Claimed(lambda: BlobStore(f"folder:///{folder}/.newsflow/blobs"), 1 << 30)


def good(number: int, **members: object) -> bytes:
    text = "".join(PARAGRAPH.format(n=number * 1000 + at) for at in range(12))
    slug = f"https://harbour-post.example/ferry-{number}-{Random().random()}"
    return orjson.dumps(raw_event(title=f"Ferry {number}", url=slug, content=text, **members))


def test_dead_letters_that_no_broker_takes_go_to_the_blob_store(topics_broker: RunningBroker, tmp_path: Path) -> None:
    dice = Random(3)
    hexed, noise, key = binascii.hexlify(dice.randbytes(13 * MIB)), dice.randbytes(700_000), dice.randbytes(600_000)
    bomb, spaces = b" " * 100 * MIB, b" " * 30 * MIB
    job = job_over(
        topics_broker,
        tmp_path,
        [(b"1", good(1)), (b"2", hexed), (b"3", noise), (key, b"\xff"), (b"5", spaces), (b"6", bomb), (b"7", good(7))],
        NEWSFLOW_LIMITS__EXPAND_BYTES=str(64 * MIB),
    )
    job.start("--follow")
    ledger = open_ledger(job.ledger_url)
    job.wait_for(lambda: sum(ledger.outcomes().values()) == 7, 120)
    assert job.process is not None
    status = Path(f"/proc/{job.process.pid}/status").read_text()
    peak_kib = int(status.partition("VmHWM:")[2].split()[0])
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(60) == 0, job.words()
    assert ledger.outcomes() == {Outcome.ADDED: 2, Outcome.DEAD_LETTERED: 5}
    ledger.close()
    assert peak_kib < MIB, "less than 1 GiB"
    letters = {event.key: event for event in check_repeats(topics_broker.read(dead_letter_topic(job.topic))).values()}
    found: Mapping[bytes | None, object] = {each: reader_of(tmp_path).value(letters[each], "") for each in letters}
    assert (found[b"2"], found[b"3"], found[b"5"]) == (hexed, noise, spaces)
    assert [reason(letters[key]) for key in (b"2", b"3", b"5")] == ["too-large", "bad-encoding", "too-large"]
    # Of the bomb the compressed batch is kept, which has no key; so has a record whose key alone does not fit.
    nameless = [event for event in topics_broker.read(dead_letter_topic(job.topic)) if event.key is None]
    kept = {header(event.headers, "newsflow.origin.offset"): event for event in nameless}
    assert header(kept["5"].headers, KEPT_HEADER) is not None
    assert reason(kept["5"]) == "too-large"
    claim = orjson.loads(kept["3"].value or b"")
    assert claim["holds"] == "record"
    whole = orjson.loads(BlobStore(f"folder:///{tmp_path}/.newsflow/blobs").get(Blob(claim["digest"][7:]), 10**7))
    assert binascii.a2b_base64(whole["key_base64"]) == key
    shown = [
        orjson.loads(line) for line in job.command("tail", dead_letter_topic(job.topic), "-o", "json").splitlines()
    ]
    assert {each["dataref"] for each in shown if each.get("value_base64") and each["key"] == "3"} == {
        Blob.of(noise).dataref
    }


def test_articles_go_by_reference_and_stores_and_retagging_follow(topics_broker: RunningBroker, tmp_path: Path) -> None:
    job = job_over(
        topics_broker,
        tmp_path,
        [(b"%d" % number, good(number)) for number in range(8)],
        NEWSFLOW_LIMITS__RECORD_BYTES="1024",
        NEWSFLOW_STORES__ARTICLES=f"sqlite:///{tmp_path}/archive.sqlite3",
        NEWSFLOW_TRENDS__GROUP=topics_broker.name("trends"),
    )
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    published = check_repeats(mine(job)).values()
    assert len(published) == 8
    articles = [article(reader_of(tmp_path), event) for event in published]
    assert {each["title"] for each in articles} == {f"Ferry {number}" for number in range(8)}
    assert all({topic["id"] for topic in each["topics"]} == {"syria"} for each in articles)
    job.command("deliver", "--until-caught-up", "--sinks", "articles")
    ids = {str(each["id"]) for each in articles}
    with sqlite3.connect(tmp_path / "archive.sqlite3") as connection:
        assert ids <= {row[0] for row in connection.execute("SELECT id FROM article_version")}
    connection.close()
    rules = tmp_path / "syria.yaml"
    rules.write_text("id: syria\nany: [Damascus]\n---\nid: lebanon\nany: [ferry]\n")
    retag = ("topics", "retag", "--since", "7d", "--settled-for", "0m", "--rules", str(rules))
    job.command(*retag)
    second = [each for event in mine(job) if (each := article(reader_of(tmp_path), event))["version"] == 2]
    assert {str(each["id"]) for each in second} == ids
    assert all({topic["id"] for topic in each["topics"]} == {"lebanon"} for each in second)


def mine(job: JobProcess) -> list[Event]:
    """The claims in the article topic, which all tests of a worker share, whose blobs are this job's."""
    reader, records = reader_of(job.folder), job.broker.read(ARTICLE_TOPIC)
    return [each for each in records if read_claim(each.value) and not isinstance(reader.value(each, ""), Rejected)]


def article(reader: Claimed, event: Event) -> dict[str, Any]:
    value = reader.value(event, "")
    assert isinstance(value, bytes)
    found: dict[str, Any] = orjson.loads(value)
    return found


def test_a_job_that_follows_waits_for_the_store(topics_broker: RunningBroker, tmp_path: Path) -> None:
    job = job_over(topics_broker, tmp_path, [(b"1", Random(6).randbytes(700_000))])
    blobs = tmp_path / ".newsflow" / "blobs"
    blobs.parent.mkdir()
    blobs.write_text("not a folder: as good as a full disk")
    job.start("--follow")
    job.wait_for(lambda: "attempt 2 failed" in job.words() or "the blob store folder" in job.words(), 60)
    time.sleep(3)  # more than the two attempts of its limit take
    assert job.process is not None
    assert job.process.poll() is None, job.words()
    blobs.unlink()
    job.wait_for(lambda: len(topics_broker.read(dead_letter_topic(job.topic))) == 1, 60)
    job.process.send_signal(signal.SIGTERM)
    assert job.wait(60) == 0, job.words()


@pytest.mark.faults
def test_a_lost_store_makes_dead_letters_and_a_full_disk_waits(topics_broker: RunningBroker, tmp_path: Path) -> None:
    noise = Random(5).randbytes(700_000)
    job = job_over(topics_broker, tmp_path, [(b"1", noise)])
    blobs = tmp_path / ".newsflow" / "blobs"
    blobs.parent.mkdir()
    blobs.write_text("not a folder: as good as a full disk")
    job.start("--until-caught-up")
    assert job.wait(120) == 1
    assert "the blob store" in job.words()
    assert "cannot be written" in job.words()
    assert topics_broker.read(dead_letter_topic(job.topic)) == []
    blobs.unlink()
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    [letter] = topics_broker.read(dead_letter_topic(job.topic))
    # The dead letter is published again, as a replay does: with its store, then without.
    writer = BatchWriter(topics_broker.settings)
    writer.send(job.topic, b"again", letter.value)
    writer.flush()
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    shutil.rmtree(blobs)
    writer.send(job.topic, b"gone", letter.value)
    writer.flush()
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    reasons = {event.key: reason(event) for event in topics_broker.read(dead_letter_topic(job.topic))}
    assert reasons == {b"1": "bad-encoding", b"again": "bad-encoding", b"gone": "blob-missing"}
