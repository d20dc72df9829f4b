"""From the leaves that an article holds to the rules that may match it: set tests, before any position is looked at.

A rule's *clauses* are sets of leaves of which each must be seen. The two that the fewest rules share, and the leaves
that must not be seen, are looked up from the leaves that are seen; further clauses are tested for the few rules that
are left. So the cost follows what is seen, not how many rules there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from newsflow.tagging.leaves import Clause, LeafId
from newsflow.tagging.postings import Numbers, Postings

RuleNumber = int


class Tests(NamedTuple):
    """What must be seen of a rule, set by set, and what must not be seen."""

    clauses: Sequence[Clause]
    absent: Clause


def _rarest_first(tests: Sequence[Tests]) -> list[list[Clause]]:
    """For each rule its clauses, those that the fewest rules share first: rare in rules is rare in texts."""
    shared: Counter[LeafId] = Counter()
    for item in tests:
        for clause in item.clauses:
            shared.update(clause)
    return [sorted(item.clauses, key=lambda clause: sum(shared[leaf] for leaf in clause)) for item in tests]


class CandidateIndex:
    """Finds the rules whose set tests pass. Rules are numbers from 0, in the order of `tests`."""

    def __init__(self, tests: Sequence[Tests], leaves: int) -> None:
        """`leaves`: how many there are."""
        ordered = _rarest_first(tests)

        def postings(place: int) -> Postings:
            placed = ((number, clauses[place]) for number, clauses in enumerate(ordered) if len(clauses) > place)
            return Postings(((leaf, number) for number, clause in placed for leaf in clause), leaves)

        self._first, self._second = postings(0), postings(1)
        self._absent = Postings(((leaf, number) for number, item in enumerate(tests) for leaf in item.absent), leaves)
        self._one_clause = np.array([len(clauses) == 1 for clauses in ordered], dtype=np.bool_)
        self._more = {number: clauses[2:] for number, clauses in enumerate(ordered) if len(clauses) > 2}

    def of(self, leaves: Numbers, seen: set[LeafId]) -> list[RuleNumber]:
        """The rules that may match where these leaves are seen, in order. `seen` holds the same leaves once each."""
        first = self._first.of(leaves)
        if not first.size:
            return []
        passed = self._one_clause.copy()
        passed[self._second.of(leaves)] = True
        passed[self._absent.of(leaves)] = False
        found: list[RuleNumber] = np.unique(first[passed[first]]).tolist()
        return [number for number in found if number not in self._more or self._all_seen(number, seen)]

    def _all_seen(self, number: RuleNumber, seen: set[LeafId]) -> bool:
        return not any(clause.isdisjoint(seen) for clause in self._more[number])
