"""The shipped JSON Schemas, and a fast validator for each. Tests hold it to what `jsonschema`, the reference, says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jsonschema_rs

from newsflow.model.names import VERSION
from newsflow.resources import schemas_dir

SCHEMAS = (
    "raw-article", "article", "duplicate", "story", "alert", "debug", "trend", "burst", "dead-letter",
    "dead-letter-state", "claim", "source-health",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a value at `path` (`("authors", 0)`) is not what a keyword of its schema asks for."""

    path: tuple[str | int, ...]
    keyword: str
    message: str


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Raises `FileNotFoundError` when there is no schema of that name."""
    path = schemas_dir() / name / f"{VERSION}.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return the fast validator of a schema, built once a process."""
    return jsonschema_rs.Draft202012Validator(load_schema(name), validate_formats=True, ignore_unknown_formats=False)


def violations(name: str, value: Any) -> Iterator[Violation]:
    """Yield what is wrong with `value` (parsed JSON) by the schema `name`; nothing when it is valid."""
    for error in validator(name).iter_errors(value):
        yield Violation(tuple(error.instance_path), error.kind.name, error.message)


def as_components(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A schema as part of an OpenAPI or AsyncAPI document: without its id; beside it its definitions, as components
    whose names begin with its own."""
    schema = {key: value for key, value in load_schema(name).items() if key not in ("$schema", "$id")}
    definitions = schema.pop("$defs", {})
    moved: dict[str, Any] = _with_refs(schema, name)
    return moved, {f"{name}-{key}": _with_refs(value, name) for key, value in definitions.items()}


def _with_refs(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {
            key: each.replace("#/$defs/", f"#/components/schemas/{name}-") if key == "$ref" else _with_refs(each, name)
            for key, each in value.items()
        }
    return [_with_refs(each, name) for each in value] if isinstance(value, list) else value
