"""Frames of a schema registry: written in feeds, read in raw events, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import orjson
import pytest

from newsflow.cli.tail import as_object
from newsflow.config.load import load_config
from newsflow.config.settings import SchemaRegistry
from newsflow.errors import ConfigError, KafkaError
from newsflow.kafka.producer import BatchWriter, Record
from newsflow.kafka.registry import Frames
from newsflow.kafka.settings import KafkaSettings
from newsflow.model import Event, Rejected
from newsflow.model.claim import Blob, encode_claim, read_claim
from newsflow.model.framing import framed, unframed
from newsflow.model.raw import parse_raw
from newsflow.model.schemas import load_schema
from newsflow.processes import free_port
from newsflow.testing import MemoryKafka, raw_event
from tests.broker_helpers import RunningBroker
from tests.kafka.registry_double import RegistryDouble, registry_double

ARTICLE = (("ce_type", b"newsflow.article.v1"),)
FEED = "news.topic.syria.v1"


@pytest.fixture
def registry() -> Iterator[RegistryDouble]:
    with registry_double() as made:
        yield made


def test_a_frame_is_five_bytes_and_json_never_looks_like_one() -> None:
    assert framed(100_007, b"{}") == b"\x00\x00\x01\x86\xa7{}"
    assert unframed(framed(1, b"{}")) == b"{}"
    for value in (b"", b"{}", b"\x00", b"\x00\x00\x00\x01", b' {"a": "\x00"}'):
        assert unframed(value) == value
    assert unframed(b"\x00\x00\x00\x00\x01") == b""
    with pytest.raises(OverflowError):
        framed(1 << 32, b"{}")


def test_raw_events_are_read_with_a_frame_and_their_bytes_are_kept() -> None:
    value = orjson.dumps(raw_event())
    assert parse_raw(framed(7, value)) == parse_raw(value)
    for odd in (b"\x00\x00\x00\x00\x07", b"\x00\x00\x00\x00\x07\x02avro", b"\x00" * 40):
        refused = parse_raw(odd)
        assert isinstance(refused, Rejected)
        assert refused.reason in ("malformed-json", "schema-violation", "bad-encoding")
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", framed(7, value))
    kafka.publish("news.article.raw.v1", framed(7, b"no json"))
    kafka.run("ingest")
    assert len(kafka.records("news.article.v1")) == 1
    assert [each.value for each in kafka.records("news.article.raw.v1.dlq")] == [framed(7, b"no json")]


def test_what_is_framed_is_shown_and_claims_are_known() -> None:
    event = Event(FEED, 0, 0, 1, b"a", framed(7, b'{"id":"a"}'), ARTICLE)
    assert as_object(event)["value"] == {"id": "a"}
    claim = encode_claim(Blob.of(b"x"), "a", version=1)
    assert read_claim(framed(7, claim)) == read_claim(claim)


@pytest.mark.e2e
def test_feeds_are_written_behind_the_id_of_their_schema(broker: RunningBroker, registry: RegistryDouble) -> None:
    settings = replace(broker.settings, registry=SchemaRegistry(registry.url))
    feed, plain = broker.create_topic(broker.name("news.subscriber.desk") + ".v1"), broker.create_topic()
    with closing(BatchWriter(settings)) as writer:
        for topic in (feed, feed, plain):
            writer.send(topic, b"a", b'{"id":"a"}', ARTICLE)
        writer.send(feed, b"a", b'{"id":"c"}', [("ce_type", b"newsflow.claim.v1")])
        writer.send(feed, b"a", b"{}", [("ce_type", b"of.another.v1")])
        writer.send(feed, b"a", None, ARTICLE)
        writer.flush()
    [first, second] = sorted(registry.schemas)
    assert [orjson.loads(registry.schemas[each])["$id"] for each in (first, second)] == [
        load_schema(name)["$id"] for name in ("article", "claim")
    ]
    assert [each.value for each in broker.read(feed)] == [
        framed(first, b'{"id":"a"}'), framed(first, b'{"id":"a"}'), framed(second, b'{"id":"c"}'), b"{}", None
    ]  # fmt: skip
    assert [each.value for each in broker.read(plain)] == [b'{"id":"a"}'], "what newsflow itself reads has no frames"
    assert [path for path, _ in registry.asked] == [
        "/subjects/newsflow.article.v1/versions", "/subjects/newsflow.claim.v1/versions"
    ]  # fmt: skip


def test_a_registry_that_is_down_or_refuses(registry: RegistryDouble, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret")
    settings = SchemaRegistry(registry.url, "newsflow", f"file:{tmp_path / 'secret'}")
    frames = Frames(settings)
    registry.refuse = (409, b'{"error_code": 409, "message": "Schema being registered is incompatible"}')
    with pytest.raises(KafkaError, match=r"answers 409 to newsflow\.article\.v1: Schema being registered"):
        frames(FEED, b"{}", ARTICLE)
    for status, body in ((200, b"{}"), (200, b"[]"), (200, b'{"id": "7"}'), (500, b"null")):
        registry.refuse = (status, body)
        with pytest.raises(KafkaError, match="answers"):
            frames(FEED, b"{}", ARTICLE)
    registry.refuse = None
    assert frames(FEED, b"{}", ARTICLE) == framed(100_000, b"{}"), "asked again, once it answers"
    assert registry.asked[-1][1] == "Basic bmV3c2Zsb3c6czNjcmV0"
    nowhere = Frames(SchemaRegistry(f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(KafkaError, match="does not answer"):
        nowhere(FEED, b"{}", ARTICLE)
    assert nowhere("news.article.v1", b"{}", ARTICLE) == b"{}"
    with pytest.raises(KafkaError, match="does not answer"), closing(BatchWriter(_with(nowhere))) as writer:
        writer._producer.as_written(Record(FEED, None, b"{}", ARTICLE))


def _with(frames: Frames) -> KafkaSettings:
    return KafkaSettings(registry=frames._settings)


def test_where_it_is_configured(tmp_path: Path) -> None:
    file = tmp_path / "newsflow.yaml"
    file.write_text("kafka: {registry: {url: 'https://registry.example/ccompat', username: a, password: 'env:B'}}")
    config = load_config(file).config
    assert KafkaSettings.of(config.kafka).registry == SchemaRegistry("https://registry.example/ccompat", "a", "env:B")
    assert load_config(None).config.kafka.registry is None
    file.write_text("kafka: {registry: {url: 'https://registry.example', password: 'plain'}}")
    with pytest.raises(ConfigError, match=r"kafka\.registry\.password"):
        load_config(file)
