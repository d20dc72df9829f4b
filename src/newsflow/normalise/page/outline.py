"""A page as an outline: its blocks of text in reading order, and the elements that hold them. One walk over the page.

libxml2 writes the tree out, and the walk goes along that stream of tags: what it writes is well formed, and no Python
object is made for an element.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape

from lxml import etree
from lxml.html import HtmlElement

from newsflow.normalise.blocks import count_words

# ruff: noqa: E501, SIM905 - rows of words read best as rows


MAX_NODES, MAX_DEPTH = 100_000, 250
"""libxml2 cuts a tree off some levels below that depth."""
HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_BLOCK, _INLINE, _VOID, _BREAK, _LINK = range(5)
_KINDS = {
    **dict.fromkeys(
        "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer form "
        "header hgroup html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul".split(),
        _BLOCK,
    ),
    **dict.fromkeys(HEADINGS, _BLOCK),
    **dict.fromkeys(
        "abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small span "
        "strike strong sub sup time tt u var".split(),
        _INLINE,
    ),
    **dict.fromkeys("area base col embed img input link meta param source track wbr".split(), _VOID),
    **dict.fromkeys(("br", "hr"), _BREAK),
    "a": _LINK,
}
_PARAGRAPHS = frozenset({"p", "li"}) | HEADINGS
BREAK = "\x00"
"""Stands for a line break within a block; pages hold none."""
_TAG = re.compile(r"<(/?)([^\s/>]+)([^>]*)>([^<]*)")
_ATTRIBUTE = re.compile(
    r'\s(class|id|itemprop|role|style|hidden|aria-hidden|data-testid|data-component)="([^"]{1,300})'
)
NEXT_NAME = "\x1f"
_LEAST_NAMED, _MAX_CACHED_CHARS, _PIECE_CHARS = 6, 500, 500_000
_SPACED = bytes(set(range(256)) - {0xE0, *range(0xE3, 0xEA)})
"""Bytes of UTF-8 that no script without spaces has as the first of a character."""


@dataclass(slots=True)
class Node:
    """A block element. `names` are its class, id and the like.

    `mass` counts the words of prose within, `words` all and `linked` those in links; `out` says why it is left out.
    """

    parent: int
    tag: str
    names: str
    mass: float = 0.0
    words: float = 0.0
    linked: float = 0.0
    out: str = ""


@dataclass(slots=True)
class Block:
    """A run of text that no block element parts. `linked` is the share of its characters that stands in links."""

    text: str
    node: int
    words: float
    linked: float


@dataclass(slots=True)
class Outline:
    """Nodes stand in the order of the page, an element before what it holds; the first holds all."""

    nodes: list[Node] = field(default_factory=lambda: [Node(-1, "", "")])
    blocks: list[Block] = field(default_factory=list)
    is_cut: bool = False
    """Whether the page goes deeper than its tree."""


def read_outline(tree: HtmlElement) -> Outline:
    outline = Outline()
    nodes, kind_of = outline.nodes, _KINDS.get
    data = etree.tostring(tree, encoding="utf-8", method="xml", with_tail=False)
    blocks = _Blocks(outline.blocks, count_words if data.translate(None, _SPACED) else _count_spaced)
    parts: list[str] = []
    at = depth = deepest = linked = in_links = 0
    for end, tag, attributes, text in _tags(data.decode("utf-8", "replace")):
        kind = kind_of(tag)
        if kind is None:
            kind = _INLINE if nodes[at].tag in _PARAGRAPHS else _BLOCK
        if kind == _BLOCK:
            if parts:
                blocks.add(at, parts, linked)
                parts, linked = [], 0
            if end:
                at, depth = nodes[at].parent, depth - 1
            elif attributes[-1:] != "/":
                if len(nodes) >= MAX_NODES:
                    break
                above = nodes[at].tag
                names = _names_in(attributes) if len(attributes) > _LEAST_NAMED else ""
                nodes.append(Node(at, above if above in HEADINGS else tag, names))
                at, depth = len(nodes) - 1, depth + 1
                if depth > deepest:
                    deepest = depth
        elif kind == _LINK:
            if attributes[-1:] != "/":
                in_links += -1 if end else 1
        elif kind == _BREAK:
            parts.append(BREAK)
        if text and (parts or not text.isspace()):
            parts.append(text.replace("\n", BREAK) if nodes[at].tag == "pre" else text)
            if in_links:
                linked += len(text)
    if parts:
        blocks.add(at, parts, linked)
    outline.is_cut = deepest >= MAX_DEPTH
    return outline


def _tags(source: str) -> Iterator[tuple[str, str, str, str]]:
    """Whether a tag ends an element, its name, its attributes, and the text behind it; a piece of the page at a time."""
    at = 0
    while at < len(source):
        end = source.find("<", at + _PIECE_CHARS)
        yield from _TAG.findall(source, at, end := end if end >= 0 else len(source))
        at = end


def _count_spaced(text: str) -> float:
    return len(text.split())


@dataclass(slots=True)
class _Blocks:
    found: list[Block]
    count: Callable[[str], float]

    def add(self, at: int, parts: list[str], linked: int) -> None:
        text = "".join(parts) if len(parts) > 1 else parts[0]
        if text.isspace():
            return
        if "&" in text:
            text = unescape(text)
        if words := self.count(text.replace(BREAK, " ") if BREAK in text else text):
            self.found.append(Block(text, at, words, min(linked / len(text), 1.0) if linked else 0.0))


def _names_in(attributes: str) -> str:
    return (_names if len(attributes) < _MAX_CACHED_CHARS else _names.__wrapped__)(attributes)


@lru_cache(maxsize=4096)
def _names(attributes: str) -> str:
    return NEXT_NAME.join(f"{name}={value}" for name, value in _ATTRIBUTE.findall(attributes))
