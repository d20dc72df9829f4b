"""What is remembered of a story for one subscription, and of the subscription itself.

Frozen, with the JSON form that the ledger keeps; `from_json` raises `KeyError`, `TypeError` or `ValueError` for others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any

import orjson

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
    """One article of a story: its newest version, the independent source it counts for (`origin`), and whether it
    stands (`live`), that is, was not withdrawn."""

    version: int
    origin: str
    live: bool
    summary: AlertArticle | None = None


@dataclass(frozen=True, slots=True)
class LastAlert:
    """What the last alert of a story said."""

    at: datetime
    sources: int
    countries: frozenset[str]
    withdrawn: frozenset[str]
    over: bool = False
    """It said that no article stands any more."""


@dataclass(frozen=True, slots=True)
class StoryState:
    """A story as one subscription sees it."""

    members: Mapping[str, Member] = field(default_factory=dict)
    countries: frozenset[str] = frozenset()
    spans: tuple[Span, ...] = ()
    last_alert: LastAlert | None = None
    told_as: str = ""
    """The id of the story under which alerts go on, where it was told before it was merged into another."""

    @property
    def origins(self) -> tuple[str, ...]:
        """The independent sources that stand, sorted."""
        return tuple(sorted({member.origin for member in self.members.values() if member.live}))

    @property
    def withdrawn(self) -> frozenset[str]:
        return frozenset(name for name, member in self.members.items() if not member.live)

    @property
    def listed(self) -> tuple[AlertArticle, ...]:
        """The articles an alert lists, those that stand first."""
        in_order = sorted(self.members.values(), key=lambda member: not member.live)
        return tuple(member.summary for member in in_order if member.summary is not None)

    def knows(self, article: Article) -> bool:
        """Return whether this version or a later one of the article was taken in before."""
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

    def with_retold(self, agencies: Mapping[str, str]) -> StoryState:
        """Return the state in which each of these articles counts for the agency whose report it tells again."""
        known = agencies.keys() & self.members.keys()
        again = {name: replace(self.members[name], origin=agencies[name]) for name in known}
        return replace(self, members={**self.members, **again})

    def alerted(self, at: datetime) -> StoryState:
        """Return the state after an alert that said all of it."""
        over = bool(self.members) and not self.origins
        return replace(self, last_alert=LastAlert(at, len(self.origins), self.countries, self.withdrawn, over))

    def with_merged(self, key: str, other: StoryState, other_key: str) -> StoryState:
        """Return the state of this story (`key`) after another turned out to be the same. What either was told is told;
        alerts go on under the id of the one that was told first."""
        members = dict(self.members)
        for name, member in other.members.items():
            if name not in members or members[name].version < member.version:
                members[name] = member
        together = replace(
            self, members=members, countries=self.countries | other.countries, spans=self.spans or other.spans
        )
        told = [(each.last_alert, each.told_as or of) for each, of in ((self, key), (other, other_key))
                if each.last_alert is not None]  # fmt: skip
        if not told:
            return together
        told.sort(key=lambda pair: pair[0].at)
        alerts = [last for last, _ in told]
        last = LastAlert(
            at=alerts[-1].at,
            sources=min(sum(each.sources for each in alerts), max(len(together.origins), 1)),
            countries=frozenset().union(*(each.countries for each in alerts)),
            withdrawn=frozenset().union(*(each.withdrawn for each in alerts)),
            over=all(each.over for each in alerts),
        )
        under = told[0][1]
        return replace(together, last_alert=last, told_as="" if under == key else under)

    def to_json(self) -> str:
        last = self.last_alert
        members: dict[str, Any] = {
            "members": {name: _member_to_json(member) for name, member in self.members.items()},
            "countries": sorted(self.countries),
            "spans": [astuple(span) for span in self.spans],
            "told": last and [last.at, last.sources, sorted(last.countries), sorted(last.withdrawn), last.over],
        }
        if self.told_as:
            members["told_as"] = self.told_as
        return orjson.dumps(members).decode()

    @classmethod
    def from_json(cls, text: str) -> StoryState:
        members = orjson.loads(text)
        last = members["told"]
        return cls(
            members={name: _member_from_json(*each) for name, each in members["members"].items()},
            countries=frozenset(members["countries"]),
            spans=tuple(Span(*each) for each in members["spans"]),
            last_alert=last
            and LastAlert(datetime.fromisoformat(last[0]), last[1], frozenset(last[2]), frozenset(last[3]), last[4]),
            told_as=members.get("told_as", ""),
        )


@dataclass(frozen=True, slots=True)
class WithheldAlert:
    """Why a story's alert waits (`digest`, `quiet`, `cool-down`, `cap` or `muted`), and until when."""

    reason: str
    until: datetime


