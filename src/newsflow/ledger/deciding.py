"""Decides a batch of events in one transaction. What a step means is settled here, whether it is due in `dedup`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson

from newsflow.dedup.change import describe_change
from newsflow.dedup.decide import Held, Incoming, Step, is_older, next_step
from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.identity import article_id, base_language, hash_content, identity_keys
from newsflow.dedup.similarity import Rule
from newsflow.dedup.ties import Tie, choose_original, choose_story
from newsflow.ledger import tables
from newsflow.ledger.answers import answer_again
from newsflow.ledger.database import Database, RetryableError
from newsflow.ledger.detail import Detail
from newsflow.ledger.settle import join, link, settle
from newsflow.ledger.times import storable
from newsflow.ledger.window import TextWindow
from newsflow.ledger.workspace import Workspace
from newsflow.model import Action, Article, Candidate, Decision, Event, Outcome, Reason, Rejected

STAGE = "Deduplicate"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A candidate with all that can be worked out of it alone, before any lock is held."""

    event: Event
    result: Article | Rejected
    names: tuple[str, ...] = ()
    incoming: Incoming | None = None
    language: str = "und"
    print: Fingerprint | None = None


def prepare(candidate: Candidate) -> Prepared:
    """Fingerprint and identity of a candidate. An article that cannot be kept becomes a `Rejected`."""
    event, article = candidate.event, candidate.result
    if isinstance(article, Rejected):
        return Prepared(event, article)
    names = identity_keys(article)
    if not names:
        return Prepared(event, Rejected(Reason.SCHEMA_VIOLATION, "neither url nor guid, at least one is needed", STAGE))
    unwritable = _find_unwritable(article)
    if unwritable is not None:
        return Prepared(event, unwritable)
    withdraw = article.action is Action.WITHDRAW
    incoming = Incoming(withdraw, hash_content(article), candidate.fetched_at, candidate.publisher_version)
    language = base_language(article.language)
    text = None if withdraw else fingerprint(article.title, article.body)
    return Prepared(event, article, names, incoming, language, text)


def _find_unwritable(article: Article) -> Rejected | None:
    """Why an article has no bytes, before it could fail its whole batch; much cheaper than writing them."""
    texts = (article.source, article.url, article.guid, article.title, article.body, article.authors, article.agency)
    try:
        orjson.dumps((*texts, article.language, article.published.text, dict(article.raw)))
    except TypeError as error:
        message = f"the article has no form as JSON in UTF-8: {error}"
        return Rejected(Reason.TRANSFORM_ERROR, message, STAGE, type(error).__qualname__)
    return None


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
                decision = answered[each.event.event_id] = _decide_one(ws, each)
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


def _decide_one(ws: Workspace, each: Prepared) -> Decision:
    if isinstance(each.result, Rejected) or each.incoming is None:
        assert isinstance(each.result, Rejected)
        rejected = _storable(each.result)
        ws.add_dead_letter(each.event, rejected)
        return Decision(Outcome.DEAD_LETTERED, ws.now, rejected=rejected)
    held = ws.resolve(each.names)
    step = next_step(held, each.incoming)
    if step is Step.WITHDRAW_UNKNOWN:
        return _remember_withdrawal(ws, each, each.result, each.incoming)
    if step is Step.CREATE:
        return _create(ws, each, each.result, each.incoming)
    assert held is not None
    ws.name(each.names, held)
    if step in (Step.REPEAT, Step.STALE):
        return _hold(ws, each, each.result, each.incoming, held, step)
    if step is Step.WITHDRAW:
        return _withdraw(ws, each, each.incoming, held)
    return _replace(ws, each, each.result, each.incoming, held)


def _storable(rejected: Rejected) -> Rejected:
    """As it will be read back: an error message may hold anything."""
    message, error_class = storable(rejected.message), storable(rejected.error_class)
    return replace(rejected, message=message, stage=storable(rejected.stage), error_class=error_class)


def _hold(ws: Workspace, each: Prepared, article: Article, incoming: Incoming, held: Held, step: Step) -> Decision:
    """Nothing new: only the time at which the state was seen moves on."""
    outcome = Outcome.REPEAT if step is Step.REPEAT else Outcome.STALE
    changed = replace(held, seen_at=ws.now)
    if step is Step.REPEAT and not is_older(incoming, held):
        _observe(changed, incoming)
    ws.change(changed)
    ws.add_event(each.event, outcome, held.id, held.version)
    return Decision(outcome, ws.now, join(article, held, each.event) if held.version else None)


def _observe(held: Held, incoming: Incoming) -> None:
    held.fetched_at = incoming.fetched_at or held.fetched_at
    held.publisher_version = incoming.publisher_version or held.publisher_version


