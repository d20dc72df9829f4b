"""Bytes of what is emitted, and articles back from their bytes.

The same value always gives the same bytes: members stand in one fixed order, what is None is left out, instants
are RFC 3339 in UTC with `Z`. A publication date whose zone is unknown is written without an offset.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from operator import itemgetter
from typing import Any

import orjson

from newsflow.model.article import (
    Article,
    Evidence,
    Mention,
    NamedPlace,
    Origin,
    PlaceEvidence,
    PlaceSpan,
    PublicationDate,
    TopicMatch,
)
from newsflow.model.decision import ArticleRef, DuplicateLink
from newsflow.model.event import Action, Event, Rejected
from newsflow.model.headers import instant_text
from newsflow.model.story import MergedStory, StoryRecord

Json = dict[str, Any]

# orjson writes a dataclass as an object of its fields, in their order: topics with their evidence, mentions, the
# origin. Members are read in that order too, so that a class and its JSON cannot drift apart.
_evidence = itemgetter(*Evidence.__slots__)
_place_evidence = itemgetter(*Evidence.__slots__, *PlaceEvidence.__slots__)
_topic = itemgetter(*TopicMatch.__slots__)
_mention = itemgetter(*Mention.__slots__)
_origin = itemgetter(*Origin.__slots__)
_span = itemgetter(*PlaceSpan.__slots__)

_REQUIRED = ("id", "version", "source", "title", "body", "language", "word_count", "content_hash")
_OPTIONAL = ("url", "guid", "agency", "story", "story_size", "duplicate_of")


def encode_article(article: Article) -> bytes:
    """Return the article.v1 bytes. Raises `TypeError` for text that has no UTF-8 form (a lone surrogate)."""
    return _dump(
        {
            "id": article.id,
            "version": article.version,
            "action": article.action,
            "source": article.source,
            "url": article.url,
            "guid": article.guid,
            "title": article.title,
            "body": article.body,
            "language": article.language,
            "published": _published_to_json(article.published),
            "first_seen": instant_text(article.first_seen),
            "authors": article.authors or None,
            "agency": article.agency,
            "word_count": article.word_count,
            "content_hash": article.content_hash,
            "story": article.story,
            "story_size": article.story_size,
            "topics": article.topics,
            "mentions": article.mentions,
            "places": [_place_to_json(each) for each in article.places] or None,
            "dateline": None if article.dateline is None else _place_to_json(article.dateline),
            "duplicate_of": article.duplicate_of,
            "origin": article.origin,
            "raw": dict(article.raw) or None,
        }
    )


def decode_article(value: bytes) -> Article:
    """Return the article of article.v1 bytes that `encode_article` wrote. Raises `ValueError` for anything else."""
    try:
        return article_from_json(orjson.loads(value))
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"not an article.v1 value: {type(error).__name__}: {error}") from error


def article_from_json(members: Json) -> Article:
    """Return the article of JSON members that follow the schema; raises as a lookup does where they do not."""
    published, origin, dateline = members["published"], members.get("origin"), members.get("dateline")
    at = datetime.fromisoformat(published["at"])
    plain: Json = {name: members[name] for name in _REQUIRED} | {name: members.get(name) for name in _OPTIONAL}
    return Article(
        **plain,
        action=Action(members["action"]),
        published=PublicationDate(
            at if at.tzinfo is None else at.astimezone(UTC),
            published["zone"],
            published["evidence"],
            published["text"],
            published.get("precision"),
        ),
        first_seen=_utc(members["first_seen"]),
        authors=tuple(members.get("authors", ())),
        topics=tuple(map(topic_from_json, members["topics"])),
        mentions=tuple(map(mention_from_json, members["mentions"])),
        places=tuple(map(place_from_json, members.get("places", ()))),
        dateline=None if dateline is None else place_from_json(dateline),
        origin=None if origin is None else Origin(*_origin(origin)),
        raw=members.get("raw", {}),
    )


def topic_from_json(members: Json) -> TopicMatch:
    topic_id, scheme, code, score, rule_version, evidence = _topic(members)
    spans = tuple(_evidence_from_json(each) for each in evidence)
    return TopicMatch(topic_id, scheme, code, score, rule_version, spans)


def mention_from_json(members: Json) -> Mention:
    return Mention(*_mention(members))


def _evidence_from_json(members: Json) -> Evidence:
    kind = members.get("kind")
    return Evidence(*_evidence(members)) if kind is None else PlaceEvidence(*_place_evidence(members))


def _place_to_json(place: NamedPlace) -> Json:
    return _without_none({name: getattr(place, name) for name in NamedPlace.__slots__})


def place_from_json(members: Json) -> NamedPlace:
    known: Json = {name: members.get(name) for name in NamedPlace.__slots__}
    return NamedPlace(**known | {"spans": tuple(PlaceSpan(*_span(each)) for each in members["spans"])})


def published_text(published: PublicationDate) -> str:
    """Return RFC 3339 with `Z`, or the local time as it was written when its zone is unknown."""
    if published.at.tzinfo is None:
        return published.at.isoformat()
    return instant_text(published.at)


def _published_to_json(published: PublicationDate) -> Json:
    members = {
        "at": published_text(published),
        "zone": published.zone,
        "evidence": published.evidence,
        "text": published.text,
        "precision": published.precision,
    }
    return _without_none(members)


def _utc(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no zone; accepted: RFC 3339 with Z")
    return at.astimezone(UTC)


def encode_duplicate(link: DuplicateLink, story: str | None = None) -> bytes:
    """Return the duplicate.v1 bytes: who was held back, for which original, and why."""
    return _dump(
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


def encode_story(story: StoryRecord | MergedStory) -> bytes:
    """Return the story.v1 bytes."""
    if isinstance(story, MergedStory):
        return _dump({"id": story.id, "merged_into": story.merged_into})
    shown = story.representative
    names = ("id", "version", "source", "url", "language", "why")
    return _dump(
        {
            "id": story.id,
            "title": shown.title,
            "representative": _without_none({name: getattr(shown, name) for name in names}),
            "size": story.size,
            "sources": story.sources,
            "independent_sources": story.independent_sources,
            "languages": story.languages,
            "countries": story.countries,
            "topics": story.topics,
            "first_seen": instant_text(story.first_seen),
            "last_seen": instant_text(story.last_seen),
        }
    )


def _ref_to_json(ref: ArticleRef) -> Json:
    return _without_none({"id": ref.id, "source": ref.source, "url": ref.url, "guid": ref.guid})


def encode_dead_letter(event: Event, rejected: Rejected) -> bytes:
    """Return the dead-letter.v1 bytes, the form a dead letter has on files: nothing of the event is lost.

    Key, value and header values are in base64; None (a null on Kafka) is left out.
    """
    return _dump(
        {
            "reason": rejected.reason,
            "message": rejected.message,
            "stage": rejected.stage,
            "class": rejected.error_class or None,
            "origin": {
                "topic": event.topic,
                "partition": event.partition,
                "offset": event.offset,
                "timestamp_ms": event.timestamp_ms,
                "event_id": event.event_id,
            },
            "key_base64": in_base64(event.key),
            "value_base64": in_base64(event.value),
            "headers": [
                _without_none({"name": name, "value_base64": in_base64(value)}) for name, value in event.headers
            ],
        }
    )


def in_base64(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode("ascii")


def _without_none(members: Json) -> Json:
    return {name: value for name, value in members.items() if value is not None}


def _dump(members: Json) -> bytes:
    return orjson.dumps(_without_none(members))
