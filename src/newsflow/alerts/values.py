"""What an alert is: an alert.v1 value, its id and its bytes.

An id derives from the subscription, the story (or the article that has none) and the step, so that whoever
raises the same alert again (a retry, a second worker, a resend) raises it under the same id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import orjson

from newsflow.model import Action, FieldName


class Step(StrEnum):
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
    """One article version that an alert speaks of, as far as a reader needs it to decide whether to open it.

    `published_at` is RFC 3339 with `Z`, or a local time without a zone when the zone is unknown.
    """

    id: str
    version: int
    action: Action
    source: str
    title: str
    language: str
    published_at: str
    url: str | None = None
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
    """An alert.v1 value. `at` (UTC) is when the ledger decided the article that raised it, not when it was sent.

    `sample` marks an alert that was asked for to try a destination: nothing happened.
    """

    id: str
    subscription: str
    step: Step
    severity: Severity
    story: str | None
    articles: tuple[AlertArticle, ...]
    why: Why
    at: datetime
    sample: bool = False


def alert_id(subscription: str, subject: str, step: str) -> str:
    """32 hex digits naming one alert. `subject` is the story's id, else the article's; `step` the step's key.

    A step that can come more than once carries what tells its occurrences apart: `update:sources-5`.
    """
    name = "\n".join(("alert.v1", subscription, subject, step)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(name, digest_size=16).hexdigest()


def encode_alert(alert: Alert) -> bytes:
    """Return the alert.v1 bytes: UTF-8 JSON, members in one fixed order. The same value gives the same bytes."""
    return orjson.dumps(alert_to_json(alert))


def alert_to_json(alert: Alert) -> dict[str, Any]:
    """Return the alert as JSON members; what is not set is left out, `story` too when there is none."""
    members: dict[str, Any] = {
        "id": alert.id,
        "subscription": alert.subscription,
        "step": alert.step.value,
        "severity": alert.severity.value,
        "story": alert.story,
        "at": alert.at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "articles": [_article_to_json(article) for article in alert.articles],
        "why": _why_to_json(alert.why),
        "sample": alert.sample or None,
    }
    return _without_none(members)


def decode_alert(value: bytes) -> dict[str, Any]:
    """Return the JSON members of alert.v1 bytes, unchecked. Raises `ValueError` when they are no JSON object."""
    members = orjson.loads(value)
    if not isinstance(members, dict):
        raise ValueError("an alert is a JSON object")
    return members


def _article_to_json(article: AlertArticle) -> dict[str, Any]:
    return _without_none(
        {
            "id": article.id,
            "version": article.version,
            "action": article.action.value,
            "source": article.source,
            "url": article.url,
            "title": article.title,
            "language": article.language,
            "published_at": article.published_at,
            "topics": list(article.topics),
        }
    )


def _why_to_json(why: Why) -> dict[str, Any]:
    spans = [
        {
            "article": span.article,
            "topic": span.topic,
            "term": span.term,
            "field": span.field,
            "start": span.start,
            "end": span.end,
            "text": span.text,
        }
        for span in why.spans
    ]
    return {"rule": why.rule, "spans": spans, "story": why.story, "sources": list(why.sources)}


def _without_none(members: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
