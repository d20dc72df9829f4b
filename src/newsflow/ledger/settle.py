"""Articles under the id, version, first time and story that the ledger holds for them."""

from __future__ import annotations

from dataclasses import replace

from newsflow.dedup.decide import Held
from newsflow.dedup.ties import Tie
from newsflow.ledger.times import storable
from newsflow.model import Action, Article, ArticleRef, DuplicateLink, Event, Origin


def settle(article: Article, held: Held, action: Action, event: Event, story_size: int | None = None) -> Article:
    """The article as the version `held` has, because of `event`, in a story of `story_size` articles. A date that
    was only ever the time it was first seen becomes the ledger's."""
    published = article.published
    if published.evidence == "first-seen":
        published = replace(published, at=held.first_seen)
    return replace(
        article,
        id=held.id,
        version=held.version,
        action=action,
        story=held.story,
        story_size=story_size,
        duplicate_of=held.duplicate_of,
        first_seen=held.first_seen,
        published=published,
        url=article.url or held.url,
        guid=article.guid or held.guid,
        origin=Origin(storable(event.topic), event.partition, event.offset, event.event_id),
    )


def join(article: Article, held: Held, event: Event) -> Article:
    """What came in with a repeat or a stale event, under the names of what is held. Only what never changes of
    these is used, so that it is the same when asked again."""
    settled = settle(article, held, article.action, event)
    return replace(settled, duplicate_of=None, url=article.url, guid=article.guid)


def link(copy: Held, original: Tie) -> DuplicateLink:
    """Why `copy` is held back. Scores are rounded to four places."""
    found = original.similarity
    return DuplicateLink(
        copy=_ref(copy),
        original=_ref(original.article),
        method=found.method,
        jaccard=round(found.jaccard, 4),
        containment=round(found.containment, 4),
        numbers=round(found.numbers, 4),
    )


def _ref(held: Held) -> ArticleRef:
    return ArticleRef(held.id, held.source, held.url, held.guid)
