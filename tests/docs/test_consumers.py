"""The consumers of the how-to read one feed alike: versions, withdrawals, repeats, gzip, offsets behind emoji, articles
in the blob store; and say alike what they were not given."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from kafka import KafkaProducer

from newsflow.model import Event
from newsflow.model.claim import Blob, encode_claim
from newsflow.model.names import ARTICLE_TOPIC
from newsflow.processes import free_port
from newsflow.testing import MemoryKafka, raw_event
from tests.broker_helpers import RunningBroker
from tests.docs.markdown import DOCS
from tests.rule_helpers import FEW_RULES

pytestmark = [pytest.mark.docs, pytest.mark.e2e, pytest.mark.timeout(600)]

CONSUMERS = DOCS / "how-to" / "consumers"
TEXT = "👩🏽‍🚀 وقعت سوريا اتفاقا مع روسيا في دمشق يوم الاثنين. وقال مسؤول إن المحادثات مع موسكو دامت عاما كاملا 🎉 في سوريا."
ENGLISH = (
    "🚢 Syria signed a treaty with Russia in Damascus on Monday. Both had talked for a year about it, an envoy said."
)


@pytest.fixture(scope="module")
def records() -> list[Event]:
    """What the main job published: an article in two versions, one that was withdrawn, and one that stays."""
    kafka = MemoryKafka()

    def publish(name: str, hour: int, **members: str | None) -> None:
        event = {"url": f"https://river-post.example/{name}", "fetched_at": f"2026-03-01T{hour:02}:00:00Z", **members}
        kafka.publish("news.article.raw.v1", raw_event(**event))
        kafka.run("ingest", {"topics.paths": [str(path) for path in FEW_RULES]})

    publish("treaty", 9, title="👩🏽‍🚀 سوريا وروسيا", content=TEXT)
    publish("cargo", 9, title="📦 Syria ships wheat", content="Wheat left a port in Syria on Monday 📦. " * 6)
    publish("ship", 9, title="🚢 Syria and Russia sign", content=ENGLISH)
    publish("bread", 9, title="Bakeries open in Lebanon", content="Bakeries opened in Lebanon on Monday. " * 6)
    publish(
        "treaty", 10, title="👩🏽‍🚀 سوريا وروسيا 🎉 توقعان", content=TEXT + " وأضاف أن الاتفاق مع روسيا 📜 يسري فورا."
    )
    publish("bread", 11, action="withdraw", title=None, content=None, content_type=None)
    return list(kafka.records(ARTICLE_TOPIC))


@pytest.fixture(scope="module")
def blobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blobs")


@pytest.fixture(scope="module")
def feed(broker: RunningBroker, records: list[Event], blobs: Path) -> str:
    """A feed in gzip with all of that, one article by reference; as after a crash, everything comes twice, and something
    of another kind too."""
    topic = broker.create_topic(partitions=3)
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap_servers, compression_type="gzip")) as producer:
        for event in [*records, *records]:
            headers = dict(event.headers)
            value = event.value or b""
            if b"/cargo" in value:
                blob = Blob.of(value)
                (blobs / blob.dataref).parent.mkdir(parents=True, exist_ok=True)
                (blobs / blob.dataref).write_bytes(value)
                value = encode_claim(blob, (event.key or b"").decode(), version=1)
                headers |= {"ce_type": b"newsflow.claim.v1", "ce_dataref": blob.dataref.encode()}
            producer.send(topic, value, event.key, list(headers.items()))
        producer.send(topic, b"{}", b"other", [("ce_type", b"newsflow.other.v1")])
        producer.flush()
    return topic


def _python(_: Path) -> list[str]:
    return [sys.executable, "-W", "ignore", str(CONSUMERS / "python" / "consume.py")]


def _node(folder: Path) -> list[str]:
    for program in ("npm", "node"):
        _need(program)
    shutil.copytree(CONSUMERS / "node", folder / "node", ignore=shutil.ignore_patterns("node_modules"))
    _make(["npm", "ci", "--no-audit", "--no-fund"], folder / "node")
    return ["node", str(folder / "node" / "consume.mjs")]


def _go(folder: Path) -> list[str]:
    _need("go")
    _make(["go", "build", "-mod=readonly", "-o", str(folder / "consume"), "."], CONSUMERS / "go")
    return [str(folder / "consume")]


@pytest.mark.parametrize("program", [_python, _node, _go], ids=["python", "node", "go"])
def test_a_consumer_keeps_what_holds(
    program: Callable[[Path], list[str]],
    broker: RunningBroker,
    feed: str,
    records: list[Event],
    blobs: Path,
    tmp_path: Path,
) -> None:
    command, group = program(tmp_path), broker.name("reader")
    cargo = next(event.key for event in records if b"/cargo" in (event.value or b"")) or b""
    # Without the blob store it stops, and what it stopped at comes again.
    said = f"{cargo.decode()} is in the blob store: name its folder as BLOBS\n"
    assert _fails([*command, broker.bootstrap_servers, feed, broker.name("reader")]) == said
    first, second = (_run([*command, broker.bootstrap_servers, feed, group, str(blobs)]) for _ in range(2))
    assert first == _expected(records)
    # What was committed does not come again.
    assert second == "0 taken, 0 passed over, 0 withdrawn\n"
    said = f"there is no topic {feed}x at {broker.bootstrap_servers}\n"
    assert _fails([*command, broker.bootstrap_servers, f"{feed}x", group]) == said
    nowhere = f"127.0.0.1:{free_port()}"
    said = _fails([*command, nowhere, feed, group])
    assert nowhere in said
    assert said.count("\n") == 1, said
    assert re.fullmatch(r"usage: .*consume.* BROKERS TOPIC GROUP \[BLOBS\]\n", _fails(command))


def _expected(records: list[Event]) -> str:
    """The table of these records, with the evidence as the article itself has it."""
    import orjson

    newest = {article["id"]: article for article in (orjson.loads(event.value or b"") for event in records)}
    assert sorted((each["version"], each["action"]) for each in newest.values()) == [
        (1, "add"), (1, "add"), (2, "replace"), (2, "withdraw")
    ]  # fmt: skip
    lines = []
    for name, article in sorted(newest.items()):
        withdrawn = article["action"] == "withdraw"
        lines.append(f"{name} v{article['version']} {'(withdrawn)' if withdrawn else article['title']}")
        for topic in () if withdrawn else article["topics"]:
            lines += [
                f"  {topic['id']} {found['field']} {found['start']}-{found['end']}: {found['text']}"
                for found in topic["evidence"]
            ]
    assert sum("سوريا" in line and "title" in line for line in lines) >= 1
    return "\n".join([*lines, "5 taken, 6 passed over, 1 withdrawn"]) + "\n"


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _fails(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stdout) == (1, "")
    return done.stderr


def _need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")


def _make(command: list[str], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{command[0]} could not fetch the library: {done.stderr[-300:]}")
