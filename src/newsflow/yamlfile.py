"""YAML files that people write: read with line numbers, checked against a JSON Schema, errors one can act on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from newsflow.errors import ConfigError

Place = tuple[str | int, ...]


class YamlFile:
    """A parsed YAML document that knows on which line each of its values stands."""

    def __init__(self, value: Any, lines: Mapping[Place, int], file: str) -> None:
        self.value, self.lines, self.file = value, lines, file

    def line(self, place: Place) -> int | None:
        """The line (from 1) of the value at `place`, or of the nearest value around it."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place)

    def error(self, message: str, place: Place = ()) -> ConfigError:
        """An error that points at `place` in this file."""
        return ConfigError(message, file=self.file, path=dotted(place), line=self.line(place))

    def check(self, schema: Mapping[str, Any]) -> None:
        """Raise `ConfigError` for the first violation of `schema` (JSON Schema 2020-12)."""
        from jsonschema import Draft202012Validator
        from jsonschema.exceptions import best_match

        violation = best_match(Draft202012Validator(schema).iter_errors(self.value))
        if violation is not None:
            raise self.error(explain(violation), tuple(violation.absolute_path))


class _Loader(yaml.SafeLoader):
    """SafeLoader that refuses what YAML would silently swallow: the same key twice."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, str) and key in seen:
                raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
            if isinstance(key, str):
                seen.add(key)
        return super().construct_mapping(node, deep)


# "no" is Norway's code and Norwegian's, not False; dates stay text: only what JSON knows.
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag not in ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:bool")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _first in "tTfF":
    _Loader.yaml_implicit_resolvers.setdefault(_first, []).append(
        ("tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"))
    )


# As in JSON: `!ref countries/SY` and {"!ref": "countries/SY"} are the same.
_Loader.add_constructor("!ref", lambda _, node: {"!ref": str(node.value)})


def read_yaml(path: Path) -> YamlFile:
    """Read one YAML document; raises `ConfigError` when the file is missing, no UTF-8, or no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", file=str(path)) from error
    return parse_yaml(text, str(path))


def parse_yaml(text: str, file: str) -> YamlFile:
    """Parse one YAML document given as text; `file` names it in errors."""
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error) or type(error).__name__
        line = None if mark is None else mark.line + 1
        raise ConfigError(f"is not valid YAML: {problem}", file=file, line=line) from error
    return YamlFile(value, {} if node is None else dict(_lines(node)), file)


def dotted(place: Place) -> str:
    """`("routes", 2, "match")` as `routes[2].match`."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def explain(violation: Any) -> str:
    """One sentence for a jsonschema violation: what is wrong and what would be accepted."""
    keyword, expected, found = violation.validator, violation.validator_value, violation.instance
    if isinstance(violation.schema, Mapping) and violation.schema.get("writeOnly"):
        # A secret may stand where a reference to it belongs: the value is not repeated.
        return f"the value is not accepted; accepted: {violation.schema.get('description', expected)}"
    if keyword == "additionalProperties" and isinstance(found, Mapping):
        known = sorted(violation.schema.get("properties", {}))
        unknown = sorted(set(map(str, found)) - set(known))
        return f"unknown {', '.join(map(repr, unknown))}; accepted: {', '.join(known)}"
    if keyword == "required":
        return f"{violation.message}; required: {', '.join(expected)}"
    if keyword == "enum":
        return f"{found!r} is not accepted; accepted: {', '.join(map(str, expected))}"
    if keyword == "type":
        return f"{found!r} is a {type(found).__name__}; accepted: {expected}"
    description = violation.schema.get("description") if isinstance(violation.schema, Mapping) else None
    return str(violation.message) + (f" ({description})" if description else "")


def _lines(node: Node, place: Place = ()) -> Iterator[tuple[Place, int]]:
    yield place, node.start_mark.line + 1
    if isinstance(node, MappingNode):
        for key, child in node.value:
            yield from _lines(child, (*place, str(key.value)))
            yield (*place, str(key.value)), key.start_mark.line + 1
    elif isinstance(node, SequenceNode):
        for index, child in enumerate(node.value):
            yield from _lines(child, (*place, index))
