"""Source profiles: read from YAML files, checked whole, and proposed from what repeats in a sample of a source."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsflow.errors import ConfigError
from newsflow.model import RawArticle
from newsflow.normalise.blocks import densest_block
from newsflow.normalise.characters import tidy_line, tidy_lines
from newsflow.normalise.dates import parse_date
from newsflow.normalise.decode import repair_text
from newsflow.normalise.lines import why_dropped
from newsflow.normalise.page.tree import strip_tags
from newsflow.normalise.values import Selectors, SourceProfile
from newsflow.yamlfile import Place, YamlFile, read_yaml

MAX_FILE_BYTES = 4_000_000


def load_profiles(path: str | Path) -> dict[str, SourceProfile]:
    """Profiles by source id, from one YAML file or every `*.yaml` / `*.yml` below a directory.

    A file holds one profile, or `sources:` with a list of them. Raises ConfigError, with file, line and path, on what
    cannot be read, breaks the schema, names a time zone or a selector that does not exist, or has an id twice.
    """
    profiles: dict[str, SourceProfile] = {}
    origins: dict[str, Path] = {}
    for file in _yaml_files(Path(path)):
        for profile, place in _profiles_of(file):
            if profile.id in origins:
                message = f"source {profile.id!r} was already described in {origins[profile.id]}"
                raise ConfigError(message, file=str(file), path=_dotted(place))
            profiles[profile.id], origins[profile.id] = profile, file
    return profiles


def _yaml_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not path.is_file():
        raise ConfigError("no such file or directory; expected a YAML file of source profiles", file=str(path))
    return [path]


def _profiles_of(file: Path) -> Iterator[tuple[SourceProfile, Place]]:
    if (size := file.stat().st_size) > MAX_FILE_BYTES:
        raise ConfigError(f"{size} bytes; at most {MAX_FILE_BYTES} are read", file=str(file))
    document = read_yaml(file)
    value = document.value
    items: list[tuple[Any, Place]] = [] if value is None else [(value, ())]
    if isinstance(value, dict) and set(value) == {"sources"}:
        if not isinstance(value["sources"], list):
            raise _error(document, "expected a list of profiles", ("sources",))
        items = [(item, ("sources", index)) for index, item in enumerate(value["sources"])]
    for item, place in items:
        for problem, within in _problems(item):
            raise _error(document, problem, (*place, *within))
        yield _profile(item), place


def _error(document: YamlFile, message: str, place: Place) -> ConfigError:
    return ConfigError(message, file=document.file, path=_dotted(place), line=document.line(place))


def _dotted(place: Place) -> str:
    return ".".join(map(str, place))


def _problems(item: Any) -> Iterator[tuple[str, Place]]:
    """What is wrong with a profile, and where; beyond the schema only if it keeps to that."""
    from cssselect import SelectorError
    from lxml.cssselect import CSSSelector

    errors = sorted(_validator().iter_errors(item), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        yield errors[0].message, tuple(errors[0].absolute_path)
        return
    if "zone" in item:
        try:
            ZoneInfo(item["zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield f"there is no time zone {item['zone']!r}; expected an IANA name such as Asia/Dubai", ("zone",)
    for name, value in item.get("selectors", {}).items():
        for index, selector in enumerate(value if isinstance(value, list) else [value]):
            try:
                CSSSelector(selector)
            except (SelectorError, ValueError) as error:
                place = ("selectors", name, *([index] if isinstance(value, list) else []))
                yield f"not a CSS selector: {selector!r} ({error})", place


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = files("newsflow.normalise").joinpath("data/source-profile.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _profile(item: dict[str, Any]) -> SourceProfile:
    members: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in item.items()}
    selectors = item.get("selectors", {})
    members["selectors"] = Selectors(**{**selectors, "drop": tuple(selectors.get("drop", ()))})
    return SourceProfile(**members)


# Learning from a sample.

MIN_PAGES, MIN_SHARE = 3, 0.3
MAX_LINE_CHARS = 300
Position = Literal["header", "footer", "within"]
"""Where a line stands to the article's text."""

_TITLE = re.compile(r"<title[^>]*>(.{1,2000}?)</title", re.IGNORECASE | re.DOTALL)
_SUFFIX = re.compile(r"\s([|–—\-·•›»]\s[^|–—·•›»]{2,60})$")


@dataclass(frozen=True, slots=True)
class RepeatedLine:
    """A line that stands on `pages` of the sample. `known` is why the general rules drop it anyway, if they do."""

    text: str
    pages: int
    place: Position
    known: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a sample says about one source. `title_suffixes` have the number of titles that end so."""

    source: str
    pages: int
    lines: tuple[RepeatedLine, ...]
    title_suffixes: tuple[tuple[str, int], ...]


def learn_source(source: str, sample: Iterable[RawArticle]) -> Proposal:
    """Lines and title endings that repeat on at least three pages and three in ten of a sample of one source."""
    pages = [raw for raw in sample if raw.content]
    positions: dict[str, Counter[Position]] = {}
    endings: Counter[str] = Counter()
    for raw in pages:
        for line, position in _positions(_lines(raw)).items():
            positions.setdefault(line, Counter())[position] += 1
        if match := _SUFFIX.search(_title(raw)):
            endings[match.group(1)] += 1
    least = max(MIN_PAGES, MIN_SHARE * len(pages))
    lines = [
        RepeatedLine(line, counts.total(), counts.most_common(1)[0][0], why_dropped(line))
        for line, counts in positions.items()
        if counts.total() >= least and parse_date(line) is None
    ]
    lines.sort(key=lambda line: (-line.pages, line.text))
    suffixes = tuple((text, count) for text, count in endings.most_common() if count >= least)
    return Proposal(source, len(pages), tuple(lines), suffixes)


def _lines(raw: RawArticle) -> list[str]:
    content = repair_text(raw.content)
    return tidy_lines(strip_tags(content) if "html" in raw.content_type else content)


def _positions(lines: Sequence[str]) -> dict[str, Position]:
    """Each short line of a page, once, and where it stands."""
    first, end = densest_block(lines) or (0, len(lines))
    found: dict[str, Position] = {}
    for index, line in enumerate(lines):
        if len(line) <= MAX_LINE_CHARS:
            found.setdefault(line, "header" if index < first else "footer" if index >= end else "within")
    return found


def _title(raw: RawArticle) -> str:
    match = _TITLE.search(raw.content[:50_000]) if "html" in raw.content_type else None
    return tidy_line(match.group(1) if match else raw.title or "")
