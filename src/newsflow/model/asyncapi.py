"""What is on Kafka as one AsyncAPI 3.1 document, made from the declared topics and the schemas of their values."""

from __future__ import annotations

import re
from typing import Any

from newsflow import __version__
from newsflow.model.claim import DATAREF_HEADER
from newsflow.model.headers import (
    CONNECT_PREFIX,
    DECIDED_AT_HEADER,
    ERROR_PREFIX,
    JSON_TYPE,
    ORIGIN_PREFIX,
    PASSED_ON,
    RECORD_TIME_HEADER,
)
from newsflow.model.names import ce_type, schema_id
from newsflow.model.schemas import SCHEMAS, as_components, load_schema
from newsflow.model.topics import FEED_PATTERN, ORIGINAL, SUBSCRIBER_PATTERN, TopicSpec, declared_templates

Json = dict[str, Any]
_RAW, _CLAIM = "raw-article", "claim"
_TEXT: Json = {"type": "string"}
_PARAMETERS = {
    "topic-id": "A topic of the tagging rules, as syria; the topic rules in force name them.",
    "subscription-id": "A subscription of the routes that asks for a feed of its own.",
}


def document() -> Json:
    """The whole document: a channel for each declared topic; whoever runs newsflow names the servers."""
    specs = declared_templates()
    schemas: Json = {}
    for name in SCHEMAS:
        schema, definitions = as_components(name)
        schemas |= {name: _for_draft_7(schema)} | {key: _for_draft_7(value) for key, value in definitions.items()}
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "newsflow",
            "version": __version__,
            "description": "News articles on Kafka: raw ones in, normalised, deduplicated and tagged ones out. Members "
            "and types may be added: a reader passes over what it does not know.",
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": JSON_TYPE,
        "channels": {_channel_id(spec): _channel(spec) for spec in specs},
        "operations": dict(_operation(spec) for spec in specs),
        "components": {
            "schemas": schemas,
            "messages": {name: _message(name) for name in SCHEMAS} | {ORIGINAL: _original()},
        },
    }


def _channel_id(spec: TopicSpec) -> str:
    return re.sub("[<>]", "", spec.name).replace(".", "-")


def _channel(spec: TopicSpec) -> Json:
    names = [spec.schema, *([] if spec.schema in (_RAW, _CLAIM) else [_CLAIM])]
    channel: Json = {
        "address": spec.name.replace("<", "{").replace(">", "}"),
        "title": spec.name,
        "description": f"{spec.description} The key: {spec.key}. Written by {spec.producer}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"kafka": {"partitions": spec.partitions, "topicConfiguration": _settings(spec)}},
    }
    if spec.name in (FEED_PATTERN, SUBSCRIBER_PATTERN):
        [parameter] = re.findall("<(.*?)>", spec.name)
        channel["parameters"] = {parameter: {"description": _PARAMETERS[parameter]}}
    return channel


def _settings(spec: TopicSpec) -> Json:
    config = dict(spec.config)
    made: Json = {
        "cleanup.policy": config.pop("cleanup.policy").split(","),
        "retention.ms": int(config.pop("retention.ms")),
    }
    return made | {name: int(text) if text.lstrip("-").isdigit() else text for name, text in config.items()}


def _operation(spec: TopicSpec) -> tuple[str, Json]:
    """What newsflow does with a channel; whoever uses the document does the other thing."""
    action = "receive" if spec.schema == _RAW else "send"
    identifier = _channel_id(spec)
    return f"{action}-{identifier}", {"action": action, "channel": {"$ref": f"#/channels/{identifier}"}}


def _message(name: str) -> Json:
    schema = load_schema(name)
    message: Json = {
        "name": ce_type(name),
        "title": schema["title"],
        "summary": schema["description"].partition(". ")[0].rstrip(".") + ".",
        "contentType": JSON_TYPE,
        "payload": {"$ref": f"#/components/schemas/{name}"},
        "bindings": {"kafka": {"key": _TEXT}},
    }
    # Raw articles are read with CloudEvents headers of any kind, and without.
    return message if name == _RAW else message | {"headers": {"type": "object", "properties": _headers(name)}}


def _headers(name: str) -> Json:
    fixed = {"ce_specversion": "1.0", "ce_type": ce_type(name), "ce_dataschema": schema_id(name)}
    texts = ["ce_id", "ce_source", "ce_subject", "ce_time", DECIDED_AT_HEADER, RECORD_TIME_HEADER, *PASSED_ON]
    if name == _CLAIM:
        texts.append(DATAREF_HEADER)
    constants = {key: {"const": value} for key, value in {**fixed, "content-type": JSON_TYPE}.items()}
    return constants | dict.fromkeys(texts, _TEXT)


def _original() -> Json:
    """A dead letter: any bytes. Its headers say why."""
    errors = ("id", "reason", "message", "stage", "class", "attempt", "time", "job")
    origin = ("topic", "partition", "offset", "timestamp")
    names = [*(ERROR_PREFIX + each for each in errors), *(ORIGIN_PREFIX + each for each in origin)]
    return {
        "name": "dead-letter",
        "title": "Dead letter",
        "summary": f"A record that could not be processed, untouched; its headers say why, as do {CONNECT_PREFIX}*.",
        "contentType": "application/octet-stream",
        "headers": {"type": "object", "properties": dict.fromkeys(names, _TEXT)},
        "bindings": {"kafka": {"key": {}}},
    }


def _for_draft_7(value: Any) -> Any:
    """AsyncAPI's schemas are those of JSON Schema draft 7, where nothing beside `$ref` counts."""
    if isinstance(value, list):
        return [_for_draft_7(each) for each in value]
    if not isinstance(value, dict):
        return value
    made = {key: _for_draft_7(each) for key, each in value.items()}
    if len(made) > 1 and isinstance(made.get("$ref"), str):
        return {**{key: each for key, each in made.items() if key != "$ref"}, "allOf": [{"$ref": made["$ref"]}]}
    return made
