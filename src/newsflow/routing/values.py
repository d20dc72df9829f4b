"""The values of routing: what a file of routes says, free rules among it, and what becomes of one article.

A free rule is a condition on the text of an article, in the language of topic rules, written where it is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal

import orjson

from newsflow.alerts.values import DailyHours, Policy, Severity
from newsflow.model import Article, PendingAlert
from newsflow.tagging import RuleSet
from newsflow.tagging.load import shipped_catalogue
from newsflow.tagging.parse import RuleParser
from newsflow.tagging.rule import Rule
from newsflow.yamlfile import YamlDocument

ACCEPTED = ("all", "any", "include", "near", "none", "ordered", "sections", "terms", "threshold", "within")
_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class FreeRule:
    """A rule without a topic of its own. Its id derives from what it means, so equal rules are one."""

    rule: Rule
    text: str = field(compare=False)
    """As it was written, for people, shortened."""


class FreeRules:
    """Free rules of many conditions, looked for in one pass over an article. Safe to share between threads."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        unique = {rule.id: rule for rule in rules}
        self.ids = frozenset(unique)
        self._set = RuleSet(unique.values())

    def met_by(self, article: Article) -> frozenset[str]:
        """Ids of the rules that hold."""
        return frozenset(judged.item.rule.id for judged in self._set.judge(article)[0] if judged.about)


@lru_cache(maxsize=256)
def rules_of(*rules: Rule) -> FreeRules:
    """The compiled rules, compiled once a process."""
    return FreeRules(rules)


def read_rule(document: YamlDocument) -> FreeRule:
    """The rule that a part of a file holds. Raises `ConfigError` that points into the file."""
    value = document.value
    for key in value:
        if key not in ACCEPTED:
            raise document.error(f"unknown {key!r}; accepted: {', '.join(ACCEPTED)}", (key,))
    named = replace(document, value={"id": "free", **value})
    rule = RuleParser(named, lambda name: shipped_catalogue().resolve(name)).parse()
    # Where a rule stands in a file is not part of what it is.
    rule = replace(rule, id=f"free-{rule.version()}", file="", line=0)
    return FreeRule(rule, _shown(value))


def _shown(value: Any) -> str:
    text = orjson.dumps(value).decode()
    return text if len(text) <= _SHOWN_CHARS else text[: _SHOWN_CHARS - 1] + "…"


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

    kind: ClassVar[Kind] = "route"
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

    kind: ClassVar[Kind] = "subscription"
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
        """Whether the job that publishes an article raises its alert with it: there is no policy of its own, and its
        condition can be judged for a withdrawal too. Others need the alert planner."""
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
        if self.rules is not None and free.rule.id in self.rules.ids:
            return free.rule.id in self._met
        return bool(rules_of(free.rule).met_by(self.article))
