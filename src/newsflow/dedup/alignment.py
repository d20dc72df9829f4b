"""Lays two lists of words side by side: the runs that are equal, in order. For texts of which most is equal."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from difflib import SequenceMatcher
from operator import ne

import numpy as np
from numpy.typing import NDArray

from newsflow.dedup.fingerprint import hash_runs

ANCHOR_WORDS = 4
"""Words in a row that each text has once: there the texts are laid side by side."""
NEAR_WORDS = 8
"""Within so many words two texts are looked at word by word for where they go on alike."""
MOST_PAIRS = 1_000_000
"""Words of the one text times words of the other between two anchors; beyond, they are laid side by side no further."""
_AT_ONCE = 64
"""Words that are compared in one go."""

Place = tuple[int, int, int, int]
"""From and to in the one text, and in the other."""
Run = tuple[int, int, int]
"""Place in the one text, place in the other, words."""


def align(a: Sequence[str], b: Sequence[str]) -> list[Run]:
    """The runs of equal words, in order in both."""
    runs: list[Run] = []
    i = j = 0
    while True:
        same = _count_equal(a, b, i, j)
        x, y = i + same, j + same
        if same:
            runs.append((i, j, same))
        i, j = _resume(a, b, x, y)
        if i < 0:
            return runs + _far_apart(a, b, x, y)
        runs += _within(a, b, (x, i, y, j))


def _count_equal(a: Sequence[str], b: Sequence[str], i: int, j: int) -> int:
    """How many words are equal from here on."""
    count = 0
    while True:
        differ = list(map(ne, a[i + count : i + count + _AT_ONCE], b[j + count : j + count + _AT_ONCE]))
        if True in differ:
            return count + differ.index(True)
        count += len(differ)
        if len(differ) < _AT_ONCE:
            return count


def _resume(a: Sequence[str], b: Sequence[str], i: int, j: int) -> tuple[int, int]:
    """Where the texts go on alike within a few words; (-1, -1) where they do not."""
    most_x, most_y = min(NEAR_WORDS, len(a) - i - 3), min(NEAR_WORDS, len(b) - j - 3)
    for ahead in range(1, 2 * NEAR_WORDS):
        for x in range(max(0, ahead - most_y), min(ahead, most_x) + 1):
            left, right = i + x, j + ahead - x
            if a[left] == b[right] and a[left + 1 : left + 3] == b[right + 1 : right + 3]:
                return left, right
    return -1, -1


def _within(a: Sequence[str], b: Sequence[str], place: Place) -> list[Run]:
    """The runs within a place that differs."""
    i, x, j, y = place
    if i == x or j == y or (x - i == 1 and y - j == 1) or (x - i) * (y - j) > MOST_PAIRS:
        return []
    found = SequenceMatcher(None, a[i:x], b[j:y], autojunk=False).get_matching_blocks()[:-1]
    return [(i + at, j + other, size) for at, other, size in found]


def _far_apart(a: Sequence[str], b: Sequence[str], at_a: int, at_b: int) -> list[Run]:
    """The runs from here on of texts that go on alike, if at all, after many words."""
    runs: list[Run] = []
    fewer = min(len(a) - at_a, len(b) - at_b)
    if not fewer:
        return runs
    found = _anchors(a[at_a:], b[at_b:]) if fewer >= ANCHOR_WORDS else []
    anchors = [(i + at_a, j + at_b, size) for i, j, size in found]
    for i, j, size in [*anchors, (len(a), len(b), 0)]:
        if (cut := max(at_a - i, at_b - j, 0)) and cut >= size:
            continue
        i, j, size = i + cut, j + cut, size - cut
        while i > at_a and j > at_b and a[i - 1] == b[j - 1]:
            i, j, size = i - 1, j - 1, size + 1
        runs += _within(a, b, (at_a, i, at_b, j))
        at_a, at_b = i + size, j + size
        same = _count_equal(a, b, at_a, at_b)
        at_a, at_b = at_a + same, at_b + same
        if at_a > i:
            runs.append((i, j, at_a - i))
    return runs


def _anchors(a: Sequence[str], b: Sequence[str]) -> list[Run]:
    """The runs of words of which every few in a row stand once in each text; the most that are in one order."""
    (hashes, places), (others, their_places) = _single(a), _single(b)
    _, mine, theirs = np.intersect1d(hashes, others, assume_unique=True, return_indices=True)
    order = np.argsort(places[mine])
    left, right = places[mine][order], their_places[theirs][order]
    starts = (
        np.flatnonzero(np.r_[True, (np.diff(left) != 1) | (np.diff(right) != 1)]) if len(left) else np.empty(0, int)
    )
    sizes = np.diff(np.r_[starts, len(left)]) + ANCHOR_WORDS - 1
    return _longest_rising(list(zip(left[starts].tolist(), right[starts].tolist(), sizes.tolist(), strict=True)))


def _longest_rising(runs: Sequence[Run]) -> list[Run]:
    best: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for n, (_, j, _) in enumerate(runs):
        at = bisect_left(ends, j)
        before.append(best[at - 1] if at else -1)
        ends[at : at + 1], best[at : at + 1] = [j], [n]
    chain: list[Run] = []
    n = best[-1] if best else -1
    while n >= 0:
        chain.append(runs[n])
        n = before[n]
    return chain[::-1]


def _single(words: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.intp]]:
    """Hashes of every few words in a row that stand once, sorted, and where."""
    hashes = hash_runs(words, ANCHOR_WORDS)
    found, places, counts = np.unique(hashes, return_index=True, return_counts=True)
    once = counts == 1
    return found[once], places[once]
