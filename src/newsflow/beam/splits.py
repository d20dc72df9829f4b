"""The splits of the endless source: their names, and how they spread over the workers of a Flink job.

Flink sends an element of a splittable DoFn to the worker that its bytes hash to. Left to chance, three of four
splits, or all, may land on one worker. So each name ends in a number with which it hashes into its own share of
Flink's key groups, evenly spaced: whatever the parallelism, the splits then spread as evenly as they can.
Elsewhere the names are just names.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count

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
    """The key group (0 to 127) Flink puts a Beam element of type `bytes` into."""
    return _murmur(_java_hash(bytes([len(name)]) + name)) % KEY_GROUPS


def _java_hash(key: bytes) -> int:
    """`java.nio.ByteBuffer.hashCode`, as 32 bits without sign."""
    found = 1
    for byte in reversed(key):
        found = (31 * found + (byte - 256 if byte > 127 else byte)) & 0xFFFFFFFF
    return found


def _murmur(code: int) -> int:
    """`org.apache.flink.util.MathUtils.murmurHash`: 32-bit Murmur 3 of one integer, made positive."""
    code = _rotate(code * 0xCC9E2D51, 15) * 0x1B873593 & 0xFFFFFFFF
    code = (_rotate(code, 13) * 5 + 0xE6546B64) & 0xFFFFFFFF
    code ^= 4
    code = (code ^ code >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    code = (code ^ code >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    code ^= code >> 16
    signed = code - (1 << 32) if code >> 31 else code
    return 0 if signed == -(1 << 31) else abs(signed)


def _rotate(code: int, bits: int) -> int:
    code &= 0xFFFFFFFF
    return (code << bits | code >> (32 - bits)) & 0xFFFFFFFF
