"""Decides a batch of events in one transaction: what to lock, what to load, what to answer again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from newsflow.dedup.decide import Held, Step, next_step
from newsflow.dedup.similarity import Rule
from newsflow.ledger import tables
from newsflow.ledger.database import Database, RetryableError, storable, to_micros
from newsflow.ledger.steps import Prepared, decide_one, join, prepare
from newsflow.ledger.tables import DecidedEvent, Version, decode_detail, load_articles, load_rejections, load_versions
from newsflow.ledger.workspace import TextWindow, Workspace
from newsflow.model import Article, Candidate, Decision, Event, Outcome, Rejected
from newsflow.model.codec import decode_article

# Gives again the answers that were given about events before.


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


class BatchDecider:
    """Decides batches against one database. Not thread-safe."""

    def __init__(self, db: Database, window: timedelta, rule: Rule) -> None:
        self._db, self._window, self._rule = db, window, rule
        self._texts = TextWindow()

    def decide(self, candidates: Sequence[Candidate], now: datetime) -> list[Decision]:
        """One decision a candidate, in order. Raises LedgerError; nothing is decided then."""
        prepared = [prepare(candidate) for candidate in candidates]
        languages: set[str] = {each.language for each in prepared}
        try:
            return self._db.run(lambda: self._attempt(prepared, languages, now))
        except BaseException:
            self._texts.forget()
            raise

    def _attempt(self, prepared: Sequence[Prepared], languages: set[str], now: datetime) -> list[Decision]:
        ws = Workspace(self._db, self._texts, now, now - self._window, self._rule)
        self._db.lock(f"language {language}" for language in sorted(languages))
        known = tables.load_events(self._db, [each.event.event_id for each in prepared])
        fresh = [each for each in prepared if each.event.event_id not in known]
        self._load(ws, fresh, languages)
        answered = answer_again(self._db, known, prepared)
        decisions: list[Decision] = []
        for each in prepared:
            decision = answered.get(each.event.event_id)
            if decision is None:
                decision = answered[each.event.event_id] = decide_one(ws, each)
            decisions.append(decision)
        ws.save()
        return decisions

    def _load(self, ws: Workspace, fresh: Sequence[Prepared], languages: set[str]) -> None:
        """Fetch, in few queries, what the batch will ask for. RetryableError when more must be locked."""
        ws.identities = tables.load_identities(self._db, sorted({name for each in fresh for name in each.names}))
        ws.articles = tables.load_articles(self._db, set(ws.identities.values()))
        unlocked = {held.language for held in ws.articles.values()} - languages
        if unlocked:
            # An article was of another language before: a decision about that one must not run beside this.
            languages |= unlocked
            raise RetryableError("an article changed its language")
        ws.last_numbers = self._texts.last_numbers(self._db, languages, ws.since)
        for language in sorted(languages):
            self._find(ws, language, [each for each in fresh if each.language == language and _is_news(ws, each)])

    def _find(self, ws: Workspace, language: str, fresh: Sequence[Prepared]) -> None:
        prints = [each.print for each in fresh if each.print is not None]
        found = self._texts.find(language, prints)
        ws.found.update(((language, text.keys.tobytes()), numbers) for text, numbers in zip(prints, found, strict=True))
        texts = self._texts.load(self._db, language, {number for numbers in found for number in numbers})
        ws.prints.update(((language, number), text) for number, text in texts.items())
        self._load_articles(ws, {text.article_id for text in texts.values()})
        self._load_articles(ws, {held.duplicate_of for held in ws.articles.values() if held.duplicate_of})

    def _load_articles(self, ws: Workspace, ids: Iterable[str]) -> None:
        ws.articles.update(tables.load_articles(self._db, set(ids) - ws.articles.keys()))


def _is_news(ws: Workspace, each: Prepared) -> bool:
    """Whether the text will have to be compared: a repeat, the most common event, will not."""
    if each.incoming is None:
        return False
    held = ws.resolve(each.names)
    return held is None or (not held.accepted and next_step(held, each.incoming) is not Step.REPEAT)


# Takes a decision back when its event failed in a later stage, and dead-letters the event instead.


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
