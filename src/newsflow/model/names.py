"""Every name on the wire is made here: Kafka topics, keys, CloudEvents ids, types and sources.

Names are lower case, with dots and hyphens, never underscores. A version in a name changes only on a break.
"""

from __future__ import annotations

import hashlib
import re

VERSION = "v1"
DEAD_LETTER_SUFFIX = ".dlq"
MAX_TOPIC_LENGTH = 249
"""Kafka's own limit: a topic's name is a directory's name."""

TOPIC_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
TOPIC_NAME = re.compile(r"[a-z0-9]+(?:[.-][a-z0-9]+)*")

RAW_TOPIC = f"news.article.raw.{VERSION}"
ARTICLE_TOPIC = f"news.article.{VERSION}"
DUPLICATE_TOPIC = f"news.duplicate.{VERSION}"
STORY_TOPIC = f"news.story.{VERSION}"
ALERT_TOPIC = f"news.alert.{VERSION}"
DEBUG_TOPIC = f"news.debug.{VERSION}"
TREND_TOPIC = f"news.trend.{VERSION}"
BURST_TOPIC = f"news.burst.{VERSION}"
SOURCE_HEALTH_TOPIC = f"news.source-health.{VERSION}"
LETTER_STATE_TOPIC = f"news.dead-letter-state.{VERSION}"
RETAGGING = "newsflow.retagging"
TAKING_DOWN = "newsflow.taking-down"
"""In place of a topic's name where an article version came of new rules, or an article was taken down. Nothing is
written to such a topic."""
_SUBSCRIBER = "subscriber."
_FEED = re.compile(rf"news\.(?:topic\.|(?P<whose>subscriber\.))(?P<id>{TOPIC_ID.pattern})\.{VERSION}")


def topic_feed(topic_id: str) -> str:
    """The Kafka topic of the articles about `topic_id`: `syria` gives `news.topic.syria.v1`. Raises `ValueError` when
    the id is not of lower-case letters, digits and single hyphens, or too long."""
    if not TOPIC_ID.fullmatch(topic_id):
        raise ValueError(
            f"{topic_id!r} is not a topic id; accepted: a-z, 0-9 and single hyphens, as in 'united-states'"
        )
    return check_topic(f"news.topic.{topic_id}.{VERSION}")


def subscriber_feed(subscription_id: str) -> str:
    """The name of a subscriber's own feed, among topic ids: `desk` gives `subscriber.desk`. A topic id has no dots, so
    the two never meet."""
    return _SUBSCRIBER + subscription_id


def subscription_of(feed: str) -> str | None:
    """The subscription whose own feed this is, None for the feed of a topic."""
    return feed.removeprefix(_SUBSCRIBER) if feed.startswith(_SUBSCRIBER) else None


def feed_topic(feed: str) -> str:
    """The Kafka topic of a feed: `syria` gives `news.topic.syria.v1`, `subscriber.desk` gives
    `news.subscriber.desk.v1`. Raises `ValueError` for what is not an id, or is too long."""
    subscription_id = subscription_of(feed)
    if subscription_id is None:
        return topic_feed(feed)
    if not TOPIC_ID.fullmatch(subscription_id):
        raise ValueError(f"{subscription_id!r} is not a subscription id; accepted: a-z, 0-9 and single hyphens")
    return check_topic(f"news.{feed}.{VERSION}")


def feed_of(topic: str) -> str | None:
    """The feed that a Kafka topic carries, None when `topic` is not a feed's."""
    match = _FEED.fullmatch(topic)
    return None if match is None else (match["whose"] or "") + match["id"]


def dead_letter_topic(topic: str) -> str:
    """Where the records of `topic` that could not be processed go, bytes untouched."""
    return topic + DEAD_LETTER_SUFFIX


def check_topic(name: str) -> str:
    """`name` when it is a legal topic name here; raises `ValueError` that says what is accepted."""
    if not TOPIC_NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not a topic name; accepted: a-z and 0-9, joined by single dots or hyphens")
    if len(name) > MAX_TOPIC_LENGTH - len(DEAD_LETTER_SUFFIX):
        limit = MAX_TOPIC_LENGTH - len(DEAD_LETTER_SUFFIX)
        raise ValueError(f"topic name of {len(name)} characters; accepted: up to {limit}, to leave room for .dlq")
    return name


def raw_key(source: str, identity: str) -> bytes:
    """The key of a raw article: `source/identity`, identity being its URL, else the publisher's id. All states of one
    article are then in one partition, in order."""
    return f"{source}/{identity}".encode("utf-8", "replace")


def article_key(article_id: str) -> bytes:
    """The key of an article, of its copies in topic feeds, and of a duplicate's original."""
    return article_id.encode("utf-8")


def schema_id(name: str) -> str:
    """The `$id` of a schema, which is also `ce_dataschema`: `urn:newsflow:schema:article:v1`."""
    return f"urn:newsflow:schema:{name}:{VERSION}"


def ce_type(name: str) -> str:
    """The CloudEvents type of a value that follows the schema `name`: `newsflow.article.v1`."""
    return f"newsflow.{name}.{VERSION}"


def ce_source(job: str) -> str:
    """The CloudEvents source (a URI reference) of what the job named `job` emits."""
    return f"/newsflow/{job}"


def emission_id(event_id: str, kind: str, qualifier: str = "") -> str:
    """The `ce_id` of one thing emitted because of one event: 32 hex digits.

    `kind` says what it is (`article`, `duplicate`, `alert`, `dead-letter`), `qualifier` tells several of one
    kind apart (a subscription). It knows no clock and no random number: a retry writes the same id, so that a
    reader can drop repeats by it.
    """
    state = hashlib.blake2b(digest_size=16, person=b"newsflow-ce-id")
    for part in (event_id, kind, qualifier):
        raw = part.encode("utf-8", "surrogatepass")
        # With lengths, so that no two triples run together into the same bytes.
        state.update(len(raw).to_bytes(4, "big") + raw)
    return state.hexdigest()
