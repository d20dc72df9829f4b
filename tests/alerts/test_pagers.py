"""PagerDuty, Alertmanager and chat against a real HTTP server."""

from __future__ import annotations

from datetime import timedelta

import orjson
import pytest

from newsflow.alerts.senders.alertmanager import PATH, Alertmanager
from newsflow.alerts.senders.base import DeliveryResult
from newsflow.alerts.senders.chat import Chat
from newsflow.alerts.senders.pagerduty import PagerDuty
from newsflow.alerts.values import AlertStep, Severity
from newsflow.model import PendingAlert
from tests.alerts.alert_samples import HARBOUR, alert, pending
from tests.alerts.http_double import answer, client, serving


def test_a_story_is_one_incident_until_it_is_withdrawn() -> None:
    with serving(answer(202)) as script:
        pager = PagerDuty("pager", script.url, "R0UT1NG", http=client())
        for step in (AlertStep.FIRST, AlertStep.UPDATE, AlertStep.WITHDRAWN):
            assert pager.send(pending(step)).result is DeliveryResult.SENT
    events = [orjson.loads(body) for _, _, body in script.requests]
    assert [event["event_action"] for event in events] == ["trigger", "trigger", "resolve"]
    assert len({event["dedup_key"] for event in events}) == 1
    assert events[0]["routing_key"] == "R0UT1NG"
    assert events[0]["payload"]["summary"] == HARBOUR.title
    assert events[0]["payload"]["severity"] == "warning"
    assert events[0]["payload"]["timestamp"] == "2026-03-01T12:00:00Z"
    assert "R0UT1NG" not in repr(pager)


def test_stories_subscriptions_and_digests_are_incidents_of_their_own() -> None:
    with serving(answer(202)) as script:
        pager = PagerDuty("pager", script.url, "k", http=client())
        for each in (
            pending(),
            pending(story="s2"),
            pending(subscription="other"),
            pending(AlertStep.DIGEST, story=None),
        ):
            pager.send(each)
    assert len({orjson.loads(body)["dedup_key"] for _, _, body in script.requests}) == 4


def test_alertmanager_fires_and_resolves_every_severity() -> None:
    with serving(answer(200)) as script:
        manager = Alertmanager(
            "am", script.url.removesuffix("/hook") + PATH, "t0ken", timedelta(hours=6), http=client()
        )
        assert manager.send(pending()).result is DeliveryResult.SENT
        assert manager.send(pending(AlertStep.WITHDRAWN)).result is DeliveryResult.SENT
    (path, headers, first), (_, _, last) = script.requests
    assert (path, headers["authorization"]) == ("/api/v2/alerts", "Bearer t0ken")
    (firing,) = orjson.loads(first)
    assert firing["labels"] == {"alertname": "NewsStory", "subscription": "desk", "story": "s1", "severity": "warning"}
    assert (firing["startsAt"], firing["endsAt"]) == ("2026-03-01T12:00:00Z", "2026-03-01T18:00:00Z")
    assert HARBOUR.title in firing["annotations"]["description"]
    ends = orjson.loads(last)
    assert {end["labels"]["severity"] for end in ends} == {each.value for each in Severity}
    assert all(end["startsAt"] == end["endsAt"] for end in ends)
    assert firing["labels"] in [end["labels"] for end in ends]


@pytest.mark.parametrize(
    ("status", "result"), [(400, DeliveryResult.REFUSED), (429, DeliveryResult.RETRY), (503, DeliveryResult.RETRY)]
)
def test_what_answers_mean(status: int, result: DeliveryResult) -> None:
    with serving(answer(status, b"why", Retry_After="9")) as script:
        senders = (PagerDuty("p", script.url, "k", http=client()), Alertmanager("a", script.url, http=client()))
        for attempt in (sender.send(pending()) for sender in senders):
            assert attempt.result is result
            assert attempt.retry_after_s == (9 if result is DeliveryResult.RETRY else None)


def test_internal_addresses_and_what_is_no_alert() -> None:
    for sender in (PagerDuty("p", "http://127.0.0.1/", "k"), Alertmanager("a", "http://127.0.0.1/")):
        assert "internal address" in sender.send(pending()).message
        assert sender.send(PendingAlert("x", "desk", b'{"articles":[]}')).result is DeliveryResult.REFUSED


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_chat_by_apprise() -> None:
    pytest.importorskip("apprise")
    with serving(answer(200), answer(500)) as script:
        chat = Chat("talk", script.url.replace("http://", "json://"))
        assert chat.send(pending(sample=True)).result is DeliveryResult.SENT
        sent = orjson.loads(script.requests[0][2])
        assert sent["title"] == "[sample] [desk] New: " + alert().articles[0].title
        assert "Why: topics any of syria" in sent["message"]
        assert chat.send(pending()).result is DeliveryResult.RETRY
        assert chat.send(PendingAlert("x", "desk", b"[]")).result is DeliveryResult.REFUSED
    assert "127.0.0.1" not in repr(chat)
