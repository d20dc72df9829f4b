"""The body of a page as tidy lines: paragraphs, headings, list items, rows of tables, in reading order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from copy import copy

from lxml.html import HtmlElement

from newsflow.normalise.characters import letters_of, tidy_line
from newsflow.normalise.page.outline import BREAK, Outline
from newsflow.normalise.page.scorer import article_blocks
from newsflow.normalise.page.tree import text_of

CELL_WORDS = 25
REPEATED_CHARS, BEGINNING_LETTERS = 60, 6
"""So many letters are in so many characters, however a line is marked or stretched."""


def body_lines(outline: Outline) -> list[str]:
    """The tidy lines of the article. A long one that stands elsewhere on the page too, in any form, is said once."""
    tidied = [(parent, line) for parent, text in _lines(outline) if (line := tidy_line(text))]
    beginnings = [_beginning(line) for _, line in tidied]
    several = {each for each, count in Counter(beginnings).items() if count > 1 and each}
    lines: list[str] = []
    seen: dict[str, int] = {}
    for (parent, line), beginning in zip(tidied, beginnings, strict=True):
        if beginning not in several or seen.setdefault(_key(line), parent) == parent:
            lines.append(line)
    return lines


def _beginning(line: str) -> str:
    """What a long line and its other forms begin with; "" of a short one."""
    return letters_of(line[:REPEATED_CHARS])[:BEGINNING_LETTERS] if len(line) > REPEATED_CHARS else ""


def _key(line: str) -> str:
    return line if line.isascii() else letters_of(line)


def _lines(outline: Outline) -> Iterator[tuple[int, str]]:
    """Lines as the page has them, each with the element around its block; the short cells of a row are one."""
    cells: list[str] = []
    row = -1
    for index in article_blocks(outline):
        block = outline.blocks[index]
        node = outline.nodes[block.node]
        is_cell = node.tag in ("td", "th") and block.words <= CELL_WORDS
        if cells and not (is_cell and node.parent == row):
            yield row, " | ".join(cells)
            cells = []
        parts = [part for part in block.text.split(BREAK) if part and not part.isspace()]
        if is_cell:
            row = node.parent
            cells.append(" ".join(parts))
        else:
            for part in parts:
                yield node.parent, part
    if cells:
        yield row, " | ".join(cells)


def without(tree: HtmlElement, selectors: tuple[str, ...]) -> HtmlElement:
    """A copy of the tree without what a source profile's CSS selectors match."""
    if not selectors:
        return tree
    pruned = copy(tree)
    for selector in selectors:
        for element in _matches(pruned, selector):
            if element.getparent() is not None:
                element.drop_tree()
    return pruned


def selected_lines(tree: HtmlElement, selector: str) -> list[str]:
    """The tidy lines of what a CSS selector matches: block elements are lines, in reading order."""
    lines = []
    for element in _matches(tree, selector):
        blocks = [block for block in element.iter("p", "h2", "h3", "h4", "li", "blockquote") if block is not element]
        lines += [tidy_line(text_of(block)) for block in blocks or [element]]
    return [line for line in lines if line]


def _matches(tree: HtmlElement, selector: str) -> list[HtmlElement]:
    from lxml.cssselect import CSSSelector

    found = CSSSelector(selector)(tree)
    return [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []
