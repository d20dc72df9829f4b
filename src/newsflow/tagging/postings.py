"""Lists of numbers by number, in two flat arrays.

A list of Python objects for each term of 100,000 rules is spread over the whole memory, and to read a few hundred of
them for an article is to wait for memory. Flat arrays are gathered from in a few calls.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int32]


class Postings:
    """Immutable. Keys are 0 to `size` - 1."""

    def __init__(self, pairs: Iterable[tuple[int, int]], size: int) -> None:
        """`pairs` of key and value; the values of a key keep their order."""
        flat = np.array([*pairs], dtype=np.int32).reshape(-1, 2)
        keys, values = flat[:, 0], flat[:, 1]
        self._values: Numbers = values[np.argsort(keys, kind="stable")]
        self._bounds = np.zeros(size + 1, dtype=np.int32)
        np.cumsum(np.bincount(keys, minlength=size), out=self._bounds[1:])

    def at(self, key: int) -> list[int]:
        """The values of one key."""
        found: list[int] = self._values[self._bounds[key] : self._bounds[key + 1]].tolist()
        return found

    def of(self, keys: Numbers) -> tuple[Numbers, Numbers]:
        """The values of all the keys, of which there is at least one, one key after the other; and where each ends."""
        starts = self._bounds[keys]
        counts = self._bounds[keys + 1] - starts
        ends = counts.cumsum(dtype=np.int32)
        places = np.repeat(starts - ends + counts, counts)
        places += np.arange(len(places), dtype=np.int32)
        return self._values[places], ends
