"""What each event means for its article: the version that is made, what is kept of it, what is answered.

Which transition an event asks for is decided in `newsflow.dedup.decide`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from newsflow.dedup.decide import (
    Incoming,
    KnownArticle,
    Lookalike,
    Transition,
    article_id,
    choose_original,
    choose_story,
    choose_transition,
    describe_change,
    hash_content,
    identity_keys,
    is_older,
)
from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.ledger.database import storable
from newsflow.ledger.tables import DecidedEvent, Detail
from newsflow.ledger.workspace import Workspace
from newsflow.model import (
    Action,
    Article,
    ArticleRef,
    Candidate,
    Decision,
    DuplicateLink,
    Event,
    Origin,
    Outcome,
    Reason,
    Rejected,
)
from newsflow.model.languages import base_language

STAGE = "Deduplicate"


# What can be worked out of a candidate alone, before any lock is held.


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with its names, its state and its fingerprint; that of a withdrawal, which has no text, is unused."""

    event: Event
    article: Article
    names: tuple[str, ...]
    incoming: Incoming
    language: str
    print: Fingerprint

    @property
    def at(self) -> datetime | None:
        """The time of the event."""
        return self.incoming.fetched_at


def prepare(candidate: Candidate) -> Prepared | Rejected:
    """Fingerprint and identity of a candidate. An article that cannot be kept becomes a `Rejected`: none may fail
    the batch it is in."""
    article = candidate.result
    if isinstance(article, Rejected):
        return article
    try:
        return _prepare(candidate, article)
    except Exception as error:
        return _broken("the article cannot be fingerprinted", error)


def _prepare(candidate: Candidate, article: Article) -> Prepared | Rejected:
    names = identity_keys(article)
    if not names:
        return Rejected(Reason.SCHEMA_VIOLATION, "neither url nor guid, at least one is needed", STAGE)
    texts = (article.source, article.url, article.guid, article.title, article.body, article.authors, article.agency)
    try:  # Much cheaper than writing the article, which would fail its whole batch later.
        orjson.dumps((*texts, article.language, article.published.text, dict(article.raw)))
    except TypeError as error:
        return _broken("the article has no form as JSON in UTF-8", error)
    withdraw = article.action is Action.WITHDRAW
    incoming = Incoming(
        withdraw, hash_content(article), candidate.fetched_at, candidate.publisher_version, candidate.raw_digest
    )
    language = base_language(article.language)
    return Prepared(candidate.event, article, names, incoming, language, fingerprint(article.title, article.body))


def _broken(what: str, error: Exception) -> Rejected:
    return Rejected(Reason.TRANSFORM_ERROR, f"{what}: {error}", STAGE, type(error).__qualname__)


# Articles under the id, version, first time and story that the ledger has for them.


def identify(
    article: Article, known: KnownArticle, action: Action, event: Event | DecidedEvent, story_size: int | None = None
) -> Article:
    """The article as the version that `known` has, because of `event`, in a story of `story_size` articles. A date
    that was only ever the time it was first seen becomes the ledger's."""
    published = article.published
    if published.evidence == "first-seen":
        published = replace(published, at=known.first_seen)
    return replace(
        article,
        id=known.id,
        version=known.version,
        action=action,
        story=known.story,
        story_size=story_size,
        duplicate_of=known.duplicate_of,
        first_seen=known.first_seen,
        published=published,
        url=article.url or known.url,
        guid=article.guid or known.guid,
        origin=Origin(storable(event.topic), event.partition, event.offset, event.event_id),
    )


def identify_unchanged(article: Article, known: KnownArticle, event: Event | DecidedEvent) -> Article:
    """What came in with a repeat or a stale event, under the id and version of the known article. Only what never
    changes of that is used, so that the answer is the same when asked again."""
    identified = identify(article, known, article.action, event)
    return replace(identified, duplicate_of=None, url=article.url, guid=article.guid)


def _link(copy: KnownArticle, original: Lookalike) -> DuplicateLink:
    """Why `copy` is held back. Scores are rounded to four places."""
    found = original.similarity
    scores = (round(score, 4) for score in (found.jaccard, found.containment, found.numbers))
    return DuplicateLink(_ref(copy), _ref(original.article), found.method, *scores)


def _ref(known: KnownArticle) -> ArticleRef:
    return ArticleRef(known.id, known.source, known.url, known.guid)


# The decision about an event that was never decided; all that follows from it is kept in the workspace.


def reject(ws: Workspace, event: Event, rejected: Rejected) -> Decision:
    """Dead-letter an event, for a reason as it will be read back: an error message may hold anything."""
    message, error_class = storable(rejected.message), storable(rejected.error_class)
    rejected = replace(rejected, message=message, stage=storable(rejected.stage), error_class=error_class)
    ws.add_dead_letter(event, rejected)
    return Decision(Outcome.DEAD_LETTERED, ws.now, rejected=rejected)


def decide_one(ws: Workspace, each: Prepared) -> Decision:
    """Decide what an event does to its article."""
    known = ws.resolve(each.names)
    transition = choose_transition(known, each.incoming)
    made_by_01 = known if known is not None and not known.raw_digest else None
    if transition is Transition.EDIT and made_by_01 is not None and ws.has_bytes_of(made_by_01, each.event):
        transition = Transition.REPEAT  # Release 0.1 made another text of them.
    if transition is Transition.WITHDRAW_UNKNOWN:
        return _remember_withdrawal(ws, each)
    if transition is Transition.CREATE:
        return _create(ws, each)
    assert known is not None
    ws.name(each.names, known)
    if transition in (Transition.REPEAT, Transition.STALE):
        return _see_again(ws, each, known, transition)
    return _withdraw(ws, each, known) if transition is Transition.WITHDRAW else _replace(ws, each, known)


