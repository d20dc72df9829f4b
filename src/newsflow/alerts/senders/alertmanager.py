"""Alerts for a Prometheus Alertmanager: a story fires for 24 hours or until it is withdrawn.

`url`: `http://alertmanager:9093`, which usually needs `allow_private`. `secret`: the bearer token, if any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from newsflow.alerts.render import headline, members_of, members_shown, page_of, plain
from newsflow.alerts.senders.base import HttpSender, client_for
from newsflow.alerts.values import Severity
from newsflow.config.settings import Destination
from newsflow.http.client import checked_url
from newsflow.model import PendingAlert
from newsflow.model.headers import instant_text

PATH = "/api/v2/alerts"


@dataclass(frozen=True)
class Alertmanager(HttpSender):
    """The Alertmanager whose alerts are posted to `url`. A story fires for `fires_for`: news is not a metric that is
    measured again every minute, so its end must be said in advance."""

    token: str = field(default="", repr=False)
    fires_for: timedelta = timedelta(hours=24)

    def request(self, alert: PendingAlert, now_s: int) -> tuple[bytes, Mapping[str, str]]:  # noqa: ARG002
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return orjson.dumps(entries(members_of(alert.value), self.fires_for)), headers


def make(name: str, destination: Destination, url: str, secret: str | None) -> Alertmanager:
    """`url` is without the path of the API."""
    checked_url(url)
    return Alertmanager(name, url.rstrip("/") + PATH, secret or "", http=client_for(destination))


def entries(alert: Mapping[str, Any], fires_for: timedelta) -> list[dict[str, Any]]:
    """Return what is posted for an alert. The end of a story ends it at every severity it may have had, for the
    severity is one of the labels that name an alert there."""
    at = datetime.fromisoformat(alert["at"])
    if alert["step"] == "withdrawn":
        return [_entry(alert, severity.value, at, at) for severity in Severity]
    return [_entry(alert, alert["severity"], at, at + fires_for)]


def _entry(alert: Mapping[str, Any], severity: str, start: datetime, end: datetime) -> dict[str, Any]:
    article = alert["articles"][0]
    entry: dict[str, Any] = {
        "labels": members_shown(
            {
                "alertname": "NewsStory",
                "subscription": alert["subscription"],
                "story": alert.get("story") or alert["id"],
                "severity": severity,
            }
        ),
        "annotations": {"summary": headline(alert), "description": plain(alert), "step": alert["step"]},
        "startsAt": instant_text(start),
        "endsAt": instant_text(end),
    }
    page = page_of(article)
    return entry | ({"generatorURL": page} if page else {})
