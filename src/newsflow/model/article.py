"""The values of an article: what the publisher sent (`RawArticle`) and what we emit (`Article`).

All are frozen, those made by the dozen for each article to the type checker alone. Instants are aware datetimes in
UTC. Offsets in evidence count Unicode code points of the emitted field. Field names and meanings are those of
schemas/raw-article and schemas/article.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal

from newsflow.model.event import Action

ZoneKnowledge = Literal["explicit", "source", "unknown"]
DateEvidence = Literal["json-ld", "meta", "feed", "text", "first-seen"]
DatePrecision = Literal["second", "minute", "hour", "day"]
ContentIs = Literal["page", "article"]
FieldName = Literal["title", "body"]
PlaceKind = Literal["city", "subdivision"]


@dataclass(frozen=True, slots=True)
class RawArticle:
    """A raw-article.v1 value after validation. `content` is empty only when withdrawn."""

    source: str
    fetched_at: datetime
    content_type: str
    content: str
    url: str | None = None
    guid: str | None = None
    title: str | None = None
    published: str | None = None
    language: str | None = None
    authors: tuple[str, ...] = ()
    section: str | None = None
    canonical_url: str | None = None
    feed: str | None = None
    agency: str | None = None
    version: str | None = None
    withdrawn: bool = False
    """True for `action: withdraw`."""
    content_is: ContentIs | None = None
    """What the fetcher says of the content; None where it is told from the content itself."""
    dataref: str | None = None
    """Where the content is, in place of `content`."""
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Members beyond the contract, kept as they came."""


@dataclass(frozen=True, slots=True)
class PublicationDate:
    """When an article was published, and how we know.

    `at` is aware and in UTC when `zone` is `explicit` (the text named it) or `source` (the profile's zone);
    it is naive (local wall clock, date-only as midnight) when `zone` is `unknown`.
    `text` is the text it was read from, and `precision` what it names; None where no date was found.
    """

    at: datetime
    zone: ZoneKnowledge
    evidence: DateEvidence
    text: str
    precision: DatePrecision | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One matched span: `field[start:end] == text`, offsets in code points of the emitted field."""

    term: str
    field: FieldName
    start: int
    end: int
    text: str
    weight: float


@dataclass(frozen=True, slots=True)
class PlaceEvidence(Evidence):
    """The name of a place, or of what stands for a country: `kind` says of what."""

    kind: str


@dataclass(frozen=True, slots=True)
class PlaceSpan:
    """Where a place is named: `field[start:end]`, in code points of the emitted field."""

    field: FieldName
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class NamedPlace:
    """A place that an article names. `text` is its name as it first stands there, `name` the one in English, and
    `subdivision`, of a city, the code that GeoNames has for the state or province it lies in."""

    name: str
    text: str
    kind: PlaceKind
    country: str
    subdivision: str | None
    latitude: float | None
    longitude: float | None
    spans: tuple[PlaceSpan, ...]


@dataclass(frozen=True, slots=True)
class TopicMatch:
    """A topic the article is about, and why."""

    id: str
    scheme: str
    code: str
    score: float
    rule_version: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """A topic that was seen, but is not what the article is about."""

    id: str
    code: str
    count: int


@dataclass(frozen=True, slots=True)
class Origin:
    """The record an article version came from."""

    topic: str
    partition: int
    offset: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Article:
    """An article.v1 value. `normalise` sets what the text says; id, version, action, first_seen and story come from
    the ledger, topics, mentions, places and dateline from tagging."""

    source: str
    title: str
    body: str
    language: str
    published: PublicationDate
    first_seen: datetime
    id: str = ""
    version: int = 1
    action: Action = Action.ADD
    url: str | None = None
    guid: str | None = None
    authors: tuple[str, ...] = ()
    agency: str | None = None
    word_count: int = 0
    content_hash: str = ""
    story: str | None = None
    story_size: int | None = None
    """Articles of the story when this version was decided: this one and copies counted, withdrawn ones not."""
    topics: tuple[TopicMatch, ...] = ()
    mentions: tuple[Mention, ...] = ()
    places: tuple[NamedPlace, ...] = ()
    """In the order in which they are named."""
    dateline: NamedPlace | None = None
    """Where it was written, as its dateline says; that place is among `places` only where it is named again."""
    duplicate_of: str | None = None
    origin: Origin | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    """What the publisher sent beyond the contract, and hints we did not use."""


def with_tags_of(article: Article, tagged: Article) -> Article:
    """The article with the tags of another version of it."""
    return replace(
        article, topics=tagged.topics, mentions=tagged.mentions, places=tagged.places, dateline=tagged.dateline
    )


def untagged(article: Article) -> Article:
    """The article without its tags."""
    return replace(article, topics=(), mentions=(), places=(), dateline=None)


def _make_quick(kind: type) -> None:
    """Leave it to the type checker that a frozen dataclass is one: what Python keeps frozen takes three times as long
    to make."""
    for name in ("__init__", "__setattr__", "__delattr__"):
        delattr(kind, name)
    dataclass(eq=False)(kind)


for _kind in (TopicMatch, Mention, Evidence, PlaceEvidence, PlaceSpan, NamedPlace):
    _make_quick(_kind)