def _see_again(ws: Workspace, each: Prepared, known: KnownArticle, transition: Transition) -> Decision:
    """Nothing new: only the time at which the state was seen moves on."""
    outcome = Outcome.REPEAT if transition is Transition.REPEAT else Outcome.STALE
    changed = replace(known, seen_at=ws.now)
    if transition is Transition.REPEAT and not is_older(each.incoming, known):
        _observe(changed, each.incoming)
    ws.change(changed)
    ws.add_event(each.event, outcome, each.at, known.id, known.version)
    article = identify_unchanged(each.article, known, each.event) if known.version else None
    return Decision(outcome, ws.now, article, at=each.at)


def _observe(known: KnownArticle, incoming: Incoming) -> None:
    known.fetched_at = incoming.fetched_at or known.fetched_at
    known.publisher_version = incoming.publisher_version or known.publisher_version
    known.raw_digest = incoming.raw_digest or known.raw_digest


def _remember_withdrawal(ws: Workspace, each: Prepared) -> Decision:
    known = _new(ws, each)
    known.version, known.withdrawn, known.story, known.content_hash = 0, True, "", ""
    ws.name(each.names, known)
    ws.change(known)
    ws.add_event(each.event, Outcome.WITHDRAWN, each.at)
    return Decision(Outcome.WITHDRAWN, ws.now, at=each.at)


def _new(ws: Workspace, each: Prepared) -> KnownArticle:
    article, incoming, withdrawn_before = each.article, each.incoming, ws.resolve(each.names)
    new_id = article_id(article) if withdrawn_before is None else withdrawn_before.id
    return KnownArticle(
        new_id, article.source, article.url, article.guid, article.agency, each.language, 1, incoming.content_hash,
        incoming.publisher_version, incoming.fetched_at, each.at or ws.now, ws.now, new_id, None, False, False, 0,
        () if withdrawn_before is None else withdrawn_before.names, incoming.raw_digest,
    )  # fmt: skip


def _create(ws: Workspace, each: Prepared) -> Decision:
    known = _new(ws, each)
    lookalikes = ws.lookalikes(each, known.id)
    known.story = choose_story(lookalikes) or known.story
    ws.name(each.names, known)
    return _add_version(ws, each, known, choose_original(lookalikes), Outcome.ADDED, Detail())


def _replace(ws: Workspace, each: Prepared, known: KnownArticle) -> Decision:
    """A new version. What readers may have goes on to them; what was held back is compared anew."""
    article, before = each.article, ws.current(known)
    changed = replace(
        known, version=known.version + 1, content_hash=each.incoming.content_hash, url=article.url or known.url,
        guid=article.guid or known.guid, agency=article.agency, seen_at=ws.now, withdrawn=False, duplicate_of=None,
    )  # fmt: skip
    _observe(changed, each.incoming)
    original = None if known.accepted else choose_original(ws.lookalikes(each, known.id))
    change = None if before is None else describe_change(before, article)
    detail = Detail(feeds=ws.feeds(known.id), change=change)
    return _add_version(ws, each, changed, original, Outcome.REPLACED, detail)


def _add_version(
    ws: Workspace, each: Prepared, known: KnownArticle, original: Lookalike | None, outcome: Outcome, detail: Detail
) -> Decision:
    """Keep a version: as what it is, or held back where it duplicates an original."""
    action = Action.REPLACE if known.accepted else Action.ADD
    if original is not None:
        outcome, known.duplicate_of = Outcome.DUPLICATE, original.article.id
        detail = replace(detail, duplicate=_link(known, original))
    else:
        known.accepted = True
    ws.add_text(known, each)
    ws.change(known)
    article = identify(each.article, known, action, each.event, ws.story_size(known))
    ws.add_version(each.event, article, detail)
    ws.add_event(each.event, outcome, each.at, known.id, known.version)
    return Decision(outcome, ws.now, article, detail.feeds, detail.duplicate, change=detail.change, at=each.at)


def _withdraw(ws: Workspace, each: Prepared, known: KnownArticle) -> Decision:
    before = ws.current(known)
    changed = replace(known, version=known.version + 1, seen_at=ws.now, withdrawn=True)
    _observe(changed, each.incoming)
    ws.change(changed)
    ws.add_event(each.event, Outcome.WITHDRAWN, each.at, known.id, changed.version)
    if before is None:  # Its versions were pruned: there is no article to send.
        return Decision(Outcome.WITHDRAWN, ws.now, at=each.at)
    promoted = _promote(ws, each.event, known) if known.living else None
    article = identify(before, changed, Action.WITHDRAW, each.event, ws.story_size(changed))
    place = None if promoted is None else (promoted.id, promoted.version)
    detail = Detail(feeds=ws.feeds(known.id), promoted=place)
    ws.add_version(each.event, article, detail)
    return Decision(Outcome.WITHDRAWN, ws.now, article, detail.feeds, promoted=promoted, at=each.at)


def _promote(ws: Workspace, event: Event, original: KnownArticle) -> Article | None:
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
    article = replace(identify(before, heir, action, event, ws.story_size(heir)), topics=(), mentions=())
    ws.add_version(event, article, Detail(feeds=feeds))
    return article
