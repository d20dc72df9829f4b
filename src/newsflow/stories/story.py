"""A story as sums over its reports. Sums are whole numbers, so what leaves takes off exactly what it brought."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsflow.stories.counts import UNIT
from newsflow.stories.rarity import NAT
from newsflow.stories.rule import HOUR, Likeness, StoryRule
from newsflow.stories.signals import NAME, NUMBER, SCORE, kind_of
from newsflow.stories.vectors import DIMENSIONS, LENGTH

_SQUARE = UNIT * UNIT
_VECTOR_SQUARE = LENGTH * LENGTH
Sum = NDArray[np.int32]
TELLING = frozenset({NAME, NUMBER, SCORE})
"""Kinds that tell one happening from another of its kind."""


@dataclass(frozen=True, slots=True)
class Member:
    """A report as its decision left it: all that is ever needed of it again."""

    article: str
    at: int
    """Event time in microseconds."""
    language: str
    words: Mapping[int, int]
    """Weights, the whole of length `UNIT`."""
    keys: Mapping[int, int]
    costs: Mapping[int, int]
    """Of the keys: 1/256 nat."""
    vector: NDArray[np.int8] | None
    """Centred, of length `LENGTH`; None where there is none."""

    @property
    def names(self) -> int:
        """1/256 nat of names."""
        return sum(cost for term, cost in self.costs.items() if kind_of(term) == NAME)


class Probe:
    """A report that is compared with many stories."""

    __slots__ = ("member", "names", "scores")

    def __init__(self, member: Member) -> None:
        self.member = member
        self.names = member.names / NAT
        self.scores = {term for term in member.keys if kind_of(term) == SCORE}


def mean_cosines(member: Member, stories: Sequence[Story]) -> list[float | None]:
    """The likeness of a report's vector to those of each story, on average."""
    found: list[float | None] = [None] * len(stories)
    if member.vector is None:
        return found
    places = [place for place, story in enumerate(stories) if story.vectors]
    if places:
        # Sums of whole numbers below 2 ** 53 are exact, in whatever order they are taken.
        sums = np.array([stories[place].vector for place in places], np.float64)
        dots = sums @ member.vector.astype(np.float64)
        for place, dot in zip(places, dots.tolist(), strict=True):
            found[place] = dot / _VECTOR_SQUARE / stories[place].vectors
    return found


class Bag:
    """Weights of terms, summed: eight bytes a term, where a dictionary takes a hundred."""

    __slots__ = ("_sums", "_terms")

    def __init__(self) -> None:
        self._terms = array("I")
        self._sums = array("I")

    def change(self, weights: Mapping[int, int], sign: int = 1) -> None:
        sums = self.sums()
        for term, weight in weights.items():
            sums[term] = sums.get(term, 0) + sign * weight
        kept = sorted((term, weight) for term, weight in sums.items() if weight)
        self._terms = array("I", [term for term, _ in kept])
        self._sums = array("I", [weight for _, weight in kept])

    def sums(self) -> dict[int, int]:
        return dict(zip(self._terms, self._sums, strict=True))

    def dot(self, weights: Mapping[int, int]) -> int:
        get = weights.get
        return sum([weight * get(term, 0) for term, weight in zip(self._terms, self._sums, strict=True)])

    def holds(self, kind: int) -> bool:
        return any(kind_of(term) == kind for term in self._terms)

    def shared(self, weights: Mapping[int, int]) -> list[int]:
        return [term for term in self._terms if term in weights]


