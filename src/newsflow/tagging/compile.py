"""Rules to tables: what finds every written form, requirements as trees of leaves, and the index that leads from the
leaves an article holds to the rules that may match it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from newsflow.tagging.patterns import Clause, Leaf, LeafId, LeafTable, Postings, Vocabulary
from newsflow.tagging.places.find import Patterns, patterns_of
from newsflow.tagging.places.gazetteer import gazetteer
from newsflow.tagging.rule import AllOf, AnyOf, Expression, Near, NoneOf, Rule, Term, rule_language

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


RuleNumber = int
Seen = Mapping[LeafId, object]
"""Its keys are the leaves seen."""


class SetTests(NamedTuple):
    """What must be seen of a rule, set by set, and what must not be seen."""

    clauses: Sequence[Clause]
    absent: Clause


def _rarest_first(tests: Sequence[SetTests]) -> list[list[Clause]]:
    """For each rule its clauses, those that the fewest rules share first: rare in rules is rare in texts."""
    shared: Counter[LeafId] = Counter()
    for item in tests:
        for clause in item.clauses:
            shared.update(clause)
    return [sorted(item.clauses, key=lambda clause: sum(shared[leaf] for leaf in clause)) for item in tests]


class CandidateIndex:
    """Finds the rules whose set tests pass, before any position is looked at. Rules are numbers from 0.

    A rule with one clause and nothing forbidden, as of countries, is a candidate with each leaf that is seen. Of other
    rules the two clauses that fewest rules share, and the leaves that must not be seen, are looked up from the leaves
    that are seen; further clauses are tested for the few rules that are left. So the cost follows what is seen, not how
    many rules there are.
    """

    def __init__(self, tests: Sequence[SetTests], leaves: int) -> None:
        """`leaves`: how many there are."""
        self._plain: dict[LeafId, list[RuleNumber]] = {}
        tested: list[tuple[RuleNumber, list[Clause], Clause]] = []
        for number, (clauses, item) in enumerate(zip(_rarest_first(tests), tests, strict=True)):
            if len(clauses) == 1 and not item.absent:
                for leaf in clauses[0]:
                    self._plain.setdefault(leaf, []).append(number)
            elif clauses:
                tested.append((number, clauses, item.absent))
        self._more = {number: clauses[2:] for number, clauses, _ in tested if len(clauses) > 2}
        self._rules = len(tests)
        self._parts = np.arange(3, dtype=np.int32)[:, np.newaxis] * leaves
        """Added to leaves: the keys of the rules with such a first clause, second clause, forbidden leaf."""
        self._tested = Postings(_keyed(tested, leaves), 3 * leaves) if tested else None

    def of(self, seen: Seen) -> list[RuleNumber]:
        """The rules that may match where these leaves are seen, in order."""
        return sorted(self.with_leaves(seen))

    def with_leaves(self, seen: Seen) -> dict[RuleNumber, list[LeafId]]:
        """The same in no order; of rules with one clause and nothing forbidden, with its leaves that are seen."""
        plain = self._plain
        found: dict[RuleNumber, list[LeafId]] = {}
        for leaf in seen:
            for number in plain.get(leaf, ()):
                if number in found:
                    found[number].append(leaf)
                else:
                    found[number] = [leaf]
        if self._tested is not None and seen:
            found.update({number: [] for number in self._passing(self._tested, seen)})
        return found

    def _passing(self, tested: Postings, seen: Seen) -> list[RuleNumber]:
        leaves = np.fromiter(seen, np.int32, len(seen))
        rules, ends = tested.of((leaves + self._parts).ravel())
        first_end, second_end = ends[len(seen) - 1], ends[2 * len(seen) - 1]
        passed = np.zeros(self._rules, np.bool_)
        passed[rules[first_end:second_end]] = True
        passed[rules[second_end:]] = False
        first = rules[:first_end]
        found: list[RuleNumber] = first[passed[first]].tolist()
        if self._more:
            return [number for number in found if number not in self._more or self._all_seen(number, seen)]
        return found

    def _all_seen(self, number: RuleNumber, seen: Seen) -> bool:
        return all(any(leaf in seen for leaf in clause) for clause in self._more[number])


def _keyed(tested: Sequence[tuple[RuleNumber, list[Clause], Clause]], leaves: int) -> Iterator[tuple[int, RuleNumber]]:
    """Rules by leaf: of their first clause; of their second, or again the first; of what must not be seen."""
    for number, clauses, absent in tested:
        for part, clause in enumerate((clauses[0], clauses[min(1, len(clauses) - 1)], absent)):
            yield from ((part * leaves + leaf, number) for leaf in clause)


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
    needs_threshold: bool
    """Whether it is one of terms alone that comes to nothing below its threshold, since it is never a mention."""


@dataclass(slots=True)
class Tables:
    """What the matcher reads."""

    rules: list[CompiledRule]
    leaves: list[Leaf]
    bound: bytes
    """By leaf, whether it is bound: apart, so that for most leaves no more of them has to be looked at."""
    vocabulary: Vocabulary
    candidates: CandidateIndex
    by_id: dict[str, int]
    places: Patterns | None
    """Of the names of places, where they count for a rule."""


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
        languages=frozenset(rule_language(tag) for tag in rule.languages),
        conditional=bool(rule.sources or rule.languages or rule.sections),
        needs_threshold=draft.require is None and not (rule.mentions or rule.places),
    )


def compile_rules(rules: Iterable[Rule]) -> Tables:
    """Tables for rules, in their order. A rule that names nothing to be seen never matches."""
    table = LeafTable()
    drafts = [_draft(rule, table) for rule in rules]
    leaves = table.leaves
    places = patterns_of(gazetteer()) if any(draft.rule.places for draft in drafts) else None
    return Tables(
        rules=[_compiled(draft, leaves) for draft in drafts],
        leaves=leaves,
        bound=bytes(leaf.bound for leaf in leaves),
        vocabulary=Vocabulary(table, places.texts if places else ()),
        candidates=CandidateIndex([_tests(draft, leaves) for draft in drafts], len(leaves)),
        by_id={draft.rule.id: number for number, draft in enumerate(drafts)},
        places=places,
    )
