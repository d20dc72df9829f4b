"""Alerts as PagerDuty Events v2: a story is an incident, its withdrawal resolves it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from newsflow.alerts.render import headline, members_of
from newsflow.alerts.senders.base import Attempt, refused, retry
from newsflow.alerts.senders.http import HttpClient
from newsflow.alerts.senders.webhook import judge
from newsflow.errors import SinkError
from newsflow.model import PendingAlert

URL = "https://events.pagerduty.com/v2/enqueue"
SUMMARY_CHARS = 1024


@dataclass(frozen=True)
class PagerDuty:
    """A PagerDuty service, by the key of its Events v2 integration."""

    name: str
    routing_key: str = field(repr=False)
    url: str = URL
    http: HttpClient = field(default_factory=HttpClient)
    clock_s: Callable[[], float] = field(default=time.time, repr=False)

    def send(self, alert: PendingAlert) -> Attempt:
        """Trigger or resolve the incident of the alert's story."""
        try:
            body = orjson.dumps(event(members_of(alert.value), self.routing_key))
        except (ValueError, KeyError, TypeError) as error:
            return refused(f"the alert cannot be put into an event: {error}")
        try:
            return judge(self.http.post(self.url, body, {"Content-Type": "application/json"}), self.clock_s())
        except SinkError as error:
            return retry(str(error))


def event(alert: Mapping[str, Any], routing_key: str) -> dict[str, Any]:
    """Return the event of an alert. All steps of a story share a dedup key, so that it is one incident."""
    action = "resolve" if alert["step"] == "withdrawn" else "trigger"
    article = alert["articles"][0]
    return {
        "routing_key": routing_key,
        "event_action": action,
        "dedup_key": dedup_key(alert),
        "payload": {
            "summary": headline(alert)[:SUMMARY_CHARS],
            "source": article["source"],
            "severity": alert["severity"],
            "timestamp": alert["at"],
            "component": alert["subscription"],
            "class": alert["step"],
            "custom_details": {"why": alert["why"], "articles": alert["articles"], "alert": alert["id"]},
        },
        "links": [{"href": each["url"], "text": each["source"]} for each in alert["articles"] if each.get("url")][:10],
    }


def dedup_key(alert: Mapping[str, Any]) -> str:
    """Return what names the incident, at most 255 characters. A digest is one of its own."""
    name = f"{alert['subscription']}\n{alert.get('story') or alert['id']}".encode("utf-8", "surrogatepass")
    return f"newsflow-{hashlib.blake2b(name, digest_size=16).hexdigest()}"
