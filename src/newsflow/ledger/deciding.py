"""Decides a batch of events in one transaction: what to lock, what to load, what to answer again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from newsflow.dedup.decide import Step, next_step
from newsflow.dedup.similarity import Rule
from newsflow.ledger import tables
from newsflow.ledger.answers import answer_again
from newsflow.ledger.database import Database, RetryableError
from newsflow.ledger.preparing import Prepared, prepare
from newsflow.ledger.steps import decide_one
from newsflow.ledger.window import TextWindow
from newsflow.ledger.workspace import Workspace
from newsflow.model import Candidate, Decision


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
