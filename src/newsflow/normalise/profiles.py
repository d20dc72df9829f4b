"""Source profiles from YAML files, checked whole; errors name file, line and place."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from newsflow.errors import ConfigError
from newsflow.model import RawArticle
from newsflow.normalise.blocks import densest_block
from newsflow.normalise.characters import settle_line, settle_text
from newsflow.normalise.dates import parse_date
from newsflow.normalise.decode import repair_text
from newsflow.normalise.lines import why_dropped
from newsflow.normalise.page.tree import strip_tags
from newsflow.normalise.values import Selectors, SourceProfile

MAX_FILE_BYTES = 4_000_000


def load_profiles(path: str | Path) -> dict[str, SourceProfile]:
    """Profiles by source id, from one YAML file or every `*.yaml` / `*.yml` below a directory.

    A file holds one profile, or `sources:` with a list of them. Raises ConfigError on what cannot be read, is no
    YAML, breaks the schema, names a zone that does not exist, a selector that is none, or an id twice.
    """
    profiles: dict[str, SourceProfile] = {}
    origins: dict[str, str] = {}
    for file in _yaml_files(Path(path)):
        for profile, where in _profiles_of(file):
            if profile.id in origins:
                raise ConfigError(
                    f"source {profile.id!r} was already described in {origins[profile.id]}", file=str(file), path=where
                )
            profiles[profile.id], origins[profile.id] = profile, str(file)
    return profiles


def _yaml_files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if file.suffix in (".yaml", ".yml") and file.is_file())
    if not path.is_file():
        raise ConfigError("no such file or directory; expected a YAML file of source profiles", file=str(path))
    return [path]


def _profiles_of(file: Path) -> Iterator[tuple[SourceProfile, str]]:
    text = _read(file)
    root, value = _parse(file, text)
    if value is None:
        return
    if isinstance(value, dict) and set(value) == {"sources"}:
        items = value["sources"]
        if not isinstance(items, list):
            raise ConfigError(
                "expected a list of profiles", file=str(file), path="sources", line=_line(root, ["sources"])
            )
        places: list[list[str | int]] = [["sources", index] for index in range(len(items))]
    else:
        items, places = [value], [[]]
    for item, place in zip(items, places, strict=True):
        _check(file, root, item, place)
        yield _profile(item), _dotted(place)


def _read(file: Path) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(file)) from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"{len(data)} bytes; at most {MAX_FILE_BYTES} are read", file=str(file))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 at byte {error.start}", file=str(file)) from error


def _parse(file: Path, text: str) -> tuple[yaml.Node | None, Any]:
    try:
        return yaml.compose(text, yaml.SafeLoader), yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise ConfigError(f"no YAML: {error.problem}", file=str(file), line=line) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"no YAML: {error}", file=str(file)) from error


def _check(file: Path, root: yaml.Node | None, item: Any, place: list[str | int]) -> None:
    errors = sorted(_validator().iter_errors(item), key=lambda error: list(map(str, error.absolute_path)))
    if errors:
        where = [*place, *errors[0].absolute_path]
        raise ConfigError(errors[0].message, file=str(file), path=_dotted(where), line=_line(root, where))
    for where, problem in _semantic_problems(item):
        raise ConfigError(problem, file=str(file), path=_dotted([*place, *where]), line=_line(root, [*place, *where]))


def _semantic_problems(item: dict[str, Any]) -> Iterator[tuple[list[str | int], str]]:
    if "zone" in item:
        try:
            ZoneInfo(item["zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield ["zone"], f"no time zone {item['zone']!r}; expected an IANA name such as Asia/Dubai"
    selectors = item.get("selectors", {})
    for name, value in selectors.items():
        for index, selector in enumerate(value if isinstance(value, list) else [value]):
            if problem := _selector_problem(selector):
                yield ["selectors", name, *([index] if isinstance(value, list) else [])], problem


def _selector_problem(selector: str) -> str | None:
    from cssselect import SelectorError
    from lxml.cssselect import CSSSelector

    try:
        CSSSelector(selector)
    except (SelectorError, ValueError) as error:
        return f"no CSS selector: {selector!r} ({error})"
    return None


@lru_cache(maxsize=1)
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = files("newsflow.normalise").joinpath("data/source-profile.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _profile(item: dict[str, Any]) -> SourceProfile:
    selectors = dict(item.get("selectors", {}))
    drop = tuple(selectors.pop("drop", ()))
    return SourceProfile(
        id=item["id"],
        name=item.get("name", ""),
        zone=item.get("zone"),
        languages=tuple(item.get("languages", ())),
        family=item.get("family"),
        title_suffixes=tuple(item.get("title_suffixes", ())),
        drop_lines=tuple(item.get("drop_lines", ())),
        selectors=Selectors(**selectors, drop=drop),
    )


def _dotted(place: list[str | int]) -> str:
    return ".".join(str(part) for part in place)


def _line(node: yaml.Node | None, place: list[str | int]) -> int | None:
    """The line (from 1) of a place in a YAML tree, or of its nearest ancestor there is."""
    for part in place:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
        if child is None:
            break
        node = child
    return node.start_mark.line + 1 if node is not None else None


# What repeats on the pages of one source: a proposal for its profile.


MIN_PAGES, MIN_SHARE = 3, 0.3
MAX_LINE_CHARS = 300
Place = Literal["header", "footer", "within"]

_TITLE = re.compile(r"<title[^>]*>(.{1,2000}?)</title", re.IGNORECASE | re.DOTALL)
_SUFFIX = re.compile(r"\s([|–—\-·•›»]\s[^|–—·•›»]{2,60})$")


@dataclass(frozen=True, slots=True)
class RepeatedLine:
    """A line that stands on `pages` of the sample's pages, mostly at `place` of the article's text.

    `known` is why the general rules drop it anyway, if they do.
    """

    text: str
    pages: int
    place: Place
    known: str | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a sample says about one source. `title_suffixes` go with the number of titles that end so."""

    source: str
    pages: int
    lines: tuple[RepeatedLine, ...]
    title_suffixes: tuple[tuple[str, int], ...]


