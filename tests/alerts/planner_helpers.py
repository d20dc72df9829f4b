"""Drives a planner through time, as whoever runs it must: what waits goes out when it is due."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from newsflow.alerts.build import story_key
from newsflow.alerts.decide import SubscriptionPlanner
from newsflow.alerts.state import StoryState, SubscriberState
from newsflow.alerts.values import Alert, Policy, Severity
from newsflow.model import Action, Article, Evidence, PublicationDate, TopicMatch

MONDAY_NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def at(hours: float = 0, minutes: float = 0) -> datetime:
    """So long after Monday noon."""
    return MONDAY_NOON + timedelta(hours=hours, minutes=minutes)


def reported(
    name: str,
    source: str = "river-post",
    story: str | None = "s1",
    version: int = 1,
    action: Action = Action.ADD,
    agency: str | None = None,
    countries: tuple[str, ...] = ("SY",),
    title: str = "Порт открыт",
) -> Article:
    return Article(
        source=source,
        title=title,
        body="…",
        language="ru",
        published=PublicationDate(MONDAY_NOON, "explicit", "meta", ""),
        first_seen=MONDAY_NOON,
        id=name,
        version=version,
        action=action,
        agency=agency,
        story=story,
        topics=tuple(
            TopicMatch(code.lower(), "iso3166", code, 3.0, "1", (Evidence(code, "title", 0, 4, "Порт", 1.0),))
            for code in countries
        ),
    )


def gone(article: Article) -> Article:
    return replace(article, version=article.version + 1, action=Action.WITHDRAW)


@dataclass
class Run:
    """One subscription over time. State passes through its JSON form at every step, as it does in a database."""

    policy: Policy = field(default_factory=Policy)
    severity: Severity = Severity.WARNING
    stories: dict[str, str] = field(default_factory=dict)
    subscriber: SubscriberState = field(default_factory=SubscriberState)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def planner(self) -> SubscriptionPlanner:
        return SubscriptionPlanner("desk", "every article", self.severity, self.policy)

    def article(self, now: datetime, article: Article) -> list[Alert]:
        self.until(now)
        story, subscriber, alerts = self.planner.take(self._story(story_key(article)), self._subscriber(), article, now)
        self._keep({story_key(article): story}, subscriber, alerts)
        return alerts

    def until(self, now: datetime) -> list[Alert]:
        before = len(self.alerts)
        for _ in range(1000):
            due = self.subscriber.next_due
            if due is None or due > now:
                return self.alerts[before:]
            waiting = {name: self._story(name) for name in self.subscriber.withheld}
            self._keep(*self.planner.tick(waiting, self._subscriber(), due))
        raise AssertionError("a story waits for ever without time passing")

    def shown(self) -> list[tuple[str, str, str]]:
        """Time (day and hour), step and the ids of articles, of each alert."""
        return [(f"{each.at:%a %H:%M}", each.step.value, " ".join(a.id for a in each.articles)) for each in self.alerts]

    def _story(self, name: str) -> StoryState:
        return StoryState.from_json(self.stories[name]) if name in self.stories else StoryState()

    def _subscriber(self) -> SubscriberState:
        return SubscriberState.from_json(self.subscriber.to_json())

    def _keep(self, stories: dict[str, StoryState], subscriber: SubscriberState, alerts: list[Alert]) -> None:
        self.stories |= {name: story.to_json() for name, story in stories.items()}
        self.subscriber = subscriber
        self.alerts += alerts
