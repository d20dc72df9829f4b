"""Stored articles under other rules on their way out: proposed to the ledger, then published as the job would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsflow.ingest.item import Item
from newsflow.ledger import StoredVersion
from newsflow.model import Article, Decision, Outcome, PublishedVersion, Retag, Retagging
from newsflow.model.codec import decode_article, encode_article
from newsflow.routing import Routes
from newsflow.tagging import RuleSet
from newsflow.tagging.ruleset import Retagged, retag_articles


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would become of one stored version: what changes, and what the ledger is asked to keep.

    `feeds` are those that the new version goes to: by its new tags, and where earlier versions went.
    """

    retagged: Retagged
    retag: Retag
    feeds: tuple[str, ...]


def propose(stored: StoredVersion, rules: RuleSet, routes: Routes, now: datetime) -> Proposal | None:
    """The next version of a stored article under these rules; None when its tags stay.

    It is routed as an edit is. It raises no alert: what it says is as old as it was. Raises `ValueError` for a
    value that was written by another codec.
    """
    retagged = retag_articles(rules, decode_article(stored.value))
    if retagged is None:
        return None
    article = retagged.article
    routed = routes.route(article, Decision(Outcome.REPLACED, now, article)).feeds
    feeds = routes.open_feeds([*routed, *stored.feeds])
    return Proposal(retagged, Retag(article, encode_article(article), routed, rules.version), feeds)


def item_of(retagging: Retagging, routes: Routes) -> Item:
    """A kept version as an item to be written. It has no outcome of its own: no raw event made it."""
    feeds = routes.open_feeds(retagging.feeds)
    article = decode_article(retagging.value)
    decision = Decision(Outcome.REPLACED, retagging.decided_at, article, feeds)
    event = retagging.event
    published = PublishedVersion(event.event_id, article.id, article.version, retagging.value, feeds)
    return Item(event, article, decision=decision, published=published, promoted=True)


def followed(items: Sequence[Item], later: Mapping[str, Retagging], routes: Routes) -> list[Item]:
    """The items, each behind its last version of an article followed by the version that rules made after it.

    A run that is repeated after a crash writes an old version once more; readers keep what came last.
    """
    return list(_followed(items, later, routes))


def _followed(items: Sequence[Item], later: Mapping[str, Retagging], routes: Routes) -> Iterator[Item]:
    last = {article.id: place for place, item in enumerate(items) if (article := written(item)) is not None}
    for place, item in enumerate(items):
        yield item
        article = written(item)
        if article is not None and article.id in later and last[article.id] == place:
            yield item_of(later[article.id], routes)


def written(item: Item) -> Article | None:
    """The article that an item writes, if any."""
    return item.article if item.published is not None else None
