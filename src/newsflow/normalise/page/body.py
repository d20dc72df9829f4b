"""The body of a page as lines: what trafilatura finds, and what it is known to miss."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping
from copy import copy

from lxml import etree
from lxml.html import HtmlElement

from newsflow.normalise.characters import tidy_line, tidy_lines
from newsflow.normalise.page.tree import text_of

# They warn of each page in which they find nothing; that is a rejection with a reason here.
for _name in ("trafilatura", "htmldate", "courlan"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

MAX_ELEMENTS = 20_000
_MIN_RECOVERED_CHARS = 40
LAYOUT_CELL_CHARS = 200
_OUTSIDE = frozenset({"aside", "footer", "nav", "form", "figure", "figcaption", "header", "button"})
_FOREIGN = re.compile(r"comment|disqus|related|sidebar|teaser|newsletter|promo|cookie|recommend", re.IGNORECASE)
Surroundings = tuple[str, str, str]
"""Tag and class of a paragraph's parent, and the class of its grandparent."""
# trafilatura drops what does not print, and with it the joiners of Persian, Kurdish, Hindi and emoji. While it works,
# two Old Cyrillic letters that no news page holds stand for them.
LETTERS_FOR_JOINERS = {0x200C: 0xA66D, 0x200D: 0xA66E}
JOINERS = {letter: joiner for joiner, letter in LETTERS_FOR_JOINERS.items()}


def body_lines(tree: HtmlElement) -> list[str]:
    """Tidy lines (paragraphs, headings, list items) of the article, in reading order.

    Tables and lists that lay out the page become plain blocks in the tree.
    """
    count = tree.xpath("count(//*)")
    if isinstance(count, float) and count > MAX_ELEMENTS:
        return _plain_paragraphs(tree)
    _unfold_layout(tree)
    found = _extract(tree)
    return _with_missed(found, tree) if found else found


def _unfold_layout(tree: HtmlElement) -> None:
    """Make plain blocks of table cells that hold paragraphs, and of list items that hold a chapter."""
    for cell in list(tree.iter("td")):
        if len(cell.findall(".//p")) + len(cell.findall(".//br")) >= 2 and len(text_of(cell)) >= LAYOUT_CELL_CHARS:
            cell.tag = "div"
            for ancestor in cell.iterancestors("tr", "tbody", "table"):
                ancestor.tag = "div"
    for item in list(tree.iter("li")):
        if _is_chapter(item):
            item.tag = "div"
            parent = item.getparent()
            if parent is not None and parent.tag in ("ol", "ul"):
                parent.tag = "div"


def _is_chapter(item: HtmlElement) -> bool:
    """Whether a list item is a heading with paragraphs; with a link in its heading it is a teaser."""
    heading = next((child for child in item if child.tag in ("h2", "h3", "h4")), None)
    return heading is not None and item.find("p") is not None and heading.find(".//a") is None


def _extract(tree: HtmlElement) -> list[str]:
    from trafilatura import bare_extraction

    joined = _exchange(tree, LETTERS_FOR_JOINERS)
    # Without precision, trafilatura answers short pages with all the text there is, menus included.
    document = bare_extraction(tree, fast=True, include_comments=False, favor_precision=True)
    if joined:
        _exchange(tree, JOINERS)
    if document is None or isinstance(document, dict) or not document.text:
        return []
    return tidy_lines(document.text.translate(JOINERS) if joined else document.text)


def _exchange(tree: HtmlElement, table: Mapping[int, int]) -> bool:
    """Replace characters in all text of the tree; False if it holds none of them."""
    whole = etree.tostring(tree, method="text", encoding="unicode")
    if not any(chr(code) in whole for code in table):
        return False
    for element in tree.iter():
        if element.text and isinstance(element.tag, str):
            element.text = element.text.translate(table)
        if element.tail:
            element.tail = element.tail.translate(table)
    return True


def _plain_paragraphs(tree: HtmlElement) -> list[str]:
    """Paragraphs that are mostly text: for pages with so many elements that weighing each would take minutes."""
    lines = []
    for paragraph in tree.iter("p"):
        line = tidy_line(text_of(paragraph))
        if len(line) >= _MIN_RECOVERED_CHARS and not _is_linked(paragraph, len(line)):
            lines.append(line)
    return lines


def _with_missed(lines: list[str], tree: HtmlElement) -> list[str]:
    """The lines, and the paragraphs that were missed though they have the same surroundings.

    Pages cut their text into several containers of one class, with advertisements between; often only one is found.
    """
    kept = "".join(map(_key, lines))
    found: Counter[Surroundings] = Counter()
    order: list[str] = []
    missed: list[tuple[int, str, Surroundings]] = []
    for paragraph in tree.iter("p"):
        words = "".join(paragraph.itertext()).split()
        key = "".join(words)
        if len(key) < _MIN_RECOVERED_CHARS:
            continue
        around = _surroundings(paragraph)
        if key[:60] in kept or key[-60:] in kept:
            found[around] += 1
            order.append(key)
        elif around[1] and not _is_linked(paragraph, len(key)) and not _is_outside(paragraph):
            missed.append((len(order), tidy_line(" ".join(words)), around))
    recovered = [(rank, line) for rank, line, around in missed if found[around] >= 2]
    gained = sum(len(line) for _, line in recovered)
    return _insert(lines, recovered, order) if gained > 0.2 * sum(map(len, lines)) else lines


def _insert(lines: list[str], recovered: list[tuple[int, str]], order: list[str]) -> list[str]:
    """Each recovered line after the paragraph (by its rank in `order`) that it follows on the page."""
    at = {_key(line): index for index, line in enumerate(lines)}
    after: dict[int, list[str]] = {}
    for rank, line in recovered:
        known = (at[key] for key in reversed(order[:rank]) if key in at)
        after.setdefault(next(known, -1), []).append(line)
    result = list(after.get(-1, ()))
    for index, line in enumerate(lines):
        result += [line, *after.get(index, ())]
    return result


def _key(line: str) -> str:
    return "".join(line.split())


def _surroundings(element: HtmlElement) -> Surroundings:
    parent = element.getparent()
    if parent is None:
        return ("", "", "")
    grandparent = parent.getparent()
    return str(parent.tag), parent.get("class") or "", "" if grandparent is None else grandparent.get("class") or ""


def _is_linked(element: HtmlElement, length: int) -> bool:
    return sum(len(text_of(link)) for link in element.iter("a")) > 0.4 * length


def _is_outside(element: HtmlElement) -> bool:
    return any(
        ancestor.tag in _OUTSIDE or _FOREIGN.search(f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}")
        for ancestor in element.iterancestors()
    )


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
