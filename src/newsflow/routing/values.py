"""The values of routing: what a file of routes says, and what becomes of one article."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from newsflow.alerts import DailyHours, Policy, Severity
from newsflow.model import Article, PendingAlert
from newsflow.routing.rules import FreeRule, FreeRules, rules_of

Kind = Literal["route", "subscription"]


@dataclass(frozen=True, slots=True)
class Match:
    """A condition on an article; what is empty asks for nothing, and an empty match takes every article.

    `languages` take their dialects along (`ar` takes `ar-EG`); `sources` may hold `*`.
    `story_min` and `story_max` count the articles of the story so far, this one and copies among them; a maximum of
    0 is none. `one_in` takes one article of so many, always the same ones. `schedule` are the hours in which an
    article must have been first seen, so that all its versions fare alike.
    """

    tagged: bool | None = None
    topics_any: frozenset[str] = frozenset()
    topics_all: frozenset[str] = frozenset()
    topics_none: frozenset[str] = frozenset()
    min_score: float = 0.0
    languages: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    not_sources: tuple[str, ...] = ()
    story_min: int = 0
    story_max: int = 0
    rule: FreeRule | None = None
    one_in: int = 1
    schedule: tuple[DailyHours, ...] = ()

    @property
    def of_one_version(self) -> bool:
        """Whether it looks at what changes from version to version beside the topics, which the ledger remembers."""
        return self.rule is not None or bool(self.story_min or self.story_max)

    @property
    def topics(self) -> frozenset[str]:
        """The topics it asks for, of which an alert shows the evidence."""
        return self.topics_any | self.topics_all


@dataclass(frozen=True, slots=True)
class Route:
    """Where matching articles go. `every_topic`: the feed of each topic they are tagged with."""

    id: str
    match: Match = field(default_factory=Match)
    every_topic: bool = False
    feeds: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    copies: bool = False
    """Its feeds carry duplicates too, marked by `duplicate_of`; they are held back elsewhere."""
    stop: bool = False
    """Routes after this one do not see an article that it took."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What one subscriber gets: a Kafka feed of its own, alerts, or both."""

    id: str
    match: Match = field(default_factory=Match)
    description: str = ""
    feed: bool = False
    copies: bool = False
    """Its feed carries duplicates too, which are held back elsewhere."""
    alert_to: tuple[str, ...] = ()
    """Names of destinations; empty when it asks for no alerts."""
    severity: Severity = Severity.WARNING
    policy: Policy = field(default_factory=Policy)
    """When its alerts go out."""

    @property
    def told_at_once(self) -> bool:
        """Whether it has no policy of its own, and its condition can be told of a withdrawal too: the job that
        publishes an article then raises its alert with it, and no desk is needed that remembers."""
        return self.policy == Policy() and not self.match.of_one_version


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one route or subscription said of an article: taken, or the reasons why not."""

    kind: Kind
    id: str
    taken: bool
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Routed:
    """Where one article goes.

    `feeds` are those that receive it: topic ids, and `subscriber.<id>` for the feeds of single subscribers.
    `stores` are names of stores, `why` the routes and subscriptions that took it.
    """

    feeds: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    alerts: tuple[PendingAlert, ...] = ()
    why: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Facts:
    """What conditions look at, taken from an article once for all of them. `topics`: id to score.

    `rules` are looked for together, in one pass over the text and only when one of them is asked for.
    """

    article: Article
    topics: Mapping[str, float]
    rules: FreeRules | None = None

    @cached_property
    def _met(self) -> frozenset[str]:
        return frozenset() if self.rules is None else self.rules.met_by(self.article)

    def meets_rule(self, free: FreeRule) -> bool:
        """Return whether a free rule holds of the article."""
        if self.rules is not None and free.rule.id in self.rules.ids:
            return free.rule.id in self._met
        return bool(rules_of(free.rule).met_by(self.article))
