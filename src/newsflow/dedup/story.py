"""Stories: articles about one event, and how many independent sources stand behind them. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsflow.dedup.decide import KnownArticle


@dataclass(frozen=True, slots=True)
class Story:
    """A story as it stands. `articles` are its members, the first one seen first, withdrawn ones too."""

    id: str
    articles: tuple[KnownArticle, ...]
    independent_sources: int

    @property
    def size(self) -> int:
        """Articles that are not withdrawn, copies included."""
        return sum(not article.withdrawn for article in self.articles)

    @property
    def first_seen(self) -> datetime:
        """When its first article was first seen, in UTC."""
        return self.articles[0].first_seen

    @property
    def representative(self) -> KnownArticle:
        """The first article that readers have; where all were withdrawn, the first there was."""
        return next((article for article in self.articles if article.living), self.articles[0])

    @property
    def sources(self) -> tuple[str, ...]:
        """Sources of the articles that are not withdrawn, sorted."""
        return tuple(sorted({article.source for article in self.articles if not article.withdrawn}))

    @property
    def languages(self) -> tuple[str, ...]:
        """Base languages, sorted."""
        return tuple(sorted({article.language for article in self.articles}))


def build_story(story_id: str, articles: Iterable[KnownArticle], families: Mapping[str, str] | None = None) -> Story:
    """The story of these articles, in the order in which they were decided; ValueError when there are none. `families`
    names the publisher behind a source."""
    members = tuple(sorted(articles, key=lambda each: each.first_seen))
    if not members:
        raise ValueError(f"story {story_id} has no articles")
    living = [article for article in members if not article.withdrawn]
    return Story(story_id, members, count_independent(living, families or {}))


def count_independent(articles: Sequence[KnownArticle], families: Mapping[str, str]) -> int:
    """How many sources speak for themselves: those of one publisher family count once, and so do all that
    credit one agency or tell again what it told, and the agency itself. What is joined by either is one voice."""
    voices: dict[str, str] = {}

    def find(name: str) -> str:
        while voices.setdefault(name, name) != name:
            name = voices[name]
        return name

    for article in articles:
        publisher = find(_name(families.get(article.source, article.source)))
        if agency := article.agency or article.retells:
            voices[publisher] = find(_name(agency))
    return len({find(name) for name in voices})


def _name(text: str) -> str:
    """One spelling of a publisher's name: `Tarsen Press` and `tarsen-press` are one."""
    return "".join(each for each in unicodedata.normalize("NFKC", text).casefold() if each.isalnum())
