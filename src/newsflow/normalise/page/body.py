"""The body of a page as lines: trafilatura's answer, and what it is known to leave out."""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping
from copy import copy

from lxml import etree
from lxml.html import HtmlElement

from newsflow.normalise.characters import settle_line, settle_text
from newsflow.normalise.page.tree import text_of

# It warns of each page in which it finds nothing; we say so ourselves, as a reason.
for _name in ("trafilatura", "htmldate", "courlan"):
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)

MAX_ELEMENTS = 20_000
_MIN_RECOVERED_CHARS = 40
LAYOUT_CELL_CHARS = 200
_OUTSIDE = frozenset({"aside", "footer", "nav", "form", "figure", "figcaption", "header", "button"})
_FOREIGN = re.compile(r"comment|disqus|related|sidebar|teaser|newsletter|promo|cookie|recommend", re.IGNORECASE)
Signature = tuple[str, str, str]


def body_lines(tree: HtmlElement) -> list[str]:
    """Settled lines (paragraphs, headings, list items) of the article, in reading order.

    Tables and lists that lay out the page become plain blocks in the tree.
    """
    if _is_huge(tree):
        return _plain_paragraphs(tree)
    _unfold_layout(tree)
    found = _extract(tree)
    return _with_missed(found, tree) if found else found


def _unfold_layout(tree: HtmlElement) -> None:
    """Layout that is no data made plain blocks: cells that hold paragraphs, and list items that hold a chapter."""
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


def _is_huge(tree: HtmlElement) -> bool:
    count = tree.xpath("count(//*)")
    return isinstance(count, float) and count > MAX_ELEMENTS


# trafilatura throws all away that does not print, and with it what joins or parts letters in Persian, Kurdish, Hindi
# and emoji. Meanwhile two Old Cyrillic letters stand for them that no news page holds.
JOINERS = {0x200C: 0xA66D, 0x200D: 0xA66E}
LETTERS = {letter: joiner for joiner, letter in JOINERS.items()}


def _extract(tree: HtmlElement) -> list[str]:
    from trafilatura import bare_extraction

    joined = _exchange(tree, JOINERS)
    # Without precision, trafilatura answers short pages with all the text there is, menus included.
    document = bare_extraction(tree, fast=True, include_comments=False, favor_precision=True)
    if joined:
        _exchange(tree, LETTERS)
    if document is None or isinstance(document, dict) or not document.text:
        return []
    text = document.text.translate(LETTERS) if joined else document.text
    return [line for raw in settle_text(text).split("\n") if (line := raw.strip())]


def _exchange(tree: HtmlElement, table: Mapping[int, int]) -> bool:
    """Replace characters in all text of the tree; False, and nothing is done, when it holds none of them."""
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
    """For pages with so many elements that weighing each would take minutes: paragraphs that are mostly text."""
    lines = []
    for paragraph in tree.iter("p"):
        line = settle_line(text_of(paragraph))
        if len(line) >= _MIN_RECOVERED_CHARS and not _is_linked(paragraph, len(line)):
            lines.append(line)
    return lines


def _with_missed(lines: list[str], tree: HtmlElement) -> list[str]:
    """The lines and the paragraphs that were missed though they stand in the same kind of place.

    Pages cut their text into several containers of one class, with advertisements between; often only one of them
    is found.
    """
    kept = "".join(map(_key, lines))
    places: Counter[Signature] = Counter()
    order: list[str] = []
    missed: list[tuple[int, str, Signature]] = []
    for paragraph in tree.iter("p"):
        words = "".join(paragraph.itertext()).split()
        key = "".join(words)
        if len(key) < _MIN_RECOVERED_CHARS:
            continue
        signature = _signature(paragraph)
        if key[:60] in kept or key[-60:] in kept:
            places[signature] += 1
            order.append(key)
        elif signature[1] and not _is_linked(paragraph, len(key)) and not _is_outside(paragraph):
            missed.append((len(order), settle_line(" ".join(words)), signature))
    recovered = [(rank, line) for rank, line, signature in missed if places[signature] >= 2]
    gained = sum(len(line) for _, line in recovered)
    return _insert(lines, recovered, order) if gained > 0.2 * sum(map(len, lines)) else lines


def _insert(lines: list[str], recovered: list[tuple[int, str]], order: list[str]) -> list[str]:
    """Each recovered line behind the paragraph (by its rank in `order`) that it follows on the page."""
    at = {_key(line): index for index, line in enumerate(lines)}
    behind: dict[int, list[str]] = {}
    for rank, line in recovered:
        known = (at[key] for key in reversed(order[:rank]) if key in at)
        behind.setdefault(next(known, -1), []).append(line)
    result = list(behind.get(-1, ()))
    for index, line in enumerate(lines):
        result += [line, *behind.get(index, ())]
    return result


def _key(line: str) -> str:
    return "".join(line.split())


def _signature(element: HtmlElement) -> Signature:
    parent = element.getparent()
    if parent is None:
        return ("", "", "")
    grandparent = parent.getparent()
    return (
        str(parent.tag),
        parent.get("class") or "",
        (grandparent.get("class") or "") if grandparent is not None else "",
    )


def _is_linked(element: HtmlElement, length: int) -> bool:
    return sum(len(text_of(link)) for link in element.iter("a")) > 0.4 * length


def _is_outside(element: HtmlElement) -> bool:
    for ancestor in element.iterancestors():
        if ancestor.tag in _OUTSIDE or _FOREIGN.search(f"{ancestor.get('class') or ''} {ancestor.get('id') or ''}"):
            return True
    return False


def without(tree: HtmlElement, selectors: tuple[str, ...]) -> HtmlElement:
    """A copy of the tree without what the CSS selectors of a source profile match."""
    if not selectors:
        return tree
    pruned = copy(tree)
    for selector in selectors:
        for element in _matches(pruned, selector):
            if element.getparent() is not None:
                element.drop_tree()
    return pruned


def selected_lines(tree: HtmlElement, selector: str) -> list[str]:
    """The settled lines of what a CSS selector matches: block elements are lines, in reading order."""
    lines = []
    for element in _matches(tree, selector):
        blocks = [block for block in element.iter("p", "h2", "h3", "h4", "li", "blockquote") if block is not element]
        lines += [settle_line(text_of(block)) for block in blocks or [element]]
    return [line for line in lines if line]


def _matches(tree: HtmlElement, selector: str) -> list[HtmlElement]:
    from lxml.cssselect import CSSSelector

    found = CSSSelector(selector)(tree)
    return [element for element in found if isinstance(element, HtmlElement)] if isinstance(found, list) else []
