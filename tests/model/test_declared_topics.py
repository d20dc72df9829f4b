"""The laws of schemas/kafka-topics.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsflow.errors import ConfigError
from newsflow.model import names
from newsflow.model.raw import DEFAULT_LIMITS
from newsflow.model.schemas import SCHEMAS
from newsflow.model.topics import (
    FEED_PATTERN,
    ORIGINAL,
    SUBSCRIBER_PATTERN,
    declared_templates,
    declared_topics,
    is_feed,
)

pytestmark = pytest.mark.contract

TOPICS = {spec.name: spec for spec in declared_topics(["syria", "united-states"], subscriptions=["desk"])}
INPUTS = [spec.name for spec in declared_topics() if not spec.producer.startswith("newsflow")]


def test_every_topic_that_names_knows_is_declared_and_no_other() -> None:
    known = {names.RAW_TOPIC, names.ARTICLE_TOPIC, names.DUPLICATE_TOPIC, names.ALERT_TOPIC, names.DEBUG_TOPIC}
    known |= {names.topic_feed("syria"), names.topic_feed("united-states")}
    known |= {names.feed_topic(names.subscriber_feed("desk"))}
    known |= {names.TREND_TOPIC, names.BURST_TOPIC, names.STORY_TOPIC, names.LETTER_STATE_TOPIC}
    known |= {names.SOURCE_HEALTH_TOPIC}
    # `newsflow deliver` reads the published articles, and stores may refuse some.
    known |= {names.dead_letter_topic(name) for name in [*INPUTS, names.ARTICLE_TOPIC]}
    assert set(TOPICS) == known


def test_feeds_come_in_order_and_once() -> None:
    feeds = [spec.name for spec in declared_topics(["syria", "iran", "syria"]) if names.feed_of(spec.name)]
    assert feeds == ["news.topic.iran.v1", "news.topic.syria.v1"]


def test_feeds_are_declared_once_as_patterns() -> None:
    assert [spec.name for spec in declared_templates() if is_feed(spec)] == [FEED_PATTERN, SUBSCRIBER_PATTERN]
    assert names.topic_feed("x") == FEED_PATTERN.replace("<topic-id>", "x")
    assert names.feed_topic("subscriber.x") == SUBSCRIBER_PATTERN.replace("<subscription-id>", "x")
    of_topics, of_subscribers = (TOPICS[names.feed_topic(each)] for each in ("syria", "subscriber.desk"))
    assert of_topics.config == of_subscribers.config


@pytest.mark.parametrize("name", TOPICS)
def test_names_are_legal(name: str) -> None:
    assert names.check_topic(name) == name
    assert "_" not in name
    assert len(names.dead_letter_topic(name)) <= names.MAX_TOPIC_LENGTH


def test_every_schema_has_a_topic_and_dead_letters_go_to_files_alone() -> None:
    used = {spec.schema for spec in TOPICS.values()}
    # A claim may stand in any of them.
    assert used == set(SCHEMAS) - {"dead-letter", "claim"} | {ORIGINAL}


@pytest.mark.parametrize("name", INPUTS)
def test_beside_each_input_stands_its_dead_letter_topic(name: str) -> None:
    source, letters = TOPICS[name], TOPICS[names.dead_letter_topic(name)]
    assert letters.schema == ORIGINAL
    assert letters.partitions == source.partitions
    assert int(letters.config["retention.ms"]) >= int(source.config["retention.ms"])
    # An original of the largest size must fit with the headers that explain it.
    assert int(letters.config["max.message.bytes"]) >= int(source.config["max.message.bytes"]) + 100_000


def test_an_oversized_event_still_arrives_to_be_explained() -> None:
    assert int(TOPICS[names.RAW_TOPIC].config["max.message.bytes"]) > DEFAULT_LIMITS.max_bytes


def test_what_is_compacted_is_kept_for_good() -> None:
    compacted = {name for name, spec in TOPICS.items() if spec.config["cleanup.policy"] == "compact"}
    assert compacted == {names.ARTICLE_TOPIC, names.ALERT_TOPIC, names.STORY_TOPIC, names.SOURCE_HEALTH_TOPIC}
    assert {TOPICS[name].config["retention.ms"] for name in compacted} == {"-1"}


GOOD = """version: 1
topics:
  - {name: news.x.v1, description: d, partitions: 1, cleanup: delete, retention_h: 1, key: k, schema: article, producer: p}
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("news.x.v1", "news.X.v1", "is not a topic name; accepted: a-z"),
        ("news.x.v1", "news_x.v1", "is not a topic name"),
        ("news.x.v1", "news..v1", "is not a topic name"),
        ("news.x.v1", "x" * 250, "250 characters"),
        ("partitions: 1", "partitions: 0", "topics[0].partitions"),
        ("cleanup: delete", "cleanup: drop", "accepted: delete, compact"),
        ("retention_h: 1", "retention_h: ever", "topics[0].retention_h"),
        ("schema: article", "schema: tale", "accepted: raw-article"),
        ("key: k", "kye: k", "kye"),
        ("topics:\n", "topics:\n" + GOOD.splitlines()[2] + "\n", "declared twice"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, old: str, new: str, words: str) -> None:
    file = tmp_path / "topics.yaml"
    file.write_text(GOOD, encoding="utf-8")
    assert [spec.name for spec in declared_topics(path=file)] == ["news.x.v1"]
    file.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        declared_topics(path=file)
    assert words in str(caught.value)
    assert str(file) in str(caught.value)
