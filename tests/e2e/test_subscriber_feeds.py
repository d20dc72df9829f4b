"""Feeds of single subscribers on a real broker: who had an article hears of its edit and its end."""

from __future__ import annotations

import uuid
from pathlib import Path

import orjson
import pytest
from typer.testing import CliRunner

from newsflow.cli.publish import event_key
from newsflow.kafka.producer import BatchWriter
from newsflow.model import Event
from newsflow.model.headers import header
from newsflow.model.names import ARTICLE_TOPIC, DEBUG_TOPIC, DUPLICATE_TOPIC
from newsflow.testing import raw_event
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import AS_LIST

pytestmark = pytest.mark.e2e

SYRIA = (
    "Syria opens a rail line to the coast\n\nSyria opened a rail line from Homs to the coast on Monday. Syrian "
    "engineers said the first train carried forty wagons of wheat, and that two more would follow this week."
)
IRAN = (
    "Iran opens a rail line to the coast\n\nIran opened a rail line from Shiraz to the coast on Monday. Iranian "
    "engineers said the first train carried ninety wagons of copper, and that five more would follow this month."
)


class Line:
    """One way from raw events to feeds: its own topic, group, ledger and subscriptions on the shared broker."""

    def __init__(self, broker: RunningBroker, folder: Path) -> None:
        self.broker, self.folder, self.tag = broker, folder, uuid.uuid4().hex[:8]
        self.topic = broker.create_topic(broker.name("raw"), partitions=1)
        (folder / "newsflow.yaml").write_text(
            f"kafka: {{bootstrap_servers: '{broker.bootstrap_servers}', group: 'test-{self.tag}', "
            f"input_topic: '{self.topic}'}}\n"
            "ledger: {url: 'sqlite:///ledger.sqlite3'}\nroutes: {paths: [routes.yaml]}\n"
            f"topics: {{paths: {AS_LIST}}}\n"
        )
        self.subscribe(f"clean-{self.tag}", f"all-{self.tag}")
        self.newsflow("kafka", "apply")

    def subscribe(self, *names: str) -> None:
        """Those called all-… want copies too."""
        entries = [
            f"  - {{id: {name}, match: {{topics: {{any: [syria]}}}}, feed: true, copies: {str('all' in name).lower()}}}"
            for name in names
        ]
        lines = ["version: 1", "subscriptions:", *entries, "debug: {}"]
        (self.folder / "routes.yaml").write_text("\n".join(lines) + "\n")

    def newsflow(self, *arguments: str) -> str:
        from newsflow.cli.app import app

        done = CliRunner().invoke(app, [*arguments, "-c", str(self.folder / "newsflow.yaml")])
        assert done.exit_code == 0, done.output + str(done.exception)
        return done.output

    def ingest(self, source: str, content: str, minute: int, **members: object) -> None:
        raw = raw_event(
            source=source,
            url=f"https://{source}.example/{self.tag}",
            fetched_at=f"2026-03-01T12:{minute:02}:00Z",
            content=content,
            **{"title": None, **members},
        )
        writer, value = BatchWriter(self.broker.settings), orjson.dumps(raw)
        writer.send(self.topic, event_key(value), value)
        writer.flush()
        self.newsflow("run", "ingest", "--until-caught-up", "--quiet")

    def feed(self, name: str) -> list[Event]:
        return self.broker.read(f"news.subscriber.{name}-{self.tag}.v1")

    def mine(self, topic: str) -> list[Event]:
        """What this line wrote to a topic that others write to as well."""
        return [each for each in self.broker.read(topic) if self.tag.encode() in (each.value or b"")]


def test_versions_copies_and_the_end_reach_whoever_had_the_article(broker: RunningBroker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    line.ingest("river-post", SYRIA, 0)
    line.ingest("hill-times", SYRIA, 1)  # a copy
    line.ingest("river-post", IRAN, 2)  # an edit that no longer matches
    line.ingest("river-post", "", 3, action="withdraw")

    clean, every = line.feed("clean"), line.feed("all")
    shown = [(m["source"], m["action"], m["version"]) for m in (orjson.loads(each.value or b"") for each in clean)]
    assert [each for each in shown if each[0] == "river-post"] == [
        ("river-post", "add", 1),
        ("river-post", "replace", 2),
        ("river-post", "withdraw", 3),
    ]
    # Its original gone, the copy takes its place.
    assert [each for each in shown if each[0] != "river-post"] == [("hill-times", "replace", 2)]
    articles = {(each.key, header(each.headers, "ce_id")): each for each in line.mine(ARTICLE_TOPIC)}
    for record in clean:
        original = articles[record.key, header(record.headers, "ce_id")]
        assert (record.value, record.headers) == (original.value, original.headers)
    (copy,) = (each for each in every if "duplicate_of" in orjson.loads(each.value or b""))
    assert orjson.loads(copy.value or b"")["source"] == "hill-times"
    assert {header(each.headers, "ce_id") for each in clean} < {header(each.headers, "ce_id") for each in every}
    assert len(line.mine(DUPLICATE_TOPIC)) == 1


def test_stories_grow_and_the_debug_feed_tells(broker: RunningBroker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    line.ingest("river-post", SYRIA, 0)
    line.ingest("hill-times", SYRIA, 1)
    key = next(iter(each.key for each in line.feed("clean")))
    said = [orjson.loads(each.value or b"") for each in broker.read(DEBUG_TOPIC)]
    first = next(each for each in said if each["id"].encode() == key)
    copy = next(each for each in said if each.get("story") == first["story"] and each["outcome"] == "duplicate")
    assert (first["story_size"], copy["story_size"]) == (1, 2)
    assert first["feeds"] == [f"subscriber.clean-{line.tag}", f"subscriber.all-{line.tag}"]
    assert copy["feeds"] == [f"subscriber.all-{line.tag}"]
    clean = next(each for each in copy["verdicts"] if each["id"].startswith("clean"))
    assert (clean["taken"], clean["reasons"]) == (False, ["outcome duplicate goes to no one here"])


def test_a_subscription_that_is_gone_gets_nothing_more_and_stops_nobody(broker: RunningBroker, tmp_path: Path) -> None:
    line = Line(broker, tmp_path)
    line.ingest("river-post", SYRIA, 0)
    line.subscribe(f"clean-{line.tag}")
    line.ingest("river-post", "", 1, action="withdraw")
    assert [len(line.feed(name)) for name in ("clean", "all")] == [2, 1]
