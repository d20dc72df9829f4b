"""Claims: what does not fit is put elsewhere and comes back to every reader; what is missing is said."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.blobs import BlobStore
from newsflow.cli.tail import as_object, resolved
from newsflow.config.load import load_config
from newsflow.errors import ConfigError
from newsflow.ingest.claims import ClaimCheck, Claimed, check_blobs, check_blobs_on_flink
from newsflow.ingest.deliver import StoreSink
from newsflow.ingest.files import original_of
from newsflow.kafka.producer import Record
from newsflow.model import Event, Headers, Reason, Rejected
from newsflow.model.claim import Blob, read_claim
from newsflow.model.headers import header
from newsflow.model.schemas import violations
from newsflow.stores.registry import open_store
from newsflow.testing import MemoryKafka, raw_event
from newsflow.trends.job import read_article

BIG = orjson.dumps({"id": "5b8c0e7d", "version": 3, "body": "x" * 9_000})
EMITTED = (
    ("ce_id", b"abc"),
    ("ce_type", b"newsflow.article.v1"),
    ("ce_dataschema", b"urn:newsflow:schema:article:v1"),
    ("content-type", b"application/json"),
)
LETTER = (("content-type", b"text/html"), ("newsflow.error.id", b"d1"), ("newsflow.error.reason", b"too-large"))


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return BlobStore(f"folder:///{tmp_path}/blobs")


def event_of(value: bytes | None, headers: Headers = ()) -> Event:
    return Event("t", 0, 1, 1, b"k", value, headers)


def test_a_value_becomes_a_claim_that_says_whose_it_is(store: BlobStore) -> None:
    check = ClaimCheck(lambda: store, 5_000)
    made = check(Record("news.article.v1", b"5b8c0e7d", BIG, EMITTED))
    assert made is not None
    members = orjson.loads(made.value or b"")
    assert list(violations("claim", members)) == []
    blob = Blob.of(BIG)
    assert members == {
        "id": "5b8c0e7d",
        "version": 3,
        "dataref": blob.dataref,
        "size": len(BIG),
        "digest": f"sha256:{blob.digest}",
    }
    assert header(made.headers, "ce_dataref") == blob.dataref
    assert header(made.headers, "ce_dataschema") == "urn:newsflow:schema:claim:v1"
    assert header(made.headers, "ce_type") == "newsflow.claim.v1"
    assert header(made.headers, "ce_id") == "abc"
    assert check(Record("news.article.v1", b"5b8c0e7d", BIG, EMITTED)) == made, "a retry writes the same bytes"
    assert Claimed(lambda: store, 10_000).value(event_of(made.value, made.headers), "s") == BIG
    assert check(made) is None


def test_a_claim_that_tail_printed_goes_back_as_the_claim(store: BlobStore) -> None:
    made = ClaimCheck(lambda: store, 5_000)(Record("t.dlq", b"k", b"\xff" * 9_000, LETTER))
    assert made is not None
    by_header = event_of(None, (("ce_dataref", Blob.of(b"\xff" * 9_000).dataref.encode()),))
    for event in (event_of(made.value, made.headers), by_header):
        whole, told = resolved(event, Claimed(lambda: store, 10_000))
        assert whole.value == b"\xff" * 9_000
        found = original_of(orjson.dumps(as_object(whole) | told))
        assert found is not None
        assert (found[0], found[1]) == (b"k", event.value)
        assert header(found[2], "ce_dataref") == header(event.headers, "ce_dataref")


def test_a_dead_letter_keeps_the_headers_that_came_with_it(store: BlobStore) -> None:
    made = ClaimCheck(lambda: store, 5_000)(Record("t.dlq", b"k", b"\xff" * 9_000, LETTER))
    assert made is not None
    assert made.headers[:3] == LETTER
    assert orjson.loads(made.value or b"")["id"] == "d1"
    assert Claimed(lambda: store, 10_000).value(event_of(made.value, made.headers), "s") == b"\xff" * 9_000


@pytest.mark.parametrize("value", [None, b"", b"small", b"\xff" * 9_000])
def test_a_record_whose_key_and_headers_are_too_large_goes_whole(store: BlobStore, value: bytes | None) -> None:
    check, key = ClaimCheck(lambda: store, 5_000), b"\xfe" * 70_000
    record = Record("t.dlq", key, value, (("huge", b"\xfd" * 90_000), *LETTER))
    made = check(record)
    if len(value or b"") > 5_000:
        assert made is not None
        made = check(made)  # the value went first, and that was not enough
    assert made is not None
    assert made.size_bytes < 2_000
    assert made.key is None
    assert header(made.headers, "newsflow.error.reason") == "too-large"
    claim = orjson.loads(made.value or b"")
    assert list(violations("claim", claim)) == []
    assert claim["holds"] == "record"
    whole = orjson.loads(store.get(Blob(claim["digest"][7:]), 10**6))
    assert [each["name"] for each in whole["headers"]][:1] == ["huge"]
    found = Claimed(lambda: store, 10**6).value(event_of(made.value, made.headers), "s")
    if len(value or b"") <= 5_000:
        assert found == value
    assert check(made) is None


def test_what_cannot_be_had_is_a_reason(store: BlobStore, tmp_path: Path) -> None:
    made = ClaimCheck(lambda: store, 5_000)(Record("t", b"k", BIG, EMITTED))
    assert made is not None
    event = event_of(made.value, made.headers)
    small = Claimed(lambda: store, 5_000).value(event, "s")
    assert isinstance(small, Rejected)
    assert small.reason is Reason.TOO_LARGE
    store.remove(Blob.of(BIG))
    gone = Claimed(lambda: store, 10_000).value(event, "s")
    assert isinstance(gone, Rejected)
    assert gone.reason is Reason.BLOB_MISSING
    assert Blob.of(BIG).dataref in gone.message
    elsewhere = orjson.loads(made.value or b"") | {"dataref": "file:///etc/passwd"}
    refused = Claimed(lambda: store, 10_000).value(event_of(orjson.dumps(elsewhere)), "s")
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.SCHEMA_VIOLATION
    other = orjson.loads(made.value or b"") | {"digest": f"sha256:{Blob.of(b'other').digest}"}
    refused = Claimed(lambda: store, 10_000).value(event_of(orjson.dumps(other)), "s")
    assert isinstance(refused, Rejected)
    assert refused.reason is Reason.SCHEMA_VIOLATION


def test_a_header_alone_is_a_claim_where_there_is_no_value(store: BlobStore) -> None:
    blob = store.put(BIG)
    reader = Claimed(lambda: store, 10_000)
    assert reader.value(event_of(None, (("ce_dataref", blob.dataref.encode()),)), "s") == BIG
    assert reader.value(event_of(b"its own", (("ce_dataref", blob.dataref.encode()),)), "s") == b"its own"
    assert reader.value(event_of(None), "s") is None


@given(st.binary(max_size=200) | st.recursive(st.none() | st.text(max_size=9), st.lists).map(orjson.dumps))
def test_any_other_value_is_no_claim(value: bytes) -> None:
    assert read_claim(value) is None
    assert read_claim(b'{"dataref":' + value) is None


def test_stores_and_counts_get_the_article_behind_a_claim(store: BlobStore, tmp_path: Path) -> None:
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", raw_event(title="A bridge", content="Syria and Cyprus build a bridge. " * 50))
    settings = {"limits.record_bytes": 1024, "blobs.url": f"folder:///{tmp_path}/blobs"}
    assert kafka.run("ingest", settings)["outcome.added"] == 1
    [event] = kafka.records("news.article.v1")
    assert read_claim(event.value) is not None
    [article] = kafka.values("news.article.v1")
    assert article["title"] == "A bridge"
    assert kafka.records("news.topic.syria.v1")[0].value == event.value
    reader = Claimed(lambda: store, 10**6)
    counted = read_article(event, reader)
    assert not isinstance(counted, Rejected)
    assert counted.id == article["id"]
    with open_store(f"sqlite:///{tmp_path}/store.sqlite3") as kept:
        assert StoreSink("s", kept, read=reader).take([event]) == []
        store.remove(Blob(orjson.loads(event.value or b"")["digest"][7:]))
        [(dead, rejected)] = StoreSink("s", kept, read=reader).take([event])
    assert (dead, rejected.reason) == (event, Reason.BLOB_MISSING)
    with pytest.raises(ValueError, match="blob-missing"):
        kafka.values("news.article.v1")


def test_a_raw_article_may_come_by_reference_and_its_size_is_looked_at_first(tmp_path: Path) -> None:
    kafka, store = MemoryKafka(), BlobStore(f"folder:///{tmp_path}/blobs")
    text = "The council of Marrow Bay met on Monday and agreed to widen the harbour road before winter comes. "
    page, huge, binary = store.put(text.encode() * 3), store.put(b"x" * 9_000), store.put(b"\xff\xfe\xfd")
    whole = store.put(orjson.dumps(raw_event(title="Whole", content=text * 3 + "All of it is elsewhere.")))
    for title, dataref in [
        ("By name", page.dataref),
        ("By address", f"{store.base}{page.dataref}"),
        ("Huge", huge.dataref),
        ("Binary", binary.dataref),
        ("Elsewhere", f"file:///etc/{page.dataref}"),
        ("Missing", Blob.of(b"never put").dataref),
    ]:
        kafka.publish("raw", raw_event(title=title, content=None, dataref=dataref))
    kafka.publish("raw", None, headers=(("ce_dataref", whole.dataref.encode()),))
    settings = {"kafka.input_topic": "raw", "limits.event_bytes": 8_000, "blobs.url": f"folder:///{tmp_path}/blobs"}
    counts = kafka.run("ingest", settings)
    dead = {name: number for name, number in counts.items() if name.startswith("reason.")}
    assert dead == {
        "reason.too-large": 1,
        "reason.bad-encoding": 1,
        "reason.schema-violation": 1,
        "reason.blob-missing": 1,
    }
    assert counts["outcome.added"] + counts["outcome.duplicate"] == 3
    letters = {header(each.headers, "newsflow.error.reason"): each for each in kafka.records("raw.dlq")}
    assert orjson.loads(letters["too-large"].value or b"")["dataref"] == huge.dataref, "the record as it came"


def test_a_folder_is_refused_where_others_may_not_reach_it() -> None:
    def config(**flags: object) -> None:
        check_blobs(
            load_config(environ={}, flags={name.replace("__", "."): value for name, value in flags.items()}).config
        )

    config()
    config(ledger__url="postgresql://db.example/news", blobs__shared=True)
    config(ledger__url="postgresql://db.example/news", blobs__url="s3://harbour-blobs/news")
    with pytest.raises(ConfigError, match=r"blobs\.url: folder:.*accepted: s3://…, or blobs\.shared: true"):
        config(ledger__url="postgresql://db.example/news")
    with pytest.raises(ConfigError, match="workers may be on other machines"):
        check_blobs_on_flink(load_config(environ={}).config)
    check_blobs_on_flink(load_config(environ={}, flags={"blobs.shared": True}).config)
