"""Raw events to emissions, one function a stage. Each takes and gives a batch, in order, one item an event."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import datetime

from newsflow.ingest.item import Item, each
from newsflow.ingest.retag import followed
from newsflow.ingest.runtime import Runtime
from newsflow.model import Article, Candidate, Decision, Event, Origin, Outcome, RawArticle, Reason, Record, Rejected
from newsflow.model.codec import encode_article
from newsflow.model.raw import parse_raw
from newsflow.normalise.url import link_of
from newsflow.routing import Routed, Routes, encode_debug

log = logging.getLogger(__name__)

PUBLISHED = frozenset({Outcome.ADDED, Outcome.REPLACED, Outcome.WITHDRAWN})
"""Outcomes whose article goes out to readers."""
STORED = PUBLISHED | {Outcome.DUPLICATE}
"""Outcomes whose article is kept whole in the ledger."""


def normalise(events: Sequence[Event], tools: Runtime, now: datetime) -> list[Item]:
    """Bytes to clean articles. `now` (UTC) is when they are first seen, unless the ledger knows better."""
    parsed = each(
        events,
        "Normalise",
        lambda event: parse_raw(event.value, event.headers, tools.raw_limits),
        lambda _, rejected: rejected,
    )
    parsed = [_known_source(raw, tools) if isinstance(raw, RawArticle) else raw for raw in parsed]
    raws = [raw for raw in parsed if isinstance(raw, RawArticle)]
    clean = iter(tools.normaliser.normalise_many([(raw, tools.sources.get(raw.source), now) for raw in raws]))
    return [
        Item(_candidate(event, raw, next(clean)) if isinstance(raw, RawArticle) else Candidate(event, raw))
        for event, raw in zip(events, parsed, strict=True)
    ]


def _known_source(raw: RawArticle, tools: Runtime) -> RawArticle | Rejected:
    if not tools.closed_sources or raw.source in tools.sources:
        return raw
    message = f"source {raw.source!r} is not registered, and sources are closed (sources.closed)"
    return Rejected(Reason.UNKNOWN_SOURCE, message, "Normalise")


def _candidate(event: Event, raw: RawArticle, result: Article | Rejected) -> Candidate:
    if isinstance(result, Article):
        result = replace(result, origin=Origin(event.topic, event.partition, event.offset, event.event_id))
    return Candidate(event, result, raw.fetched_at, raw.version)


def deduplicate(items: Sequence[Item], tools: Runtime) -> list[Item]:
    """Ask the ledger what each event is. Raises `LedgerError`: then nothing of the batch was decided."""
    decisions = tools.ledger.decide([item.candidate for item in items])
    return [each for item, decision in zip(items, decisions, strict=True) for each in _decided(item, decision)]


def _decided(item: Item, decision: Decision) -> Iterator[Item]:
    yield replace(item, decision=decision)
    if decision.promoted is not None:
        successor = Decision(Outcome.ADDED, decision.decided_at, decision.promoted)
        yield replace(item, decision=successor, promoted=True)


def tag(items: Sequence[Item], tools: Runtime) -> list[Item]:
    """Tag what will be published or kept. A withdrawal keeps the topics its article had."""
    rules = tools.rules.current()

    def work(item: Item) -> Item:
        decision = item.decision
        if decision is None or decision.article is None or decision.outcome not in STORED:
            return item
        if decision.outcome is Outcome.WITHDRAWN:
            return item
        tags = rules.tag(decision.article)
        article = replace(decision.article, topics=tags.topics, mentions=tags.mentions)
        return replace(item, decision=replace(decision, article=article))

    return each(items, "TagTopics", work, Item.fail)


def route(items: Sequence[Item], tools: Runtime) -> list[Item]:
    """Settle the bytes that go out, the feeds they go to and the alerts they raise."""

    def work(item: Item) -> Item:
        decision = item.decision
        if decision is None or decision.article is None or decision.outcome not in STORED:
            return item
        article = _with_link(decision.article)
        decision = replace(decision, article=article)
        routed = tools.routes.route(article, decision)
        value = encode_article(article)
        if len(value) > tools.record_bytes:
            return item.fail(_too_large(len(value), tools.record_bytes))
        debug = _debug(tools, article, decision, routed)
        return replace(item, decision=decision, value=value, feeds=routed.feeds, alerts=routed.alerts, debug=debug)

    return each(items, "Route", work, Item.fail)


def _debug(tools: Runtime, article: Article, decision: Decision, routed: Routed) -> bytes | None:
    if not tools.routes.debugs(article):
        return None
    value = encode_debug(article, decision, routed, tools.routes.explain(article, decision))
    if len(value) <= tools.record_bytes:
        return value
    log.warning("the debug feed leaves out %s: %d bytes (limits.record_bytes)", article.id, len(value))
    return None


def _with_link(article: Article) -> Article:
    """Up to here `url` was the article's name; what goes out is an address that can be followed."""
    return article if article.url is None else replace(article, url=link_of(article.url, article.raw.get("url")))


