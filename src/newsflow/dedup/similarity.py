"""The rule: how alike two fingerprints are, and what that makes of the pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from newsflow.dedup.fingerprint import Fingerprint, Hashes


class Relation(IntEnum):
    """What two texts are to each other; a greater value is closer."""

    NONE = 0
    RELATED = 1
    """Of one story, not the same article."""
    DUPLICATE = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """The thresholds, all shares from 0 to 1. A pair is a duplicate at either the first or the second of
    `jaccard` and `containment`, and only when it shares `numbers` of the smaller set of number tokens:
    templated notes ("prices rose 3 %") reach a Jaccard of .75 with other numbers."""

    jaccard: float = 0.4
    containment: float = 0.6
    numbers: float = 0.7
    related_jaccard: float = 0.3
    related_containment: float = 0.5
    likely: float = 0.2
    """Containment from which two texts are laid side by side."""
    shared: float = 0.6
    """Of the words of the shorter text, the share that stands in the other in the same order: from here on a text that
    was edited much is a duplicate as well."""
    shared_numbers: float = 0.8
    """As `numbers`, of a text that was edited so much."""
    exchanged: float = 0.75
    """Words exchanged for others, to places that were edited otherwise: more are another report. In scripts without
    capitals any of them may be a name."""
    exchanged_cased: float = 1.0
    """The same in scripts that show names, which are counted apart."""
    short: float = 0.8
    """As `shared`, of two texts of which one is short, title and body together."""
    corrected: float = 1 / 12
    """Figures exchanged, to all figures of a text: so few are a correction."""


DEFAULT_RULE = Rule()
LEAST_OWN = 8
"""Shingles that a text has beside what many carry: as many as words of its own."""


@dataclass(frozen=True, slots=True)
class Similarity:
    """How alike two texts are; shares from 0 to 1. `exact` when the matching texts are equal."""

    jaccard: float
    containment: float
    """Of the smaller set of shingles, the share that the other holds."""
    numbers: float
    """Of the smaller set of number tokens, the share that the other holds; 1 when it is empty."""
    exact: bool = False

    @property
    def method(self) -> str:
        """`exact` or `near`, as duplicate.v1 names it."""
        return "exact" if self.exact else "near"


IDENTICAL = Similarity(1.0, 1.0, 1.0, exact=True)


def compare(left: Fingerprint, right: Fingerprint) -> Similarity:
    """How alike two texts are, exactly (no estimate)."""
    return compare_all(left, [right])[0]


def compare_all(left: Fingerprint, others: Sequence[Fingerprint]) -> list[Similarity]:
    """`compare` of one text with each of many, in one pass."""
    shared = _count_shared(left.shingles, [other.shingles for other in others])
    return [_similarity(left, other, count) for other, count in zip(others, shared, strict=True)]


def compare_without(left: Fingerprint, right: Fingerprint, passages: Hashes, similarity: Similarity) -> Similarity:
    """How alike two texts are without passages that many articles carry; as they were where too little is left."""
    if similarity.exact or not len(passages):
        return similarity
    mine, theirs = (each.shingles[~np.isin(each.shingles, passages)] for each in (left, right))
    fewer = min(len(mine), len(theirs))
    if fewer < LEAST_OWN or fewer == min(len(left.shingles), len(right.shingles)):
        return similarity
    shared = len(np.intersect1d(mine, theirs, assume_unique=True))
    return replace(similarity, jaccard=shared / (len(mine) + len(theirs) - shared), containment=shared / fewer)


def relate(similarity: Similarity, rule: Rule = DEFAULT_RULE) -> Relation:
    """What the rule makes of a pair that is so alike."""
    if similarity.exact:
        return Relation.DUPLICATE
    near = similarity.jaccard >= rule.jaccard or similarity.containment >= rule.containment
    if near and similarity.numbers >= rule.numbers:
        return Relation.DUPLICATE
    related = similarity.jaccard >= rule.related_jaccard or similarity.containment >= rule.related_containment
    return Relation.RELATED if near or related else Relation.NONE


def _similarity(left: Fingerprint, right: Fingerprint, shared: int) -> Similarity:
    if left.text_hash == right.text_hash:
        return IDENTICAL
    sizes = len(left.shingles), len(right.shingles)
    if not min(sizes):
        return Similarity(0.0, 0.0, share_numbers(left.numbers, right.numbers))
    jaccard = shared / (sum(sizes) - shared)
    return Similarity(jaccard, shared / min(sizes), share_numbers(left.numbers, right.numbers))


def share_numbers(left: Hashes, right: Hashes) -> float:
    """The share of the smaller set that the other holds too; 1 when it is empty."""
    smaller = min(len(left), len(right))
    return len(set(left.tolist()).intersection(right.tolist())) / smaller if smaller else 1.0


def _count_shared(left: Hashes, others: Sequence[Hashes]) -> list[int]:
    """For each of `others` how many of its values are in `left`."""
    sizes = [len(other) for other in others]
    if not len(left) or not sum(sizes):
        return [0] * len(others)
    values = np.concatenate(others)
    places = np.searchsorted(left, values)
    places[places == len(left)] = 0
    running = np.concatenate([[0], np.cumsum(left[places] == values)])
    ends = np.cumsum(sizes)
    counts: list[int] = (running[ends] - running[ends - np.array(sizes)]).tolist()
    return counts
