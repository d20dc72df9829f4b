"""What is written for a recorded item: the records of its one outcome, or its rows on files, with ids that a retry
repeats; and the dead letter of any job."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from newsflow.ingest.files import Row
from newsflow.ingest.item import PUBLISHED, Item, OutputRecord
from newsflow.ledger.story_telling import ToldStory
from newsflow.model import Article, Decision, Event, Headers, Outcome, PendingAlert, PublishedVersion, Rejected
from newsflow.model.codec import encode_dead_letter, encode_duplicate
from newsflow.model.headers import (
    DECIDED_AT_HEADER,
    RECORD_TIME_HEADER,
    attempt_of,
    dead_letter_headers,
    emitted_headers,
    header,
    instant_text,
    record_time,
)
from newsflow.model.names import (
    ALERT_TOPIC,
    ARTICLE_TOPIC,
    DEBUG_TOPIC,
    DUPLICATE_TOPIC,
    STORY_TOPIC,
    article_key,
    dead_letter_topic,
    emission_id,
    feed_of,
    feed_topic,
)


def output_records(items: Sequence[Item], job: str) -> list[OutputRecord]:
    """Every record that the batch writes, in the order of its events."""
    return [record for item in items for record in _records_of(item, job)]


def _records_of(item: Item, job: str) -> Iterator[OutputRecord]:
    decision, published = item.decision, item.published
    assert decision is not None
    if item.rejected is not None:
        yield dead_letter(item.event, item.rejected, job, decided_at=decision.decided_at)
        return
    article = decision.article
    if article is None:
        return
    if published is not None and decision.outcome in PUBLISHED:
        headers = _article_headers(item, article, decision, job)
        key = article_key(article.id)
        yield OutputRecord("article", ARTICLE_TOPIC, key, published.value, headers, item.event.event_id)
        yield from _feeds(item.event, published, headers)
        for alert in published.alerts:
            yield _alert(item.event, article, alert, decision, job)
    elif published is not None and decision.outcome is Outcome.DUPLICATE:
        yield _duplicate(item.event, article, decision, job)
        yield from _feeds(item.event, published, _article_headers(item, article, decision, job))
    if item.debug is not None:
        yield _debug(item.event, article, item.debug, decision, job)


def _article_headers(item: Item, article: Article, decision: Decision, job: str) -> Headers:
    ce_id = emission_id(item.event.event_id, "article", article.id if item.promoted else "")
    headers = _headers(item.event, article, "article", ce_id, article.id, decision, job)
    written = None if decision.at is None else record_time(item.event)
    return headers if written is None else (*headers, (RECORD_TIME_HEADER, instant_text(written).encode()))


def _feeds(event: Event, published: PublishedVersion, headers: Headers) -> Iterator[OutputRecord]:
    """The same bytes and headers in each feed."""
    key = article_key(published.article_id)
    for feed in published.feeds:
        yield OutputRecord("feed", feed_topic(feed), key, published.value, headers, event.event_id)


def _alert(event: Event, article: Article, alert: PendingAlert, decision: Decision, job: str) -> OutputRecord:
    headers = _headers(event, article, "alert", alert.id, alert.subscription, decision, job)
    return OutputRecord("alert", ALERT_TOPIC, alert.id.encode(), alert.value, headers, event.event_id)


def _duplicate(event: Event, article: Article, decision: Decision, job: str) -> OutputRecord:
    link = decision.duplicate
    assert link is not None
    ce_id = emission_id(event.event_id, "duplicate")
    headers = _headers(event, article, "duplicate", ce_id, link.copy.id, decision, job)
    value = encode_duplicate(link, article.story)
    return OutputRecord("duplicate", DUPLICATE_TOPIC, article_key(link.original.id), value, headers, event.event_id)


def story_record(story: ToldStory, job: str) -> OutputRecord:
    """A story as it stands. Its id derives from what is said of it."""
    ce_id = emission_id(story.id, "story", story.digest.hex())
    headers = emitted_headers(name="story", ce_id=ce_id, job=job, time=story.at, decided_at=None, subject=story.id)
    return OutputRecord("story", STORY_TOPIC, story.id.encode(), story.value, headers, "")


def story_rows(stories: Sequence[ToldStory]) -> Iterator[Row]:
    """Stories as rows of the output files."""
    return (Row("story", story.id, story.value) for story in stories)


def _debug(event: Event, article: Article, value: bytes, decision: Decision, job: str) -> OutputRecord:
    """What routing said. Routes may change before a retry, and nothing keeps what they said first: so the id derives
    from what is said too, and one id never stands for two values."""
    said = hashlib.blake2b(value, digest_size=16).hexdigest()
    ce_id = emission_id(event.event_id, "debug", f"{article.id}/{said}")
    headers = _headers(event, article, "debug", ce_id, article.id, decision, job)
    return OutputRecord("debug", DEBUG_TOPIC, article_key(article.id), value, headers, event.event_id)


def _headers(
    event: Event, article: Article, name: str, ce_id: str, subject: str, decision: Decision, job: str
) -> Headers:
    return emitted_headers(
        name=name,
        ce_id=ce_id,
        job=job,
        time=decision.event_at,
        decided_at=None if decision.at is None else decision.decided_at,
        subject=subject,
        incoming=event.headers,
        envelope=_envelope(event, article),
    )


def _envelope(event: Event, article: Article) -> Mapping[str, Any] | None:
    """The attributes of the CloudEvent in structured mode that this event was, if it was one."""
    if article.origin is None or article.origin.event_id != event.event_id:
        return None
    attributes = article.raw.get("cloudevent")
    return attributes if isinstance(attributes, dict) else None


def rows(items: Sequence[Item], job: str) -> Iterator[Row]:
    """Items as rows of the output files, in the order of the events: the same values as on Kafka, dead letters as
    JSON."""
    for item in items:
        if item.rejected is not None:
            yield Row("dead-letter", item.event.event_id, encode_dead_letter(item.event, item.rejected))
            continue
        for record in output_records([item], job):
            row_id = record.event_id + (record.key or b"").decode()
            yield Row(record.kind, row_id, record.value or b"", feed_of(record.topic) or "")


def dead_letter(
    event: Event, rejected: Rejected, job: str, *, decided_at: datetime | None = None, qualifier: str = ""
) -> OutputRecord:
    """The event, untouched, for the topic beside its own; the headers say why. It repeats word for word when the job
    does: without a decision of the ledger, its time is that of the record. `qualifier` tells apart what several
    sinks refused for one reason."""
    time, attempt = decided_at or _time_of(event), attempt_of(event.headers) + 1
    headers = dead_letter_headers(event, rejected, job=job, time=time, attempt=attempt, qualifier=qualifier)
    return OutputRecord("dead-letter", dead_letter_topic(event.topic), event.key, event.value, headers, event.event_id)


def _time_of(event: Event) -> datetime:
    """When the record's value was decided, as an article's record says (0.1 said it in `ce_time`), else its own time;
    1970 where neither can be read."""
    try:
        said = header(event.headers, DECIDED_AT_HEADER) or header(event.headers, "ce_time") or ""
        decided = datetime.fromisoformat(said)
        if decided.tzinfo is not None:
            return decided.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.fromtimestamp(event.timestamp_ms / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
