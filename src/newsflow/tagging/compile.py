"""Rules to tables: one automaton over every written form, and for each rule the cheapest thing to wait for.

A *leaf* is one term under its conditions, shared by all rules that use it alike. A rule's *clauses* are sets of leaves
of which each must be seen; the one that the fewest rules share triggers the rule, the others are set tests. Positions
are looked at for the few rules that pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import ahocorasick_rs

from newsflow.tagging.forms import expand, forms_language
from newsflow.tagging.languages import base_language
from newsflow.tagging.rule import AllOf, AnyOf, Case, Expression, Near, NoneOf, Place, Rule, Term

LeafId = int
Clause = frozenset[LeafId]


class LeafKey(NamedTuple):
    """What makes two uses of a term the same leaf. Weights are a matter of the rule."""

    text: str
    language: str
    case: Case
    field: Place | None
    bare: bool
    unless: tuple[str, ...]
    needs: tuple[str, ...]
    without: tuple[str, ...]


class Entry(NamedTuple):
    """A pattern's meaning for one leaf."""

    leaf: LeafId
    skip: int
    capitals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One term, compiled. `unless`, `needs` and `without` name helper leaves.

    `simple`: a hit of its pattern is a hit of it, whatever the article.
    """

    id: LeafId
    key: LeafKey
    unless: tuple[LeafId, ...]
    needs: tuple[LeafId, ...]
    without: tuple[LeafId, ...]
    simple: bool


@dataclass(frozen=True, slots=True)
class Node:
    """A compiled expression: `kind` is term, any, all, none or near."""

    kind: str
    leaf: LeafId = -1
    of: tuple[Node, ...] = ()
    leaves: Clause = frozenset()
    """Of an `any` of nothing but terms: its leaves."""
    within: int = 0
    ordered: bool = False


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its leaves. `weights` are those of its scored terms, `others` the clauses its trigger leaves open."""

    rule: Rule
    version: str
    weights: dict[LeafId, float]
    require: Node | None
    others: tuple[Clause, ...]
    absent: Clause
    """Simple leaves that must not be seen: the quick part of `none`."""
    languages: frozenset[str]
    conditional: bool
    """Whether the rule has conditions on source, language or section."""


@dataclass(slots=True)
class Tables:
    """What the matcher reads."""

    rules: list[CompiledRule]
    leaves: list[Leaf]
    entries: list[tuple[Entry, ...]]
    """By pattern number."""
    triggers: dict[LeafId, tuple[int, ...]]
    pairs: dict[LeafId, dict[LeafId, tuple[int, ...]]]
    """Rules with two small clauses, by a leaf of each: seen both, both clauses are met."""
    checks: list[tuple[tuple[Clause, ...], Clause]]
    """For each rule its other clauses, and the leaves that must not be seen."""
    automaton: Any
    by_id: dict[str, int] = field(default_factory=dict)