def _remember_withdrawal(ws: Workspace, each: Prepared, article: Article, incoming: Incoming) -> Decision:
    held = _new_held(ws, each, article, incoming)
    held.version, held.withdrawn, held.story, held.content_hash = 0, True, "", ""
    ws.name(each.names, held)
    ws.change(held)
    ws.add_event(each.event, Outcome.WITHDRAWN)
    return Decision(Outcome.WITHDRAWN, ws.now)


def _new_held(ws: Workspace, each: Prepared, article: Article, incoming: Incoming) -> Held:
    known = ws.resolve(each.names)
    new_id = article_id(article) if known is None else known.id
    return Held(
        new_id, article.source, article.url, article.guid, article.agency, each.language, 1, incoming.content_hash,
        incoming.publisher_version, incoming.fetched_at, ws.now, ws.now, new_id, None, False, False, 0,
        () if known is None else known.names,
    )  # fmt: skip


def _create(ws: Workspace, each: Prepared, article: Article, incoming: Incoming) -> Decision:
    held = _new_held(ws, each, article, incoming)
    assert each.print is not None
    ties = ws.ties(each.language, each.print, held.id)
    held.story = choose_story(ties) or held.story
    ws.name(each.names, held)
    return _publish(ws, each, article, held, choose_original(ties), Outcome.ADDED, Detail())


def _replace(ws: Workspace, each: Prepared, article: Article, incoming: Incoming, held: Held) -> Decision:
    """A new version. What readers may have goes on to them; what was held back is compared anew."""
    assert each.print is not None
    before = ws.current(held)
    changed = replace(
        held, version=held.version + 1, content_hash=incoming.content_hash, url=article.url or held.url,
        guid=article.guid or held.guid, agency=article.agency, seen_at=ws.now, withdrawn=False, duplicate_of=None,
    )  # fmt: skip
    _observe(changed, incoming)
    original = None if held.accepted else choose_original(ws.ties(each.language, each.print, held.id))
    change = None if before is None else describe_change(before, article)
    detail = Detail(feeds=ws.feeds(held.id), change=change)
    return _publish(ws, each, article, changed, original, Outcome.REPLACED, detail)


def _publish(
    ws: Workspace, each: Prepared, article: Article, held: Held, original: Tie | None, outcome: Outcome, detail: Detail
) -> Decision:
    """Keep a version: as what it is, or held back where it duplicates an original."""
    assert each.print is not None
    action = Action.REPLACE if held.accepted else Action.ADD
    if original is not None:
        outcome, held.duplicate_of = Outcome.DUPLICATE, original.article.id
        detail = replace(detail, duplicate=link(held, original))
    else:
        held.accepted = True
    ws.add_text(held, each.language, each.print)
    settled = settle(article, held, action, each.event)
    ws.change(held)
    ws.add_version(each.event, settled, detail)
    ws.add_event(each.event, outcome, held.id, held.version)
    return Decision(outcome, ws.now, settled, detail.feeds, detail.duplicate, change=detail.change)


def _withdraw(ws: Workspace, each: Prepared, incoming: Incoming, held: Held) -> Decision:
    before = ws.current(held)
    changed = replace(held, version=held.version + 1, seen_at=ws.now, withdrawn=True)
    _observe(changed, incoming)
    ws.change(changed)
    ws.add_event(each.event, Outcome.WITHDRAWN, held.id, changed.version)
    if before is None:  # Its versions were pruned: there is no article to send.
        return Decision(Outcome.WITHDRAWN, ws.now)
    promoted = _promote(ws, each.event, held) if held.living else None
    settled = settle(before, changed, Action.WITHDRAW, each.event)
    place = None if promoted is None else (promoted.id, promoted.version)
    detail = Detail(feeds=ws.feeds(held.id), promoted=place)
    ws.add_version(each.event, settled, detail)
    return Decision(Outcome.WITHDRAWN, ws.now, settled, detail.feeds, promoted=promoted)


def _promote(ws: Workspace, event: Event, original: Held) -> Article | None:
    """Put the first living copy in the place of a withdrawn original; the others become copies of it."""
    copies = [(copy, article) for copy in ws.copies(original) if (article := ws.current(copy)) is not None]
    if not copies:
        return None
    first, before = copies[0]
    heir = replace(first, version=first.version + 1, duplicate_of=None, accepted=True, seen_at=ws.now)
    ws.change(heir)
    for copy, _ in copies[1:]:
        ws.change(replace(copy, duplicate_of=heir.id))
    feeds = ws.feeds(heir.id)
    action = Action.REPLACE if feeds else Action.ADD  # A route may have let it through, marked as a copy.
    settled = replace(settle(before, heir, action, event), topics=(), mentions=())
    ws.add_version(event, settled, Detail(feeds=feeds))
    return settled
