"""Finds the texts that share a key with a text: sorted runs of numbers, merged as they grow.

A posting is one 64-bit number: the key above, the text's sequence number below. A run is a sorted array of
them; a new run is merged with its neighbour until each is at least twice its successor, so there are few
runs and each posting is copied a logarithmic number of times. Eight bytes a posting, no object a key.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from newsflow.dedup.fingerprint import Hashes

Run = NDArray[np.uint64]

NEWEST_PER_KEY = 50
"""A key that many texts hold says little; of its texts the newest are looked at, in each run."""
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


class NearIndex:
    """Keys to sequence numbers (below 2**32) for the texts of one language. Not thread-safe."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        self.oldest = 0
        """Numbers below it are forgotten at the next merge, and never returned."""

    def __len__(self) -> int:
        """Postings held, those not yet forgotten included."""
        return sum(len(run) for run in self._runs)

    def add(self, numbers: Sequence[int], keys: Sequence[Hashes]) -> None:
        """Make text `numbers[i]` findable by `keys[i]`."""
        if not numbers:
            return
        owners = np.repeat(np.asarray(numbers, np.uint64), [len(each) for each in keys])
        run: Run = (np.concatenate(keys).astype(np.uint64) << _SHIFT) | owners
        run.sort()
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = self._merge(self._runs.pop(), run)
        self._runs.append(run)

    def find(self, keys: Sequence[Hashes]) -> list[dict[int, int]]:
        """For each text's keys: the numbers of the texts that share at least one, and how many they share."""
        found: list[dict[int, int]] = [{} for _ in keys]
        if not self._runs or not keys:
            return found
        owners = np.repeat(np.arange(len(keys)), [len(each) for each in keys])
        wanted = np.concatenate(keys).astype(np.uint64) << _SHIFT
        order = np.argsort(wanted)  # Neighbouring searches then touch neighbouring memory.
        wanted, owners = wanted[order], owners[order]
        for run in self._runs:
            self._find_in(run, wanted, owners, found)
        return found

    def _find_in(self, run: Run, wanted: Run, owners: NDArray[np.intp], found: list[dict[int, int]]) -> None:
        starts = np.searchsorted(run, wanted)
        ends = np.searchsorted(run, wanted | _LOW, side="right")
        hit = ends > starts
        for owner, start, end in zip(owners[hit].tolist(), starts[hit].tolist(), ends[hit].tolist(), strict=True):
            counts = found[owner]
            for number in (run[max(start, end - NEWEST_PER_KEY) : end] & _LOW).tolist():
                if number >= self.oldest:
                    counts[number] = counts.get(number, 0) + 1

    def _merge(self, left: Run, right: Run) -> Run:
        merged = np.concatenate([left, right])
        merged = merged[(merged & _LOW) >= np.uint64(self.oldest)] if self.oldest else merged
        merged.sort(kind="stable")  # Timsort: linear on two sorted runs.
        return merged