class _Leaves:
    """Hands out leaves and collects their patterns."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []
        self.patterns: dict[str, list[Entry]] = {}
        self._ids: dict[LeafKey, LeafId] = {}

    def of(self, term: Term) -> LeafId:
        key = LeafKey(term.text, term.language, term.case, term.field, term.bare, term.unless, term.needs, term.without)
        found = self._ids.get(key)
        return self._make(key) if found is None else found

    def _make(self, key: LeafKey) -> LeafId:
        unless = tuple(self.of(Term(text, key.language, case="any")) for text in key.unless)
        needs = tuple(self.of(Term(text, key.language, case="any")) for text in key.needs)
        without = tuple(self.of(Term(text, key.language, case="any")) for text in key.without)
        identity = len(self.leaves)
        self._ids[key] = identity
        forms = list(expand(key.text, forms_language(key.text, key.language), case=key.case == "smart", bare=key.bare))
        plain = not any(form.capitals for form in forms)
        # The language is no condition here: patterns of other languages are not seen at all.
        simple = plain and not (key.field or unless or needs or without)
        self.leaves.append(Leaf(identity, key, unless, needs, without, simple))
        for form in forms:
            self.patterns.setdefault(form.pattern, []).append(Entry(identity, form.skip, form.capitals))
        return identity


def _node(expression: Expression, leaves: _Leaves) -> Node:
    if isinstance(expression, Term):
        return Node("term", leaves.of(expression))
    kind = {AnyOf: "any", AllOf: "all", NoneOf: "none", Near: "near"}[type(expression)]
    of = tuple(_node(part, leaves) for part in expression.of)
    if isinstance(expression, Near):
        return Node(kind, of=of, within=expression.within, ordered=expression.ordered)
    plain = kind == "any" and all(part.kind == "term" for part in of)
    return Node(kind, of=of, leaves=frozenset(part.leaf for part in of) if plain else frozenset())


def clauses_of(node: Node | None) -> list[Clause]:
    """Sets of leaves of which each must have one that is seen, for the node to be true."""
    if node is None or node.kind == "none":
        return []
    if node.kind == "term":
        return [frozenset((node.leaf,))]
    if node.kind == "any":
        choices = [clauses_of(part) for part in node.of]
        if not all(choices):
            return []
        return [frozenset().union(*(min(choice, key=len) for choice in choices))]
    return [clause for part in node.of for clause in clauses_of(part)]


def _absent(node: Node | None, leaves: Sequence[Leaf]) -> Clause:
    """Simple leaves whose sight alone makes the node false."""
    if node is None:
        return frozenset()
    if node.kind == "none":
        return frozenset(part.leaf for part in node.of if part.kind == "term" and leaves[part.leaf].simple)
    if node.kind == "all":
        return frozenset().union(*(_absent(part, leaves) for part in node.of))
    return frozenset()


class _Draft(NamedTuple):
    rule: Rule
    weights: dict[LeafId, float]
    require: Node | None
    clauses: list[Clause]


def _draft(rule: Rule, leaves: _Leaves) -> _Draft:
    weights: dict[LeafId, float] = {}
    for term in rule.terms:
        leaf = leaves.of(term)
        weights[leaf] = max(term.weight, weights.get(leaf, 0.0))
    require = _node(rule.require, leaves) if rule.require is not None else None
    clauses = clauses_of(require)
    if weights:
        clauses.append(frozenset(weights))
    return _Draft(rule, weights, require, clauses)


def _cheapest_first(drafts: Sequence[_Draft]) -> list[list[Clause]]:
    """For each rule its clauses, those that the fewest rules share first: rare in rules is rare in texts."""
    shared: Counter[LeafId] = Counter()
    for draft in drafts:
        for clause in draft.clauses:
            shared.update(clause)
    return [sorted(draft.clauses, key=lambda clause: sum(shared[leaf] for leaf in clause)) for draft in drafts]


_MAX_PAIRS = 16


class _Index:
    """What is waited for: single leaves, or pairs of them."""

    def __init__(self) -> None:
        self.single: dict[LeafId, list[int]] = {}
        self.pairs: dict[LeafId, dict[LeafId, list[int]]] = {}

    def add(self, index: int, clauses: Sequence[Clause]) -> int:
        """Take a rule in; returns how many of its clauses need no test of their own then."""
        first = clauses[0]
        if len(clauses) < 2 or len(first) * len(clauses[1]) > _MAX_PAIRS:
            for leaf in first:
                self.single.setdefault(leaf, []).append(index)
            return 1
        for leaf in first:
            seconds = self.pairs.setdefault(leaf, {})
            for second in clauses[1]:
                seconds.setdefault(second, []).append(index)
        return 2


def compile_rules(rules: Iterable[Rule]) -> Tables:
    """Tables for rules, in their order. Every rule must have something that has to be seen."""
    leaves = _Leaves()
    drafts = [_draft(rule, leaves) for rule in rules]
    waiting = _Index()
    compiled: list[CompiledRule] = []
    for number, (draft, clauses) in enumerate(zip(drafts, _cheapest_first(drafts), strict=True)):
        tested = waiting.add(number, clauses)
        compiled.append(
            CompiledRule(
                rule=draft.rule,
                version=draft.rule.version(),
                weights=draft.weights,
                require=draft.require,
                others=tuple(clauses[tested:]),
                absent=_absent(draft.require, leaves.leaves),
                languages=frozenset(base_language(tag) for tag in draft.rule.languages),
                conditional=bool(draft.rule.sources or draft.rule.languages or draft.rule.sections),
            )
        )
    return Tables(
        rules=compiled,
        leaves=leaves.leaves,
        entries=[tuple(entries) for entries in leaves.patterns.values()],
        triggers={leaf: tuple(found) for leaf, found in waiting.single.items()},
        pairs={leaf: {k: tuple(v) for k, v in seconds.items()} for leaf, seconds in waiting.pairs.items()},
        checks=[(item.others, item.absent) for item in compiled],
        automaton=ahocorasick_rs.AhoCorasick(list(leaves.patterns)) if leaves.patterns else None,
        by_id={item.rule.id: number for number, item in enumerate(compiled)},
    )
