"""What came in once more, by the same code and by another rule, beside the live ledger, which notices nothing."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
from newsflow.ingest.replay import Namespace
from newsflow.kafka.admin import apply_topics, record_counts
from newsflow.kafka.producer import BatchWriter
from newsflow.ledger import open_ledger
from newsflow.model.codec import decode_article
from newsflow.model.names import ARTICLE_TOPIC, DUPLICATE_TOPIC, STORY_TOPIC, topic_feed
from newsflow.model.topics import declared_topics
from tests.broker_helpers import RunningBroker
from tests.ledger.conftest import ledger_url
from tests.mixed_events import mixed_events

__all__ = ["ledger_url"]
pytestmark = [pytest.mark.e2e, pytest.mark.slow]
RUNNER = CliRunner()
RULES = "{id: levant, any: [Syria, سوريا, Lebanon]}\n---\n{id: north, any: [Russia%s]}\n"
ROUTES = """
version: 1
routes: [{id: all, match: {tagged: true}, feeds: topics}]
subscriptions: [{id: desk, match: {topics: {any: [north]}}, alert: {to: [hook]}}]
"""


class Place:
    """A job's folder, with the topic that it has read."""

    def __init__(self, broker: RunningBroker, folder: Path, url: str) -> None:
        self.broker, self.folder, self.url = broker, folder, url
        self.topic, self.group = broker.create_topic(partitions=3), broker.name("replayed")
        broker.create_topic(f"{self.topic}.dlq", partitions=3)
        self.write_rules()
        (folder / "routes.yaml").write_text(ROUTES)
        members = {
            "kafka": {"bootstrap_servers": broker.bootstrap_servers, "group": self.group, "input_topic": self.topic},
            "ledger": {"url": url}, "topics": {"paths": ["rules.yaml"], "applied": "applied"},
            "routes": {"paths": ["routes.yaml"]}, "stories": {"encoder": "none"}, "run": {"workers": 1},
            "limits": {"batch_records": 40, "shutdown_s": 5}, "blobs": {"shared": True},
            "alerts": {"fresh_h": 0, "destinations": {"hook": {"type": "webhook", "url": "https://hook.example/"}}},
        }  # fmt: skip
        (folder / "newsflow.yaml").write_bytes(orjson.dumps(members))

    def write_rules(self, more: str = "") -> None:
        (self.folder / "rules.yaml").write_text(RULES % more)

    def publish(self, values: list[bytes]) -> None:
        with closing(BatchWriter(self.broker.settings)) as writer:
            for value in values:
                key = re.search(rb'"url":"(.*?)"', value)
                writer.send(self.topic, key[1] if key else b"?", value)
            writer.flush()

    def run(self, *words: str) -> list[dict[str, Any]]:
        done = RUNNER.invoke(app, [*words, "-o", "json", "-c", "newsflow.yaml"], catch_exceptions=False)
        assert done.exit_code == 0, done.output
        return [json.loads(line) for line in done.stdout.splitlines()]

    def written(self) -> dict[str, int]:
        topics = [ARTICLE_TOPIC, DUPLICATE_TOPIC, STORY_TOPIC, topic_feed("levant"), topic_feed("north"), self.topic]
        return record_counts(self.broker.settings, [*topics, f"{self.topic}.dlq"])


