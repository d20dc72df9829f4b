"""Rules to tables: what finds every written form, and for each rule what has to be seen of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from newsflow.tagging.candidates import CandidateIndex, SetTests
from newsflow.tagging.languages import base_language
from newsflow.tagging.leaves import Clause, Entry, Leaf, LeafId, LeafTable
from newsflow.tagging.nodes import Node, Plan, absent_leaves, clauses_of, leaves_of, node_of, plan_of
from newsflow.tagging.rule import Rule
from newsflow.tagging.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """A rule with its leaves. `weights` are those of its scored terms."""

    rule: Rule
    version: str
    weights: dict[LeafId, float]
    require: Node | None
    plan: Plan
    """`require` as the matcher tests it."""
    languages: frozenset[str]
    conditional: bool
    """Whether the rule has conditions on source, language or section."""


@dataclass(slots=True)
class Tables:
    """What the matcher reads."""

    rules: list[CompiledRule]
    leaves: list[Leaf]
    bound: bytes
    """By leaf, whether it is bound: apart, so that for most leaves no more of them has to be looked at."""
    entries: list[Entry]
    vocabulary: Vocabulary
    candidates: CandidateIndex
    by_id: dict[str, int]


class _Draft(NamedTuple):
    rule: Rule
    weights: dict[LeafId, float]
    require: Node | None


def _draft(rule: Rule, leaves: LeafTable) -> _Draft:
    weights: dict[LeafId, float] = {}
    for term in rule.terms:
        leaf = leaves.of(term)
        weights[leaf] = max(term.weight, weights.get(leaf, 0.0))
    return _Draft(rule, weights, node_of(rule.require, leaves) if rule.require is not None else None)


def _tests(draft: _Draft, leaves: list[Leaf]) -> SetTests:
    clauses: list[Clause] = clauses_of(draft.require) if draft.require is not None else []
    if draft.weights:
        clauses.append(frozenset(draft.weights))
    if not clauses and draft.require is not None:
        # True by what is absent too, but without a hit there is no tag.
        clauses.append(frozenset(leaves_of(draft.require)))
    return SetTests(clauses, absent_leaves(draft.require, leaves) if draft.require is not None else frozenset())


def _compiled(draft: _Draft, leaves: list[Leaf]) -> CompiledRule:
    rule = draft.rule
    return CompiledRule(
        rule=rule,
        version=rule.version(),
        weights=draft.weights,
        require=draft.require,
        plan=plan_of(draft.require, leaves) if draft.require is not None else Plan(),
        languages=frozenset(base_language(tag) for tag in rule.languages),
        conditional=bool(rule.sources or rule.languages or rule.sections),
    )


def compile_rules(rules: Iterable[Rule]) -> Tables:
    """Tables for rules, in their order. A rule that names nothing to be seen never matches."""
    table = LeafTable()
    drafts = [_draft(rule, table) for rule in rules]
    leaves = table.leaves
    return Tables(
        rules=[_compiled(draft, leaves) for draft in drafts],
        leaves=leaves,
        bound=bytes(leaf.bound for leaf in leaves),
        entries=table.entries,
        vocabulary=Vocabulary(table),
        candidates=CandidateIndex([_tests(draft, leaves) for draft in drafts], len(leaves)),
        by_id={draft.rule.id: number for number, draft in enumerate(drafts)},
    )
