"""Takes a decision back when its event failed in a later stage, and dead-letters the event instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from newsflow.ledger import tables
from newsflow.ledger.database import Database
from newsflow.ledger.detail import decode_detail
from newsflow.ledger.tables import DecidedEvent
from newsflow.ledger.times import storable, to_micros
from newsflow.model import Decision, Outcome, Rejected

Failure = tuple[str, Rejected]


def amend(db: Database, failures: Sequence[Failure]) -> list[Decision | None]:
    """The decisions that now hold, one a failure, in order. An event that was dead-lettered stays so; None for one
    whose article version is recorded: it may have been published, so its decision stands.

    The article version that the event made is void: its text counts as unseen, so that the event is no repeat
    when it is sent again, and an article that nobody was given is no one's original.
    """
    events = tables.load_events(db, [event_id for event_id, _ in failures])
    # What is held of an article is written back whole: nobody may give it another version meanwhile.
    db.lock_rows("article", "id", sorted({event.article_id for event in events.values() if event.article_id}))
    decisions: list[Decision | None] = []
    for event_id, rejected in failures:
        event = events.get(event_id)
        if event is None:
            raise KeyError(f"event {event_id} was never decided")
        if _is_recorded(db, event):
            decisions.append(None)
            continue
        if event.reason is None:
            rejected = replace(rejected, message=storable(rejected.message), error_class=storable(rejected.error_class))
            _dead_letter(db, event, rejected)
            events[event_id] = replace(event, reason=rejected.reason.value)
        decisions.append(_stored(db, event))
    return decisions


def _is_recorded(db: Database, event: DecidedEvent) -> bool:
    if event.article_id is None:
        return False
    sql = "SELECT 1 FROM emission WHERE article_id = ? AND version = ? AND event_id = ?"
    return bool(db.query(sql, [event.article_id, event.version, event.event_id]))


def _dead_letter(db: Database, event: DecidedEvent, rejected: Rejected) -> None:
    _void(db, event)
    sql = "UPDATE event SET outcome = ?, reason = ?, article_id = NULL, version = NULL WHERE event_id = ?"
    db.execute(sql, [Outcome.DEAD_LETTERED.value, rejected.reason.value, event.event_id])
    place = [event.event_id, event.topic, event.partition, event.offset]
    why = [rejected.reason.value, rejected.message, rejected.stage, rejected.error_class]
    sql = f"INSERT INTO dead_letter ({tables.DEAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
    db.execute(sql, [*place, *why, to_micros(event.decided_at)])


def _void(db: Database, event: DecidedEvent) -> None:
    if event.outcome in (Outcome.REPEAT, Outcome.STALE) or event.article_id is None:
        return
    held = tables.load_articles(db, [event.article_id]).get(event.article_id)
    if held is None or held.version != event.version:
        return
    if event.outcome == Outcome.WITHDRAWN:
        held.withdrawn = False
        tables.save_articles(db, [held])
        _demote(db, event)
        return
    held.content_hash = ""
    if held.version == 1 or held.duplicate_of is not None:
        held.withdrawn, held.accepted, held.duplicate_of = True, False, None
    tables.save_articles(db, [held])


def _demote(db: Database, event: DecidedEvent) -> None:
    """The copy that took the place of an original whose withdrawal is void is its copy again, and so are the others."""
    version = tables.load_versions(db, [event.article_id or ""]).get((event.article_id or "", event.version or 0))
    promoted = decode_detail(version.detail).promoted if version is not None else None
    heir = tables.load_articles(db, [promoted[0]]).get(promoted[0]) if promoted else None
    if promoted is None or heir is None or heir.version != promoted[1]:
        return
    heir.duplicate_of, heir.accepted = event.article_id, False
    tables.save_articles(db, [heir])
    db.execute("UPDATE article SET duplicate_of = ? WHERE duplicate_of = ?", [event.article_id, heir.id])


def _stored(db: Database, event: DecidedEvent) -> Decision:
    why = tables.load_rejections(db, [event.event_id])[event.event_id]
    return Decision(Outcome.DEAD_LETTERED, event.decided_at, rejected=why)
