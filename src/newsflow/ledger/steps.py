"""What each step means: the version that is made, what is kept of it, what is answered. Whether a step is due is
settled in `newsflow.dedup.decide`."""

from __future__ import annotations

from dataclasses import dataclass, replace

import orjson

from newsflow.dedup.decide import (
    Held,
    Incoming,
    Step,
    Tie,
    choose_original,
    choose_story,
    describe_change,
    is_older,
    next_step,
)
from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.identity import article_id, hash_content, identity_keys
from newsflow.ledger.database import storable
from newsflow.ledger.tables import Detail
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

# What can be worked out of a candidate alone, before any lock is held.


STAGE = "Deduplicate"


@dataclass(frozen=True, slots=True)
class Prepared:
    """A candidate with its names, its state and its fingerprint. `incoming` is None where it was rejected."""

    event: Event
    result: Article | Rejected
    names: tuple[str, ...] = ()
    incoming: Incoming | None = None
    language: str = "und"
    print: Fingerprint | None = None


def prepare(candidate: Candidate) -> Prepared:
    """Fingerprint and identity of a candidate. An article that cannot be kept becomes a `Rejected`: none may fail
    the batch it is in."""
    try:
        return _prepare(candidate)
    except Exception as error:
        message = f"the article cannot be fingerprinted: {error}"
        return Prepared(candidate.event, Rejected(Reason.TRANSFORM_ERROR, message, STAGE, type(error).__qualname__))


def _prepare(candidate: Candidate) -> Prepared:
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


# Articles under the id, version, first time and story that the ledger holds for them.


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


def decide_one(ws: Workspace, each: Prepared) -> Decision:
    """The decision about an event that was never decided; all that follows from it is kept in `ws`."""
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
    ws.change(held)
    settled = settle(article, held, action, each.event, ws.story_size(held))
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
    settled = settle(before, changed, Action.WITHDRAW, each.event, ws.story_size(changed))
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
    settled = replace(settle(before, heir, action, event, ws.story_size(heir)), topics=(), mentions=())
    ws.add_version(event, settled, Detail(feeds=feeds))
    return settled