class Story:
    """The sums of a story. Mutable."""

    __slots__ = ("at_sum", "first", "id", "keys", "last", "names", "size", "sizes", "vector", "vectors", "words")

    def __init__(self, story_id: str) -> None:
        self.id = story_id
        self.sizes: dict[str, int] = {}
        """Reports by language."""
        self.size = self.at_sum = self.names = self.vectors = 0
        self.first = self.last = 0
        self.words: dict[str, Bag] = {}
        self.keys = Bag()
        self.vector: Sum | None = None

    @property
    def middle(self) -> int:
        """The mean of its reports' event times."""
        return self.at_sum // self.size

    def add(self, member: Member) -> None:
        self.first = min(self.first, member.at) if self.sizes else member.at
        self.last = max(self.last, member.at) if self.sizes else member.at
        self._change(member, 1)

    def remove(self, member: Member) -> None:
        """`first` and `last` stay."""
        self._change(member, -1)

    def _change(self, member: Member, sign: int) -> None:
        language = member.language
        self.sizes[language] = self.sizes.get(language, 0) + sign
        self.words.setdefault(language, Bag()).change(member.words, sign)
        if not self.sizes[language]:
            del self.sizes[language], self.words[language]
        self.size += sign
        self.keys.change(member.keys, sign)
        self.at_sum += sign * member.at
        self.names += sign * member.names
        if member.vector is not None:
            self.vectors += sign
            self.vector = sign * member.vector.astype(np.int32) + (0 if self.vector is None else self.vector)

    def absorb(self, other: Story) -> None:
        """Take in all that another story has."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        for language, size in other.sizes.items():
            self.sizes[language] = self.sizes.get(language, 0) + size
            self.words.setdefault(language, Bag()).change(other.words[language].sums())
        self.keys.change(other.keys.sums())
        self.size += other.size
        self.at_sum += other.at_sum
        self.names += other.names
        self.vectors += other.vectors
        if other.vector is not None:
            self.vector = other.vector + (0 if self.vector is None else self.vector)

    def likeness(self, probe: Probe, rule: StoryRule, vector: float | None) -> Likeness:
        """How a report is like this story, on average over its reports; `vector` as `mean_cosines` has it."""
        member, size = probe.member, self.size
        own = self.sizes.get(member.language, 0)
        words = self.words[member.language].dot(member.words) / _SQUARE / own if own else None
        shared = self.keys.shared(member.keys)
        costs = member.costs
        nats = sum([costs[term] for term in shared]) / NAT
        names = scores = False
        if own and probe.names >= rule.names_told <= self.names / NAT / size:
            names = sum([costs[term] for term in shared if kind_of(term) in TELLING]) < rule.names_shared * NAT
        if own and probe.scores and probe.scores.isdisjoint(shared):
            scores = self.keys.holds(SCORE)
        keys = self.keys.dot(member.keys) / _SQUARE / size if shared else 0.0
        return Likeness(vector, words, keys, nats, abs(member.at - self.middle) / HOUR, names, scores)

    def likeness_of(self, other: Story) -> Likeness:
        """How two stories are alike, on average over all pairs of their reports."""
        pairs = words = 0
        for language in self.words.keys() & other.words.keys():
            words += self.words[language].dot(other.words[language].sums())
            pairs += self.sizes[language] * other.sizes[language]
        theirs = other.keys.sums()
        keys = self.keys.dot(theirs) / _SQUARE / self.size / other.size
        vector = None
        if self.vector is not None and other.vector is not None and self.vectors and other.vectors:
            vector = (
                int(self.vector.astype(np.int64) @ other.vector.astype(np.int64))
                / _VECTOR_SQUARE
                / self.vectors
                / other.vectors
            )
        hours = abs(self.middle - other.middle) / HOUR
        return Likeness(
            vector, words / _SQUARE / pairs if pairs else None, keys, 0.0, hours, other_names=False, other_scores=False
        )


def vector_keys(vector: NDArray[np.int8], most: int = 12) -> list[int]:
    """What a vector is found by: each two of its twelve largest coordinates, with their signs."""
    strongest = np.sort(np.argsort(-np.abs(vector.astype(np.int16)), kind="stable")[:most])
    coordinates = [2 * int(place) + int(vector[place] > 0) for place in strongest]
    return [
        (left * 2 * DIMENSIONS + right) * 2_654_435_761 & 0xFFFFFFFF
        for at, left in enumerate(coordinates)
        for right in coordinates[at + 1 :]
    ]
