"""An HTML page as a tree or as bare text, with what could fill the memory cut out first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from html import unescape

from lxml.etree import ErrorTypes, LxmlError
from lxml.html import HtmlElement, HTMLParser, document_fromstring

LARGE_CHARS = 1_000_000
MAX_CHARS = 24_000_000
# lxml-stubs miss an option.
_PARSER = HTMLParser(  # type: ignore[call-arg]
    collect_ids=False, default_doctype=False, encoding="utf-8", remove_comments=True, remove_pis=True
)
# Not allowed in XML. Lone surrogates go when the text is encoded.
_CONTROLS = bytes(set(range(32)) - {9, 10, 13})


def _element(tag: str, but: str = "") -> tuple[re.Pattern[str], re.Pattern[str]]:
    """How an element begins and ends; `but` is what must not follow its name."""
    return re.compile(rf"<{tag}\b{but}", re.IGNORECASE), re.compile(rf"</{tag}\s*>", re.IGNORECASE)


# What is cut out whole.
_HIDDEN = (
    _element("script", but=r"(?![^<>]{0,300}ld\+json)"),
    *map(_element, ("style", "svg", "noscript", "template")),
    (re.compile("<!--"), re.compile("-->")),
)
_SCRIPT = _element("script")
_FURNITURE = tuple(map(_element, ("nav", "menu", "aside", "footer", "select", "button", "figcaption")))
_DATA_URI = re.compile(r"data:[a-z]+/[a-z0-9.+-]+;base64,[A-Za-z0-9+/=\s]{200,}", re.IGNORECASE)
_BREAK = re.compile(
    r"</?(?:p|div|h[1-6]|li|ul|ol|br|hr|tr|td|th|table|section|article|header|footer|nav|aside|main|blockquote|figure|"
    r"figcaption|title|form|dt|dd|dl|pre)\b[^<>]*>",
    re.IGNORECASE,
)
_TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")


def parse_tree(html: str) -> HtmlElement | None:
    """The tree of a page, or None when there is no element in it. Never raises on bad markup.

    Raises MemoryError where libxml2 ran out of memory: the tree would lack a part of the page.
    """
    html = _slim(html[:MAX_CHARS]) if len(html) > LARGE_CHARS else html
    data = html.encode("utf-8", "ignore").translate(None, _CONTROLS)
    if b"<" not in data:
        return None
    tree: HtmlElement | None = None
    with suppress(LxmlError, ValueError, AssertionError, LookupError):  # no element in it, or no memory
        tree = document_fromstring(data, parser=_PARSER)
    last = _PARSER.error_log.last_error
    if last is not None and last.type == ErrorTypes.ERR_NO_MEMORY:
        raise MemoryError("no memory left for the page's tree")
    return tree


def _slim(html: str) -> str:
    """A large page without scripts (JSON-LD stays), styles, drawings, comments and inlined images."""
    for begins, ends in _HIDDEN:
        html = _cut(html, begins, ends)
    return _DATA_URI.sub(" ", html)


def _cut(html: str, begins: re.Pattern[str], ends: re.Pattern[str]) -> str:
    """The page without what stands from a beginning to the next end; what never ends stays. Linear in time."""
    parts, at = [], 0
    while (start := begins.search(html, at)) is not None:
        end = ends.search(html, start.end())
        if end is None:
            break
        parts.append(html[at : start.start()])
        at = end.end()
    return " ".join([*parts, html[at:]])


def strip_tags(html: str, *, furniture: bool = True) -> str:
    """The text of a page of which libxml2 made no tree, or only a part.

    Block tags become newlines, others nothing. Without `furniture`, menus, asides, footers and forms are left out.
    """
    html = _cut(_slim(html[:MAX_CHARS]), *_SCRIPT)
    if not furniture:
        for pair in _FURNITURE:
            html = _cut(html, *pair)
    return unescape(_TAG.sub("", _BREAK.sub("\n", html)))


def from_here(element: HtmlElement) -> Iterator[HtmlElement]:
    """An element, what it holds, and what comes behind it, in the order of the page."""
    yield from element.iter()
    for node in (element, *element.iterancestors()):
        for sibling in node.itersiblings():
            yield from sibling.iter()


def text_of(element: HtmlElement) -> str:
    return " ".join("".join(element.itertext()).split())
