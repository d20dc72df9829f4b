"""The Kafka topics that schemas/kafka-topics.yaml declares, checked whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from newsflow.model.names import check_topic, feed_topic, subscriber_feed
from newsflow.model.schemas import SCHEMAS
from newsflow.resources import schemas_dir
from newsflow.yamlfile import YamlDocument, read_yaml

FEED_PATTERN = "news.topic.<topic-id>.v1"
"""Stands in the file for the feeds of all topics that the tagging rules know."""
SUBSCRIBER_PATTERN = "news.subscriber.<subscription-id>.v1"
"""Stands in the file for the feeds of all subscriptions that ask for one."""
ORIGINAL = "original"
"""In place of a schema: the value is the untouched value of another topic."""

_TEXT = {"type": "string", "minLength": 1}
_TOPIC = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "description", "partitions", "cleanup", "retention_h", "key", "schema", "producer"],
    "properties": {
        "name": _TEXT,
        "description": _TEXT,
        "partitions": {"type": "integer", "minimum": 1, "maximum": 1000},
        "cleanup": {"enum": ["delete", "compact", "compact,delete"]},
        "retention_h": {"anyOf": [{"const": "forever"}, {"type": "integer", "minimum": 1}]},
        "key": _TEXT,
        "schema": {"enum": [*SCHEMAS, ORIGINAL]},
        "producer": _TEXT,
        "config": {"type": "object", "additionalProperties": {"type": ["string", "integer", "number", "boolean"]}},
    },
}
_FILE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "topics"],
    "properties": {"version": {"const": 1}, "topics": {"type": "array", "minItems": 1, "items": _TOPIC}},
}


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One declared topic. `config` holds everything as Kafka names it, clean-up and retention included."""

    name: str
    description: str
    partitions: int
    key: str
    schema: str
    producer: str
    config: Mapping[str, str] = field(default_factory=dict)


_EXAMPLES = {FEED_PATTERN: feed_topic("x"), SUBSCRIBER_PATTERN: feed_topic(subscriber_feed("x"))}


def declared_topics(
    topic_ids: Iterable[str] = (), path: Path | None = None, subscriptions: Iterable[str] = ()
) -> tuple[TopicSpec, ...]:
    """Every topic of `path` (the shipped file by default), feeds once for each of `topic_ids`, and of
    `subscriptions` (their ids).

    Raises `ConfigError` with file, line and path, `ValueError` for an id that cannot be part of a topic's name.
    """
    feeds = {
        FEED_PATTERN: sorted(set(topic_ids)),
        SUBSCRIBER_PATTERN: sorted({subscriber_feed(each) for each in subscriptions}),
    }
    found: list[TopicSpec] = []
    for template in declared_templates(path):
        names = [feed_topic(feed) for feed in feeds[template.name]] if is_feed(template) else [template.name]
        found += (replace(template, name=name) for name in names)
    return tuple(found)


def declared_templates(path: Path | None = None) -> tuple[TopicSpec, ...]:
    """The topics as they are declared, feeds as entries whose names hold `<topic-id>` or `<subscription-id>`."""
    return tuple(_read(read_yaml(path or schemas_dir() / "kafka-topics.yaml")))


def is_feed(spec: TopicSpec) -> bool:
    """Whether an entry stands for the feeds of all topics, or of all subscribers."""
    return spec.name in _EXAMPLES


def _read(document: YamlDocument) -> Iterator[TopicSpec]:
    document.check(_FILE)
    seen: set[str] = set()
    for index, members in enumerate(document.value["topics"]):
        name = members["name"]
        try:
            check_topic(_EXAMPLES.get(name, name))
        except ValueError as error:
            raise document.error(str(error), ("topics", index, "name")) from error
        if name in seen:
            raise document.error(f"{name} is declared twice; accepted: once", ("topics", index, "name"))
        seen.add(name)
        yield _spec(members)


def _spec(members: Mapping[str, Any]) -> TopicSpec:
    retention_h = members["retention_h"]
    retention_ms = -1 if retention_h == "forever" else retention_h * 3_600_000
    config = {"cleanup.policy": members["cleanup"], "retention.ms": str(retention_ms)}
    config |= {key: _config_text(value) for key, value in members.get("config", {}).items()}
    plain = ("name", "description", "partitions", "key", "schema", "producer")
    return TopicSpec(**{name: members[name] for name in plain}, config=config)


def _config_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
