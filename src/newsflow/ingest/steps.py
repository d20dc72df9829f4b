"""Raw events to what is published, one function a stage. Each takes and gives a batch, in order, one item an event."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from datetime import timedelta

from newsflow.ingest.claims import Value
from newsflow.ingest.item import STORED, Item, each
from newsflow.ingest.labels import Labels
from newsflow.ingest.retag import followed
from newsflow.ingest.runtime import Runtime
from newsflow.ingest.stories import settle
from newsflow.ingest.telling import TAG, Question, Said
from newsflow.model import (
    Action,
    Article,
    Decision,
    Event,
    Origin,
    Outcome,
    PublishedVersion,
    RawArticle,
    Rejected,
    with_tags_of,
)
from newsflow.model.codec import decode_article, encode_article
from newsflow.model.headers import record_time
from newsflow.model.raw import parse_raw
from newsflow.model.url import link_of
from newsflow.normalise.article import STAGE
from newsflow.normalise.profiles import registered
from newsflow.normalise.words import Words
from newsflow.routing import Routed, encode_debug
from newsflow.sandbox.normaliser import NormaliseTask

TAGGED = STORED - {Outcome.WITHDRAWN}
"""Outcomes whose article is told of."""


class BegunBatch(list[Event]):
    """Events that are parsed, and whose pages workers read already."""

    def __init__(self, events: Sequence[Event], runtime: Runtime) -> None:
        super().__init__(events)
        self.begun_s = time.time()
        self.parsed: list[RawArticle | Rejected] = []
        self.timed: list[RawArticle | Rejected] = []
        self.items: list[Item] | None = None
        """What was made of the events, where that was waited for."""
        self.begun = runtime.normaliser.begin(self._tasks(runtime))
        self.digests = [_raw_digest(raw) if isinstance(raw, RawArticle) else "" for raw in self.timed]
        for event in self:
            event.event_id  # noqa: B018 made now, beside the work on the batch before

    def _tasks(self, runtime: Runtime) -> Iterator[NormaliseTask]:
        """One after another, so that workers read the first pages while the next events are parsed."""
        for event in self:
            self.parsed.append(_parsed(event, runtime))
            self.timed.append(raw := _timed(event, self.parsed[-1], runtime))
            if isinstance(raw, RawArticle):
                yield raw, runtime.sources.get(raw.source), raw.fetched_at


def begin(events: list[Event], runtime: Runtime) -> list[Event]:
    """Events for `normalise`, which takes less time for it. Raises `SinkError` when a store of contents is
    unavailable."""
    return BegunBatch(events, runtime)


def go_ahead(events: list[Event], runtime: Runtime) -> list[Event]:
    """Events that were begun, for `normalise` and `tag`, which take less time for it: they are read, and workers tell
    of most of them. Raises `SandboxError` when no worker can be started."""
    if isinstance(events, BegunBatch) and runtime.teller.goes_ahead:
        events.items = _normalised(events, runtime)
        fresh = [each.result for each in events.items if isinstance(each.result, Article)]
        runtime.teller.begin([each for each in fresh if each.action is not Action.WITHDRAW], runtime.rules.current())
    return events


def normalise(events: Sequence[Event], runtime: Runtime) -> list[Item]:
    """Bytes to clean articles. The time of an event is when it was fetched, but not after it was written; an article is
    first seen then, unless the ledger knows better."""
    batch = events if isinstance(events, BegunBatch) else BegunBatch(events, runtime)
    return _normalised(batch, runtime) if batch.items is None else batch.items


def _normalised(batch: BegunBatch, runtime: Runtime) -> list[Item]:
    clean = iter(runtime.normaliser.finish(batch.begun, runtime.beat))
    items = [
        _item(event, raw, digest, *next(clean), runtime.labels) if isinstance(raw, RawArticle) else Item(event, raw)
        for event, raw, digest in zip(batch, batch.timed, batch.digests, strict=True)
    ]
    return [
        replace(
            item,
            clamped=raw.fetched_at != item.fetched_at,
            old=_is_old(item, runtime.config.alerts_fresh),
            read_s=batch.begun_s,
        )
        if isinstance(raw, RawArticle)
        else item
        for item, raw in zip(items, batch.parsed, strict=True)
    ]


def _parsed(event: Event, runtime: Runtime) -> RawArticle | Rejected:
    value = _read(event, runtime)
    [raw] = each([value], STAGE, lambda value: _parse(event, value, runtime), lambda _, rejected: rejected)
    return _with_content(raw, runtime)


def _timed(event: Event, raw: RawArticle | Rejected, runtime: Runtime) -> RawArticle | Rejected:
    """The raw article, fetched no later than its record was written, nor than the runtime's latest time."""
    if isinstance(raw, Rejected):
        return raw
    bounds = (raw.fetched_at, record_time(event), runtime.latest())
    return replace(raw, fetched_at=min(bound for bound in bounds if bound is not None))