@dataclass(frozen=True, slots=True)
class SubscriberState:
    """What is remembered of a subscription: when it sent alerts in the last hour, the alert of each story (by its key)
    that waits, and until when it is muted."""

    sent: tuple[datetime, ...] = ()
    withheld: Mapping[str, WithheldAlert] = field(default_factory=dict)
    muted_until: datetime | None = None

    @property
    def next_due(self) -> datetime | None:
        """When the first of what waits may go out; None while nothing waits."""
        return min((each.until for each in self.withheld.values()), default=None)

    def withhold(self, story: str, alert: WithheldAlert) -> SubscriberState:
        """Return the state with a story waiting; one that waits for the same reason keeps its time."""
        known = self.withheld.get(story)
        kept = known if known is not None and known.reason == alert.reason else alert
        return replace(self, withheld={**self.withheld, story: kept})

    def release(self, story: str) -> SubscriberState:
        """Return the state with a story not waiting."""
        return replace(self, withheld={name: each for name, each in self.withheld.items() if name != story})

    def rename(self, story: str, now: str) -> SubscriberState:
        """Return the state after a story was merged into another: what waited of it waits there, no longer."""
        waiting = self.withheld.get(story)
        if waiting is None:
            return self
        known = self.withheld.get(now)
        first = waiting if known is None or waiting.until < known.until else known
        return replace(self.release(story), withheld={**self.release(story).withheld, now: first})

    def mute(self, until: datetime | None) -> SubscriberState:
        """Return the state muted until then. The end of a mute brings forward what waits for it alone."""
        withheld = dict(self.withheld)
        if until is None and self.muted_until is not None:
            withheld |= {name: replace(each, until=EPOCH) for name, each in withheld.items() if each.reason == "muted"}
        return replace(self, muted_until=until, withheld=withheld)

    def sending(self, now: datetime) -> SubscriberState:
        """Return the state with one more alert sent."""
        return replace(self, sent=(*(at for at in self.sent if at > now - HOUR), now))

    def to_json(self) -> str:
        held = {name: [each.reason, each.until] for name, each in self.withheld.items()}
        return orjson.dumps({"sent": self.sent, "held": held, "muted_until": self.muted_until}).decode()

    @classmethod
    def from_json(cls, text: str) -> SubscriberState:
        members = orjson.loads(text)
        muted = members["muted_until"]
        return cls(
            sent=tuple(map(datetime.fromisoformat, members["sent"])),
            withheld={
                name: WithheldAlert(reason, datetime.fromisoformat(until))
                for name, (reason, until) in members["held"].items()
            },
            muted_until=muted and datetime.fromisoformat(muted),
        )


_SUMMARY = ("id", "version", "action", "source", "title", "language", "published_at", "url", "topics")
_summary_to_json = attrgetter(*_SUMMARY)


def _member_to_json(member: Member) -> list[Any]:
    summary = None if member.summary is None else _summary_to_json(member.summary)
    return [member.version, member.origin, member.live, summary]


def _member_from_json(version: int, origin: str, live: bool, kept: list[Any] | None) -> Member:
    if kept is None:
        return Member(version, origin, live)
    members = dict(zip(_SUMMARY, kept, strict=True))
    members |= {"action": Action(members["action"]), "topics": tuple(members["topics"])}
    return Member(version, origin, live, AlertArticle(**members))
