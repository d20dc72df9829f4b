"""From an archive to the ledger: large pages go by the blob store, all are kept in the raw archive, and what is sent from
there again is a repeat."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from newsflow.ledger import open_ledger
from newsflow.model import Outcome
from newsflow.model.names import dead_letter_topic
from tests.broker_helpers import RunningBroker
from tests.e2e.job_process import JobProcess

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PARAGRAPH = "The ferry {n} from the island reached the harbour at noon; line {n} had been closed for nine years. "
ENVIRON = {"NEWSFLOW_LIMITS__INLINE_BYTES": "20000", "NEWSFLOW_ARCHIVE__KEEP": "true"}


def record(number: int, filler: str) -> bytes:
    text = "".join(f"<p>{PARAGRAPH.format(n=number * 100 + at)}</p>" for at in range(12))
    page = f"<html><head><title>Ferry {number}</title></head><body><!--{filler}--><h1>Ferry {number}</h1>{text}</body></html>"
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + page.encode()
    head = (
        f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://harbour-post.example/n/{number}\r\n"
        f"WARC-Date: 2025-03-03T06:0{number}:00Z\r\nWARC-Record-ID: <urn:uuid:0000000{number}-0000-4000-8000-000000000000>\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {len(block)}\r\n\r\n"
    )
    return head.encode() + block + b"\r\n\r\n"


@pytest.mark.slow
def test_an_archive_is_imported_kept_and_sent_again(topics_broker: RunningBroker, tmp_path: Path) -> None:
    topic = topics_broker.create_topic(topics_broker.name("raw"))
    topics_broker.create_topic(dead_letter_topic(topic))
    job = JobProcess(topics_broker, topic, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", topic, ENVIRON)
    pages = [record(1, ""), record(2, "x" * 30_000), record(3, "y" * 2_000_000)]
    (tmp_path / "pages.warc").write_bytes(b"".join(pages))
    where = ["--ledger", job.ledger_url]
    job.command("import", "pages.warc", *where)
    values = [orjson.loads(event.value or b"") for event in topics_broker.read(topic)]
    assert sorted(("dataref" in each, len(each.get("content", "")) > 0) for each in values) == [
        (False, True), (True, False), (True, False),
    ]  # fmt: skip
    assert len(job.command("archive", "list", *where).splitlines()) == 3

    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    job.command("archive", "replay", "--everything", *where)
    again = topics_broker.read(topic)
    assert len(again) == 6
    assert len({(event.key, event.value) for event in again}) == 3, "the same to the byte"
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()
    ledger = open_ledger(job.ledger_url)
    assert ledger.outcomes() == {Outcome.ADDED: 3, Outcome.REPEAT: 3}
    ledger.close()

    job.command("forget", "https://harbour-post.example/n/3", "--why", "asked for by its author", *where)
    listed = [orjson.loads(line) for line in job.command("archive", "list", "-o", "json", *where).splitlines()]
    assert {each["address"][-1] for each in listed} == {"1", "2"}
    blobs = [path for path in (tmp_path / ".newsflow" / "blobs" / "sha256").rglob("*") if path.is_file()]
    assert len(blobs) == 1, "of the second page; that of the third went"
