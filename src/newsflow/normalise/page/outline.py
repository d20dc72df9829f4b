"""A page as an outline: its blocks of text in reading order, and the elements that hold them. One walk over the page.

libxml2 writes the tree out, and the walk goes along that stream of tags: what it writes is well formed, and no Python object
is made for an element.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from html import unescape

from lxml import etree
from lxml.html import HtmlElement

from newsflow.normalise.blocks import count_words

# ruff: noqa: SIM905 - rows of words read best as rows


MAX_NODES, MAX_DEPTH = 100_000, 250
"""libxml2 cuts a tree off some levels below that depth."""
HEADINGS = frozenset("h1 h2 h3 h4 h5 h6".split())
_BLOCKS = HEADINGS | frozenset(
    "address article aside blockquote body center dd details dialog dir div dl dt fieldset figcaption figure footer form "
    "header hgroup html legend li main menu nav ol p pre section summary table tbody td tfoot th thead tr ul".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s samp small span strike "
    "strong sub sup time tt u var img wbr".split()
)
_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_PARAGRAPHS = frozenset({"p", "li"}) | HEADINGS
BREAK = "\x00"
"""Stands for a line break within a block; pages hold none."""
_TAG = re.compile(r"<(/?)([^\s/>]+)([^>]*)>([^<]*)")
_ATTRIBUTE = re.compile(r'\s(class|id|itemprop|role|style|hidden|aria-hidden|data-testid|data-component)="([^"]{1,300})')
NEXT_NAME = "\x1f"
_MAX_CACHED_CHARS = 500


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
    nodes = outline.nodes
    parts: list[str] = []
    at = depth = deepest = linked = in_links = 0
    for match in _TAG.finditer(etree.tostring(tree, encoding="unicode", method="xml", with_tail=False)):
        end, tag, attributes, text = match.groups()
        if tag in _VOID:
            if tag in ("br", "hr"):
                parts.append(BREAK)
        elif tag in _INLINE or (tag not in _BLOCKS and nodes[at].tag in _PARAGRAPHS):
            if tag == "a" and not attributes.endswith("/"):
                in_links += -1 if end else 1
        else:
            if parts:
                _add_block(outline, at, parts, linked)
                parts, linked = [], 0
            if end:
                at, depth = nodes[at].parent, depth - 1
            elif not attributes.endswith("/"):
                if len(nodes) >= MAX_NODES:
                    break
                above = nodes[at].tag
                nodes.append(Node(at, above if above in HEADINGS else tag, _names_in(attributes)))
                at, depth = len(nodes) - 1, depth + 1
                deepest = max(deepest, depth)
        if text:
            parts.append(text.replace("\n", BREAK) if nodes[at].tag == "pre" else text)
            if in_links:
                linked += len(text)
    if parts:
        _add_block(outline, at, parts, linked)
    outline.is_cut = deepest >= MAX_DEPTH
    return outline


def _add_block(outline: Outline, at: int, parts: list[str], linked: int) -> None:
    text = "".join(parts)
    if text.isspace() or not text:
        return
    text = unescape(text) if "&" in text else text
    if words := count_words(text.replace(BREAK, " ")):
        outline.blocks.append(Block(text, at, words, min(linked / len(text), 1.0)))


def _names_in(attributes: str) -> str:
    if len(attributes) < len(" id=''"):
        return ""
    return (_names if len(attributes) < _MAX_CACHED_CHARS else _names.__wrapped__)(attributes)


@lru_cache(maxsize=4096)
def _names(attributes: str) -> str:
    return NEXT_NAME.join(f"{name}={value}" for name, value in _ATTRIBUTE.findall(attributes))
