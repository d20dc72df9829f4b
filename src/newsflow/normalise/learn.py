"""What repeats on the pages of one source: a proposal for its profile."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from newsflow.model import RawArticle
from newsflow.normalise.blocks import densest_block
from newsflow.normalise.dates import parse_date
from newsflow.normalise.decode import repair_text
from newsflow.normalise.lines import why_dropped
from newsflow.normalise.page.tree import strip_tags
from newsflow.normalise.settle import settle_line, settle_text

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
