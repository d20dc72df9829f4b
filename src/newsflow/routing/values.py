"""The values of routing: what a file of routes says, free rules among it, and what becomes of one article.

A free rule is a condition on the text of an article, in the language of topic rules, written where it is needed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from fnmatch import fnmatchcase
from functools import cached_property, lru_cache
from typing import Any, ClassVar, Literal
from zoneinfo import ZoneInfo

import orjson

from newsflow.alerts.values import DailyHours, Policy, Severity
from newsflow.model import Action, Article, PendingAlert
from newsflow.tagging import RuleSet
from newsflow.tagging.load import shipped_catalogue
from newsflow.tagging.parse import RuleParser
from newsflow.tagging.rule import Rule
from newsflow.yamlfile import YamlDocument

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

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


# Whether an article meets a condition, and if not, why; conditions in words.


Question = tuple[bool, str]
"""Whether an article passes one part of a condition, and what to say when it does not."""


def facts(article: Article, earlier_topics: Iterable[str] = (), rules: FreeRules | None = None) -> Facts:
    """What conditions look at. `earlier_topics` count as full topics: a withdrawal has no text left to be tagged, and
    must reach all that the article reached."""
    topics = dict.fromkeys(earlier_topics, 1.0)
    topics.update((topic.id, max(topic.score, topics.get(topic.id, 0.0))) for topic in article.topics)
    return Facts(article, topics, rules)


def article_meets(match: Match, article: Article) -> bool:
    """Whether an article meets the condition by its own topics."""
    return meets(match, facts(article))


def meets(match: Match, seen: Facts) -> bool:
    return all(answer for answer, _ in _questions(match, seen))


def objections(match: Match, seen: Facts) -> tuple[str, ...]:
    """Each part of the condition that the article fails, as a sentence; empty when it meets all."""
    return tuple(objection for answer, objection in _questions(match, seen) if not answer)


def describe(match: Match) -> str:
    """The condition in words, always the same for the same condition."""
    parts = [
        "tagged" if match.tagged else "untagged" if match.tagged is False else "",
        _listed("topics all of", match.topics_all),
        _listed("topics any of", match.topics_any),
        _listed("topics none of", match.topics_none),
        f"score at least {match.min_score:g}" if match.min_score else "",
        _listed("language", match.languages),
        _listed("source", match.sources),
        _listed("source not", match.not_sources),
        f"story of {sizes}" if (sizes := _sizes(match)) else "",
        f"rule {match.rule.text}" if match.rule is not None else "",
        f"1 in {match.one_in}" if match.one_in > 1 else "",
        f"first seen {' or '.join(map(_hours_text, match.schedule))}" if match.schedule else "",
    ]
    return "; ".join(part for part in parts if part) or "every article"


def _questions(match: Match, seen: Facts) -> Iterator[Question]:
    """Cheap and selective ones first."""
    if match.topics_all or match.topics_any or match.topics_none or match.tagged is not None:
        yield from _topic_questions(match, seen)
    language, source = seen.article.language, seen.article.source
    if match.languages:
        yield _language_meets(match.languages, language), f"language {language}, not {', '.join(match.languages)}"
    if match.sources:
        yield _source_meets(match.sources, source), f"source {source}, not {', '.join(match.sources)}"
    if match.not_sources:
        yield not _source_meets(match.not_sources, source), f"source {source} is left out"
    if match.one_in > 1:
        yield in_sample(seen.article.id, match.one_in), f"not in the sample of 1 in {match.one_in}"
    if match.story_min or match.story_max:
        yield _story_question(match, seen.article)
    if match.schedule:
        at = seen.article.first_seen
        yield any(hours.ends(at) for hours in match.schedule), f"first seen {_seen_text(at, match.schedule)}"
    if match.rule is not None:
        yield seen.meets_rule(match.rule), f"the text does not meet the rule {match.rule.text}"


def _story_question(match: Match, article: Article) -> Question:
    """The size of the story so far. A withdrawal makes it smaller, and must still reach whom the article reached."""
    size = article.story_size or 1
    fits = match.story_min <= size and (not match.story_max or size <= match.story_max)
    number = f"{size} article{'' if size == 1 else 's'}"
    return fits or article.action is Action.WITHDRAW, f"story of {number} so far, not {_sizes(match)}"


def _sizes(match: Match) -> str:
    if match.story_max:
        return f"{max(match.story_min, 1)} to {match.story_max}"
    return f"{match.story_min} or more" if match.story_min else ""


def _seen_text(at: datetime, schedule: Iterable[DailyHours]) -> str:
    spans = list(schedule)
    local = at.astimezone(ZoneInfo(spans[0].zone))
    when = f"{DAYS[local.weekday()]} {local:%H:%M} {spans[0].zone}"
    return f"{when}, outside {' and '.join(map(_hours_text, spans))}"


def _hours_text(hours: DailyHours) -> str:
    days = ", ".join(DAYS[day] for day in sorted(hours.days))
    whole_day = hours.start == hours.end == time()
    span = "" if whole_day else f"{hours.start:%H:%M}-{hours.end:%H:%M}"
    return " ".join(part for part in (days, span, hours.zone) if part)


def _topic_questions(match: Match, seen: Facts) -> Iterator[Question]:
    strong = {topic for topic, score in seen.topics.items() if score >= match.min_score}
    has = f"has {', '.join(sorted(strong)) or 'no topic'}" + (f" at {match.min_score:g}" if match.min_score else "")
    if match.tagged is not None:
        yield bool(strong) == match.tagged, "no topic" if match.tagged else f"tagged: {has}"
    if match.topics_all:
        missing = sorted(match.topics_all - strong)
        yield not missing, f"{has}, lacks {', '.join(missing)}"
    if match.topics_any:
        yield not match.topics_any.isdisjoint(strong), f"{has}, none of {', '.join(sorted(match.topics_any))}"
    if match.topics_none:
        unwanted = sorted(match.topics_none & strong)
        yield not unwanted, f"has {', '.join(unwanted)}, which is left out"


def in_sample(article_id: str, one_in: int) -> bool:
    """Whether the article is the one of so many that a sample takes; the same on every run."""
    digest = hashlib.blake2b(article_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % one_in == 0


def _language_meets(wanted: Iterable[str], language: str) -> bool:
    found = language.lower()
    return any(found == each.lower() or found.startswith(each.lower() + "-") for each in wanted)


def _source_meets(wanted: Iterable[str], source: str) -> bool:
    return any(fnmatchcase(source, each) for each in wanted)


def _listed(label: str, names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"{label} {listed}" if listed else ""
