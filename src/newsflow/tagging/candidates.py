"""From the leaves that an article holds to the rules that may match it: set tests, before any position is looked at.

A rule's *clauses* are sets of leaves of which each must be seen. The two that the fewest rules share are looked up from
the leaves that are seen, as arrays of rule numbers; what remains is tested for the few rules that both led to. So the
cost follows what is seen, not how many rules there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsflow.tagging.leaves import Clause, LeafId

RuleNumber = int
RuleNumbers = NDArray[np.int32]


class Tests(NamedTuple):
    """What must be seen of a rule, set by set, and what must not be seen."""

    clauses: Sequence[Clause]
    absent: Clause


class _Postings:
    """Rule numbers by leaf."""

    def __init__(self, rules: Iterable[tuple[RuleNumber, Clause]]) -> None:
        lists: dict[LeafId, list[RuleNumber]] = {}
        for number, clause in rules:
            for leaf in clause:
                lists.setdefault(leaf, []).append(number)
        self._of = {leaf: np.array(numbers, dtype=np.int32) for leaf, numbers in lists.items()}

    def of(self, seen: set[LeafId]) -> RuleNumbers:
        """Rules of any of the leaves; one that several leaves lead to stands here several times."""
        found = [self._of[leaf] for leaf in seen if leaf in self._of]
        return np.concatenate(found) if found else np.empty(0, dtype=np.int32)


def _rarest_first(tests: Sequence[Tests]) -> list[list[Clause]]:
    """For each rule its clauses, those that the fewest rules share first: rare in rules is rare in texts."""
    shared: Counter[LeafId] = Counter()
    for item in tests:
        for clause in item.clauses:
            shared.update(clause)
    return [sorted(item.clauses, key=lambda clause: sum(shared[leaf] for leaf in clause)) for item in tests]


class CandidateIndex:
    """Finds the rules whose set tests pass. Rules are numbers from 0, in the order of `tests`."""

    def __init__(self, tests: Sequence[Tests]) -> None:
        ordered = _rarest_first(tests)
        self._first = _Postings((number, clauses[0]) for number, clauses in enumerate(ordered) if clauses)
        self._second = _Postings((number, clauses[1]) for number, clauses in enumerate(ordered) if len(clauses) > 1)
        self._one_clause = np.array([len(clauses) == 1 for clauses in ordered], dtype=np.bool_)
        self._open = [(tuple(clauses[2:]), item.absent) for clauses, item in zip(ordered, tests, strict=True)]

    def of(self, seen: set[LeafId]) -> list[RuleNumber]:
        """The rules that may match, in order."""
        first = self._first.of(seen)
        if not first.size:
            return []
        both = self._one_clause.copy()
        both[self._second.of(seen)] = True
        found = []
        for number in np.unique(first[both[first]]).tolist():
            clauses, absent = self._open[number]
            if absent.isdisjoint(seen) and not any(clause.isdisjoint(seen) for clause in clauses):
                found.append(number)
        return found
