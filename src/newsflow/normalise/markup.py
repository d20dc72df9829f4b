"""HTML told from text, and the clean text of an article's HTML: each block is a paragraph, and nothing is left out."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsflow.normalise.page.tree import strip_tags

# ruff: noqa: E501, SIM905 - rows of words read best as rows


_ELEMENTS = (
    "a abbr address article aside b big blockquote body br button caption center cite code col dd del div dl dt em figcaption "
    "figure font footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img ins label li link main mark meta nav noscript "
    "ol p picture pre q s script section small source span strike strong style sub sup svg table tbody td tfoot th thead time "
    "title tr u ul video wbr"
).split()
_NAME = "|".join(sorted(_ELEMENTS, key=len, reverse=True))
# A ticker may have the name of an element (`<P>`): what no text has is an end tag, an attribute or an empty element.
_MARKUP = re.compile(
    rf"</(?:{_NAME})\s*>|<(?:{_NAME})\s+[a-z-]+\s*=|<br\s*/?>|(?-i:<(?:p|hr|img|wbr)\s*/?>)|<!doctype html",
    re.IGNORECASE,
)
_TAG = rf"</?(?:{_NAME})(?:\s[^<>]{{0,300}})?/?>"
_ANY_TAG, _SMALL_TAG = re.compile(_TAG, re.IGNORECASE), re.compile(_TAG)
_SCRIPT = re.compile(r"<(script|style)\b[^<>]*>.{0,2000}?</\1\s*>", re.DOTALL | re.IGNORECASE)
_PAGE = re.compile(r"<(?:!doctype|html|head|body|title|meta|nav|header|footer|main)\b", re.IGNORECASE)
_BLOCK = re.compile(
    r"(?=</?(?:p|div|h[1-6]|li|ul|ol|dl|dt|dd|tr|table|section|article|blockquote|figure|figcaption|pre)\b)",
    re.IGNORECASE,
)
_CELL = re.compile(r"</t[dh]\s*>\s*<t[dh]\b[^<>]*>", re.IGNORECASE)
_BREAK = re.compile(r"<br\b", re.IGNORECASE)
_HEAD = re.compile(r"<head\b[^<>]*>", re.IGNORECASE), re.compile(r"</head\s*>", re.IGNORECASE)
_PRE = re.compile(r"<pre\b[^<>]*>", re.IGNORECASE), re.compile(r"</pre\s*>", re.IGNORECASE)
_SPACES = re.compile(r"\s+")


def holds_tags(text: str) -> bool:
    """Whether a text is marked up in HTML, rather than one that names tickers (`<SLC>`) or compares (`a < b`)."""
    return "<" in text and _MARKUP.search(text) is not None


def is_page(html: str) -> bool:
    """Whether HTML is a page, with what only a page has, and no fragment as feeds have them."""
    return _PAGE.search(html) is not None


def without_tags(line: str) -> str:
    """A short text, such as a title, without tags; a ticker stays, though it may have the name of an element."""
    if "<" not in line:
        return line
    return (_ANY_TAG if holds_tags(line) else _SMALL_TAG).sub("", _SCRIPT.sub("", line))


def text_of_fragment(html: str) -> str:
    """The text of an article's HTML: blocks apart by blank lines, line breaks kept, cells of a row in columns.

    Lines of the source are spaces, but for preformatted text and text that has more lines than tags that make lines.
    """
    html = "".join(part for part, is_head in _parts(html, *_HEAD) if not is_head)
    if html.count("\n") <= len(_BLOCK.findall(html)) + len(_BREAK.findall(html)):
        html = "".join(part if is_pre else _SPACES.sub(" ", part) for part, is_pre in _parts(html, *_PRE))
    return strip_tags(_BLOCK.sub("\n\n", _CELL.sub("\t", html)))


def _parts(html: str, begins: re.Pattern[str], ends: re.Pattern[str]) -> Iterator[tuple[str, bool]]:
    """The parts of a text, and whether each stands from a beginning to its end. Linear in time."""
    at = 0
    while (start := begins.search(html, at)) is not None and (end := ends.search(html, start.end())) is not None:
        yield html[at : start.start()], False
        yield html[start.start() : end.end()], True
        at = end.end()
    yield html[at:], False
