"""Where the article is on a page: every block of prose weighs its words, and the element that holds most of them is it.

Names of elements tell what is furniture, but not alone: what holds a good part of the page's prose is never furniture.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from newsflow.normalise.lines import ends_sentence, why_dropped
from newsflow.normalise.page import names
from newsflow.normalise.page.outline import HEADINGS, NEXT_NAME, Block, Node, Outline

PROSE_WORDS, SENTENCE_WORDS, MOST_WORDS = 10, 4, 120
LITTLE_LINKED, LINKED, LINKED_LITTLE, LINKED_MOST = 0.25, 0.5, 0.3, 0.8
"""Shares of a block that stand in links."""
MAIN_SHARE = 0.7
"""What an element must hold of the prose of the one around it to be gone into."""
MUCH, SOME = 0.5, 0.15
"""Shares of a page's prose: with the first nothing is furniture, with the second nothing that is in doubt."""
WIDE_SHARE, WIDE_LINKED, INNER_SHARE, LEAST_MASS = 0.6, 0.2, 0.4, 30
CARD_MASS, TEASER_MASS, TITLE_WORDS = 80, 30, 25
LEAD_WORDS, LEAD_BLOCKS = 10, 60
HEADED_MASS = 50
PART_ALIKE, PART, PART_LINKED, PART_DENSE = 0.1, 0.2, 0.1, 0.8
"""Of a part that stands beside the rest: its least share of prose, beside one of its kind and another; then of its
words what may stand in links, and what is prose at least."""
COOKIES = "ookie"
"""In every language. Consent to them may be asked for in more words than a short article has."""
_SIGN = re.compile(r"\([^()]{2,40}\)|/[^/]{2,40}/")
_TITLES = frozenset({"title", "h1"})
_UNNAMED = HEADINGS | {"html", "body", "main"}
"""Whose names are of what they head, or of the whole page."""
_CARDS = frozenset({"div", "li", "article", "section", "td"})
_PARTS = frozenset({"p", "li", "td", "blockquote", "pre"})
_LAST = frozenset({"li", "td", "pre"})
_TEXT_TAGS = frozenset({"p", "li", "td", "th", "blockquote", "dd", "dt", "pre"})


def article_blocks(outline: Outline) -> list[int]:
    """The indexes of the blocks that are the article, in reading order."""
    weights = _weigh(outline)
    _mark_named(outline)
    main = _main(outline, weights)
    _mark_cards(outline, main)
    kept = _without_idle(outline, weights, list(_kept(outline, weights, main)))
    if _is_wide(outline, main, kept) and (inner := _inner(outline, weights, main)):
        kept = _without_idle(outline, weights, list(_kept(outline, weights, inner)))
    return [*kept, *_signed(outline, kept)]


def _signed(outline: Outline, kept: list[int]) -> list[int]:
    """The sign of an agency right behind the last paragraph, which may stand outside the element that was found."""
    after = kept[-1] + 1 if kept else len(outline.blocks)
    block = outline.blocks[after] if after < len(outline.blocks) else None
    if block is None or block.linked or outline.nodes[block.node].out:
        return []
    return [after] if _SIGN.fullmatch(block.text.strip()) else []


def _is_wide(outline: Outline, main: int, kept: list[int]) -> bool:
    """Whether the element that was found holds many links and much that is not the article: it may hold the page."""
    node = outline.nodes[main]
    words = sum(outline.blocks[index].words for index in kept)
    return node.linked > WIDE_LINKED * node.words and words < WIDE_SHARE * node.words


def _inner(outline: Outline, weights: list[float], main: int) -> int:
    """An element within that holds the article alone, or 0: the article of the heading, else the densest one."""
    nodes = outline.nodes
    own = _of_heading(nodes, [node.mass for node in nodes])
    return own if own > main and _is_within(nodes, own, main) else _densest(outline, weights, main)


