"""An HTML page as a tree, with what could make it explode taken out first."""

from __future__ import annotations

import re
from html import unescape

from lxml.etree import LxmlError
from lxml.html import HtmlElement, HTMLParser, document_fromstring

LARGE_CHARS = 1_000_000
MAX_CHARS = 24_000_000
# trafilatura reads pages so; lxml-stubs miss the option.
_PARSER = HTMLParser(  # type: ignore[call-arg]
    collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True
)
_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# Linear: each ends at the next closing tag, or stays.
_SCRIPT = re.compile(r"<script\b(?![^>]{0,300}ld\+json)[^>]{0,2000}>.*?</script\s*>", re.IGNORECASE | re.DOTALL)
_STYLE = re.compile(r"<(style|svg|noscript|template)\b[^>]{0,2000}>.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
_DATA_URI = re.compile(r"data:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=\s]{200,}", re.IGNORECASE)


def parse_tree(html: str) -> HtmlElement | None:
    """The tree of a page, or None when there is no element in it. Never raises on bad markup."""
    html = _INVALID.sub("", html[:MAX_CHARS])
    if len(html) > LARGE_CHARS:
        html = _slim(html)
    if "<" not in html:
        return None
    try:
        return document_fromstring(html.encode("utf-8"), parser=_PARSER)
    except (LxmlError, ValueError, AssertionError, LookupError):
        return None


def _slim(html: str) -> str:
    """A large page without scripts (JSON-LD stays), styles, drawings, comments and inlined images."""
    for pattern in (_SCRIPT, _STYLE, _COMMENT, _DATA_URI):
        html = pattern.sub(" ", html)
    return html


_BREAK = re.compile(
    r"</?(?:p|div|h[1-6]|li|ul|ol|br|hr|tr|td|th|table|section|article|header|footer|nav|aside|main|blockquote|figure|"
    r"figcaption|title|form|dt|dd|dl|pre)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")


def strip_tags(html: str) -> str:
    """The text of a page that no tree could be made of, or only a part (libxml2 stops at some depth): block tags
    become newlines, others nothing."""
    return unescape(_TAG.sub("", _BREAK.sub("\n", _slim(html[:MAX_CHARS]))))


def text_of(element: HtmlElement) -> str:
    """All text below an element, spaces collapsed."""
    return " ".join("".join(element.itertext()).split())
