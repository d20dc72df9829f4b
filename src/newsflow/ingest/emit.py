"""What is written for a settled item: the records of its one outcome, with ids that a retry repeats."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from newsflow.ingest.files import Row
from newsflow.ingest.item import Item, OutputRecord
from newsflow.ingest.steps import PUBLISHED
from newsflow.model import Article, Decision, Event, Headers, Outcome, PendingAlert, Rejected
from newsflow.model.codec import encode_dead_letter, encode_duplicate
from newsflow.model.headers import ERROR_PREFIX, dead_letter_headers, emitted_headers, header
from newsflow.model.names import (
    ALERT_TOPIC,
    ARTICLE_TOPIC,
    DEBUG_TOPIC,
    DUPLICATE_TOPIC,
    article_key,
    dead_letter_topic,
    emission_id,
    feed_of,
    feed_topic,
)


def output_records(items: Sequence[Item], job: str) -> list[OutputRecord]:
    """Every record that the batch writes, in the order of its events."""
    return [emission for item in items for emission in _of(item, job)]


def _of(item: Item, job: str) -> Iterator[OutputRecord]:
    decision = item.decision
    assert decision is not None
    if item.rejected is not None:
        yield _dead_letter(item.event, item.rejected, decision.decided_at, job)
    elif decision.article is not None and decision.outcome in PUBLISHED and item.value is not None:
        yield from _article(item, decision.article, item.value, decision.decided_at, job)
    elif decision.outcome is Outcome.DUPLICATE and decision.article is not None:
        yield _duplicate(item.event, decision, job)
        headers = _article_headers(item, decision.article, decision.decided_at, job)
        yield from _feeds(item, decision.article, item.value or b"", headers)
    if item.debug is not None and decision.article is not None:
        yield _debug(item, decision.article, item.debug, decision.decided_at, job)


def _debug(item: Item, article: Article, value: bytes, decided_at: datetime, job: str) -> OutputRecord:
    """What routing said. Routes may change before a retry, and nothing keeps what they said first: so the id derives
    from the words too, and one id never stands for two of them."""
    said = hashlib.blake2b(value, digest_size=16).hexdigest()
    headers = _headers(item.event, article, "debug", f"{article.id}/{said}", article.id, decided_at, job)
    return OutputRecord("debug", DEBUG_TOPIC, article_key(article.id), value, headers, item.event.event_id)


def _article(item: Item, article: Article, value: bytes, decided_at: datetime, job: str) -> Iterator[OutputRecord]:
    event = item.event
    headers = _article_headers(item, article, decided_at, job)
    yield OutputRecord("article", ARTICLE_TOPIC, article_key(article.id), value, headers, event.event_id)
    yield from _feeds(item, article, value, headers)
    for alert in item.alerts:
        yield _alert(event, article, alert, decided_at, job)


def _article_headers(item: Item, article: Article, decided_at: datetime, job: str) -> Headers:
    qualifier = article.id if item.promoted else ""
    return _headers(item.event, article, "article", qualifier, article.id, decided_at, job)


def _feeds(item: Item, article: Article, value: bytes, headers: Headers) -> Iterator[OutputRecord]:
    """The same bytes and headers in each feed."""
    for feed in item.feeds:
        yield OutputRecord("feed", feed_topic(feed), article_key(article.id), value, headers, item.event.event_id)


def _alert(event: Event, article: Article, alert: PendingAlert, decided_at: datetime, job: str) -> OutputRecord:
    headers = emitted_headers(
        name="alert",
        ce_id=alert.id,
        job=job,
        time=decided_at,
        subject=alert.subscription,
        incoming=event.headers,
        envelope=_envelope(event, article),
    )
    return OutputRecord("alert", ALERT_TOPIC, alert.id.encode(), alert.value, headers, event.event_id)


def _duplicate(event: Event, decision: Decision, job: str) -> OutputRecord:
    link, article = decision.duplicate, decision.article
    assert link is not None
    headers = _headers(event, article, "duplicate", "", link.copy.id, decision.decided_at, job)
    value = encode_duplicate(link, None if article is None else article.story)
    return OutputRecord("duplicate", DUPLICATE_TOPIC, article_key(link.original.id), value, headers, event.event_id)


def _dead_letter(event: Event, rejected: Rejected, decided_at: datetime, job: str) -> OutputRecord:
    headers = dead_letter_headers(event, rejected, job=job, time=decided_at, attempt=_attempt(event))
    return OutputRecord("dead-letter", dead_letter_topic(event.topic), event.key, event.value, headers, event.event_id)


def _attempt(event: Event) -> int:
    """One more than the attempt of the dead letter this event replays. Never counts retries: those repeat bytes."""
    text = header(event.headers, ERROR_PREFIX + "attempt") or "0"
    return int(text) + 1 if text.isascii() and text.isdecimal() and len(text) < 6 else 1


def _headers(
    event: Event, article: Article | None, kind: str, qualifier: str, subject: str, decided_at: datetime, job: str
) -> Headers:
    return emitted_headers(
        name=kind,
        ce_id=emission_id(event.event_id, kind, qualifier),
        job=job,
        time=decided_at,
        subject=subject,
        incoming=event.headers,
        envelope=_envelope(event, article),
    )


def _envelope(event: Event, article: Article | None) -> Mapping[str, Any] | None:
    """The attributes of the CloudEvent in structured mode that this event was, if it was one."""
    if article is None or article.origin is None or article.origin.event_id != event.event_id:
        return None
    attributes = article.raw.get("cloudevent")
    return attributes if isinstance(attributes, dict) else None


# Settled items as rows of the output files: the same emissions as on Kafka, dead letters as JSON.


def rows(items: Sequence[Item], job: str) -> Iterator[Row]:
    """One row an emission, in the order of the events."""
    for item in items:
        if item.rejected is not None:
            yield Row("dead-letter", item.event.event_id, encode_dead_letter(item.event, item.rejected))
            continue
        for emission in output_records([item], job):
            row_id = emission.event_id + (emission.key or b"").decode()
            yield Row(emission.kind, row_id, emission.value or b"", feed_of(emission.topic) or "")


# The dead letter of an article that a sink refused. It repeats word for word when the job does.


def letter_of(event: Event, rejected: Rejected, job: str) -> tuple[str, Headers]:
    """The topic and the headers of a dead letter; key and value stay the event's.

    Two sinks may refuse one article: the sink, which the stage names, is part of the letter's id. Its time is
    that of the article, since nothing remembers when a sink first refused it.
    """
    headers = dead_letter_headers(event, rejected, job=job, time=_time_of(event), qualifier=rejected.stage)
    return dead_letter_topic(event.topic), headers


def _time_of(event: Event) -> datetime:
    """When the article was decided (`ce_time`), else the record's own time; 1970 where neither can be read."""
    try:
        decided = datetime.fromisoformat(header(event.headers, "ce_time") or "")
        if decided.tzinfo is not None:
            return decided.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromtimestamp(event.timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
