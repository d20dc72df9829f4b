"""Alerts for a Prometheus Alertmanager: a story fires, its withdrawal resolves it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import orjson

from newsflow.alerts import Severity
from newsflow.alerts.render import headline, members_of, plain
from newsflow.alerts.senders.base import Attempt, refused, retry
from newsflow.alerts.senders.http import HttpClient
from newsflow.alerts.senders.webhook import judge
from newsflow.errors import SinkError
from newsflow.model import PendingAlert

PATH = "/api/v2/alerts"


@dataclass(frozen=True)
class Alertmanager:
    """An Alertmanager at `url` (without the path of its API). A story fires for `fires_for`: news is not a metric
    that is measured again every minute, so its end must be said in advance."""

    name: str
    url: str
    token: str = field(default="", repr=False)
    fires_for: timedelta = timedelta(hours=24)
    http: HttpClient = field(default_factory=HttpClient)
    clock_s: Callable[[], float] = field(default=time.time, repr=False)

    def send(self, alert: PendingAlert) -> Attempt:
        """Post the alert, or its end."""
        try:
            body = orjson.dumps(entries(members_of(alert.value), self.fires_for))
        except (ValueError, KeyError, TypeError) as error:
            return refused(f"the alert cannot be put into Alertmanager's form: {error}")
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        try:
            return judge(self.http.post(self.url.rstrip("/") + PATH, body, headers), self.clock_s())
        except SinkError as error:
            return retry(str(error))


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
        "labels": {
            "alertname": "NewsStory",
            "subscription": alert["subscription"],
            "story": alert.get("story") or alert["id"],
            "severity": severity,
        },
        "annotations": {"summary": headline(alert), "description": plain(alert), "step": alert["step"]},
        "startsAt": _text(start),
        "endsAt": _text(end),
    }
    return entry | ({"generatorURL": article["url"]} if article.get("url") else {})


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
