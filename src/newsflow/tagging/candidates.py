"""From the leaves that an article holds to the rules that may match it: set tests, before any position is looked at.

A rule's *clauses* are sets of leaves of which each must be seen. Where there is but one and nothing forbids, as with
countries, each rule of a leaf that is seen is a candidate. Of other rules the two clauses that the fewest rules share,
and the leaves that must not be seen, are looked up from the leaves that are seen; further clauses are tested for the
few rules that are left. So the cost follows what is seen, not how many rules there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from newsflow.tagging.leaves import Clause, LeafId
from newsflow.tagging.postings import Postings

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
    """Finds the rules whose set tests pass. Rules are numbers from 0, in the order of `tests`."""

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
        plain = self._plain
        found = {number for leaf in seen if leaf in plain for number in plain[leaf]}
        if self._tested is not None and seen:
            found.update(self._passing(self._tested, seen))
        return sorted(found)

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