@pytest.fixture
def place(broker: RunningBroker, tmp_path: Path, ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.chdir(tmp_path)
    apply_topics(broker.settings, declared_topics(["levant", "north"]))
    return Place(broker, tmp_path, ledger_url)


def test_the_same_is_the_same_and_another_rule_names_what_it_changes(place: Place) -> None:
    values = [value for value, _ in mixed_events(400, seed=5)]
    place.publish(values)
    [live] = place.run("run", "ingest", "--until-caught-up", "--quiet")
    before = place.written()

    [same] = place.run("replay", "same", "--quiet")
    assert same["outcomes"] == {name: number for name, number in live["outcomes"].items() if number}
    assert sum(same["outcomes"].values()) == 400
    assert place.run("diff", "same", "--check") == [{"events": 400, "not_live": 0, "changed": {}, "by_slice": {}}]

    place.write_rules(", France, فرنسا")
    place.run("replay", "new-rule", "--quiet")
    *found, told = place.run("diff", "new-rule")
    with closing(open_ledger(place.url)) as ledger:
        versions = [decode_article(each.value) for each in ledger.articles()]
    versions.sort(key=lambda each: each.version)
    # A withdrawal has no text, and the topics of the version before it.
    texts = {each.id: each.title + each.body for each in versions if each.action != "withdraw"}
    tagged = {each.id: {topic.id for topic in each.topics} for each in versions}
    expected = {
        article_id
        for article_id, text in texts.items()
        if ("France" in text or "فرنسا" in text) and "north" not in tagged[article_id]
    }
    assert len(expected) > 20
    tags = {each["subject"]: each for each in found if each["what"] == "tags"}
    assert set(tags) == expected
    assert {each["what"] for each in found} <= {"tags", "feeds", "alerts"}
    # The first of a story raises its alert: that may be another now, and the one that did is named too.
    assert {each["subject"] for each in found if each["what"] != "alerts"} == expected
    assert told["changed"]["tags"] == len(expected)
    assert place.written() == before, "nothing was published"

    place.run("replay", "new-rule", "--quiet")  # killed and begun again, it does the same
    assert place.run("diff", "new-rule")[-1] == told
    RUNNER.invoke(app, ["replay", "new-rule", "--drop", "-c", "newsflow.yaml"], catch_exceptions=False)
    assert RUNNER.invoke(app, ["diff", "new-rule", "-c", "newsflow.yaml"]).exit_code != 0


def test_a_slice_says_what_its_beginning_explains(place: Place) -> None:
    values = [value for value, _ in mixed_events(240, seed=9)]
    place.publish(values)
    place.run("run", "ingest", "--until-caught-up", "--quiet")
    from newsflow.cli.options import settings
    from newsflow.ingest import replay

    loaded = settings(Path("newsflow.yaml")).config
    start, end = replay.span_of(loaded, None, None)
    middle = {partition: (start[partition] + end[partition]) // 2 for partition in end}
    namespace = replay.Namespace.of(loaded, "half")
    with closing(namespace.open(72)) as other:
        replay.replay(loaded, other, replay.in_order(loaded, middle, end), lambda _: None)
    *found, told = place.run("diff", "half")
    assert told["changed"] == {}, [each for each in found if not each["by_slice"]]
    assert told["by_slice"]["outcome"] > 5
    assert told["events"] == sum(end[each] - middle[each] for each in end)


def test_records_by_their_offsets_and_from_a_file(place: Place) -> None:
    values = [value for value, _ in mixed_events(90, seed=3)]
    place.publish(values)
    place.run("run", "ingest", "--until-caught-up", "--quiet")
    [told] = place.run("replay", "some", "--offsets", "0:2-6,2:1-", "--quiet")
    events = place.broker.read(place.topic)
    wanted = [e for e in events if (e.partition == 0 and 2 <= e.offset <= 6) or (e.partition == 2 and e.offset >= 1)]
    assert sum(told["outcomes"].values()) == len(wanted) > 5
    from newsflow.cli.tail import as_object

    # What `newsflow tail` prints stands for the records, so the live ledger knows them.
    events.sort(key=lambda event: (event.timestamp_ms, event.partition, event.offset))
    (place.folder / "records.jsonl").write_bytes(b"".join(orjson.dumps(as_object(each)) + b"\n" for each in events))
    [whole] = place.run("replay", "file", "--input", "records.jsonl", "--quiet")
    assert sum(whole["outcomes"].values()) == len(values)
    told = place.run("diff", "file")[-1]
    # Of a value that was not written as we write JSON, the line has another spelling: that is another record.
    printed = [(each.value, as_object(each)) for each in events]
    respelt = [value for value, line in printed if "value" in line and orjson.dumps(line["value"]) != value]
    assert (told["not_live"], len(respelt) < 10) == (len(respelt), True)
    assert told["changed"] == {}

    (place.folder / "raw.jsonl").write_bytes(b"".join(value + b"\n" for value in values[:30]))
    [other] = place.run("replay", "raw", "--input", "raw.jsonl", "--quiet")
    assert sum(other["outcomes"].values()) == 30
    assert place.run("diff", "raw")[-1]["not_live"] == 30
    before = place.written()
    for words in (["--offsets", "0:7-3"], ["--offsets", "9:0-1"], ["--offsets", "x"], ["--input", "none.jsonl"],
                  ["--input", "raw.jsonl", "--since", "1h"]):  # fmt: skip
        assert RUNNER.invoke(app, ["replay", "bad", *words, "-c", "newsflow.yaml"]).exit_code != 0
    assert place.written() == before


def test_killed_and_begun_again_it_is_as_if_it_had_not_been(place: Place) -> None:
    place.publish([value for value, _ in mixed_events(400, seed=5)])
    place.run("run", "ingest", "--until-caught-up", "--quiet")
    from newsflow.cli.options import settings

    namespace = Namespace.of(settings(Path("newsflow.yaml")).config, "killed")
    counts: list[int] = []
    for kill in range(3):
        words = ["replay", "killed", "--quiet", "-c", "newsflow.yaml"]
        process = subprocess.Popen([sys.executable, "-m", "newsflow", *words], cwd=place.folder)
        before = counts[-1] if counts else 0
        while process.poll() is None and decided_in(namespace) <= before:
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, f"kill {kill} came too late"
        counts.append(decided_in(namespace))
    assert 0 < counts[0] < counts[1] < counts[2] < 400, counts
    place.run("replay", "killed", "--quiet")
    assert place.run("diff", "killed", "--check") == [{"events": 400, "not_live": 0, "changed": {}, "by_slice": {}}]


def decided_in(namespace: Namespace) -> int:
    if not namespace.exists():
        return 0
    with closing(namespace.open(72)) as ledger:
        return sum(ledger.outcomes().values())


def test_what_is_no_name_is_refused(place: Place) -> None:
    for name in ("Upper", "a_b", "x" * 60, "../up"):
        assert RUNNER.invoke(app, ["replay", name, "-c", "newsflow.yaml"]).exit_code != 0
