"""The typed models are those of the schemas, and the short consumers that use them print a feed of a real broker."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from kafka import KafkaProducer

from newsflow.model.names import ARTICLE_TOPIC
from newsflow.testing import MemoryKafka, raw_event
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import FEW_RULES
from tools import models

WRITTEN = sorted(file for place, _ in models.LANGUAGES.values() for file in (models.TYPED / place).iterdir())


@pytest.mark.contract
def test_the_models_were_made_from_the_schemas_as_they_are() -> None:
    notes = re.compile(r"(?:#|//) Written by tools/models\.py from schemas/ \((\w+)\)")
    made = {file.name: found[1] for file in WRITTEN if (found := notes.match(file.read_text(encoding="utf-8")))}
    assert len(made) > 20
    assert set(made.values()) == {models.digest()}, "run `python -m tools.models`"


@pytest.mark.docs
@pytest.mark.timeout(600)
@pytest.mark.parametrize("language", models.LANGUAGES)
def test_the_generators_write_what_is_there(language: str, tmp_path: Path) -> None:
    if language != "python":
        _need("npm")
    try:
        models.main([language], tmp_path)
    except SystemExit as error:
        pytest.skip(f"a generator could not be fetched: {error}")
    place = models.LANGUAGES[language][0]
    for file in sorted((tmp_path / place).iterdir()):
        assert file.read_bytes() == (models.TYPED / place / file.name).read_bytes(), file.name


TEXT = "Syria signed a treaty with Russia in Damascus on Monday. Both had talked for a year about it, an envoy said."


@pytest.fixture(scope="module")
def feed(broker: RunningBroker) -> tuple[str, list[str]]:
    """A topic with what the main job made of two events, one of another type and one with a member to come; and the
    lines that are to be printed."""
    kafka = MemoryKafka()
    for number, title in enumerate(("Syria and Russia sign 🚢", "سوريا وروسيا توقعان")):
        url = f"https://river-post.example/{number}"
        kafka.publish(
            "news.article.raw.v1", raw_event(url=url, title=title, content=f"{title}. {TEXT} {number * title}")
        )
    kafka.run("ingest", {"topics.paths": [str(path) for path in FEW_RULES]})
    topic, lines = broker.create_topic(), []
    with closing(KafkaProducer(bootstrap_servers=broker.bootstrap_servers)) as producer:
        producer.send(topic, b"{}", b"other", [("ce_type", b"newsflow.other.v1")])
        for event in kafka.records(ARTICLE_TOPIC):
            article = orjson.loads(event.value or b"") | {"member_to_come": {"of": ["any", 1]}}
            lines.append("\t".join([article["action"], article["title"], *(each["id"] for each in article["topics"])]))
            producer.send(topic, orjson.dumps(article), event.key, list(event.headers))
        producer.flush()
    assert any("syria" in line for line in lines)
    return topic, lines


def _python(_: Path) -> list[str]:
    return [sys.executable, "-u", "-W", "ignore", str(models.TYPED / "python" / "consume.py")]


def _typescript(folder: Path) -> list[str]:
    _need("npm")
    _fetch(["npm", "ci", "--no-audit", "--no-fund"], folder)
    _do(["npm", "run", "--silent", "build"], folder)
    return ["node", str(folder / "consume.js")]


def _go(folder: Path) -> list[str]:
    _need("go")
    _fetch(["go", "mod", "download"], folder)
    _do(["go", "build", "-mod=readonly", "-o", "consume", "."], folder)
    return [str(folder / "consume")]


def _java(folder: Path) -> list[str]:
    for program in ("javac", "mvn"):
        _need(program)
    _fetch(["mvn", "-q", "-B", "dependency:copy-dependencies"], folder)
    _do(["mvn", "-q", "-B", "compile"], folder)
    return ["java", "-cp", f"{folder}/target/classes:{folder}/target/dependency/*", "example.Consume"]


@pytest.mark.docs
@pytest.mark.e2e
@pytest.mark.timeout(600)
@pytest.mark.parametrize("program", [_python, _typescript, _go, _java], ids=["python", "typescript", "go", "java"])
def test_a_short_consumer_prints_a_feed(
    program: Callable[[Path], list[str]], broker: RunningBroker, feed: tuple[str, list[str]], tmp_path: Path
) -> None:
    folder = tmp_path / "typed"
    shutil.copytree(models.TYPED / program.__name__[1:], folder)
    words = [*program(folder), broker.bootstrap_servers, feed[0], broker.name("reader")]
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=said, text=True) as process,
    ):
        assert process.stdout is not None
        end = threading.Timer(180, process.kill)
        end.start()
        try:
            printed = [process.stdout.readline().rstrip("\n") for _ in feed[1]]
        finally:
            end.cancel()
            process.kill()
    assert printed == feed[1], (tmp_path / "said").read_text()


def _need(program: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"no {program} on this machine")


def _fetch(words: list[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{words[0]} could not fetch the libraries: {(done.stderr or done.stdout)[-300:]}")


def _do(words: list[str], folder: Path) -> None:
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