def _is_old(item: Item, fresh: timedelta) -> bool:
    """By its record, not by the clock: what waited in Kafka for a week is as new as it was."""
    written = record_time(item.event)
    return written is not None and item.fetched_at is not None and written - item.fetched_at > fresh


def _read(event: Event, runtime: Runtime) -> Value:
    """What a record stands for. Outside the wrapper of each article: a store that is unavailable is no article's fault.
    Raises `SinkError` then."""
    return runtime.claimed_events.value(event, STAGE)


def _with_content(raw: RawArticle | Rejected, runtime: Runtime) -> RawArticle | Rejected:
    """The raw article with the content that its `dataref` names, where it has one. Raises `SinkError`."""
    if isinstance(raw, Rejected) or raw.dataref is None:
        return raw
    content = runtime.claimed_events.text(raw.dataref, STAGE)
    return content if isinstance(content, Rejected) else replace(raw, content=content, dataref=None)


def _parse(event: Event, value: Value, runtime: Runtime) -> RawArticle | Rejected:
    if isinstance(value, Rejected):
        return value
    raw = parse_raw(value, event.headers, runtime.raw_limits)
    if isinstance(raw, Rejected) or not runtime.closed_sources:
        return raw
    return registered(raw, runtime.sources)


def _item(event: Event, raw: RawArticle, digest: str, result: Article | Rejected, words: Words, labels: Labels) -> Item:
    if isinstance(result, Article):
        result = replace(result, origin=Origin(event.topic, event.partition, event.offset, event.event_id))
    counted = words.counters(labels.of(raw.source))
    known = (raw.fetched_at, raw.version, digest, raw.source, words.total, words.kept)
    return Item(event, result, *known, words=counted)


def _raw_digest(raw: RawArticle) -> str:
    """32 hex digits over all that the text is made of, and nothing that differs from one fetch to the next; "" for a
    withdrawal."""
    if raw.withdrawn:
        return ""
    about = "\0".join([raw.content_type, raw.source, raw.language or "", raw.title or "", ""])
    digest = hashlib.blake2b(about.encode("utf-8", "surrogatepass"), digest_size=16)
    digest.update(raw.content.encode("utf-8", "surrogatepass"))
    digest.update(f"\0{raw.content_is}".encode() if raw.content_is else b"")
    return digest.hexdigest()


