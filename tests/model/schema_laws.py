"""Laws about schemas, as functions that name what breaks them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import jsonschema_specifications  # type: ignore[import-untyped]
from jsonschema import Draft202012Validator

from newsflow.model.schemas import Violation, load_schema

KEYWORDS_WITH_SUBSCHEMA = {"not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames"}
KEYWORDS_WITH_SUBSCHEMAS = {"allOf", "anyOf", "oneOf", "prefixItems"}
KEYWORDS_WITH_NAMED_SUBSCHEMAS = {"properties", "patternProperties", "$defs", "dependentSchemas"}
NOT_PORTABLE = ("\\d", "\\w", "\\s", "\\b", "\\D", "\\W", "\\S", "\\p", "(?")
"""Escapes that Python's and ECMA 262's expressions understand differently; schemas are read by both."""


@cache
def known_keywords() -> frozenset[str]:
    """Every keyword that the vocabularies of JSON Schema 2020-12 define."""
    vocabularies = (
        resource.contents
        for uri in jsonschema_specifications.REGISTRY
        if "draft/2020-12/meta/" in uri
        for resource in [jsonschema_specifications.REGISTRY[uri]]
    )
    return frozenset(keyword for vocabulary in vocabularies for keyword in vocabulary.get("properties", {}))


def subschemas(schema: Any, path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every schema within a schema, itself first, with its place."""
    if not isinstance(schema, Mapping):
        return
    yield path or "/", schema
    for keyword, value in schema.items():
        place = f"{path}/{keyword}"
        if keyword in KEYWORDS_WITH_SUBSCHEMA:
            yield from subschemas(value, place)
        elif keyword in KEYWORDS_WITH_SUBSCHEMAS:
            for index, each in enumerate(value):
                yield from subschemas(each, f"{place}/{index}")
        elif keyword in KEYWORDS_WITH_NAMED_SUBSCHEMAS:
            for name, each in value.items():
                yield from subschemas(each, f"{place}/{name}")


def unknown_keywords(schema: Any) -> list[str]:
    """Places of keywords that no vocabulary knows: a validator would pass over a misspelt rule in silence."""
    return [
        f"{place}: {keyword}"
        for place, each in subschemas(schema)
        for keyword in each
        if keyword not in known_keywords()
    ]


def unportable_patterns(schema: Any) -> list[str]:
    """Places of patterns that not every validator reads alike."""
    return [
        f"{place}: {each['pattern']}"
        for place, each in subschemas(schema)
        if "pattern" in each and any(sign in each["pattern"] for sign in NOT_PORTABLE)
    ]


def patterns_open_to_line_breaks(schema: Any) -> list[str]:
    """Places where `$` ends a pattern and nothing else refuses a line break, which Python's `$` lets pass."""
    return [
        f"{place}: {each['pattern']}"
        for place, each in subschemas(schema)
        if "$" in each.get("pattern", "") and "pattern" not in each.get("not", {}) and not place.endswith("/not")
    ]


def dangling_references(schema: Mapping[str, Any]) -> list[str]:
    """References to definitions that are not there, and definitions that nothing refers to."""
    used = {each["$ref"] for _, each in subschemas(schema) if "$ref" in each}
    there = {f"#/$defs/{name}" for name in schema.get("$defs", {})}
    return sorted(used ^ there)


def missing_descriptions(schema: Mapping[str, Any]) -> list[str]:
    """Members of the top level that say nothing about themselves, neither here nor where they refer to."""
    definitions = schema.get("$defs", {})
    return [
        name
        for name, each in schema["properties"].items()
        if "description" not in {**definitions.get(each.get("$ref", "").rpartition("/")[2], {}), **each}
    ]


@cache
def reference_validator(name: str) -> Draft202012Validator:
    """jsonschema's validator of a schema, formats asserted."""
    Draft202012Validator.check_schema(load_schema(name))
    return Draft202012Validator(load_schema(name), format_checker=Draft202012Validator.FORMAT_CHECKER)


def reference_violations(name: str, value: Any) -> Iterator[Violation]:
    """As `newsflow.model.schemas.violations`, by the reference validator."""
    for error in reference_validator(name).iter_errors(value):
        yield Violation(tuple(error.absolute_path), str(error.validator), error.message)
