"""All pairs of texts that the rule accepts, found exactly: the truth that the online path is measured against."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from newsflow.dedup.fingerprint import ALWAYS, Fingerprint, NearIndex, numbers_of
from newsflow.dedup.similarity import DEFAULT_RULE, Relation, Rule, compare_all, relate

Pair = tuple[int, int]
"""Places of two texts, the lower first."""

_CHUNK = 200
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def accepted_pairs(
    prints: Sequence[Fingerprint], languages: Sequence[str], rule: Rule = DEFAULT_RULE
) -> dict[Pair, Relation]:
    """Every pair of one language that is a duplicate or related; no pair is left out by sampling.

    Texts that share any shingle are compared; those that share none can only be equal short ones.
    """
    pairs: dict[Pair, Relation] = {}
    for left, others in _sharing(prints):
        mine = [other for other in others if languages[other] == languages[left]]
        alike = compare_all(prints[left], [prints[other] for other in mine])
        for other, similarity in zip(mine, alike, strict=True):
            relation = relate(similarity, rule)
            if relation is not Relation.NONE:
                pairs[left, other] = relation
    return pairs | dict.fromkeys(_equal_pairs(prints, languages), Relation.DUPLICATE)


def _equal_pairs(prints: Sequence[Fingerprint], languages: Sequence[str]) -> Iterator[Pair]:
    places: dict[tuple[str, bytes], list[int]] = {}
    for place, (each, language) in enumerate(zip(prints, languages, strict=True)):
        places.setdefault((language, each.text_hash), []).append(place)
    for equal in places.values():
        yield from ((left, right) for at, left in enumerate(equal) for right in equal[at + 1 :])


def _sharing(prints: Sequence[Fingerprint]) -> Iterator[tuple[int, list[int]]]:
    """For each text the later ones that share enough shingles to matter at all."""
    sizes = np.array([len(each.shingles) for each in prints])
    if not sizes.sum():
        return
    owners = np.repeat(np.arange(len(prints), dtype=np.uint64), sizes)
    postings = (np.concatenate([each.shingles for each in prints]).astype(np.uint64) << _SHIFT) | owners
    postings.sort()
    for start in range(0, len(prints), _CHUNK):
        yield from _sharing_of_chunk(prints, range(start, min(start + _CHUNK, len(prints))), postings, sizes)


def _sharing_of_chunk(
    prints: Sequence[Fingerprint], chunk: range, postings: NDArray[np.uint64], sizes: NDArray[np.intp]
) -> Iterator[tuple[int, list[int]]]:
    for place in chunk:
        wanted = prints[place].shingles.astype(np.uint64) << _SHIFT
        starts = np.searchsorted(postings, wanted | np.uint64(place), side="right")
        ends = np.searchsorted(postings, wanted | _LOW, side="right")
        counts = ends - starts
        if not counts.sum():
            continue
        # The places from each start to each end, without a loop in Python.
        offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        found = (postings[np.repeat(starts, counts) + offsets] & _LOW).astype(np.intp)
        others, shared = np.unique(found, return_counts=True)
        # Below a containment of .3 neither threshold can be reached; the exact comparison does the rest.
        enough = shared >= 0.3 * np.minimum(sizes[others], sizes[place])
        yield place, others[enough].tolist()


def online_pairs(prints: Sequence[Fingerprint], languages: Sequence[str], rule: Rule = DEFAULT_RULE) -> set[Pair]:
    """The duplicate pairs that are found when the texts come one after another: by keys, then exactly."""
    found: set[Pair] = set()
    indexes: dict[str, NearIndex] = defaultdict(NearIndex)
    for place, (mine, language) in enumerate(zip(prints, languages, strict=True)):
        likely = numbers_of(indexes[language].find([mine.keys], [ALWAYS])[0])
        alike = compare_all(mine, [prints[other] for other in likely])
        for other, similarity in zip(likely, alike, strict=True):
            if relate(similarity, rule) is Relation.DUPLICATE:
                found.add((other, place))
        indexes[language].add([place], [mine.keys], [0])
    return found
