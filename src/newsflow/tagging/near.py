"""Proximity: hits of several operands in one field, with at most so many words between them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import inf

from newsflow.tagging.nodes import Node
from newsflow.tagging.scan import Scan, Span
from newsflow.tagging.text import FoldedText

_MANY = 8
"""With more hits than this of an operand, only those within reach of the anchor are looked at."""


def hits_near(operands: Sequence[list[Span]], node: Node, scan: Scan) -> list[Span]:
    """The hits of a `near` that stand close enough; empty when none do. `operands` are the hits of each, in order."""
    window = _Window(operands, node, scan.text)
    if len(operands) == 2 and len(operands[0]) == len(operands[1]) == 1:
        pair = [operands[0][0], operands[1][0]]
        return pair if window.fits(pair[:1], pair[1]) else []
    kept: dict[Span, None] = {}
    for anchor in operands[0]:
        kept.update(dict.fromkeys(window.complete([anchor], 1)))
    return list(kept)


class _Window:
    """Looks for one hit of each operand within the limit."""

    def __init__(self, operands: Sequence[list[Span]], node: Node, text: FoldedText) -> None:
        self._operands, self._node, self._text = operands, node, text
        self._reach: int | None = None

    def complete(self, window: list[Span], number: int) -> list[Span]:
        """The window with the nearest hits of the operands from `number` on; empty when there are none close enough."""
        if number == len(self._operands):
            return window
        for span in self._nearest(self._operands[number], window[0].start):
            if self.fits(window, span) and (full := self.complete([*window, span], number + 1)):
                return full
        return []

    def fits(self, window: list[Span], span: Span) -> bool:
        """Whether a hit stands close enough to those of a window."""
        if self._node.ordered and span.start < window[-1].end - 1:
            return False
        spans = sorted((*window, span))
        return sum([_gap(left, right, self._text) for left, right in pairwise(spans)]) <= self._node.within

    def _nearest(self, hits: list[Span], anchor: int) -> list[Span]:
        """Hits by their distance from the anchor's start; of many, those within reach."""
        if len(hits) > _MANY:
            low, high = self._text.around(anchor, self._reach_tokens())
            hits = hits[bisect_left(hits, low, key=_start) : bisect_right(hits, high, key=_start)]
        return hits if len(hits) == 1 else sorted(hits, key=lambda span: abs(span.start - anchor))

    def _reach_tokens(self) -> int:
        """Tokens from the start of one hit of a window to that of any other, at most."""
        if self._reach is None:
            spans = (span for hits in self._operands for span in hits)
            longest = max(self._text.tokens_between(span.start, span.end - 1) for span in spans)
            self._reach = self._node.within + longest * len(self._operands)
        return self._reach


def _start(span: Span) -> int:
    return span.start


def _gap(left: Span, right: Span, text: FoldedText) -> float:
    """Tokens between two hits; infinite when they overlap or stand in two fields."""
    if right.start < left.end - 1 or left.start < text.title_end <= right.start:
        return inf
    return text.tokens_between(left.end - 1, right.start)