def _densest(outline: Outline, weights: list[float], main: int) -> int:
    """The element with most prose right within it, and some below; what follows the heading counts more."""
    nodes = outline.nodes
    score: dict[int, float] = defaultdict(float)
    since_heading = LEAD_BLOCKS
    for block, weight in zip(outline.blocks, weights, strict=True):
        node = nodes[block.node]
        since_heading = 0 if node.tag == "h1" else since_heading + 1
        if not weight or node.out:
            continue
        at = node.parent if node.tag in _PARTS else block.node
        weight *= 1.5 if since_heading < LEAD_BLOCKS else 1
        score[at] += weight
        score[nodes[at].parent] += weight / 2
    best = max((at for at in score if at > main), key=score.__getitem__, default=0)
    return best if nodes[best].mass >= INNER_SHARE * nodes[main].mass else 0


def _weight(block: Block) -> float:
    if block.linked > LINKED:
        unlinked = block.words * (1 - block.linked)
        is_prose = block.linked < LINKED_MOST and unlinked >= 6 and ends_sentence(block.text.rstrip())
    else:
        is_prose = block.words >= PROSE_WORDS or (
            block.words >= SENTENCE_WORDS and block.linked < LINKED_LITTLE and ends_sentence(block.text.rstrip())
        )
    return min(block.words, MOST_WORDS) if is_prose else 0.0


def _weigh(outline: Outline) -> list[float]:
    """The weight of each block; what elements hold is summed up in them."""
    nodes, blocks = outline.nodes, outline.blocks
    weights = [0.0 if nodes[block.node].tag in HEADINGS else _weight(block) for block in blocks]
    asks = [index for index, block in enumerate(blocks) if weights[index] and COOKIES in block.text]
    titles = (block.text for block in blocks if nodes[block.node].tag in _TITLES)
    if asks and not any(COOKIES in title for title in titles):
        for index in asks:
            weights[index] = 0.0
    for block, weight in zip(blocks, weights, strict=True):
        at = nodes[block.node]
        at.mass += weight
        at.words += block.words
        at.linked += block.words * block.linked
    for node in reversed(nodes[1:]):
        parent = nodes[node.parent]
        parent.mass += node.mass
        parent.words += node.words
        parent.linked += node.linked
    return weights


def _mark_named(outline: Outline) -> None:
    """Leave out what names tell: comments first, since they may outweigh the article."""
    nodes = outline.nodes
    kinds, alike = [""] * len(nodes), _mass_by_class(nodes)
    total, foreign, above_heading = nodes[0].mass, 0.0, _above_heading(nodes)
    for index in range(1, len(nodes)):
        node = nodes[index]
        node.out = nodes[node.parent].out
        if node.out or not node.names or not node.words or node.tag in _UNNAMED:
            continue
        kind = kinds[index] = names.kind_of(node.names)
        if kind in (names.COMMENTS, names.FOREIGN) and index not in above_heading:
            node.out, foreign = kind, foreign + node.mass
        elif kind == names.FURNITURE and not node.mass:
            node.out = kind
    if total - foreign < LEAST_MASS:  # a forum
        for node in nodes:
            node.out = ""
        foreign = 0.0
    total = max(total - foreign, 1.0)
    for index in range(1, len(nodes)):
        node, kind = nodes[index], kinds[index]
        node.out = node.out or nodes[node.parent].out
        if node.out:
            continue
        if node.tag in ("head", "title"):
            node.out = "head"
        elif node.tag in ("figcaption", "figure"):
            node.out = names.CAPTION if node.mass < 2 * SOME * total else ""
        elif kind and node.mass < MUCH * total:
            node.out = kind if _is_furniture(outline, kinds, index, alike[_class_of(node)] / total, total) else ""


def _above_heading(nodes: list[Node]) -> set[int]:
    at = next((index for index, node in enumerate(nodes) if node.tag == "h1"), 0)
    above = set()
    while at > 0:
        above.add(at)
        at = nodes[at].parent
    return above


def _mass_by_class(nodes: list[Node]) -> dict[str, float]:
    found: dict[str, float] = defaultdict(float)
    for node in nodes:
        if node.names and node.mass:
            found[_class_of(node)] += node.mass
    return found


