"""The encoder of release 0.1, member by member: what every later one must write to the byte."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from newsflow.model import Article, Evidence, Origin, PublicationDate, TopicMatch
from newsflow.model.headers import instant_text

Json = dict[str, Any]


def encode_as_first_released(article: Article) -> bytes:
    return orjson.dumps(article_to_json(article))


def article_to_json(article: Article) -> Json:
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


def _published_to_json(published: PublicationDate) -> Json:
    at = published.at.isoformat() if published.at.tzinfo is None else instant_text(published.at)
    return {"at": at, "zone": published.zone, "evidence": published.evidence, "text": published.text}


def _topic_to_json(topic: TopicMatch) -> Json:
    return {
        "id": topic.id,
        "scheme": topic.scheme,
        "code": topic.code,
        "score": topic.score,
        "rule_version": topic.rule_version,
        "evidence": [_evidence_to_json(evidence) for evidence in topic.evidence],
    }


def _evidence_to_json(evidence: Evidence) -> Json:
    return {
        "term": evidence.term,
        "field": evidence.field,
        "start": evidence.start,
        "end": evidence.end,
        "text": evidence.text,
        "weight": evidence.weight,
    }


def _origin_to_json(origin: Origin | None) -> Json | None:
    if origin is None:
        return None
    return {
        "topic": origin.topic,
        "partition": origin.partition,
        "offset": origin.offset,
        "event_id": origin.event_id,
    }


def _without_none(members: Mapping[str, Any]) -> Json:
    return {name: value for name, value in members.items() if value is not None}
