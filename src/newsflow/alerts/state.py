"""What is remembered of a story for one subscription, and of the subscription itself. Frozen, with a JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from newsflow.alerts.build import spans, summarise
from newsflow.alerts.values import AlertArticle, Span
from newsflow.model import Action, Article

KEPT_ARTICLES = 10
"""Articles of a story that an alert lists; all are counted."""
KEPT_SPANS = 10
HOUR = timedelta(hours=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Member:
    """One article of a story: its newest version, the independent source it counts for, whether it stands."""

    version: int
    origin: str
    live: bool
    summary: AlertArticle | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """What the subscriber was last told of a story."""

    at: datetime
    sources: int
    countries: frozenset[str]
    withdrawn: frozenset[str]
    over: bool = False
    """It was told that no article stands any more."""


@dataclass(frozen=True, slots=True)
class StoryState:
    """A story as one subscription sees it."""

    members: Mapping[str, Member] = field(default_factory=dict)
    countries: frozenset[str] = frozenset()
    spans: tuple[Span, ...] = ()
    told: Told | None = None

    @property
    def origins(self) -> tuple[str, ...]:
        """The independent sources that stand, sorted."""
        return tuple(sorted({member.origin for member in self.members.values() if member.live}))

    @property
    def withdrawn(self) -> frozenset[str]:
        """Ids of articles that were taken back."""
        return frozenset(name for name, member in self.members.items() if not member.live)

    @property
    def listed(self) -> tuple[AlertArticle, ...]:
        """The articles an alert lists, those that stand first."""
        kept = [member for member in self.members.values() if member.summary is not None]
        kept.sort(key=lambda member: not member.live)
        return tuple(member.summary for member in kept if member.summary is not None)

    def knows(self, article: Article) -> bool:
        """Return whether this version, or a later one of the article, is in already."""
        member = self.members.get(article.id)
        return member is not None and member.version >= article.version

    def with_article(self, article: Article, topics: frozenset[str]) -> StoryState:
        """Return the state with an article version taken in; `topics` are those whose evidence counts."""
        live = article.action is not Action.WITHDRAW
        listed = article.id in self.members or len(self.members) < KEPT_ARTICLES
        member = Member(article.version, article.agency or article.source, live, summarise(article) if listed else None)
        countries = {topic.code for topic in article.topics if topic.scheme == "iso3166"}
        new_spans = spans(article, topics)[:KEPT_SPANS] if live else ()
        return replace(
            self,
            members={**self.members, article.id: member},
            countries=self.countries | countries if live else self.countries,
            spans=new_spans or self.spans,
        )

    def tell(self, at: datetime) -> StoryState:
        """Return the state after the subscriber was told all of it."""
        over = bool(self.members) and not self.origins
        return replace(self, told=Told(at, len(self.origins), self.countries, self.withdrawn, over))


@dataclass(frozen=True, slots=True)
class Held:
    """Why a story's alert waits, and until when."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """What is remembered of a subscription: alerts of the last hour, stories that wait, a mute."""

    sent: tuple[datetime, ...] = ()
    held: Mapping[str, Held] = field(default_factory=dict)
    muted_until: datetime | None = None

    def hold(self, story: str, held: Held) -> SubscriberState:
        """Return the state with a story waiting; one that waits for the same reason keeps its time."""
        known = self.held.get(story)
        kept = known if known is not None and known.reason == held.reason else held
        return replace(self, held={**self.held, story: kept})

    def release(self, story: str) -> SubscriberState:
        """Return the state with a story not waiting."""
        return replace(self, held={name: held for name, held in self.held.items() if name != story})

    def mute(self, until: datetime | None) -> SubscriberState:
        """Return the state muted until then. Ending a mute brings forward what only it holds."""
        held = self.held
        if until is None and self.muted_until is not None:
            over = {name: Held("muted", EPOCH) for name, each in held.items() if each.reason == "muted"}
            held = {**held, **over}
        return replace(self, muted_until=until, held=held)

    def sending(self, now: datetime) -> SubscriberState:
        """Return the state with one more alert sent."""
        return replace(self, sent=(*(at for at in self.sent if at > now - HOUR), now))


def story_to_json(state: StoryState) -> dict[str, Any]:
    """Return the JSON form of a story's state."""
    told = state.told
    return {
        "members": {name: _member_to_json(member) for name, member in state.members.items()},
        "countries": sorted(state.countries),
        "spans": [[s.article, s.topic, s.term, s.field, s.start, s.end, s.text] for s in state.spans],
        "told": None
        if told is None
        else [told.at.isoformat(), told.sources, sorted(told.countries), sorted(told.withdrawn), told.over],
    }


def story_from_json(members: Mapping[str, Any]) -> StoryState:
    """Return the state of its JSON form. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    told = members["told"]
    return StoryState(
        members={name: _member_from_json(each) for name, each in members["members"].items()},
        countries=frozenset(members["countries"]),
        spans=tuple(Span(*each) for each in members["spans"]),
        told=None
        if told is None
        else Told(datetime.fromisoformat(told[0]), told[1], frozenset(told[2]), frozenset(told[3]), told[4]),
    )


def subscriber_to_json(state: SubscriberState) -> dict[str, Any]:
    """Return the JSON form of a subscription's state."""
    return {
        "sent": [at.isoformat() for at in state.sent],
        "held": {name: [held.reason, held.until.isoformat()] for name, held in state.held.items()},
        "muted_until": None if state.muted_until is None else state.muted_until.isoformat(),
    }


def subscriber_from_json(members: Mapping[str, Any]) -> SubscriberState:
    """Return the state of its JSON form. Raises `KeyError`, `TypeError` or `ValueError` for anything else."""
    muted = members["muted_until"]
    return SubscriberState(
        sent=tuple(datetime.fromisoformat(each) for each in members["sent"]),
        held={name: Held(each[0], datetime.fromisoformat(each[1])) for name, each in members["held"].items()},
        muted_until=None if muted is None else datetime.fromisoformat(muted),
    )


def _member_to_json(member: Member) -> list[Any]:
    kept = member.summary
    summary = None if kept is None else [
        kept.id, kept.version, kept.action.value, kept.source, kept.title, kept.language, kept.published_at, kept.url,
        list(kept.topics),
    ]  # fmt: skip
    return [member.version, member.origin, member.live, summary]


def _member_from_json(value: list[Any]) -> Member:
    version, origin, live, kept = value
    summary = None
    if kept is not None:
        summary = AlertArticle(
            kept[0], kept[1], Action(kept[2]), kept[3], kept[4], kept[5], kept[6], kept[7], tuple(kept[8])
        )
    return Member(version, origin, live, summary)
