"""The one reader of the YAML that people write: configuration, routes, source profiles, topic rules, Kafka topics.

It reads YAML 1.2's core schema, in which `no`, `22:00` and dates are text, and refuses what a reader could mistake:
a key that stands twice, `010`, aliases, unknown tags. Every value knows its line. See docs/adr/0070-one-yaml-reader.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

from newsflow.errors import ConfigError, dotted, raise_all

ValuePath = tuple[str | int, ...]
"""Keys and indexes that lead from the top of a document to a value."""

MAX_FILE_BYTES = 64 * 1024 * 1024
MAX_DEPTH = 100
REF = "!ref"

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TEXT_TAGS = ("!", "tag:yaml.org,2002:str")
_CONSTANTS = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    word: word[0] in "tT" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_ZERO_FIRST = re.compile(r"[-+]?0[0-9]+")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|(?P<not_finite>[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))"
)
_NUMBER_STARTS = "+-.0123456789"
_MAX_SHOWN_STEPS = 8
_MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """A value, and the line (from 1) of each value within it. `at` is where it stands in the file's document."""

    value: Any
    lines: Mapping[ValuePath, int]
    file: str
    at: ValuePath = ()

    def line(self, path: ValuePath = ()) -> int | None:
        """The line of the value at `path`, or of the nearest value around it; None where lines are not known."""
        path = (*self.at, *path)
        while path not in self.lines and path:
            path = path[:-1]
        return self.lines.get(path)

    def error(self, message: str, path: ValuePath = (), at: ValuePath | None = None) -> ConfigError:
        """An error that points at `path`, to be raised by the caller; its line is that of `at`, where that is given."""
        line = self.line(path if at is None else at)
        return ConfigError(message, file=self.file, path=dotted((*self.at, *path)), line=line)

    def part(self, path: ValuePath) -> YamlDocument:
        """The value at `path` as a document of its own, whose errors still point into this file."""
        value = self.value
        for step in path:
            value = value[step]
        return YamlDocument(value, self.lines, self.file, (*self.at, *path))

    def check(self, schema: Mapping[str, Any]) -> None:
        """Raise `ConfigError` with all that violates `schema` (JSON Schema 2020-12)."""
        if _keeps_to(schema, self.value):
            return
        # What explains takes a quarter of a second to import.
        from newsflow.violations import violations

        errors = [self.error(message, path, at) for path, at, message in violations(schema, self.value)]
        raise_all(sorted(errors, key=lambda error: error.line or 0))


