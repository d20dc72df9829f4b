"""All dates a page gives for its article, best evidence first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.dates import parse_date
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.metadata import Metadata
from newsflow.normalise.page.tree import text_of
from newsflow.normalise.profile import SourceProfile
from newsflow.normalise.settle import settle_line

MAX_DATES, MAX_LOOKED_AT, MAX_CHARS = 6, 4_000, 120
_NAMED = re.compile(r"date|time|publish|pubdate|posted|timestamp|created|meta|byline|info", re.IGNORECASE)
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


def _visible(tree: HtmlElement) -> Iterator[str]:
    """Short visible texts that may be a date line: elements named after dates, and what is near the heading."""
    near = 0
    for count, element in enumerate(tree.iter()):
        if count > MAX_LOOKED_AT * 10:
            return
        if not isinstance(element.tag, str) or element.tag in ("script", "style", "meta", "link", "head", "title"):
            continue
        if element.tag == "h1":
            near = 60
        near -= 1
        name = f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"
        if (near > 0 or _NAMED.search(name)) and not _NOT_OURS.search(name) and len(element) < 8:
            text = text_of(element)
            if 6 <= len(text) <= MAX_CHARS and _YEAR.search(text):
                yield text
