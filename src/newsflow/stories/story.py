"""A story as sums over its reports. Sums are whole numbers, so what leaves takes off exactly what it brought."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from newsflow.stories.counts import UNIT
from newsflow.stories.rarity import NAT
from newsflow.stories.rule import HOUR, Likeness, Likenesses, StoryRule, Values, text_share
from newsflow.stories.signals import NAME, NUMBER, SCORE, kind_of
from newsflow.stories.vectors import DIMENSIONS, LENGTH

_SQUARE = UNIT * UNIT
_VECTOR_SQUARE = LENGTH * LENGTH
Sum = NDArray[np.int32]
_KINDS = np.uint32(7)
_TELLS = np.array([kind in (NAME, NUMBER, SCORE) for kind in range(8)], np.int64)
"""Kinds that tell one happening from another of its kind."""
_FIGURES = np.array([kind in (NUMBER, SCORE) for kind in range(8)], np.int64)


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

    @property
    def figures(self) -> int:
        """1/256 nat of numbers and scores."""
        return sum(cost for term, cost in self.costs.items() if _FIGURES[kind_of(term)])


Terms = NDArray[np.uint32]
"""Sorted."""
Weights = NDArray[np.int64]


class Bag:
    """Weights of terms, summed: eight bytes a term, where a dictionary takes a hundred."""

    __slots__ = ("sums", "terms")

    def __init__(self) -> None:
        self.terms = self.sums = b""

    def change(self, terms: Terms, weights: Weights, sign: int = 1) -> None:
        if not self.terms:
            self.terms, self.sums = terms.tobytes(), (sign * weights).astype(np.uint32).tobytes()
            return
        held, sums = np.frombuffer(self.terms, np.uint32), np.frombuffer(self.sums, np.uint32).astype(np.int64)
        places = held.searchsorted(terms)
        known = held[np.minimum(places, len(held) - 1)] == terms
        sums[places[known]] += sign * weights[known]
        if not known.all():
            held = np.insert(held, places[~known], terms[~known])
            sums = np.insert(sums, places[~known], sign * weights[~known])
        if sign < 0:
            held, sums = held[sums != 0], sums[sums != 0]
        self.terms, self.sums = held.tobytes(), sums.astype(np.uint32).tobytes()

    def arrays(self) -> tuple[Terms, Weights]:
        return np.frombuffer(self.terms, np.uint32), np.frombuffer(self.sums, np.uint32).astype(np.int64)

    def weights(self) -> dict[int, int]:
        terms, sums = self.arrays()
        return dict(zip(terms.tolist(), sums.tolist(), strict=True))

    def dot(self, other: Bag, most: float = math.inf) -> float:
        """`most`: so much a term adds at most."""
        return float(_Meeting(other.arrays(), [self]).dots(np.array([most]))[0])

    def holds(self, kind: int) -> bool:
        return bool((np.frombuffer(self.terms, np.uint32) & _KINDS == kind).any())

    def figures(self) -> Terms:
        terms: Terms = np.frombuffer(self.terms, np.uint32)
        found: Terms = terms[_FIGURES[terms & _KINDS] > 0]
        return found


def _arrays(weights: Mapping[int, int]) -> tuple[Terms, Weights]:
    terms = sorted(weights)
    return np.array(terms, np.uint32), np.array([weights[term] for term in terms], np.int64)


class _Meeting:
    """Where the terms of a report meet those of many bags."""

    def __init__(self, own: tuple[Terms, Weights], bags: Sequence[Bag]) -> None:
        self._terms, self._weights = own
        self._count = len(bags)
        theirs = np.frombuffer(b"".join([bag.terms for bag in bags]), np.uint32)
        if not len(self._terms):
            theirs = theirs[:0]
        places = self._terms.searchsorted(theirs)
        if len(theirs):
            places[places == len(self._terms)] = 0
        met = (self._terms[places] == theirs).nonzero()[0]
        self._places = places[met]
        ends = np.cumsum([len(bag.terms) // 4 for bag in bags])
        self._owners = ends.searchsorted(met, side="right")
        self._sums = np.frombuffer(b"".join([bag.sums for bag in bags]), np.uint32)[met]

    def dots(self, most: Values | None = None) -> Values:
        """`most`: so much a term adds at most, for each bag; whole numbers."""
        added = (self._weights[self._places] * self._sums).astype(np.float64)
        return self._sum(added if most is None else np.minimum(added, most[self._owners]))

    def total(self, values: Weights) -> Values:
        """For each bag the sum of the values, each of a term of the report, over the terms that meet."""
        return self._sum(values[self._places].astype(np.float64))

    def _sum(self, met: Values) -> Values:
        # Sums of whole numbers below 2 ** 53 are exact, in whatever order they are taken.
        return np.bincount(self._owners, met, self._count).astype(np.float64)


def compare(member: Member, stories: Sequence[Story], rule: StoryRule) -> Likenesses:
    """How a report is like each of these stories, on average over its reports."""
    language = member.language
    sizes = np.array([story.size for story in stories], np.float64)
    owns = np.array([story.sizes.get(language, 0) for story in stories], np.float64)
    own = owns > 0
    text = text_share(np.minimum(len(member.words), np.array([story.told for story in stories]) / sizes))
    said = _Meeting(_arrays(member.words), [story.words.get(language, _EMPTY) for story in stories])
    words = (1 - text) * said.dots() + text * said.dots(round(rule.of_a_word * _SQUARE) * owns)
    terms, weights = _arrays(member.keys)
    meeting = _Meeting((terms, weights), [story.keys for story in stories])
    costs = np.array([member.costs[term] for term in terms.tolist()], np.int64)
    kinds = terms & _KINDS
    others = np.zeros((2, len(stories)))
    if costs[kinds == NAME].sum() >= rule.names_told * NAT:
        told = np.array([story.names for story in stories]) >= rule.names_told * NAT * sizes
        others[0] = own & told & (meeting.total(costs * _TELLS[kinds]) < rule.names_shared * NAT)
    if (scored := kinds == SCORE).any():
        others[1] = own & (meeting.total(scored.astype(np.int64)) == 0) & [story.keys.holds(SCORE) for story in stories]
    figures = costs * _FIGURES[kinds]
    fewer = np.minimum(figures.sum(), np.array([story.figures for story in stories]) / sizes)
    other_figures = (fewer >= rule.figures_told * NAT) & (meeting.total(figures) < fewer / 3)
    return Likenesses(
        _mean_cosines(member, stories),
        words / _SQUARE / np.where(own, owns, np.nan),
        meeting.dots() / _SQUARE / sizes,
        meeting.total(costs) / NAT,
        np.array([abs(member.at - story.middle) for story in stories]) / HOUR,
        others[0],
        others[1],
        other_figures.astype(np.float64),
        text,
        owns / sizes,
    )


def _mean_cosines(member: Member, stories: Sequence[Story]) -> Values:
    """The likeness of a report's vector to those of each story, on average."""
    if member.vector is None:
        return np.full(len(stories), np.nan)
    sums = np.array([_NO_VECTOR if story.vector is None else story.vector for story in stories], np.float64)
    counts = np.array([story.vectors or np.nan for story in stories])
    found: Values = sums @ member.vector.astype(np.float64) / _VECTOR_SQUARE / counts
    return found