def _class_of(node: Node) -> str:
    return next((name for name in node.names.split(NEXT_NAME) if name.startswith("class=")), node.names)


def _is_furniture(outline: Outline, kinds: list[str], index: int, share_alike: float, total: float) -> bool:
    node, kind = outline.nodes[index], kinds[index]
    if kind in (names.FURNITURE, names.HIDDEN):
        return True
    if kind == names.CAPTION:
        return share_alike < 2 * SOME and not _begins_with_text(outline.nodes, kinds, index)
    if kind == names.TEASER:
        return node.mass < SOME * total or not _begins_with_text(outline.nodes, kinds, index)
    if kind != names.DOUBT or _begins_with_text(outline.nodes, kinds, index):
        return False
    return share_alike < SOME or node.linked > 0.4 * node.words


def _begins_with_text(nodes: list[Node], kinds: list[str], index: int) -> bool:
    """Whether an element within, right at the beginning, is named as the article's text and holds all of it."""
    for at in range(index + 1, min(index + 3, len(nodes))):
        if nodes[at].parent < index:
            return False
        if kinds[at] == names.TEXT and nodes[at].mass >= 0.8 * nodes[index].mass:
            return True
    return False


def _main(outline: Outline, weights: list[float]) -> int:
    """The innermost element that holds most of the prose."""
    nodes = outline.nodes
    mass, heaviest = [0.0] * len(nodes), [0] * len(nodes)
    for block, weight in zip(outline.blocks, weights, strict=True):
        if not nodes[block.node].out:
            mass[block.node] += weight
    for index in range(len(nodes) - 1, 0, -1):
        parent = nodes[index].parent
        mass[parent] += mass[index]
        if not heaviest[parent] or mass[index] >= mass[heaviest[parent]]:
            heaviest[parent] = index
    at = 0
    while (child := heaviest[at]) and mass[child] >= max(MAIN_SHARE * mass[at], 1) and nodes[child].tag not in _PARTS:
        at = child
    own = _of_heading(nodes, mass)
    return at if _is_within(nodes, own, at) or _is_within(nodes, at, own) else own


def _of_heading(nodes: list[Node], mass: list[float]) -> int:
    """The `article` around the first heading, if it holds more text than a lead has."""
    at = next((index for index, node in enumerate(nodes) if node.tag == "h1" and not node.out), 0)
    while at and (nodes[at].tag != "article" or mass[at] < HEADED_MASS):
        at = nodes[at].parent
    return at


def _is_within(nodes: list[Node], index: int, outer: int) -> bool:
    while index > outer:
        index = nodes[index].parent
    return index == outer


def _mark_cards(outline: Outline, main: int) -> None:
    """Leave out teasers: elements of one kind, side by side, that begin with a title in a link."""
    nodes, blocks = outline.nodes, outline.blocks
    groups: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    headed: dict[tuple[int, str, str], int] = defaultdict(int)
    for index, first in _first_blocks(outline):
        node, title = nodes[index], blocks[first]
        if node.out or node.tag not in _CARDS or not 0 < node.mass <= CARD_MASS or title.node == index:
            continue
        if title.linked > LINKED_MOST and title.words <= TITLE_WORDS:
            key = (node.parent, node.tag, node.names)
            groups[key].append(index)
            headed[key] += nodes[title.node].tag in HEADINGS
    for key, cards in groups.items():
        if len(cards) >= 3 or headed[key] >= 2:
            mass = sum(nodes[card].mass for card in cards)
            # A list of things, each with its link and what is said of it, may be the article.
            if mass <= 0.6 * nodes[main].mass or mass <= TEASER_MASS * len(cards):
                for card in cards:
                    nodes[card].out = names.TEASER
    for node in nodes[1:]:
        node.out = node.out or nodes[node.parent].out


