"""Bytes of what is emitted, and articles back from their bytes.

The same value always gives the same bytes: members stand in one fixed order, what is None is left out, instants
are RFC 3339 in UTC with `Z`. A publication date whose zone is unknown is written without an offset.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from newsflow.model.article import Article, Evidence, Mention, Origin, PublicationDate, TopicMatch
from newsflow.model.decision import ArticleRef, DuplicateLink
from newsflow.model.event import Action, Event, Rejected
from newsflow.model.headers import instant_text

Json = dict[str, Any]


def encode_article(article: Article) -> bytes:
    """Return the article.v1 bytes. Raises `TypeError` for text that has no UTF-8 form (a lone surrogate)."""
    return _dump(article_to_json(article))


def decode_article(value: bytes) -> Article:
    """Return the article of article.v1 bytes that `encode_article` wrote. Raises `ValueError` for anything else."""
    try:
        return article_from_json(orjson.loads(value))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not an article.v1 value: {type(error).__name__}: {error}") from error


def article_to_json(article: Article) -> Json:
    """Return the article as JSON members, in the order they are written."""
    members = {
        "id": article.id,
        "version": article.version,
        "action": article.action.value,
        "source": article.source,
        "url": article.url,
        "guid": article.guid,
        "title": article.title,
        "body": article.body,
        "language": article.language,
        "published": _published_to_json(article.published),
        "first_seen": instant_text(article.first_seen),
        "authors": list(article.authors) or None,
        "agency": article.agency,
        "word_count": article.word_count,
        "content_hash": article.content_hash,
        "story": article.story,
        "story_size": article.story_size,
        "topics": [_topic_to_json(topic) for topic in article.topics],
        "mentions": [{"id": each.id, "code": each.code, "count": each.count} for each in article.mentions],
        "duplicate_of": article.duplicate_of,
        "origin": _origin_to_json(article.origin),
        "raw": dict(article.raw) or None,
    }
    return _without_none(members)


def article_from_json(members: Mapping[str, Any]) -> Article:
    """Return the article of JSON members; raises `KeyError`, `TypeError` or `ValueError` when they are not one."""
    return Article(
        id=members["id"],
        version=members["version"],
        action=Action(members["action"]),
        source=members["source"],
        url=members.get("url"),
        guid=members.get("guid"),
        title=members["title"],
        body=members["body"],
        language=members["language"],
        published=_published_from_json(members["published"]),
        first_seen=_utc(members["first_seen"]),
        authors=tuple(members.get("authors", ())),
        agency=members.get("agency"),
        word_count=members["word_count"],
        content_hash=members["content_hash"],
        story=members.get("story"),
        story_size=members.get("story_size"),
        topics=tuple(_topic_from_json(topic) for topic in members["topics"]),
        mentions=tuple(Mention(each["id"], each["code"], each["count"]) for each in members["mentions"]),
        duplicate_of=members.get("duplicate_of"),
        origin=_origin_from_json(members.get("origin")),
        raw=members.get("raw", {}),
    )


def encode_duplicate(link: DuplicateLink, story: str | None = None) -> bytes:
    """Return the duplicate.v1 bytes: who was held back, for which original, and why."""
    return _dump(
        _without_none(
            {
                "copy": _ref_to_json(link.copy),
                "original": _ref_to_json(link.original),
                "method": link.method,
                "jaccard": link.jaccard,
                "containment": link.containment,
                "numbers": link.numbers,
                "story": story,
            }
        )
    )


def encode_dead_letter(event: Event, rejected: Rejected) -> bytes:
    """Return the dead-letter.v1 bytes, the form a dead letter has on files: nothing of the event is lost.

    Key, value and header values are in base64; None (a null on Kafka) is left out.
    """
    origin = {
        "topic": event.topic,
        "partition": event.partition,
        "offset": event.offset,
        "timestamp_ms": event.timestamp_ms,
        "event_id": event.event_id,
    }
    members = {
        "reason": rejected.reason.value,
        "message": rejected.message,
        "stage": rejected.stage,
        "class": rejected.error_class or None,
        "origin": origin,
        "key_base64": _base64(event.key),
        "value_base64": _base64(event.value),
        "headers": [_without_none({"name": name, "value_base64": _base64(value)}) for name, value in event.headers],
    }
    return _dump(_without_none(members))


def _published_to_json(published: PublicationDate) -> Json:
    at = published.at.isoformat() if published.at.tzinfo is None else instant_text(published.at)
    return {"at": at, "zone": published.zone, "evidence": published.evidence, "text": published.text}


def _published_from_json(members: Mapping[str, Any]) -> PublicationDate:
    at = datetime.fromisoformat(members["at"])
    return PublicationDate(
        at=at if at.tzinfo is None else at.astimezone(UTC),
        zone=members["zone"],
        evidence=members["evidence"],
        text=members["text"],
    )


def _topic_to_json(topic: TopicMatch) -> Json:
    return {
        "id": topic.id,
        "scheme": topic.scheme,
        "code": topic.code,
        "score": topic.score,
        "rule_version": topic.rule_version,
        "evidence": [_evidence_to_json(evidence) for evidence in topic.evidence],
    }


def _topic_from_json(members: Mapping[str, Any]) -> TopicMatch:
    return TopicMatch(
        id=members["id"],
        scheme=members["scheme"],
        code=members["code"],
        score=members["score"],
        rule_version=members["rule_version"],
        evidence=tuple(_evidence_from_json(evidence) for evidence in members["evidence"]),
    )


def _evidence_to_json(evidence: Evidence) -> Json:
    return {
        "term": evidence.term,
        "field": evidence.field,
        "start": evidence.start,
        "end": evidence.end,
        "text": evidence.text,
        "weight": evidence.weight,
    }


def _evidence_from_json(members: Mapping[str, Any]) -> Evidence:
    return Evidence(
        term=members["term"],
        field=members["field"],
        start=members["start"],
        end=members["end"],
        text=members["text"],
        weight=members["weight"],
    )


def _origin_to_json(origin: Origin | None) -> Json | None:
    if origin is None:
        return None
    return {
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "event_id": origin.event_id,
    }


def _origin_from_json(members: Mapping[str, Any] | None) -> Origin | None:
    if members is None:
        return None
    return Origin(members["topic"], members["partition"], members["offset"], members["event_id"])


def _ref_to_json(ref: ArticleRef) -> Json:
    return _without_none({"id": ref.id, "source": ref.source, "url": ref.url, "guid": ref.guid})


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; accepted: RFC 3339 with Z")
    return at.astimezone(UTC)


def _base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _without_none(members: Mapping[str, Any]) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _dump(members: Json) -> bytes:
    return orjson.dumps(members)