def deduplicate(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Ask the ledger what each event is. Raises `LedgerError`: then nothing of the batch was decided."""
    decisions = runtime.ledger.decide(items)
    return [each for item, decision in zip(items, decisions, strict=True) for each in _decided(item, decision)]


def _decided(item: Item, decision: Decision) -> Iterator[Item]:
    yield replace(item, decision=decision)
    if decision.promoted is not None:
        successor = Decision(Outcome.ADDED, decision.decided_at, decision.promoted, at=decision.at)
        yield replace(item, decision=successor, promoted=True)


def tag(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Tag what will be published or kept, and read of what is new which story it tells. A withdrawal keeps the topics
    its article had."""
    asked = [_question(item) for item in items]
    questions = [question for question in asked if question is not None]
    told = iter(runtime.teller.tell(questions, runtime.rules.current(), runtime.beat, len(items)))
    answers = [None if question is None else next(told) for question in asked]
    tagged: dict[str, Article] = {}

    def work(asked: tuple[Item, Said | None]) -> Item:
        item, said = asked
        decision = item.decision
        if decision is None or decision.article is None:
            return item
        article = decision.article
        if said is not None:
            article = tagged[article.id] = said.tags.on(article)
        elif decision.outcome is Outcome.WITHDRAWN:
            article = _with_topics_of(tagged.get(article.id) or _recorded_before(article, runtime), article)
        else:
            return item
        item = replace(item, decision=replace(decision, article=article), report=said.report if said else b"")
        return item if said is None or said.failure is None else item.fail(said.failure)

    return each(zip(items, answers, strict=True), TAG, work, lambda asked, rejected: asked[0].fail(rejected))


def _question(item: Item) -> Question | None:
    """What is asked about the article of an item, where it has one that will be published or kept."""
    decision = item.decision
    if decision is None or decision.article is None or decision.outcome not in TAGGED:
        return None
    # Of copies too: whether an article is known to be one depends on which worker was first. So does what takes the
    # place of a withdrawn original, and its own record may come later in order: that one tells its story.
    return Question(decision.article, story=decision.article.action is Action.ADD and not item.promoted)


def _recorded_before(withdrawn: Article, runtime: Runtime) -> Article | None:
    """The version that is withdrawn, where it was not yet tagged when its withdrawal was decided: both came in one
    batch, which ended half-way."""
    if withdrawn.topics or withdrawn.mentions:
        return None
    versions = runtime.ledger.articles(ids=[withdrawn.id])
    return next((decode_article(each.value) for each in versions if each.version == withdrawn.version - 1), None)


def _with_topics_of(before: Article | None, withdrawn: Article) -> Article:
    return withdrawn if before is None else with_tags_of(withdrawn, before)


def route(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Find the stories of articles, the bytes that go out, the feeds they go to and the alerts they raise. Raises
    `LedgerError`."""
    items = settle(items, runtime)
    told: dict[str, tuple[str, ...]] = {}
    """The feeds of versions that came earlier in the batch: the ledger does not have them yet."""

    def work(item: Item) -> Item:
        decision = item.decision
        if decision is None or decision.article is None or decision.outcome not in STORED:
            return item
        article, earlier = _with_link(decision.article), told.get(decision.article.id, ())
        if item.promoted and earlier:
            article = replace(article, action=Action.REPLACE)
        decision = replace(decision, article=article, feeds=tuple(dict.fromkeys((*decision.feeds, *earlier))))
        routed = runtime.routes.route(article, decision)
        told[article.id] = (*earlier, *routed.feeds)
        value = encode_article(article)
        alerts = tuple(replace(alert, old=item.old) for alert in routed.alerts)
        published = PublishedVersion(item.event.event_id, article.id, article.version, value, routed.feeds, alerts)
        return replace(item, decision=decision, published=published, debug=_debug(runtime, article, decision, routed))

    return each(items, "Route", work, Item.fail)


def _debug(runtime: Runtime, article: Article, decision: Decision, routed: Routed) -> bytes | None:
    if not runtime.routes.debugs(article):
        return None
    return encode_debug(article, decision, routed, runtime.routes.explain(article, decision))


def _with_link(article: Article) -> Article:
    """An address that can be followed: an earlier release decided with an article's name for its `url`."""
    return article if article.url is None else replace(article, url=link_of(article.url, article.raw.get("url")))


def record(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Keep in the ledger what will be published, before it is: a retry then publishes the same bytes.

    An item that failed after its decision has the decision taken back and becomes a dead letter. Behind an article
    of which the ledger has a version that new rules made, that version follows. The ledger knows every feed that
    had an article; those of subscribers that are gone are left out.
    """
    items = _take_back(items, runtime)
    stored = iter(runtime.ledger.record([item.published for item in items if item.published is not None]))
    items = [
        item
        if item.published is None
        else replace(item, published=replace(found := next(stored), feeds=runtime.routes.open_feeds(found.feeds)))
        for item in items
    ]
    return followed(items, runtime.ledger, runtime.routes)


def _take_back(items: Sequence[Item], runtime: Runtime) -> list[Item]:
    """Amend the decision of each event of which an item failed; that event is then one dead letter.

    An event that an earlier attempt recorded may be out already: it goes out again as it was recorded.
    """
    failures = {item.event.event_id: item.failure for item in items if item.failure is not None}
    if not failures:
        return list(items)
    decisions = dict(zip(failures, runtime.ledger.amend(list(failures.items())), strict=True))
    items = _restore(items, {event_id for event_id, decision in decisions.items() if decision is None}, runtime)
    amended: list[Item] = []
    for item in items:
        event_id = item.event.event_id
        decision = decisions.get(event_id)
        if decision is None:
            amended.append(item)
        elif not item.promoted:
            amended.append(replace(item.fail(failures[event_id]), decision=decision))
    return amended


def _restore(items: Sequence[Item], recorded: Set[str], runtime: Runtime) -> list[Item]:
    """The items of recorded events with the bytes that were recorded; whatever failed since is forgotten."""
    ids = {item.article.id for item in items if item.article is not None and item.event.event_id in recorded}
    values = {(each.article_id, each.version): each.value for each in runtime.ledger.articles(ids=ids)}

    def restored(item: Item) -> Item:
        article, event_id = item.article, item.event.event_id
        if article is None or event_id not in recorded:
            return item
        value = values[article.id, article.version]
        published = PublishedVersion(event_id, article.id, article.version, value)
        return replace(item, failure=None, published=published)

    return [restored(item) for item in items]


def process(events: Sequence[Event], runtime: Runtime) -> list[Item]:
    """All stages, one after another: what a pipeline does with a batch."""
    return record(route(tag(deduplicate(normalise(events, runtime), runtime), runtime), runtime), runtime)