def _first_blocks(outline: Outline) -> Iterator[tuple[int, int]]:
    """Each element that holds text, and its first block."""
    seen = [False] * len(outline.nodes)
    for first, block in enumerate(outline.blocks):
        at = block.node
        while at > 0 and not seen[at]:
            seen[at] = True
            yield at, first
            at = outline.nodes[at].parent


def _kept(outline: Outline, weights: list[float], main: int) -> Iterator[int]:
    nodes, blocks = outline.nodes, outline.blocks
    inside = [False] * len(nodes)
    roots = {main, *_beside(nodes, main)}
    for index in range(min(roots), len(nodes)):
        inside[index] = index in roots or inside[nodes[index].parent]
    within = [index for index, block in enumerate(blocks) if inside[block.node]]
    if not within:
        return
    yield from _lead(outline, within[0])
    has_heading, begun = any(nodes[block.node].tag == "h1" for block in blocks[: within[0]]), False
    for index in within:
        block, weight, node = blocks[index], weights[index], nodes[blocks[index].node]
        has_heading = has_heading or node.tag == "h1"
        if node.out == names.TEASER and weight and has_heading and not begun and _is_lead(block):
            yield index
        if node.out or (block.linked > LINKED and not weight):
            continue
        begun = begun or weight > 0
        if weight or node.tag in _TEXT_TAGS or node.tag in HEADINGS or (begun and node.mass):
            yield index


def _beside(nodes: list[Node], main: int) -> Iterator[int]:
    """Other parts of the article, beside the element that holds most of it: much prose and few links."""
    above, at = set(), nodes[main].parent
    while at > 0 and nodes[at].tag not in _UNNAMED:
        above.add(at)
        at = nodes[at].parent
    path = {main, *above}
    for index in range(min(path), len(nodes)):
        node = nodes[index]
        if (
            node.parent in above
            and index not in path
            and not node.out
            and node.tag != "article"
            and _is_part(node, nodes[main])
        ):
            yield index


def _is_part(node: Node, main: Node) -> bool:
    alike = node.tag == main.tag and _class_of(node) == _class_of(main)
    least = PART_ALIKE if alike else PART
    return (
        node.mass >= least * main.mass
        and node.linked < PART_LINKED * node.words
        and node.mass >= PART_DENSE * node.words
    )


def _lead(outline: Outline, first: int) -> Iterator[int]:
    """The sentences between the heading and the text, which may stand outside."""
    nodes, blocks = outline.nodes, outline.blocks
    above = range(first - 1, max(-1, first - LEAD_BLOCKS), -1)
    head = next((index for index in above if nodes[blocks[index].node].tag == "h1"), None)
    for index in range(first if head is None else head + 1, first):
        if nodes[blocks[index].node].out in ("", names.TEASER) and _is_lead(blocks[index]):
            yield index


def _is_lead(block: Block) -> bool:
    if block.words < LEAD_WORDS or block.linked > LINKED_LITTLE:
        return False
    return ends_sentence(block.text.rstrip()) or sum(map(str.isdigit, block.text)) < 0.05 * len(block.text)


def _without_idle(outline: Outline, weights: list[float], kept: list[int]) -> list[int]:
    """Headings go that head nothing, and what stands loose at the end."""
    result: list[int] = []
    text_follows = False
    for index in reversed(kept):
        block = outline.blocks[index]
        tag = outline.nodes[block.node].tag
        if not result and tag == "li" and block.linked > LITTLE_LINKED and block.words <= TITLE_WORDS:
            continue
        if tag in HEADINGS:
            if text_follows:
                result.append(index)
        elif result or _may_be_last(block, tag, weights[index]):
            result.append(index)
            text_follows = True
    return result[::-1]


def _may_be_last(block: Block, tag: str, weight: float) -> bool:
    """Whether a text may end with a block; one that names the source is read for it."""
    text = " ".join(block.text.split())
    if text.endswith((":", "：")):
        return False
    return bool(weight) or tag in _LAST or (tag == "p" and (ends_sentence(text) or why_dropped(text) == "source-line"))