def _too_large(size_bytes: int, most: int) -> Rejected:
    message = f"the article has {size_bytes:,} bytes; topics take up to {most:,} (limits.record_bytes)"
    return Rejected(Reason.SINK_REJECTED, message, "Route")


def record(items: Sequence[Item], tools: Runtime) -> list[Item]:
    """Keep in the ledger what will be published, before it is: a retry then publishes the same bytes.

    An item that failed after its decision has the decision taken back and becomes a dead letter. Behind an article
    of which the ledger has a version that new rules made, that version follows.
    """
    items = _take_back(items, tools)
    stored = iter(tools.ledger.record([_record(item) for item in items if item.value is not None]))
    items = [item if item.value is None else _as_stored(item, next(stored), tools.routes) for item in items]
    return followed(items, tools.ledger, tools.routes)


def _take_back(items: Sequence[Item], tools: Runtime) -> list[Item]:
    """Amend the decision of each event of which an item failed; that event is then one dead letter.

    An event that an earlier attempt recorded may be out already: it goes out again as it was recorded.
    """
    failures = {item.event.event_id: item.failure for item in items if item.failure is not None}
    if not failures:
        return list(items)
    decisions = dict(zip(failures, tools.ledger.amend(list(failures.items())), strict=True))
    items = _restore(items, {event_id for event_id, decision in decisions.items() if decision is None}, tools)
    return [
        item if (decision := decisions.get(item.event.event_id)) is None else _taken_back(item, decision, failures)
        for item in items
        if not (item.promoted and decisions.get(item.event.event_id) is not None)
    ]


def _taken_back(item: Item, decision: Decision, failures: Mapping[str, Rejected]) -> Item:
    return replace(item.fail(failures[item.event.event_id]), decision=decision)


def _restore(items: Sequence[Item], recorded: Set[str], tools: Runtime) -> list[Item]:
    """The items of recorded events with the bytes that were recorded; whatever failed since is forgotten."""
    articles = [_article_of(item) for item in items if item.event.event_id in recorded]
    stored = tools.ledger.articles(ids={article.id for article in articles if article is not None})
    values = {(version.article_id, version.version): version.value for version in stored}

    def restored(item: Item) -> Item:
        article = _article_of(item) if item.event.event_id in recorded else None
        return item if article is None else replace(item, failure=None, value=values[article.id, article.version])

    return [restored(item) for item in items]


def _article_of(item: Item) -> Article | None:
    return None if item.decision is None else item.decision.article


def _record(item: Item) -> Record:
    article = _article_of(item)
    assert article is not None
    assert item.value is not None
    return Record(item.event.event_id, article.id, article.version, item.value, item.feeds, item.alerts)


def _as_stored(item: Item, stored: Record, routes: Routes) -> Item:
    """The ledger knows every feed that had the article, those of subscribers that are gone among them."""
    return replace(item, value=stored.value, feeds=routes.open_feeds(stored.feeds), alerts=stored.alerts)


def process(events: Sequence[Event], tools: Runtime, now: datetime) -> list[Item]:
    """All stages, one after another: what a pipeline does with a batch."""
    return record(route(tag(deduplicate(normalise(events, tools, now), tools), tools), tools), tools)