def _keeps_to(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether the fast validator accepts all of `value`. It takes 5.0 for an integer, so of such numbers it is not
    asked."""
    return not _has_whole_float(value) and jsonschema_rs.Draft202012Validator(dict(schema)).is_valid(value)


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_has_whole_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_whole_float, value))
    return isinstance(value, float) and value.is_integer()


def read_yaml(path: Path) -> YamlDocument:
    """The one document of a file; its value is None when the file is empty. Raises `ConfigError`."""
    return parse_yaml(read_text(path), str(path))


def read_documents(path: Path) -> list[YamlDocument]:
    """The documents of a file, with `---` between them. Raises `ConfigError`."""
    return list(_documents(read_text(path), str(path)))


def parse_yaml(text: str, file: str) -> YamlDocument:
    """One document given as text; `file` names it in errors. Raises `ConfigError`."""
    documents = list(_documents(text, file))
    if len(documents) > 1:
        raise documents[1].error("a second document (after `---`) stands here; accepted: one a file")
    return documents[0] if documents else YamlDocument(None, {}, file)


def read_text(path: Path, max_bytes: int | None = MAX_FILE_BYTES) -> str:
    """The text of a UTF-8 file, a byte order mark skipped. Raises `ConfigError`."""
    try:
        size = path.stat().st_size
        if max_bytes is not None and size > max_bytes:
            raise ConfigError(f"has {size:,} bytes; accepted: up to {max_bytes:,}", file=str(path))
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", file=str(path)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 at byte {error.start}; save it as UTF-8", file=str(path)) from error


def _documents(text: str, file: str) -> Iterator[YamlDocument]:
    try:
        events = yaml.parse(text, Loader=_Loader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                builder = _Builder(events, file)
                value = builder.build(next(events), ())
                yield YamlDocument(value, builder.lines, file)
    except (yaml.YAMLError, UnicodeError) as error:
        raise _syntax_error(error, text, file) from error


def _syntax_error(error: yaml.YAMLError | UnicodeError, text: str, file: str) -> ConfigError:
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    if mark is None:
        read = text.encode("utf-8", "replace")[: getattr(error, "position", 0)]
        return ConfigError(f"is not valid YAML: {problem}", file=file, line=read.count(b"\n") + 1)
    lines = text.split("\n")
    # At the end of a file the parser may already be a line further.
    number = min(mark.line + 1, len(lines))
    before = lines[number - 1][: mark.column + 1]
    tabs = "\t" in before and not before.strip()
    hint = "indent by spaces, not by tabs" if tabs else "look at the indentation, and for a text that needs quotes"
    return ConfigError(f"is not valid YAML: {problem}; {hint}", file=file, line=number)


class _Builder:
    """Builds one document from the parser's events, so that it stops at the first thing that is refused."""

    def __init__(self, events: Iterator[Any], file: str) -> None:
        self.lines: dict[ValuePath, int] = {}
        self._events, self._file = events, file

    def build(self, event: Any, path: ValuePath) -> Any:
        """The value that begins with `event`."""
        self.lines.setdefault(path, _line(event))
        try:
            if isinstance(event, yaml.ScalarEvent):
                return _scalar(event)
            _check_collection(event, len(path))
        except ValueError as refused:
            raise self._error(event, path[:_MAX_SHOWN_STEPS], str(refused)) from None
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def _sequence(self, path: ValuePath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self.build(event, (*path, len(items))))
        return items

    def _mapping(self, path: ValuePath) -> dict[str, Any]:
        members: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent) or event.tag not in (None, *_TEXT_TAGS):
                raise self._error(event, path, "this is not accepted as a key; accepted: a text")
            # As in JSON, every key is text: `no:` is Norwegian, `2024:` a year.
            key, inner = event.value, (*path, event.value)
            if key in members:
                message = f"the key {key!r} stands twice, first on line {self.lines[inner]}; accepted: each key once"
                raise self._error(event, path, message)
            self.lines[inner] = _line(event)
            members[key] = self.build(next(self._events), inner)
        return members

    def _error(self, event: Any, path: ValuePath, message: str) -> ConfigError:
        return ConfigError(message, file=self._file, path=dotted(path), line=_line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _check_collection(event: Any, depth: int) -> None:
    if isinstance(event, yaml.AliasEvent):
        raise ValueError(f"aliases (*{event.anchor}) are not accepted; write the value out, in a rule use {REF}")
    if event.tag is not None:
        raise _unknown_tag(event.tag)
    if depth >= MAX_DEPTH:
        raise ValueError(f"lists and mappings nest too deeply; accepted: {MAX_DEPTH} levels")


def _scalar(event: yaml.ScalarEvent) -> Any:
    text = event.value
    # The first flag: written plainly, without quotes.
    if event.tag is None and event.implicit[0]:
        return _CONSTANTS[text] if text in _CONSTANTS else _number(text) if text[0] in _NUMBER_STARTS else text
    if event.tag == REF:
        # As it is written in JSON.
        return {REF: text}
    if event.tag not in (None, *_TEXT_TAGS):
        raise _unknown_tag(event.tag)
    return text


def _unknown_tag(tag: str) -> ValueError:
    shown = tag.replace("tag:yaml.org,2002:", "!!")
    return ValueError(f"the tag {shown} is not accepted here; accepted: no tag, !!str or {REF} before a text")


def _number(text: str) -> int | float | str:
    if _INTEGER.fullmatch(text):
        if _ZERO_FIRST.fullmatch(text):
            what = f"{text} could be read as decimal or as octal; accepted: the number without the zero in front"
        elif len(text) > _MAX_DIGITS:
            what = f"{text[:40]} has too many digits; accepted: numbers of up to {_MAX_DIGITS}"
        else:
            return int(text, 0)
    elif found := _FLOAT.fullmatch(text):
        if not found["not_finite"] and isfinite(number := float(text)):
            return number
        what = f"{text[:40]} is not a finite number; accepted: finite numbers"
    else:
        return text
    raise ValueError(f"{what}, or quotes around a text")
