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
    choose_original,
    choose_story,
    choose_transition,
    describe_change,
    hash_content,
    is_older,
)
from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.identity import (
    FORMER_MARK,
    Conflict,
    address_name,
    counting,
    find_conflict,
    former_keys,
    identity_keys,
    own_key,
    written_guid_key,
)
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
    untagged,
)
from newsflow.model.languages import base_language

STAGE = "Deduplicate"


# What can be worked out of a candidate alone, before any lock is held.


@dataclass(frozen=True, slots=True)
class Prepared:
    """An article with its names, its state and its fingerprint; that of a withdrawal, which has no text, is unused.

    `names` are given to it; it is found by `own` and `guid` too, and by `former` ones, where more speaks for it.
    `given` is the article as it came in, before its URL got parameters that count for its source.
    """

    event: Event
    article: Article
    names: tuple[str, ...]
    incoming: Incoming
    language: str
    print: Fingerprint
    own: str | None = None
    guid: str | None = None
    former: tuple[str, ...] = ()
    given: Article | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """All names that the ledger is asked for."""
        return (*self.known_by, *self.former, *(FORMER_MARK + name for name in self.former))

    @property
    def known_by(self) -> tuple[str, ...]:
        """The names that lead to it, strongest first."""
        return tuple(name for name in (self.own, *self.names, self.guid) if name is not None)

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
    made = fingerprint(article.title, article.body)
    known_by = own_key(article), written_guid_key(article)
    return Prepared(candidate.event, article, names, incoming, language, made, *known_by, former_keys(article, names))


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


# Which article an event is about.


MOST_NAMES = 16
"""So many names of an article release 0.1 is told of: a share token makes a new one each time."""


def counted_in(ws: Workspace, each: Prepared) -> Prepared:
    """The same with the parameters in its URL of which the ledger has learnt that they count for its source."""
    article = counting(each.article, ws.counted(each.article.source))
    if article is each.article:
        return each
    names = identity_keys(article)
    former = tuple(name for name in (*each.names, *each.former) if name not in names)
    return replace(each, article=article, names=names, former=former, given=each.given or each.article)


def find(ws: Workspace, each: Prepared) -> KnownArticle | None:
    """The article that is known by its names, or was by those that release 0.1, or its source before, would give it."""
    known = ws.resolve(each.known_by)
    if known is not None:
        return known
    candidates = (ws.resolve((name,)) for name in each.former)
    return next((known for known in candidates if known is not None and _is_it(ws, each, known)), None)


def _is_it(ws: Workspace, each: Prepared, known: KnownArticle) -> bool:
    """Whether an article with a former name has the same text, or the same address as names are given now."""
    if not each.incoming.withdraw and known.content_hash == each.incoming.content_hash:
        return True
    before, counted = ws.current(known), ws.counted(each.article.source)
    return before is None or address_name(before, counted) == address_name(each.article, counted)


def _find_conflict(ws: Workspace, each: Prepared, known: KnownArticle) -> Conflict | None:
    incoming, url = each.incoming, each.article.url
    if url is None or incoming.withdraw or known.content_hash == incoming.content_hash or not known.version:
        return None
    before = ws.current(known)
    if before is None:
        return None
    by_guid = ws.resolve(tuple(filter(None, (each.own, each.names[0])))) is None
    return find_conflict(before, each.article, ws.counted(each.article.source), by_guid=by_guid)


def _apart(ws: Workspace, each: Prepared, known: KnownArticle, conflict: Conflict) -> Prepared:
    """What came in as an article of its own, by names that are not those of `known`."""
    keys = identity_keys(conflict.own)
    ws.load_names(keys)
    names = tuple(name for name in keys if ws.identities.get(name) != known.id) or (conflict.last_name,)
    given = each.given or each.article
    return replace(each, article=conflict.own, names=names, own=None, guid=None, former=(), given=given)


# The decision about an event that was never decided; all that follows from it is kept in the workspace.


def reject(ws: Workspace, event: Event, rejected: Rejected) -> Decision:
    """Dead-letter an event, for a reason as it will be read back: an error message may hold anything."""
    message, error_class = storable(rejected.message), storable(rejected.error_class)
    rejected = replace(rejected, message=message, stage=storable(rejected.stage), error_class=error_class)
    ws.add_dead_letter(event, rejected)
    return Decision(Outcome.DEAD_LETTERED, ws.now, rejected=rejected)


