"""What a change of rules does to articles: which gain a topic, which lose it, and what that means a day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from newsflow.model import Article
from newsflow.tagging.ruleset import RuleSet, is_alert_grade

_SECONDS_A_DAY = 86_400


@dataclass(frozen=True, slots=True)
class Sample:
    """An article named to a person."""

    id: str
    title: str
    url: str | None


@dataclass(slots=True)
class TopicChange:
    """One topic under both rule sets. `gained` and `lost` name every article that changed."""

    topic: str
    before: int = 0
    after: int = 0
    alerts_before: int = 0
    alerts_after: int = 0
    gained: list[Sample] = field(default_factory=list)
    lost: list[Sample] = field(default_factory=list)
    status: str = "same"
    """`added`, `removed`, `changed` or `same`: of the rule, by its version."""


@dataclass(slots=True)
class Diff:
    """All topics of which the rule or an article changed, by id. `days` is the span of the articles, if long enough."""

    articles: int
    days: float | None
    changes: dict[str, TopicChange]

    def as_json(self, samples: int = 5) -> dict[str, Any]:
        """Plain values, with at most `samples` articles a list beside the full lists of ids."""
        return {
            "articles": self.articles,
            "days": self.days,
            "topics": [_as_json(change, self.days, samples) for change in self.changes.values()],
        }


def a_day(count: int, days: float | None) -> float | None:
    """Articles a day; None where the articles span less than an hour or so and a rate would mislead."""
    return None if days is None else round(count / days, 2)


def _as_json(change: TopicChange, days: float | None, samples: int) -> dict[str, Any]:
    return {
        "topic": change.topic,
        "rule": change.status,
        "before": change.before,
        "after": change.after,
        "articles_a_day": a_day(change.after, days),
        "alerts_a_day": a_day(change.alerts_after, days),
        "alerts_before": change.alerts_before,
        "alerts_after": change.alerts_after,
        "gained": [sample.id for sample in change.gained],
        "lost": [sample.id for sample in change.lost],
        "gained_sample": [{"id": s.id, "title": s.title, "url": s.url} for s in change.gained[:samples]],
        "lost_sample": [{"id": s.id, "title": s.title, "url": s.url} for s in change.lost[:samples]],
    }


def diff_rules(old: RuleSet, new: RuleSet, articles: Iterable[Article]) -> Diff:
    """Tag every article under both rule sets and compare. Reads the articles once; keeps the changed ones' names."""
    changes = {topic: TopicChange(topic, status=_status(old, new, topic)) for topic in _ids(old, new)}
    first: datetime | None = None
    last: datetime | None = None
    number = 0
    for article in articles:
        number += 1
        first = article.first_seen if first is None else min(first, article.first_seen)
        last = article.first_seen if last is None else max(last, article.first_seen)
        _compare(old, new, article, changes)
    kept = {topic: change for topic, change in changes.items() if _is_news(change)}
    return Diff(number, _days(first, last), kept)


def _ids(old: RuleSet, new: RuleSet) -> Iterator[str]:
    yield from sorted({rule.id for rule in (*old.rules, *new.rules)})


def _status(old: RuleSet, new: RuleSet, topic: str) -> str:
    before, after = old.rule(topic), new.rule(topic)
    if before is None or after is None:
        return "added" if before is None else "removed"
    return "same" if before.version == after.version else "changed"


def _is_news(change: TopicChange) -> bool:
    return bool(change.status != "same" or change.gained or change.lost)


def _compare(old: RuleSet, new: RuleSet, article: Article, changes: dict[str, TopicChange]) -> None:
    before = {topic.id: topic for topic in old.tag(article).topics}
    after = {topic.id: topic for topic in new.tag(article).topics}
    for topic in before.keys() | after.keys():
        change = changes[topic]
        change.before += topic in before
        change.after += topic in after
        change.alerts_before += topic in before and is_alert_grade(before[topic], article)
        change.alerts_after += topic in after and is_alert_grade(after[topic], article)
        if (topic in before) != (topic in after):
            names = change.lost if topic in before else change.gained
            names.append(Sample(article.id or article.url or "", article.title, article.url))


def _days(first: datetime | None, last: datetime | None) -> float | None:
    if first is None or last is None:
        return None
    days = (last - first).total_seconds() / _SECONDS_A_DAY
    # Less than an hour of articles says nothing about a day.
    return days if days >= 1 / 24 else None
