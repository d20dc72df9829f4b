"""Requirements compiled: trees of leaves, and what such a tree asks for before any position is looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from newsflow.tagging.leaves import Clause, Leaf, LeafId, LeafTable
from newsflow.tagging.rule import AllOf, AnyOf, Expression, Near, NoneOf, Term

_KINDS = {AnyOf: "any", AllOf: "all", NoneOf: "none", Near: "near"}
_NOTHING: Clause = frozenset()


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled expression: `kind` is term, any, all, none or near."""

    kind: str
    leaf: LeafId = -1
    of: tuple[Node, ...] = ()
    leaves: Clause = _NOTHING
    """Of an `any` of nothing but terms: its leaves."""
    within: int = 0
    ordered: bool = False


class Plan(NamedTuple):
    """A requirement in the order of its cost; every part must hold. What `absent_leaves` decides is left out."""

    clauses: tuple[Clause, ...] = ()
    nears: tuple[Node, ...] = ()
    rest: tuple[Node, ...] = ()


def node_of(expression: Expression, leaves: LeafTable) -> Node:
    """An expression on leaves."""
    if isinstance(expression, Term):
        return Node("term", leaves.of(expression))
    kind = _KINDS[type(expression)]
    of = tuple(node_of(part, leaves) for part in expression.of)
    if isinstance(expression, Near):
        return Node(kind, of=of, within=expression.within, ordered=expression.ordered)
    plain = kind == "any" and all(part.kind == "term" for part in of)
    return Node(kind, of=of, leaves=frozenset(part.leaf for part in of) if plain else _NOTHING)


def leaves_of(node: Node) -> list[LeafId]:
    """Leaves that can make a node true."""
    if node.kind == "none":
        return []
    return [node.leaf] if node.kind == "term" else [leaf for part in node.of for leaf in leaves_of(part)]


def clauses_of(node: Node) -> list[Clause]:
    """Sets of leaves of which each must have one that is seen, for the node to be true."""
    if node.kind == "none":
        return []
    if node.kind == "term":
        return [frozenset((node.leaf,))]
    if node.leaves:
        return [node.leaves]
    if node.kind == "any":
        choices = [clauses_of(part) for part in node.of]
        if not all(choices):
            return []
        return [frozenset().union(*(min(choice, key=len) for choice in choices))]
    return [clause for part in node.of for clause in clauses_of(part)]


def _parts(node: Node) -> Iterator[Node]:
    """What must hold each: the parts of an `all`, however nested."""
    if node.kind == "all":
        for part in node.of:
            yield from _parts(part)
    else:
        yield node


def _is_simple(node: Node, leaves: Sequence[Leaf]) -> bool:
    return node.kind == "term" and leaves[node.leaf].simple


def absent_leaves(node: Node, leaves: Sequence[Leaf]) -> Clause:
    """Simple leaves whose sight alone makes the node false."""
    nones = (part for part in _parts(node) if part.kind == "none")
    return frozenset(item.leaf for part in nones for item in part.of if _is_simple(item, leaves))


def plan_of(node: Node, leaves: Sequence[Leaf]) -> Plan:
    """The node as a plan."""
    clauses: list[Clause] = []
    nears: list[Node] = []
    rest: list[Node] = []
    for part in _parts(node):
        if part.kind == "term":
            clauses.append(frozenset((part.leaf,)))
        elif part.leaves:
            clauses.append(part.leaves)
        elif part.kind == "near":
            nears.append(part)
        elif part.kind != "none" or not all(_is_simple(item, leaves) for item in part.of):
            rest.append(part)
    return Plan(tuple(clauses), tuple(nears), tuple(rest))
