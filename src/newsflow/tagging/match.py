"""What counts for a rule in an article, and its score: proximity, requirements, hits and conditions."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from math import inf
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import CompiledRule, Node, Plan, leaves_of
from newsflow.tagging.patterns import Clause, LeafId, new_tuple
from newsflow.tagging.rule import rule_language
from newsflow.tagging.scan import FACTORS, Scan, Span, TextPart, rounded, span_start
from newsflow.tagging.text import FoldedText

_MOST_WINDOWS = 100_000
"""Windows of hits tried for one `near` of one article: news has some dozens, a text made for it billions."""
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
        self._left = _MOST_WINDOWS

    def complete(self, window: list[Span], number: int) -> list[Span]:
        """The window with the nearest hits of the operands from `number` on; empty when there are none close enough."""
        if number == len(self._operands):
            return window
        for span in self._nearest(self._operands[number], window[0].start):
            if self.fits(window, span) and (full := self.complete([*window, span], number + 1)):
                return full
        return []

    def fits(self, window: list[Span], span: Span) -> bool:
        """Whether a hit stands close enough to those of a window; false of all, once too many were tried."""
        self._left -= 1
        if self._left < 0 or (self._node.ordered and span.start < window[-1].end - 1):
            return False
        spans = sorted((*window, span))
        return sum([_gap(left, right, self._text) for left, right in pairwise(spans)]) <= self._node.within

    def _nearest(self, hits: list[Span], anchor: int) -> list[Span]:
        """Hits by their distance from the anchor's start; of many, those within reach."""
        if len(hits) > _MANY:
            low, high = self._text.around(anchor, self._reach_tokens())
            hits = hits[bisect_left(hits, low, key=span_start) : bisect_right(hits, high, key=span_start)]
        return hits if len(hits) == 1 else sorted(hits, key=lambda span: abs(span.start - anchor))

    def _reach_tokens(self) -> int:
        """Tokens from the start of one hit of a window to that of any other, at most."""
        if self._reach is None:
            spans = (span for hits in self._operands for span in hits)
            longest = max(self._text.tokens_between(span.start, span.end - 1) for span in spans)
            self._reach = self._node.within + longest * len(self._operands)
        return self._reach


def _gap(left: Span, right: Span, text: FoldedText) -> float:
    """Tokens between two hits; infinite when they overlap or stand in two fields."""
    if right.start < left.end - 1 or left.start < text.title_end <= right.start:
        return inf
    return text.tokens_between(left.end - 1, right.start)


def hits_of_plan(plan: Plan, scan: Scan) -> list[Span] | None:
    """The hits that make a requirement true of an article whose set tests passed; None when it is false."""
    found: list[Span] = []
    for clause in plan.clauses:
        hits = plain_hits(clause, scan)
        if not hits:
            return None
        found += hits
    for node in plan.nears:
        hits = near_hits(node, scan)
        if not hits:
            return None
        found += hits
    for node in plan.rest:
        others = hits_if_true(node, scan)
        if others is None:
            return None
        found += others
    return found


def hits_if_true(node: Node, scan: Scan) -> list[Span] | None:
    """The hits that make a compiled expression true of an article; None when it is false. `none` is true by no hit."""
    if node.kind == "term":
        return scan.spans(node.leaf) or None
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
    gathered: list[Span] = []
    for part in node.of:
        hits = hits_if_true(part, scan)
        if hits is None:
            return None
        gathered += hits
    return gathered


def plain_hits(leaves: Clause, scan: Scan) -> list[Span]:
    seen, spans = scan.seen, scan.spans
    return [span for leaf in leaves if leaf in seen for span in spans(leaf)]


def near_hits(node: Node, scan: Scan) -> list[Span]:
    """The hits of a `near` that stand close enough; empty when none do."""
    operands = []
    for part in node.of:
        hits = plain_hits(part.leaves or frozenset(leaves_of(part)), scan)
        if not hits:
            return []
        if len(hits) > 1:
            hits.sort()
        operands.append(hits)
    return hits_near(operands, node, scan)


