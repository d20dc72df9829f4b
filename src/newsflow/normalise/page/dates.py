"""All dates a page gives for its article, best evidence first."""

from __future__ import annotations

import re
from dataclasses import replace

from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.fold import fold
from newsflow.normalise.dates.words import UPDATED
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.metadata import Metadata
from newsflow.normalise.page.tree import text_of
from newsflow.normalise.profile import SourceProfile
from newsflow.normalise.settle import settle_line

MAX_DATES, MAX_LOOKED_AT, MAX_CHARS = 6, 20_000, 120
NEAR_BELOW, NEAR_ABOVE = 80, 8
_UPDATED_RANK, _ABOVE_RANK, _NAMED_RANK, _NEVER = 100, 300, 400, 1_000_000
_PUBLISHED = re.compile(
    r"publi|pubdate|posted|post-?(?:date|time|meta)|entry-?date|article-?(?:date|time)|story-?date", re.I
)
_NO_TEXT = frozenset({"script", "style", "meta", "link", "head", "title", "html", "body"})
_NOT_OURS = re.compile(
    r"modif|updat|comment|related|sidebar|footer|copyright|weather|clock|today|current", re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰|13|14|۱۳|۱۴)\d\d|\d{1,2}\.\d{1,2}\.\d\d")


def find_dates(tree: HtmlElement, meta: Metadata, source: SourceProfile | None) -> tuple[PublicationDate, ...]:
    """Dates with their evidence: a profile's selector, JSON-LD, metadata, then visible text; zones stay unsettled."""
    tag = _tag(meta, source)
    found: dict[tuple[str, str], PublicationDate] = {}
    candidates = list(meta.dates)
    if source and source.selectors.date:
        candidates[:0] = [("text", line) for line in selected_lines(tree, source.selectors.date)[:3]]
    for evidence, text in candidates:
        _add(found, evidence, text, tag)
    if not found:
        for text in _visible(tree):
            _add(found, "text", text, tag)
            if found:
                break
    return tuple(found.values())[:MAX_DATES]


def _tag(meta: Metadata, source: SourceProfile | None) -> str | None:
    return meta.language or (source.languages[0] if source and source.languages else None)


def _add(found: dict[tuple[str, str], PublicationDate], evidence: DateEvidence, text: str, tag: str | None) -> None:
    settled = settle_line(text)[:MAX_CHARS]
    date = parse_date(settled, tag) if settled else None
    if date is not None:
        found.setdefault((evidence, settled), replace(date, evidence=evidence))


def _visible(tree: HtmlElement) -> list[str]:
    """Short visible texts that may be the date line, best first.

    What follows the heading comes first, nearest before farther; then what stands right above it; then what is named
    after publication. The clock in a page's header, which shows today's date, is none of these.
    """
    found: list[tuple[int, str]] = []
    heading: int | None = None
    for index, element in enumerate(tree.iter()):
        if index > MAX_LOOKED_AT:
            break
        if not isinstance(element.tag, str) or element.tag in _NO_TEXT or len(element) > 7:
            continue
        if element.tag == "h1" and heading is None:
            heading = index
        name = f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"
        if _NOT_OURS.search(name):
            continue
        text = text_of(element)
        if 6 <= len(text) <= MAX_CHARS and _YEAR.search(text):
            found.append((_rank(index, heading, name, text), text))
    # Ranks before the heading are known only when it was met.
    ranked = [(rank if rank >= 0 else _rank_above(-rank, heading), text) for rank, text in found]
    return [text for rank, text in sorted(ranked, key=lambda pair: pair[0]) if rank < _NEVER]


def _rank(index: int, heading: int | None, name: str, text: str) -> int:
    updated = _UPDATED_RANK if set(fold(text).split()[:3]) & UPDATED else 0
    if heading is not None and index - heading <= NEAR_BELOW:
        return index - heading + updated
    if _PUBLISHED.search(name):
        return _NAMED_RANK + updated
    return -index if heading is None else _NEVER


def _rank_above(index: int, heading: int | None) -> int:
    if heading is None:
        return _NAMED_RANK + index
    return _ABOVE_RANK + heading - index if heading - index <= NEAR_ABOVE else _NEVER
