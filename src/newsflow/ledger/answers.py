"""Gives again the answers that were given about events before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from newsflow.dedup.decide import Held
from newsflow.ledger.database import Database
from newsflow.ledger.detail import decode_detail
from newsflow.ledger.settle import join
from newsflow.ledger.tables import DecidedEvent, Version, load_articles, load_rejections, load_versions
from newsflow.model import Article, Decision, Event, Outcome, Rejected
from newsflow.model.codec import decode_article

HELD_OUTCOMES = frozenset({Outcome.REPEAT, Outcome.STALE})


class Asked(Protocol):
    """An event and what it was normalised to this time."""

    @property
    def event(self) -> Event:
        """The event."""

    @property
    def result(self) -> Article | Rejected:
        """Its article, or why there is none."""


def answer_again(db: Database, known: Mapping[str, DecidedEvent], asked: Sequence[Asked]) -> dict[str, Decision]:
    """The stored decisions about known events, by event id."""
    if not known:
        return {}
    incoming = {each.event.event_id: each for each in asked}
    versions = _load_decided(db, known.values())
    dead = load_rejections(db, [event.event_id for event in known.values() if event.reason])
    held = load_articles(db, {e.article_id for e in known.values() if e.outcome in HELD_OUTCOMES and e.article_id})
    decisions: dict[str, Decision] = {}
    for event_id, event in known.items():
        if event.reason:
            decisions[event_id] = Decision(Outcome.DEAD_LETTERED, event.decided_at, rejected=dead.get(event_id))
        elif event.outcome in HELD_OUTCOMES:
            decisions[event_id] = _held_again(event, incoming[event_id], held.get(event.article_id or ""))
        else:
            decisions[event_id] = _version_again(event, versions)
    return decisions


def _load_decided(db: Database, events: Iterable[DecidedEvent]) -> dict[tuple[str, int], Version]:
    """The versions that came of events, and those of copies promoted with them."""
    made = [event for event in events if event.version and event.outcome not in HELD_OUTCOMES]
    versions = load_versions(db, {event.article_id for event in made if event.article_id})
    promoted = {place[0] for each in versions.values() if (place := decode_detail(each.detail).promoted)}
    return versions | load_versions(db, promoted)


def _version_again(event: DecidedEvent, versions: Mapping[tuple[str, int], Version]) -> Decision:
    outcome = Outcome(event.outcome)
    version = versions.get((event.article_id or "", event.version or 0))
    if version is None:
        return Decision(outcome, event.decided_at)
    detail = decode_detail(version.detail)
    promoted = versions.get(detail.promoted) if detail.promoted else None
    return Decision(
        outcome,
        event.decided_at,
        decode_article(version.article),
        detail.feeds,
        detail.duplicate,
        change=detail.change,
        promoted=None if promoted is None else decode_article(promoted.article),
    )


def _held_again(event: DecidedEvent, asked: Asked, held: Held | None) -> Decision:
    """The event of a repeat stored no article: what comes in now is what came in then."""
    outcome, article = Outcome(event.outcome), asked.result
    if not event.version or held is None or isinstance(article, Rejected):
        return Decision(outcome, event.decided_at)
    return Decision(outcome, event.decided_at, join(article, replace(held, version=event.version), asked.event))
