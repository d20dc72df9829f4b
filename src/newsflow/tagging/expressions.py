"""Compiled expressions on what an article holds: which hits make them true, or that they are false."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from newsflow.tagging.compile import Clause, LeafId, Node
from newsflow.tagging.scan import Scan, Span
from newsflow.tagging.text import FoldedText

Placed = tuple[Span, LeafId]


def hits_if_true(node: Node, scan: Scan) -> list[Placed] | None:
    """The hits that make a compiled expression true of an article; None when it is false. `none` is true by no hit."""
    if node.kind == "term":
        return [(span, node.leaf) for span in scan.spans(node.leaf)] or None
    if node.leaves:
        return plain_hits(node.leaves, scan) or None
    if node.kind == "any":
        found = [hit for part in node.of for hit in hits_if_true(part, scan) or ()]
        # An `any` may hold by a `none` among its parts.
        return found if found or any(part.kind != "term" and holds(part, scan) for part in node.of) else None
    if node.kind == "none":
        return None if any(holds(part, scan) for part in node.of) else []
    if node.kind == "near":
        return near_hits(node, scan) or None
    gathered: list[Placed] = []
    for part in node.of:
        hits = hits_if_true(part, scan)
        if hits is None:
            return None
        gathered += hits
    return gathered


def plain_hits(leaves: Clause, scan: Scan) -> list[Placed]:
    """All hits of some leaves."""
    return [(span, leaf) for leaf in leaves if leaf in scan.seen for span in scan.spans(leaf)]


def holds(node: Node, scan: Scan) -> bool:
    """Whether a compiled expression is true of an article."""
    return hits_if_true(node, scan) is not None


def leaves_of(node: Node) -> list[LeafId]:
    """Leaves that can make a node true."""
    if node.kind == "none":
        return []
    return [node.leaf] if node.kind == "term" else [leaf for part in node.of for leaf in leaves_of(part)]


def near_hits(node: Node, scan: Scan) -> list[Placed]:
    """The hits of a `near` that stand close enough; empty when none do."""
    operands = []
    for part in node.of:
        placed = plain_hits(part.leaves or frozenset(leaves_of(part)), scan)
        placed.sort()
        if not placed:
            return []
        operands.append(placed)
    kept: dict[Placed, None] = {}
    for anchor in operands[0]:
        kept.update(dict.fromkeys(_complete([anchor], operands[1:], node, scan.text) or ()))
    return list(kept)


def _complete(window: list[Placed], rest: Sequence[list[Placed]], node: Node, text: FoldedText) -> list[Placed] | None:
    """The window with the nearest hits of the other operands within the limit; None when there are none."""
    if not rest:
        return window
    anchor = window[0][0].start
    nearest = rest[0] if len(rest[0]) == 1 else sorted(rest[0], key=lambda item: abs(item[0].start - anchor))
    for placed in nearest:
        if node.ordered and placed[0].start < window[-1][0].end - 1:
            continue
        if _gaps([*window, placed], text) <= node.within:
            full = _complete([*window, placed], rest[1:], node, text)
            if full:
                return full
    return None


def _gaps(window: Sequence[Placed], text: FoldedText) -> float:
    """Tokens between the hits of a window, in sum; infinite when they overlap or stand in two fields."""
    spans = sorted(span for span, _ in window)
    if text.in_title(spans[0].start) != text.in_title(spans[-1].start):
        return float("inf")
    total = 0
    for left, right in pairwise(spans):
        if right.start < left.end - 1:
            return float("inf")
        total += text.folded.count(" ", left.end - 1, right.start)
    return total
