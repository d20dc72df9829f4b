"""YAML and JSON Lines files with the line of every value, so that an error can point at it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import yaml

from newsflow.errors import ConfigError

Steps = tuple[str | int, ...]

MAX_FILE_BYTES = 64 * 1024 * 1024
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Ref:
    """`!ref countries/SY`: the value of another rule, to be put here."""

    target: str


@dataclass(frozen=True, slots=True)
class Document:
    """One rule as data. `lines` gives the line (from 1) of each value by its steps from the root."""

    file: str
    value: Any
    lines: dict[Steps, int]
    first_line: int = 1

    def fail(self, message: str, steps: Steps = ()) -> ConfigError:
        """The error for a value, to be raised by the caller."""
        known = steps
        while known and known not in self.lines:
            known = known[:-1]
        return ConfigError(message, file=self.file, path=path_text(steps), line=self.lines.get(known, self.first_line))


def path_text(steps: Steps) -> str:
    """`terms.ar[2].unless` for the steps of a value."""
    text = ""
    for step in steps:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


class _Builder:
    """Plain values from YAML nodes; keeps lines, refuses repeated keys and aliases that could explode."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Steps, int] = {}
        self.constructor = yaml.constructor.SafeConstructor()

    def build(self, node: Any, steps: Steps = ()) -> Any:
        self.lines[steps] = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, steps)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*steps, index)) for index, item in enumerate(node.value)]
        if node.tag == "!ref":
            return Ref(str(node.value))
        # `no`, `on` and `y` are the words people mean (Norwegian, a term), not truth values.
        if node.tag == "tag:yaml.org,2002:bool" and node.value.lower() not in ("true", "false"):
            return str(node.value)
        if node.tag.startswith("!") or node.tag.endswith(("timestamp", "binary")):
            return str(node.value)
        return self.constructor.construct_object(node)

    def _mapping(self, node: Any, steps: Steps) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            line = key_node.start_mark.line + 1
            if key in result:
                raise ConfigError(
                    f"the key {key!r} stands here twice", file=self.file, path=path_text(steps), line=line
                )
            result[key] = self.build(value_node, (*steps, key))
            self.lines[(*steps, key)] = line
        return result


def _yaml_error(error: yaml.YAMLError, file: str) -> ConfigError:
    mark: Any = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return ConfigError(f"not valid YAML: {problem}", file=file, line=mark.line + 1 if mark else None)


def _read_text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES and path.suffix != ".jsonl":
            raise ConfigError(
                f"the file is larger than {MAX_FILE_BYTES} bytes; write saved searches as .jsonl", file=name
            )
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}; save the file as UTF-8", file=name) from error
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror or error}", file=name) from error


def _refuse_aliases(text: str, file: str) -> None:
    """Aliases multiply: nine lines of them can fill the memory. `!ref` serves instead."""
    if "*" not in text or "&" not in text:
        return
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            raise ConfigError("aliases (*name) are not accepted; use !ref", file=file, line=_line(event))


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def read_yaml(path: Path, name: str) -> list[Document]:
    """The documents of one YAML file. Raises ConfigError with file and line."""
    text = _read_text(path, name)
    documents = []
    try:
        _refuse_aliases(text, name)
        for node in yaml.compose_all(text, Loader=_Loader):
            builder = _Builder(name)
            value = builder.build(node)
            documents.append(Document(name, value, builder.lines, builder.lines[()]))
    except yaml.YAMLError as error:
        raise _yaml_error(error, name) from error
    except RecursionError as error:
        raise ConfigError("nested too deeply", file=name) from error
    return documents


def with_refs(value: Any) -> Any:
    """JSON has no tags: `{"!ref": "countries/SY"}` stands for one."""
    if isinstance(value, dict):
        if set(value) == {"!ref"}:
            return Ref(str(value["!ref"]))
        return {key: with_refs(item) for key, item in value.items()}
    return [with_refs(item) for item in value] if isinstance(value, list) else value


def read_jsonl(path: Path, name: str) -> list[Document]:
    """One rule a line, for saved searches by the thousand. Empty lines are skipped."""
    documents = []
    for number, line in enumerate(_read_text(path, name).split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ConfigError(f"not valid JSON: {error}", file=name, line=number) from error
        documents.append(Document(name, with_refs(value) if '"!ref"' in line else value, {}, number))
    return documents