def decide_one(ws: Workspace, each: Prepared) -> Decision:
    """Decide what an event does to its article."""
    each = counted_in(ws, each)
    known = find(ws, each)
    conflict = None if known is None else _find_conflict(ws, each, known)
    if known is not None and conflict is not None:
        each = _apart(ws, each, known, conflict)
        known = ws.resolve(each.names)
        if known is None:
            ws.add_conflict(each.article.source, conflict, each.at)
    transition = choose_transition(known, each.incoming)
    made_by_01 = known if known is not None and not known.raw_digest else None
    if transition is Transition.EDIT and made_by_01 is not None and ws.has_bytes_of(made_by_01, each.event):
        transition = Transition.REPEAT  # Release 0.1 made another text of them.
    if transition is Transition.WITHDRAW_UNKNOWN:
        return _remember_withdrawal(ws, each)
    if transition is Transition.CREATE:
        return _create(ws, each, known)
    assert known is not None
    _name(ws, each, known)
    if transition in (Transition.REPEAT, Transition.STALE):
        return _see_again(ws, each, known, transition)
    return _withdraw(ws, each, known) if transition is Transition.WITHDRAW else _replace(ws, each, known)


def _name(ws: Workspace, each: Prepared, known: KnownArticle) -> None:
    """Let the article be known by these names; and tell release 0.1 by which it would know it."""
    ws.name(each.names, known)
    if each.former and len(known.names) < MOST_NAMES:
        ws.name([FORMER_MARK + name for name in each.former if ws.resolve((name,)) is None], known)


def _see_again(ws: Workspace, each: Prepared, known: KnownArticle, transition: Transition) -> Decision:
    """Nothing new: only the time at which the state was seen moves on."""
    outcome = Outcome.REPEAT if transition is Transition.REPEAT else Outcome.STALE
    changed = replace(known, seen_at=ws.now)
    if transition is Transition.REPEAT and not is_older(each.incoming, known):
        _observe(changed, each.incoming)
    ws.change(changed)
    ws.add_event(each.event, outcome, each.at, known.id, known.version)
    given = each.given or each.article
    article = identify_unchanged(given, known, each.event) if known.version else None
    return Decision(outcome, ws.now, article, at=each.at)


def _observe(known: KnownArticle, incoming: Incoming) -> None:
    known.fetched_at = incoming.fetched_at or known.fetched_at
    known.publisher_version = incoming.publisher_version or known.publisher_version
    known.raw_digest = incoming.raw_digest or known.raw_digest


def _remember_withdrawal(ws: Workspace, each: Prepared) -> Decision:
    known = _new(ws, each, None)
    known.version, known.withdrawn, known.story, known.content_hash = 0, True, "", ""
    _name(ws, each, known)
    ws.change(known)
    ws.add_event(each.event, Outcome.WITHDRAWN, each.at)
    return Decision(Outcome.WITHDRAWN, ws.now, at=each.at)


def _new(ws: Workspace, each: Prepared, withdrawn_before: KnownArticle | None) -> KnownArticle:
    article, incoming = each.article, each.incoming
    new_id = each.names[0] if withdrawn_before is None else withdrawn_before.id
    return KnownArticle(
        new_id, article.source, article.url, article.guid, article.agency, each.language, 1, incoming.content_hash,
        incoming.publisher_version, incoming.fetched_at, each.at or ws.now, ws.now, new_id, None, False, False, 0,
        () if withdrawn_before is None else withdrawn_before.names, incoming.raw_digest,
    )  # fmt: skip


def _create(ws: Workspace, each: Prepared, withdrawn_before: KnownArticle | None) -> Decision:
    known = _new(ws, each, withdrawn_before)
    lookalikes = ws.lookalikes(each, known.id)
    known.story = choose_story(lookalikes) or known.story
    _name(ws, each, known)
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
    article = untagged(identify(before, heir, action, event, ws.story_size(heir)))
    ws.add_version(event, article, Detail(feeds=feeds))
    return article
