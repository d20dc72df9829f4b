"""What an alert is (an alert.v1 value, its id and its bytes), and the policies that say when one may go out.

An id derives from the subscription, the story (or the article that has none) and the step, so that whoever
raises the same alert again (a retry, a second worker, a resend) raises it under the same id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum
from typing import Any, Literal
from zoneinfo import ZoneInfo

import orjson

from newsflow.model import Action, FieldName


class AlertStep(StrEnum):
    """Where in the life of a story an alert stands."""

    FIRST = "first"
    UPDATE = "update"
    WITHDRAWN = "withdrawn"
    DIGEST = "digest"


class Severity(StrEnum):
    """How loud an alert is. The words are those of PagerDuty Events v2."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class AlertArticle:
    """One article version of an alert: what a reader needs to decide whether to open it. Members as in alert.v1.

    `published_at` is RFC 3339 with `Z`, or a local time without a zone when the zone is unknown.
    """

    id: str
    version: int
    action: Action
    source: str
    url: str | None
    title: str
    language: str
    published_at: str
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Span:
    """A passage that made an article match: `field[start:end] == text` of that article, in code points."""

    article: str
    topic: str
    term: str
    field: FieldName
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Why:
    """Why an alert was raised.

    `rule` is the subscription's condition in words, `spans` the passages that met it, `story` one sentence
    about the story's state, `sources` the sources heard so far, sorted.
    """

    rule: str
    spans: tuple[Span, ...] = ()
    story: str = ""
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert.v1 value: its members in their order on the wire. `at` (UTC) is when the ledger decided the article that
    raised it, not when it was sent.

    `sample` marks an alert that was asked for to try a destination: nothing happened.
    """

    id: str
    subscription: str
    step: AlertStep
    severity: Severity
    story: str | None
    at: datetime
    articles: tuple[AlertArticle, ...]
    why: Why
    sample: bool = False


def alert_id(subscription: str, subject: str, step: str) -> str:
    """32 hex digits naming one alert. `subject` is the story's id, else the article's; `step` the step's key.

    A step that can come more than once carries what tells its occurrences apart: `update:sources-5`.
    """
    name = "\n".join(("alert.v1", subscription, subject, step)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=16).hexdigest()


def encode_alert(alert: Alert) -> bytes:
    """Return the alert.v1 bytes: UTF-8 JSON without what is not set. The same value gives the same bytes."""
    in_utc = replace(alert, at=alert.at.astimezone(UTC))
    return orjson.dumps(in_utc, _set_members, orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS)


def _set_members(value: Any) -> dict[str, Any]:
    members = ((name, getattr(value, name)) for name in value.__slots__)
    return {name: member for name, member in members if member is not None and member is not False}


def decode_alert(value: bytes) -> dict[str, Any]:
    """Return the JSON members of alert.v1 bytes, unchecked. Raises `ValueError` when they are not a JSON object."""
    members = orjson.loads(value)
    if not isinstance(members, dict):
        raise ValueError("an alert is a JSON object")
    return members


# Policies: thresholds, cool-down, quiet hours, caps, digests.


@dataclass(frozen=True, slots=True)
class DailyHours:
    """From `start` to `end` by the wall clock of `zone`; over midnight when `end` is not after `start`.

    `days` (0 is Monday) are those on which it starts; empty for every day.
    """

    zone: str
    start: time
    end: time
    days: frozenset[int] = frozenset()

    def ends(self, now: datetime) -> datetime | None:
        """Return when the hours that hold at `now` end (UTC); None outside of them."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            if self.days and day.weekday() not in self.days:
                continue
            begin = _instant(datetime.combine(day, self.start, zone))
            last = day if self.end > self.start else day + timedelta(days=1)
            end = _instant(datetime.combine(last, self.end, zone))
            if begin <= now < end:
                return end
        return None


@dataclass(frozen=True, slots=True)
class QuietHours(DailyHours):
    """Hours in which alerts are withheld."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Alerts come together, every hour or once a day at `at` by the wall clock of `zone`."""

    every: Literal["hour", "day"]
    at: time = time(8, 0)
    zone: str = "UTC"

    def next_after(self, now: datetime) -> datetime:
        """Return when the next digest goes out (UTC), strictly after `now`."""
        if self.every == "hour":
            return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        moments = (_instant(datetime.combine(today + timedelta(days=n), self.at, zone)) for n in (0, 1, 2))
        return next(moment for moment in moments if moment > now)


@dataclass(frozen=True, slots=True)
class Policy:
    """What makes a story worth an alert, and when that may go out. The default: one alert a story, at once.

    Independent sources: the articles of one agency count as one source, however many outlets print them.
    """

    sources: int = 1
    """So many independent sources before the first alert."""
    update_sources: int = 0
    """Again whenever so many more independent sources have it; 0 for never."""
    new_country: bool = False
    """Again when the story reaches a country (an ISO 3166 topic) it did not touch before."""
    retraction: bool = True
    """Again when one of several articles is withdrawn. The withdrawal of the last one always raises an alert."""
    critical_sources: int = 0
    """With so many independent sources the severity becomes critical, which breaks through quiet hours."""
    cool_down: timedelta = timedelta(minutes=15)
    """The least time between two alerts of one story, so that a wave of changes makes one alert; the end of the story
    does not wait."""
    cap_per_hour: int = 0
    """At most so many alerts in any hour; those over it come as one summary. 0 for no cap."""
    quiet: QuietHours | None = None
    digest: Digest | None = None


def _instant(wall: datetime) -> datetime:
    """A wall-clock time as an instant. One that the clocks skip means the moment after the gap."""
    return wall.astimezone(UTC)
