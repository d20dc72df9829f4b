"""Decides a batch of events in one transaction, and takes decisions back whose events failed in a later stage.

An event that was decided before gets the same answer again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from newsflow.dedup.decide import KnownArticle, Transition, choose_transition
from newsflow.dedup.similarity import Rule
from newsflow.ledger import tables
from newsflow.ledger.database import Database, RetryableError, to_micros
from newsflow.ledger.source_hours import count_decided
from newsflow.ledger.steps import Prepared, counted_in, decide_one, find, identify_unchanged, prepare, reject
from newsflow.ledger.tables import DecidedEvent, Version, decode_detail
from newsflow.ledger.workspace import TEXTS_KEPT, TextWindow, Workspace
from newsflow.model import Action, Article, Candidate, Decision, Outcome, Rejected, untagged
from newsflow.model.codec import decode_article

# The answers to events that were decided before.


UNCHANGED = frozenset({Outcome.REPEAT, Outcome.STALE})
"""Outcomes that made no version."""


def answer_again(db: Database, decided: Mapping[str, DecidedEvent], batch: Sequence[Candidate]) -> dict[str, Decision]:
    """The stored decisions about events, by event id."""
    if not decided:
        return {}
    articles = {each.event.event_id: each.result for each in batch}
    versions = _load_decided(db, decided.values())
    dead = tables.load_rejections(db, [event.event_id for event in decided.values() if event.reason])
    unchanged = {event.article_id for event in decided.values() if event.outcome in UNCHANGED}
    known = tables.load_articles(db, {article_id for article_id in unchanged if article_id})
    decisions: dict[str, Decision] = {}
    for event_id, event in decided.items():
        if event.reason:
            rejected = dead.get(event_id)
            decisions[event_id] = Decision(
                Outcome.DEAD_LETTERED, event.decided_at, rejected=rejected, at=event.event_at
            )
        elif event.outcome in UNCHANGED:
            decisions[event_id] = _unchanged_again(event, articles[event_id], known.get(event.article_id or ""))
        else:
            decisions[event_id] = _version_again(event, versions)
    return decisions


def _load_decided(db: Database, events: Iterable[DecidedEvent]) -> dict[tuple[str, int], Version]:
    """The versions that came of events, and those of copies promoted with them."""
    made = [event for event in events if event.version and event.outcome not in UNCHANGED]
    versions = tables.load_versions(db, {event.article_id for event in made if event.article_id})
    promoted = {place[0] for each in versions.values() if (place := decode_detail(each.detail).promoted)}
    return versions | tables.load_versions(db, promoted)


def _version_again(event: DecidedEvent, versions: Mapping[tuple[str, int], Version]) -> Decision:
    outcome = Outcome(event.outcome)
    version = versions.get((event.article_id or "", event.version or 0))
    if version is None:
        return Decision(outcome, event.decided_at, at=event.event_at)
    detail = decode_detail(version.detail)
    promoted = versions.get(detail.promoted) if detail.promoted else None
    return Decision(
        outcome,
        event.decided_at,
        _as_decided(version),
        detail.feeds,
        detail.duplicate,
        change=detail.change,
        promoted=None if promoted is None else _as_decided(promoted),
        at=event.event_at,
    )


def _as_decided(version: Version) -> Article:
    """The article without the tags that it was recorded with. Only a withdrawal had them before it was decided."""
    article = decode_article(version.article)
    return article if article.action is Action.WITHDRAW else untagged(article)


def _unchanged_again(event: DecidedEvent, article: Article | Rejected, known: KnownArticle | None) -> Decision:
    """The event of a repeat made no version: what comes in now is what came in then."""
    outcome = Outcome(event.outcome)
    if not event.version or known is None or isinstance(article, Rejected):
        return Decision(outcome, event.decided_at, at=event.event_at)
    unchanged = identify_unchanged(article, replace(known, version=event.version), event)
    return Decision(outcome, event.decided_at, unchanged, at=event.event_at)


# A batch in one transaction: what to lock, what to load, what to decide.


class BatchDecider:
    """Decides batches against one database. Not thread-safe."""

    def __init__(self, db: Database, window: timedelta, rule: Rule) -> None:
        self._db, self._window, self._rule = db, window, rule
        self._texts = TextWindow()

    def decide(self, candidates: Sequence[Candidate], now: datetime) -> list[Decision]:
        """One decision a candidate, in order. Raises LedgerError; nothing is decided then."""
        prepared = [prepare(candidate) for candidate in candidates]
        languages = {each.language for each in prepared if isinstance(each, Prepared)}
        try:
            decisions, ws = self._db.run(lambda: self._attempt(candidates, prepared, languages, now))
        except BaseException:
            self._texts.forget()
            raise
        self._texts.keep(ws.wordings)
        return decisions

    def _attempt(
        self,
        candidates: Sequence[Candidate],
        prepared: Sequence[Prepared | Rejected],
        languages: set[str],
        now: datetime,
    ) -> tuple[list[Decision], Workspace]:
        ws = Workspace(self._db, self._texts, now, self._window, self._rule)
        self._db.lock(f"language {language}" for language in sorted(languages))
        ids = [each.event.event_id for each in candidates]
        decided = tables.load_events(self._db, ids)
        fresh = [each for each in prepared if isinstance(each, Prepared) and each.event.event_id not in decided]
        self._load(ws, fresh, languages)
        decisions = answer_again(self._db, decided, candidates)
        new: list[tuple[Candidate, Decision]] = []
        for candidate, each in zip(candidates, prepared, strict=True):
            if candidate.event.event_id not in decisions:
                decision = decide_one(ws, each) if isinstance(each, Prepared) else reject(ws, candidate.event, each)
                decisions[candidate.event.event_id] = decision
                new.append((candidate, decision))
        ws.save()
        count_decided(self._db, new, ws.conflicts, now)
        return [decisions[event_id] for event_id in ids], ws

    def _load(self, ws: Workspace, fresh: Sequence[Prepared], languages: set[str]) -> None:
        """Fetch, in few queries, what the batch will ask for. RetryableError when more must be locked."""
        ws.load_counted({each.article.source for each in fresh})
        fresh = [counted_in(ws, each) for each in fresh]
        ws.load_names(name for each in fresh for name in each.asked)
        ws.articles = tables.load_articles(self._db, set(ws.identities.values()))
        unlocked = {known.language for known in ws.articles.values()} - languages
        if unlocked:
            # An article was of another language before: a decision about that one must not run beside this.
            languages |= unlocked
            raise RetryableError("an article changed its language")
        ws.last_numbers = self._texts.last_numbers(self._db, languages, ws.now - TEXTS_KEPT * self._window)
        for language in sorted(languages):
            compared = [each for each in fresh if each.language == language and _is_compared(ws, each)]
            ws.load_articles(ws.find_texts(language, compared))
            ws.load_articles({known.duplicate_of for known in ws.articles.values() if known.duplicate_of})


def _is_compared(ws: Workspace, each: Prepared) -> bool:
    """Whether the text will have to be compared: a repeat, the most common event, will not."""
    if each.incoming.withdraw:
        return False
    known = find(ws, each)
    return known is None or (not known.accepted and choose_transition(known, each.incoming) is not Transition.REPEAT)


# Takes a decision back when its event failed in a later stage, and dead-letters the event instead.


Failure = tuple[str, Rejected]


def amend(db: Database, failures: Sequence[Failure]) -> list[Decision | None]:
    """The decisions that now hold, one a failure, in order. An event that was dead-lettered stays so; None for one
    whose article version is recorded: it may have been published, so its decision stands.

    The article version that the event made is void: its text counts as unseen, so that the event is no repeat
    when it is sent again, and an article that nobody was given is no one's original.
    """
    events = tables.load_events(db, [event_id for event_id, _ in failures])
    # What is known of an article is written back whole: nobody may give it another version meanwhile.
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
            _dead_letter(db, event, rejected)
            events[event_id] = replace(event, reason=rejected.reason.value)
        why = tables.load_rejections(db, [event_id])[event_id]
        decisions.append(Decision(Outcome.DEAD_LETTERED, event.decided_at, rejected=why, at=event.event_at))
    return decisions


def _is_recorded(db: Database, event: DecidedEvent) -> bool:
    sql = "SELECT 1 FROM emission WHERE article_id = ? AND version = ? AND event_id = ?"
    return event.article_id is not None and bool(db.query(sql, [event.article_id, event.version, event.event_id]))


def _dead_letter(db: Database, event: DecidedEvent, rejected: Rejected) -> None:
    _void(db, event)
    sql = "UPDATE event SET outcome = ?, reason = ?, article_id = NULL, version = NULL WHERE event_id = ?"
    db.execute(sql, [Outcome.DEAD_LETTERED.value, rejected.reason.value, event.event_id])
    tables.insert_dead_letters(db, [(event, rejected)], to_micros(event.decided_at))


def _void(db: Database, event: DecidedEvent) -> None:
    if event.outcome in UNCHANGED or event.article_id is None:
        return
    known = tables.load_articles(db, [event.article_id]).get(event.article_id)
    if known is None or known.version != event.version:
        return
    if event.outcome == Outcome.WITHDRAWN:
        known.withdrawn = False
        tables.save_articles(db, [known])
        _demote(db, event)
        return
    known.content_hash = known.raw_digest = ""
    if known.version == 1 or known.duplicate_of is not None:
        known.withdrawn, known.accepted, known.duplicate_of = True, False, None
    tables.save_articles(db, [known])


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
