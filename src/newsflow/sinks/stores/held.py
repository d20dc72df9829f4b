"""Which article versions the files of a folder store hold, so that none is written twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from newsflow.sinks.stores.layout import Key

REMEMBERED_KEYS = 2_000_000
"""Over all partitions, about 300 MB; the partitions that were not asked about for longest are forgotten first, and
read again from their files when they are."""


@dataclass
class _Partition:
    paths: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)


class HeldKeys:
    """The keys of each partition. Files never change, so each is read once, by `read_keys`."""

    def __init__(self, read_keys: Callable[[str], Iterable[Key]], limit: int = REMEMBERED_KEYS) -> None:
        self._read_keys, self._limit = read_keys, limit
        self._partitions: dict[str, _Partition] = {}

    def __contains__(self, partition: object) -> bool:
        """Whether keys of a partition are remembered; those of others are read again from all their files."""
        return partition in self._partitions

    def of(self, partition: str, paths: Collection[str]) -> set[Key]:
        """Return the keys in the files of a partition; `paths` are those that count now. Raises `OSError`."""
        known = self._partitions.pop(partition, None) or _Partition()
        self._partitions[partition] = known  # to the end: used last
        for path in paths:
            if path not in known.paths:
                known.keys.update(self._read_keys(path))
                known.paths.add(path)
        self._forget_some()
        return known.keys

    def add(self, partition: str, path: str, keys: Iterable[Key]) -> None:
        """Take in a file that now counts, without reading it."""
        known = self._partitions.setdefault(partition, _Partition())
        known.keys.update(keys)
        known.paths.add(path)

    def _forget_some(self) -> None:
        while sum(len(each.keys) for each in self._partitions.values()) > self._limit and len(self._partitions) > 1:
            self._partitions.pop(next(iter(self._partitions)))