def holds(node: Node, scan: Scan) -> bool:
    return hits_if_true(node, scan) is not None


class ScoredHit(NamedTuple):
    """A hit that counts for a rule."""

    span: Span
    weight: float
    part: TextPart


def scored_hits(rule: CompiledRule, scan: Scan, required: Iterable[Span] = ()) -> list[ScoredHit]:
    """The hits that count for a rule, in order, none inside another. `required` are those of its requirement."""
    seen = rule.weights.keys() & scan.seen.keys() if rule.weights else ()
    return hits_of_leaves(rule, seen, scan, required)


def hits_of_leaves(
    rule: CompiledRule, leaves: Collection[LeafId], scan: Scan, required: Iterable[Span] = ()
) -> list[ScoredHit]:
    """The same, of the leaves of its terms that are seen."""
    weights = rule.weights
    if len(leaves) == 1 and not required:
        [leaf] = leaves
        spans = scan.spans(leaf)
        if len(spans) == 1:
            return [new_tuple(ScoredHit, (spans[0], weights[leaf], scan.parts.of(spans[0][0])))]
        return _outermost(spans, weights[leaf], scan)
    # In the order they are to be tried: by start, then the longest, the heaviest.
    hits = [(span.start, -span.end, -1.0, span.leaf, span) for span in required if span.leaf not in weights]
    for leaf in leaves:
        weight = -weights[leaf]
        for span in scan.spans(leaf):  # of which there is mostly one: a list of it would cost more
            hits.append((span[0], -span[1], weight, leaf, span))  # noqa: PERF401
    hits.sort()
    part_of = scan.parts.of
    found: list[ScoredHit] = []
    end = -1
    for start, negative_end, weight, _, span in hits:
        if start >= end:
            found.append(new_tuple(ScoredHit, (span, -weight, part_of(start))))
            end = -negative_end - 1
    return found


def _outermost(spans: list[Span], weight: float, scan: Scan) -> list[ScoredHit]:
    """The hits of one leaf, which are in order, without those inside another."""
    part_of = scan.parts.of
    found: list[ScoredHit] = []
    last = end = -1
    for span in spans:
        start = span[0]
        if start >= end:
            found.append(new_tuple(ScoredHit, (span, weight, part_of(start))))
        elif start == last:  # the longer of two
            found[-1] = new_tuple(ScoredHit, (span, weight, found[-1][2]))
        else:
            continue
        last, end = start, span[1] - 1
    return found


def judged_hits(rule: CompiledRule, leaves: Collection[LeafId], scan: Scan) -> list[ScoredHit]:
    """The hits that count for a rule whose conditions and requirement hold; empty when they do not. `leaves`: of its
    terms, those that are seen, where it has no requirement."""
    if rule.conditional and not conditions_hold(rule, scan.article):
        return []
    if rule.require is None:
        return hits_of_leaves(rule, leaves, scan)
    required = hits_of_plan(rule.plan, scan)
    return [] if required is None else scored_hits(rule, scan, required)


def score_of(hits: Sequence[ScoredHit]) -> float:
    """The sum of weight times what the part counts, rounded."""
    if len(hits) == 1:
        [(_, weight, part)] = hits
        return rounded(weight * FACTORS[part])
    score = 0.0
    for _, weight, part in hits:
        score += weight * FACTORS[part]
    return rounded(score)


def conditions_hold(rule: CompiledRule, article: Article) -> bool:
    """Whether a rule's source, language and section conditions are true of an article."""
    if rule.languages and rule_language(article.language) not in rule.languages:
        return False
    if rule.rule.sources and article.source not in rule.rule.sources:
        return False
    return not rule.rule.sections or section_of(article) in rule.rule.sections


def section_of(article: Article) -> str:
    """The publisher's section, lower case; empty when it named none."""
    section = article.raw.get("section")
    return section.casefold() if isinstance(section, str) else ""
