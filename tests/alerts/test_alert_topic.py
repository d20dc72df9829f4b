"""Which alerts are in news.alert.v1, and that the outbox has all: what docs/reference/kafka-topics.md says."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from newsflow.alerts.outbox import Outbox
from newsflow.ledger import open_ledger
from newsflow.model.names import ALERT_TOPIC
from newsflow.testing import MemoryKafka, raw_event

ROUTES = """
version: 1
subscriptions:
  - {id: at-once, match: {sources: [harbour-post]}, alert: {to: [hook]}}
  - {id: with-policy, match: {sources: [harbour-post]}, alert: {to: [hook], cool_down: 1h}}
  - {id: with-rule, match: {rule: {any: [harbour]}}, alert: {to: [hook]}}
  - {id: of-big-stories, match: {story_size: {min: 1}}, alert: {to: [hook]}}
"""


def test_the_topic_has_the_alerts_that_are_raised_at_once_and_the_outbox_all(tmp_path: Path) -> None:
    routes, ledger = tmp_path / "routes.yaml", f"sqlite:///{tmp_path / 'ledger.db'}"
    routes.write_text(ROUTES, encoding="utf-8")
    hook = {"type": "webhook", "url": "http://127.0.0.1:9/", "allow_private": True}
    settings = {"ledger.url": ledger, "routes.paths": [str(routes)], "alerts.destinations": {"hook": hook}}
    kafka = MemoryKafka()
    kafka.publish("news.article.raw.v1", raw_event())
    for job in ("ingest", "deliver"):
        kafka.run(job, settings)
    assert [alert["subscription"] for alert in kafka.values(ALERT_TOPIC)] == ["at-once"]
    with closing(open_ledger(ledger)) as opened:
        kept = {alert.subscription for alert in Outbox(opened).alerts()}
    assert kept == {"at-once", "with-policy", "with-rule", "of-big-stories"}
