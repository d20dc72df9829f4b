"""The page this project began with: another story's headline, "logo", a caption, the title, a date, the body, a footer."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from newsflow.kafka.producer import BatchWriter
from newsflow.model.headers import header
from newsflow.model.names import ALERT_TOPIC, ARTICLE_TOPIC, raw_key, topic_feed
from newsflow.tagging import shipped_rules_path
from tests.broker_helpers import RunningBroker
from tests.e2e.after_faults import mine
from tests.e2e.job_process import JobProcess
from tests.routing.routing_helpers import WATCH
from tests.shared_data import shared_data

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

TITLE = "تفاصيل الانسحاب الروسي من سوريا.. ماذا يحدث خلف الكواليس؟"
URL = "https://www.eremnews.com/videos/russia-syria"


def test_the_founding_page(all_topics_broker: RunningBroker, tmp_path: Path) -> None:
    page = shared_data("seed/erem-news-page-ar.txt").read_text(encoding="utf-8")
    broker = all_topics_broker
    topic = broker.create_topic(broker.name("raw"))
    event = {"source": "erem-news", "url": URL, "fetched_at": "2024-12-15T14:02:00Z", "content_type": "text/plain"}
    writer = BatchWriter(broker.settings)
    writer.send(topic, raw_key("erem-news", URL), orjson.dumps({**event, "content": page}))
    writer.flush()
    (tmp_path / "sources.yaml").write_text("sources:\n  - {id: erem-news, zone: Asia/Dubai}\n", encoding="utf-8")
    (tmp_path / "routes.yaml").write_text(WATCH, encoding="utf-8")
    environ = {
        "NEWSFLOW_ROUTES__PATHS": f"[{tmp_path}/routes.yaml]",
        "NEWSFLOW_SOURCES__PATHS": f"[{tmp_path}/sources.yaml]", "NEWSFLOW_TOPICS__PATHS": f"[{shipped_rules_path()}]"
    }  # fmt: skip
    job = JobProcess(broker, topic, tmp_path, f"sqlite:///{tmp_path}/ledger.sqlite3", topic, environ)
    job.start("--until-caught-up")
    assert job.wait(120) == 0, job.words()

    [record] = mine(broker.read(ARTICLE_TOPIC), topic)
    article = orjson.loads(record.value or b"")
    assert article["title"] in (TITLE, f"{TITLE} (فيديو إرم)")
    assert article["published"] == {
        "at": "2024-12-15T13:21:00Z", "zone": "source", "evidence": "text", "text": "15 ديسمبر 2024، 5:21 م",
        "precision": "minute",
    }  # fmt: skip
    assert article["language"] == "ar"
    assert article["body"].startswith("مع تسارع الأحداث")
    for junk in ("تابعونا على", "جميع الحقوق", "logo", "فلوريدا", "مركز الإشعارات"):
        assert junk not in article["body"]
    assert {topic["id"] for topic in article["topics"][:2]} == {"syria", "russia"}
    for match in article["topics"]:
        for evidence in match["evidence"]:
            assert article[evidence["field"]][evidence["start"] : evidence["end"]] == evidence["text"]
    for feed in ("syria", "russia"):
        assert [r.value for r in broker.read(topic_feed(feed)) if r.key == record.key] == [record.value]
    alerts = [orjson.loads(r.value or b"") for r in broker.read(ALERT_TOPIC) if header(r.headers, "ce_id")]
    assert len([alert for alert in alerts if alert["articles"][0]["id"] == article["id"]]) == 1