def learn_source(source: str, sample: Iterable[RawArticle]) -> Proposal:
    """Lines and title endings that repeat on at least three pages and three in ten of a sample of one source."""
    pages = [raw for raw in sample if raw.content]
    places: dict[str, Counter[Place]] = {}
    endings: Counter[str] = Counter()
    for raw in pages:
        for line, place in _places(_lines(raw)).items():
            places.setdefault(line, Counter())[place] += 1
        if match := _SUFFIX.search(_title(raw)):
            endings[match.group(1)] += 1
    least = max(MIN_PAGES, MIN_SHARE * len(pages))
    lines = [
        RepeatedLine(line, counts.total(), counts.most_common(1)[0][0], why_dropped(line))
        for line, counts in places.items()
        if counts.total() >= least and parse_date(line) is None
    ]
    lines.sort(key=lambda line: (-line.pages, line.text))
    suffixes = tuple((text, count) for text, count in endings.most_common() if count >= least)
    return Proposal(source, len(pages), tuple(lines), suffixes)


def _lines(raw: RawArticle) -> list[str]:
    content = repair_text(raw.content)
    text = settle_text(strip_tags(content) if "html" in raw.content_type else content)
    return [line for part in text.split("\n") if (line := part.strip())]


def _places(lines: Sequence[str]) -> dict[str, Place]:
    """Each short line of a page, once, and where it stands to the densest block of text."""
    first, end = densest_block(lines) or (0, len(lines))
    found: dict[str, Place] = {}
    for index, line in enumerate(lines):
        if len(line) <= MAX_LINE_CHARS:
            found.setdefault(line, "header" if index < first else "footer" if index >= end else "within")
    return found


def _title(raw: RawArticle) -> str:
    match = _TITLE.search(raw.content[:50_000]) if "html" in raw.content_type else None
    return settle_line(match.group(1) if match else raw.title or "")
