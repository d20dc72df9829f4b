"""Articles and decisions for the tests of routing and alerts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from newsflow.model import Action, Article, Decision, Evidence, Outcome, PublicationDate, TopicMatch

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

WATCH = """
version: 1
routes:
  - {id: topic-feeds, match: {tagged: true}, feeds: topics}
  - {id: archive, stores: [articles]}
subscriptions:
  - id: syria-russia
    match: {topics: {all: [syria, russia]}}
    alert: {to: [webhook]}
"""
"""Routes like the shipped ones, and a subscription that alerts."""


def topic(id: str, score: float = 1.0, text: str = "") -> TopicMatch:  # noqa: A002
    spans = (Evidence(id, "title", 0, len(text), text, 1.0),) if text else ()
    return TopicMatch(id, "place", id[:2].upper(), score, "1", spans)


def article(*topics: str | TopicMatch, **changes: object) -> Article:
    base = Article(
        source="river-post",
        title="Сирия и Россия обсудили порт",
        body="…",
        language="ru",
        published=PublicationDate(NOON, "explicit", "meta", "2026-03-01T12:00:00Z"),
        first_seen=NOON,
        id="a" * 32,
        topics=tuple(topic(each) if isinstance(each, str) else each for each in topics),
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def decision(
    about: Article, outcome: Outcome = Outcome.ADDED, feeds: Sequence[str] = (), at: datetime = NOON
) -> Decision:
    action = {Outcome.REPLACED: Action.REPLACE, Outcome.WITHDRAWN: Action.WITHDRAW}.get(outcome, Action.ADD)
    return Decision(outcome, at, replace(about, action=action), tuple(feeds))
