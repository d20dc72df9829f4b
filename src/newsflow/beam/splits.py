"""The splits of the endless source: their names, and how they spread over the workers of a Flink job.

Flink sends an element of a splittable DoFn to the worker that its bytes hash to. Left to chance, three of four
splits, or all, may land on one worker. So each name ends in a number with which it hashes into its own share of
Flink's key groups, evenly spaced: whatever the parallelism, the splits then spread as evenly as they can.
Elsewhere the names are just names.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

import mmh3

KEY_GROUPS = 128
"""Flink's own default of `max_parallelism`, which newsflow sets unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Split:
    """Split `index` of `total`."""

    index: int
    total: int

    @classmethod
    def of(cls, name: bytes) -> Split:
        """The split that `name` names."""
        index, total = name.partition(b"~")[0].split(b"/")
        return cls(int(index), int(total))


def split_names(total: int) -> list[bytes]:
    """Names for `total` splits: `0/4~17`."""
    return [_name(Split(index, total)) for index in range(total)]


def _name(split: Split) -> bytes:
    wanted = (2 * split.index + 1) * KEY_GROUPS // (2 * split.total) % KEY_GROUPS
    names = (b"%d/%d~%d" % (split.index, split.total, salt) for salt in count())
    return next(name for name in names if key_group(name) == wanted)


def key_group(name: bytes) -> int:
    """The key group (0 to 127) into which Beam on Flink puts an element of type `bytes`, shorter than 128.

    Beam encodes the element with its length and hashes that (`FlinkKey`, Murmur 3, 128 bits, the first 32 count);
    Flink hashes the result again (`MathUtils.murmurHash`, Murmur 3, 32 bits).
    """
    beam_hash = mmh3.hash_bytes(bytes([len(name)]) + name)[:4]
    flink_hash = mmh3.hash(beam_hash)
    return (0 if flink_hash == -(1 << 31) else abs(flink_hash)) % KEY_GROUPS
