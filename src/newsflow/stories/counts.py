"""What the articles of a language hold these days: how many have a term, and where their vectors lie on average.

A term that half of these reports have tells no story from another, and neither does what all their vectors share. So
both are counted, by language and day of event time: other languages and other days change nothing.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import repeat
from operator import add

import numpy as np
from numpy.typing import NDArray

from newsflow.stories.rarity import NAT, UNKNOWN
from newsflow.stories.signals import Costs, Often, cost_of, weight_of
from newsflow.stories.vectors import DIMENSIONS, LENGTH, MEAN

DAYS = 3
"""A day is read together with so many before and after it."""
PRIOR = 50
"""The list of words, and the mean of all news, count as so many articles."""
OWN = 5
"""So few articles that have a term may be of the very story that it tells: they count less than one each, and a single
one not at all."""
UNIT = 4096
"""The length of a vector of weights."""
_BY_CHANCE = [PRIOR * math.exp(-cost / NAT) for cost in range(UNKNOWN + 1)]
"""Articles that have a term, by its cost, as far as the list of words knows."""


class _Day:
    __slots__ = ("articles", "held", "vector_sum", "vectors")

    def __init__(self) -> None:
        self.articles = self.vectors = 0
        self.held: defaultdict[int, int] = defaultdict(int)
        self.vector_sum: NDArray[np.int64] = np.zeros(DIMENSIONS, np.int64)


class DayCounts:
    """Counts of the last days. Days are whole numbers."""

    def __init__(self) -> None:
        self._days: dict[tuple[str, int], _Day] = {}

    def add(self, language: str, day: int, terms: Iterable[int], vector: NDArray[np.int8] | None) -> None:
        counted = self._days.get((language, day))
        if counted is None:
            counted = self._days[language, day] = _Day()
        counted.articles += 1
        for term in terms:
            counted.held[term] += 1
        if vector is not None:
            counted.vectors += 1
            counted.vector_sum += vector

    def weigh(self, language: str, day: int, costs: Costs, often: Often) -> dict[int, int]:
        """Each term by how rare it is and how often it is said, the whole of length `UNIT`."""
        days = self._near(language, day)
        articles = PRIOR + sum(each.articles for each in days)
        counts = [0] * len(costs)
        for each in days:
            counts = list(map(add, counts, map(each.held.get, costs, repeat(0))))
        weights = {}
        for (term, told), counted in zip(costs.items(), counts, strict=True):
            with_term = _BY_CHANCE[cost_of(told)] + counted * (counted - 1) / (counted + OWN)
            if (weight := math.log(articles / with_term)) > 0:
                weights[term] = weight * weight_of(told, often)
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        return {term: round(UNIT * weight / length) for term, weight in weights.items()}

    def centre(self, language: str, day: int, vector: NDArray[np.int8]) -> NDArray[np.int8]:
        """The vector without what the vectors of these days share, of length `LENGTH`."""
        days = self._near(language, day)
        total = PRIOR * MEAN
        for each in days:
            total = total + each.vector_sum
        apart = vector - total / (PRIOR + sum(each.vectors for each in days))
        # Of the rounded whole numbers, whose sum is the same on every machine.
        square = int((np.rint(apart).astype(np.int64) ** 2).sum())
        apart *= LENGTH / math.sqrt(max(1, square))
        return np.clip(np.rint(apart), -127, 127).astype(np.int8)

    def forget(self, before: int) -> None:
        """Forget the days before this one."""
        self._days = {key: day for key, day in self._days.items() if key[1] >= before}

    def _near(self, language: str, day: int) -> list[_Day]:
        keys = ((language, near) for near in range(day - DAYS, day + DAYS + 1))
        return [self._days[key] for key in keys if key in self._days]
