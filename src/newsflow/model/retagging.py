"""An article version that other topic rules made: asked of the ledger as a `Retag`, kept by it as a `Retagging`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from newsflow.model.article import Article
from newsflow.model.event import Event
from newsflow.model.names import RETAGGING, article_key


@dataclass(frozen=True, slots=True)
class Retag:
    """What an article's next version would be.

    `article` has the new tags and the version after the one that was tagged anew, `value` its article.v1 bytes,
    `feeds` the topic ids it is routed to by its new tags, `rules` the version of the rule set.
    """

    article: Article
    value: bytes
    feeds: tuple[str, ...]
    rules: str


@dataclass(frozen=True, slots=True)
class Retagging:
    """A version that the ledger keeps. `feeds` also has those that had an earlier version of the article."""

    article_id: str
    version: int
    rules: str
    decided_at: datetime
    value: bytes
    feeds: tuple[str, ...]

    @property
    def event(self) -> Event:
        """What stands in the place of a raw event: its id follows from article, version and rules alone."""
        return retagging_event(self.article_id, self.version, self.rules)


def retagging_event(article_id: str, version: int, rules: str) -> Event:
    """The event that a retagging is; no Kafka record, so its topic is none."""
    return Event(RETAGGING, 0, version, 0, article_key(article_id), rules.encode())
