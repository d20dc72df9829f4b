"""`newsflow deliver` on a real broker: stores at their own pace, alerts by policy, dead letters explained."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

import pytest
from typer.testing import CliRunner

from newsflow.model.codec import encode_article
from newsflow.stores.contract import StoreRow
from newsflow.stores.jsonl import JsonLinesStore
from newsflow.tools.receiver import Receiver, read_received
from tests.alerts.planner_helpers import gone, reported
from tests.broker_helpers import RunningBroker
from tests.rule_helpers import AS_LIST

pytestmark = pytest.mark.e2e

ROUTES = """
version: 1
routes:
  - {id: all, stores: [archive]}
  - {id: lebanon, match: {topics: {any: [lb]}}, stores: [lebanon]}
subscriptions:
  - {id: calm, alert: {to: [hook], cool_down: 1h}}
  - {id: plain, alert: {to: [hook]}}
"""


def test_stores_alerts_and_dead_letters(broker: RunningBroker, tmp_path: Path) -> None:
    from newsflow.cli.app import app
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.settings import KafkaSettings

    with Receiver(tmp_path / "received.jsonl") as receiver:
        (tmp_path / "routes.yaml").write_text(ROUTES)
        config = tmp_path / "newsflow.yaml"
        config.write_text(
            f"kafka: {{bootstrap_servers: '{broker.bootstrap_servers}', group: 'test-{uuid.uuid4().hex}'}}\n"
            f"ledger: {{url: 'sqlite:///ledger.sqlite3'}}\nroutes: {{paths: [routes.yaml]}}\ntopics: {{paths: {AS_LIST}}}\n"
            f"stores: {{archive: 'sqlite:///{tmp_path}/archive.sqlite3', lebanon: 'jsonl:///{tmp_path}/lebanon'}}\n"
            f"alerts: {{destinations: {{hook: {{type: webhook, url: '{receiver.url}', allow_private: true}}}}}}\n"
        )
        runner = CliRunner()
        applied = runner.invoke(app, ["kafka", "apply", "-c", str(config)])
        assert applied.exit_code == 0, applied.output
        writer = BatchWriter(KafkaSettings(broker.bootstrap_servers))
        story = uuid.uuid4().hex
        articles = [
            reported(f"{story}-{at}", f"outlet-{at}", story, countries=("SY", "LB")[: 1 + at % 2]) for at in range(4)
        ]
        taken_back = gone(articles[1])
        # Partitions are read in any order, so the story is whole before one of its articles is withdrawn; the last
        # time nothing is left to do.
        for published in (articles, [taken_back], []):
            for article in published:
                writer.send("news.article.v1", article.id.encode(), encode_article(article))
            writer.send("news.article.v1", b"bad", b"{")
            writer.flush()
            done = runner.invoke(app, ["deliver", "--until-caught-up", "-c", str(config)])
            assert done.exit_code == 0, done.output + str(done.exception)
    articles.append(taken_back)
    connection = sqlite3.connect(tmp_path / "archive.sqlite3")
    versions = set(connection.execute("SELECT id, version FROM article_version"))
    connection.close()
    assert versions >= {(article.id, article.version) for article in articles}
    lines = [line for path in JsonLinesStore(tmp_path / "lebanon").paths() for line in path.read_bytes().splitlines()]
    mine = sorted(StoreRow.read(line).key for line in lines if story.encode() in line)
    assert mine == [(f"{story}-1", 1), (f"{story}-1", 2), (f"{story}-3", 1)]
    alerts = [entry["alert"] for entry in read_received(tmp_path / "received.jsonl")]
    assert [(alert["subscription"], alert["step"]) for alert in alerts if alert.get("story") == story] == [
        ("calm", "first")
    ]


def test_unknown_sinks_and_no_end(tmp_path: Path) -> None:
    from newsflow.cli.app import app

    runner = CliRunner()
    assert "there are: alerts" in str(runner.invoke(app, ["deliver", "--follow", "--sinks", "nowhere"]).exception)
    assert "say when to stop" in str(runner.invoke(app, ["deliver"]).exception)