_EMPTY = Bag()
_NO_VECTOR = np.zeros(DIMENSIONS, np.int32)


class Story:
    """The sums of a story. Mutable."""

    __slots__ = (
        "at_sum",
        "figures",
        "first",
        "id",
        "keys",
        "last",
        "names",
        "size",
        "sizes",
        "told",
        "vector",
        "vectors",
        "words",
    )

    def __init__(self, story_id: str) -> None:
        self.id = story_id
        self.sizes: dict[str, int] = {}
        """Reports by language."""
        self.size = self.at_sum = self.names = self.figures = self.vectors = 0
        self.told = 0
        """Words of its reports, each counted once a report."""
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
        self.words.setdefault(language, Bag()).change(*_arrays(member.words), sign)
        if not self.sizes[language]:
            del self.sizes[language], self.words[language]
        self.size += sign
        self.keys.change(*_arrays(member.keys), sign)
        self.at_sum += sign * member.at
        self.names += sign * member.names
        self.figures += sign * member.figures
        self.told += sign * len(member.words)
        if member.vector is not None:
            self.vectors += sign
            self.vector = sign * member.vector.astype(np.int32) + (0 if self.vector is None else self.vector)

    def absorb(self, other: Story) -> None:
        """Take in all that another story has."""
        self.first, self.last = min(self.first, other.first), max(self.last, other.last)
        for language, size in other.sizes.items():
            self.sizes[language] = self.sizes.get(language, 0) + size
            self.words.setdefault(language, Bag()).change(*other.words[language].arrays())
        self.keys.change(*other.keys.arrays())
        self.size += other.size
        self.at_sum += other.at_sum
        self.names += other.names
        self.figures += other.figures
        self.told += other.told
        self.vectors += other.vectors
        if other.vector is not None:
            self.vector = other.vector + (0 if self.vector is None else self.vector)

    def _has_other_figures(self, other: Story, rule: StoryRule) -> bool:
        fewer = min(self.figures / self.size, other.figures / other.size)
        ours, theirs = self.keys.figures(), other.keys.figures()
        shared = len(np.intersect1d(ours, theirs, assume_unique=True))
        return fewer >= rule.figures_told * NAT and shared < min(len(ours), len(theirs)) / 3

    def likeness_of(self, other: Story, rule: StoryRule) -> Likeness:
        """How two stories are alike, on average over all pairs of their reports."""
        text = float(text_share(np.minimum(self.told / self.size, np.float64(other.told / other.size))))
        pairs, words, most = 0, 0.0, round(rule.of_a_word * _SQUARE)
        for language in sorted(self.words.keys() & other.words.keys()):
            ours, theirs = self.words[language], other.words[language]
            both = self.sizes[language] * other.sizes[language]
            words += (1 - text) * ours.dot(theirs) + text * ours.dot(theirs, most * both)
            pairs += both
        keys = self.keys.dot(other.keys) / _SQUARE / self.size / other.size
        vector = None
        if self.vector is not None and other.vector is not None and self.vectors and other.vectors:
            vector = (
                int(self.vector.astype(np.int64) @ other.vector.astype(np.int64))
                / _VECTOR_SQUARE
                / self.vectors
                / other.vectors
            )
        return Likeness(
            vector,
            words / _SQUARE / pairs if pairs else None,
            keys,
            0.0,
            abs(self.middle - other.middle) / HOUR,
            other_names=False,
            other_scores=False,
            other_figures=self._has_other_figures(other, rule),
            text=text,
            own=1.0 if pairs else 0.0,
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
