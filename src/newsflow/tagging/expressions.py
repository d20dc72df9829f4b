"""Compiled expressions on what an article holds: which hits make them true, or that they are false."""

from __future__ import annotations

from newsflow.tagging.leaves import Clause
from newsflow.tagging.near import hits_near
from newsflow.tagging.nodes import Node, Plan, leaves_of
from newsflow.tagging.scan import Scan, Span


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
    """All hits of some leaves."""
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
    """Whether a compiled expression is true of an article."""
    return hits_if_true(node, scan) is not None
