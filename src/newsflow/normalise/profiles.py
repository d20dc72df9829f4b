"""Source profiles: read from YAML files, checked whole, and proposed from what repeats in a sample of a source."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from newsflow.errors import ConfigError
from newsflow.model import RawArticle, Reason, Rejected
from newsflow.normalise.blocks import densest_block
from newsflow.normalise.characters import tidy_line, tidy_lines
from newsflow.normalise.dates import parse_date
from newsflow.normalise.encodings import repair_text
from newsflow.normalise.lines import why_dropped
from newsflow.normalise.page.tree import strip_tags
from newsflow.normalise.values import Parameters, Selectors, SourceProfile
from newsflow.yamlfile import ValuePath, YamlDocument, read_yaml


def load_profiles(path: str | Path) -> dict[str, SourceProfile]:
    """Profiles by source id, from one YAML file or every `*.yaml` / `*.yml` below a directory.

    A file holds one profile, or `sources:` with a list of them. Raises ConfigError on what cannot be read, is not
    YAML, breaks the schema, names a zone that does not exist, a selector that is not one, or an id twice.
    """
    profiles: dict[str, SourceProfile] = {}
    origins: dict[str, str] = {}
    for file in _yaml_files(Path(path)):
        for document in _profiles_of(read_yaml(file)):
            _check(document)
            profile = _profile(document.value)
            if profile.id in origins:
                raise document.error(f"source {profile.id!r} was already described in {origins[profile.id]}")
            profiles[profile.id], origins[profile.id] = profile, str(file)
    return profiles


def load_sources(paths: Iterable[str | Path]) -> dict[str, SourceProfile]:
    """Source profiles by id, from files and folders; a later path wins."""
    profiles: dict[str, SourceProfile] = {}
    for path in paths:
        profiles.update(load_profiles(path))
    return profiles


def registered(raw: RawArticle, known: Collection[str]) -> RawArticle | Rejected:
    """The raw article where its source is a known one, as closed sources want it."""
    if raw.source in known:
        return raw
    message = f"source {raw.source!r} is not registered, and sources are closed (sources.closed)"
    return Rejected(Reason.UNKNOWN_SOURCE, message, "Normalise")


def _yaml_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not path.is_file():
        raise ConfigError("no such file or directory; expected a YAML file of source profiles", file=str(path))
    return [path]


def _profiles_of(document: YamlDocument) -> list[YamlDocument]:
    value = document.value
    if value is None:
        return []
    if not isinstance(value, dict) or set(value) != {"sources"}:
        return [document]
    if not isinstance(value["sources"], list):
        raise document.error("expected a list of profiles", ("sources",))
    return [document.part(("sources", index)) for index in range(len(value["sources"]))]


def _check(document: YamlDocument) -> None:
    document.check(_schema())
    for path, problem in _semantic_problems(document.value):
        raise document.error(problem, path)


def _semantic_problems(item: dict[str, Any]) -> Iterator[tuple[ValuePath, str]]:
    if "zone" in item:
        try:
            ZoneInfo(item["zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield ("zone",), f"no time zone {item['zone']!r}; expected an IANA name such as Asia/Dubai"
    for name, value in item.get("selectors", {}).items():
        for index, selector in enumerate(value if isinstance(value, list) else [value]):
            if problem := _selector_problem(selector):
                yield ("selectors", name, *((index,) if isinstance(value, list) else ())), problem


def _selector_problem(selector: str) -> str | None:
    from cssselect import SelectorError
    from lxml.cssselect import CSSSelector

    try:
        CSSSelector(selector)
    except (SelectorError, ValueError) as error:
        return f"{selector!r} is not a CSS selector: {error}"
    return None


@cache
def _schema() -> Any:
    schema = files("newsflow.normalise").joinpath("data/source-profile.schema.json").read_text(encoding="utf-8")
    return json.loads(schema)


def _profile(item: dict[str, Any]) -> SourceProfile:
    members: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in item.items()}
    selectors = item.get("selectors", {})
    members["selectors"] = Selectors(**{**selectors, "drop": tuple(selectors.get("drop", ()))})
    named = {name: tuple(each.lower() for each in names) for name, names in item.get("parameters", {}).items()}
    members["parameters"] = Parameters(**named)
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
