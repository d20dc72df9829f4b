"""A story as it is published: story.v1."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Representative:
    """The article that stands for a story, and why it does: `first`, `first-that-stands` or `none-stands`."""

    id: str
    version: int
    source: str
    url: str | None
    title: str
    language: str
    why: str


@dataclass(frozen=True, slots=True)
class StoryRecord:
    """What is told of a story as it stands. All but the first two members are of articles that are not withdrawn; times
    are of all. Sequences are sorted."""

    id: str
    representative: Representative
    size: int
    sources: tuple[str, ...]
    independent_sources: int
    languages: tuple[str, ...]
    countries: tuple[str, ...]
    topics: tuple[str, ...]
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class MergedStory:
    """An id that leads on to another story."""

    id: str
    merged_into: str
