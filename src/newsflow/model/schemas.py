"""The shipped JSON Schemas and two validators for each.

`jsonschema` is the reference; `jsonschema-rs` is what the hot path uses. A test holds that both agree.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import jsonschema_rs

from newsflow.model.names import VERSION
from newsflow.resources import schemas_dir

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

SCHEMAS = ("raw-article", "article", "duplicate", "alert", "debug", "trend", "burst", "dead-letter")


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a value is not what its schema asks for.

    `path` leads to the value from the top (`("authors", 0)`), `keyword` is the schema keyword it failed.
    """

    path: tuple[str | int, ...]
    keyword: str
    message: str


@cache
def load_schema(name: str) -> dict[str, Any]:
    """Return the schema of that name. Raises `FileNotFoundError` when there is none."""
    path = schemas_dir() / name / f"{VERSION}.schema.json"
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    """Return the fast validator of a schema, built once a process."""
    return jsonschema_rs.Draft202012Validator(load_schema(name), validate_formats=True, ignore_unknown_formats=False)


@cache
def reference_validator(name: str) -> Draft202012Validator:
    """Return the reference validator of a schema, formats asserted."""
    from jsonschema import Draft202012Validator  # slow to import, and no job needs it

    Draft202012Validator.check_schema(load_schema(name))
    return Draft202012Validator(load_schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)


def violations(name: str, value: Any) -> Iterator[Violation]:
    """Yield what is wrong with `value` (parsed JSON) by the schema `name`; nothing when it is valid."""
    for error in validator(name).iter_errors(value):
        yield Violation(tuple(error.instance_path), error.kind.name, error.message)


def reference_violations(name: str, value: Any) -> Iterator[Violation]:
    """As `violations`, by the reference validator."""
    for error in reference_validator(name).iter_errors(value):
        yield Violation(tuple(error.absolute_path), str(error.validator), error.message)
