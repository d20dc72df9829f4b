"""What came in once more, by the same code and by another rule, beside the live ledger, which notices nothing."""

from __future__ import annotations

import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.app import app
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


def test_what_is_no_name_is_refused(place: Place) -> None:
    for name in ("Upper", "a_b", "x" * 60, "../up"):
        assert RUNNER.invoke(app, ["replay", name, "-c", "newsflow.yaml"]).exit_code != 0
