"""What breaks a JSON Schema, in the words of those who write YAML: where, what is wrong, what would be accepted.

Slow to import, by jsonschema: only what checks a file does.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match
from jsonschema.validators import extend

from newsflow.errors import did_you_mean

Place = tuple[str | int, ...]

_KINDS = {
    "object": "a mapping",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}
_FOUND = {
    dict: "a mapping",
    list: "a list",
    str: "a text",
    int: "a whole number",
    float: "a number with a point",
    bool: "true or false",
}


def violations(schema: Mapping[str, Any], value: Any) -> Iterator[tuple[Place, Place, str]]:
    """Everything in `value` that `schema` (2020-12) refuses: the place it is told of, the place to look at, and a
    sentence."""
    for error in _validator()(schema).iter_errors(value):
        yield from _explained(best_match([error]))


def _hint(name: str, known: Iterable[str]) -> str:
    hint = did_you_mean(name, known)
    return hint and f"{hint} "


@cache
def _validator() -> Any:
    """jsonschema's validator, to which 5.0 is not an integer: what reads the value counts with it."""
    checker = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    return extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]


def _explained(error: Any) -> Iterator[tuple[Place, Place, str]]:
    at, keyword, expected, found = tuple(error.absolute_path), error.validator, error.validator_value, error.instance
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if keyword == "additionalProperties" and isinstance(found, Mapping):
        known = sorted(schema.get("properties", {}))
        for name in sorted(set(found) - set(known)):
            hint = _hint(name, known)
            yield at, (*at, name), f"unknown {name!r}; {hint}accepted: {', '.join(known)}"
    elif keyword == "required":
        for name in [each for each in expected if each not in found]:
            yield at, at, f"{name!r} is missing; required: {', '.join(expected)}"
    elif "propertyNames" in error.absolute_schema_path:
        yield at, (*at, found), f"{found!r} is not accepted as a name{_accepted(schema)}"
    elif schema.get("writeOnly"):
        # A secret may stand where a reference to it belongs: the value is not repeated.
        yield at, at, f"the value is not accepted{_accepted(schema)}"
    else:
        yield at, at, _sentence(keyword, expected, found, schema)


def _sentence(keyword: str, expected: Any, found: Any, schema: Mapping[str, Any]) -> str:
    if keyword == "enum":
        hint = _hint(str(found), map(str, expected))
        return f"{_shown(found)} is not accepted; {hint}accepted: {', '.join(map(str, expected))}"
    if keyword == "const":
        return f"{_shown(found)} is not accepted; accepted: {expected}"
    if keyword == "type":
        kinds = [expected] if isinstance(expected, str) else expected
        is_now = "nothing stands here" if found is None else f"{_shown(found)} is {_FOUND[type(found)]}"
        return f"{is_now}; accepted: {' or '.join(_KINDS[kind] for kind in kinds)}{_described(schema)}"
    if keyword.startswith("min") and found in ("", [], {}):
        return f"{found!r} is empty; accepted: at least {expected}{_described(schema)}"
    if keyword in _BOUNDS:
        return f"{_shown(found)} {_BOUNDS[keyword].format(expected)}{_described(schema)}"
    return f"{_shown(found)} is not accepted{_accepted(schema)}"


_BOUNDS = {
    "minimum": "is less than the minimum of {}",
    "maximum": "is more than the maximum of {}",
    "exclusiveMinimum": "is not above {}",
    "exclusiveMaximum": "is not below {}",
    "minLength": "is too short; accepted: at least {} characters",
    "maxLength": "is too long; accepted: up to {} characters",
    "minItems": "has too little in it; accepted: at least {}",
    "minProperties": "has too little in it; accepted: at least {}",
    "uniqueItems": "holds something twice; accepted: each once",
}


def _described(schema: Mapping[str, Any]) -> str:
    return f" ({schema['description']})" if "description" in schema else ""


def _accepted(schema: Mapping[str, Any]) -> str:
    """What the schema says of itself, else the pattern that it asks for."""
    said = schema.get("description") or (f"what matches {schema['pattern']}" if "pattern" in schema else "")
    return f"; accepted: {said}" if said else ""


def _shown(value: Any, most: int = 100) -> str:
    text = repr(value)
    return text if len(text) <= most else text[: most - 1] + "…"
