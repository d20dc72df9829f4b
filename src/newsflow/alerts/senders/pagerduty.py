"""Alerts as PagerDuty Events v2: a story is one incident, its withdrawal resolves it.

`url`: `https://events.pagerduty.com/v2/enqueue`. `secret`: the routing key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from newsflow.alerts.render import headline, members_of, members_shown, page_of, thread_key
from newsflow.alerts.senders.base import HttpSender, client_for
from newsflow.config.settings import Destination
from newsflow.http.client import checked_url
from newsflow.model import PendingAlert
from newsflow.shown import one_line

SUMMARY_CHARS = 1024


@dataclass(frozen=True)
class PagerDuty(HttpSender):
    """A PagerDuty service, by the key of its Events v2 integration."""

    routing_key: str = field(repr=False)

    def request(self, alert: PendingAlert, now_s: int) -> tuple[bytes, Mapping[str, str]]:  # noqa: ARG002
        return orjson.dumps(event(members_of(alert.value), self.routing_key)), {}


def make(name: str, destination: Destination, url: str, secret: str | None) -> PagerDuty:
    if not secret:
        raise ValueError("a destination of type pagerduty needs its routing key as secret")
    checked_url(url)
    return PagerDuty(name, url, secret, http=client_for(destination))


def event(alert: Mapping[str, Any], routing_key: str) -> dict[str, Any]:
    """Return the event of an alert. All alerts of a story share a dedup key, so that it is one incident; a digest is
    one of its own."""
    article = alert["articles"][0]
    return {
        "routing_key": routing_key,
        "event_action": "resolve" if alert["step"] == "withdrawn" else "trigger",
        "dedup_key": f"newsflow-{thread_key(alert, digest_size=16)}",
        "payload": members_shown(
            {
                "summary": headline(alert)[:SUMMARY_CHARS],
                "source": article["source"],
                "severity": alert["severity"],
                "timestamp": alert["at"],
                "component": alert["subscription"],
                "class": alert["step"],
                "custom_details": {"why": alert["why"], "articles": alert["articles"], "alert": alert["id"]},
            }
        ),
        "links": [
            {"href": page, "text": one_line(each["source"])} for each in alert["articles"] if (page := page_of(each))
        ][:10],
    }
