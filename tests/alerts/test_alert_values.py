"""Alerts as values: ids, bytes, what they say."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.alerts.build import MAX_SPANS, article_alert
from newsflow.alerts.values import AlertStep, Severity, alert_id, decode_alert, encode_alert
from newsflow.model import Evidence, PublicationDate, TopicMatch
from newsflow.model.codec import published_text
from tests.routing.routing_helpers import NOON, article, topic


def test_bytes_carry_all_members_and_leave_out_what_is_not_set() -> None:
    about = article(topic("syria", text="Сирия"))
    alert = article_alert(
        about, subscription="desk", step=AlertStep.FIRST, severity=Severity.ERROR, rule="every article", at=NOON
    )
    members = orjson.loads(encode_alert(alert))
    assert members["id"] == alert_id("desk", about.id, "first")
    assert {name: members[name] for name in ("subscription", "step", "severity", "at")} == {
        "subscription": "desk",
        "step": "first",
        "severity": "error",
        "at": "2026-03-01T12:00:00Z",
    }
    assert "story" not in members
    assert "sample" not in members
    assert members["articles"][0]["title"] == about.title
    assert members["why"]["sources"] == ["river-post"]


def test_a_withdrawal_has_an_id_for_each_article_and_first_one_for_the_story() -> None:
    one, two = article(story="s"), article(story="s", id="b" * 32)

    def raised(about: object, step: AlertStep) -> str:
        assert isinstance(about, type(one))
        return article_alert(about, subscription="d", step=step, severity=Severity.INFO, rule="", at=NOON).id

    assert raised(one, AlertStep.FIRST) == raised(two, AlertStep.FIRST)
    assert raised(one, AlertStep.WITHDRAWN) != raised(two, AlertStep.WITHDRAWN)
    assert raised(one, AlertStep.UPDATE) != raised(replace(one, version=2), AlertStep.UPDATE)


def test_spans_are_the_heaviest_first_and_bounded() -> None:
    evidence = tuple(Evidence("t", "body", at, at + 1, "x", at / 100) for at in range(50))
    about = article(TopicMatch("syria", "place", "SY", 1.0, "1", evidence), topic("iran", text="Иран"))
    alert = article_alert(
        about, subscription="d", step=AlertStep.FIRST, severity=Severity.INFO, rule="", topics=["syria"], at=NOON
    )
    assert [span.start for span in alert.why.spans] == list(range(49, 49 - MAX_SPANS, -1))


def test_a_time_without_a_zone_is_not_given_one() -> None:
    unknown = PublicationDate(datetime(2026, 3, 1, 9, 30), "unknown", "text", "1 марта 9:30")  # noqa: DTZ001
    assert published_text(unknown) == "2026-03-01T09:30:00"
    moscow = datetime(2026, 3, 1, 9, 30, tzinfo=timezone(timedelta(hours=3)))
    assert published_text(PublicationDate(moscow, "explicit", "text", "")) == "2026-03-01T06:30:00Z"
    assert published_text(PublicationDate(NOON.astimezone(UTC), "source", "text", "")).endswith("Z")


def test_only_json_objects_are_alerts() -> None:
    with pytest.raises(ValueError, match="object"):
        decode_alert(b"[]")


@pytest.mark.property
@given(st.text(), st.text(), st.text())
def test_ids_are_stable_hex(subscription: str, subject: str, step: str) -> None:
    name = alert_id(subscription, subject, step)
    assert name == alert_id(subscription, subject, step)
    assert len(name) == 32
    assert int(name, 16) >= 0
