"""What a code point is to the tokeniser: part of a word, dropped, a token of its own, or a gap."""

from __future__ import annotations

import sys
import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.uint32]
"""Code points."""

_DROPPED_RANGES = (
    (0x00AD, 0x00AD), (0x0300, 0x036F), (0x0483, 0x0487), (0x0591, 0x05BD), (0x05BF, 0x05BF), (0x05C1, 0x05C2),
    (0x05C4, 0x05C5), (0x05C7, 0x05C7), (0x0610, 0x061A), (0x061C, 0x061C), (0x0640, 0x0640), (0x064B, 0x065F),
    (0x0670, 0x0670), (0x06D6, 0x06DC), (0x06DF, 0x06E4), (0x06E7, 0x06E8), (0x06EA, 0x06ED), (0x08D3, 0x08FF),
    (0x200B, 0x200B), (0x200D, 0x200F), (0x202A, 0x202E), (0x2060, 0x2064), (0x2066, 0x206F), (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
)  # fmt: skip
"""Vowel marks, joiners and direction marks. Not the zero-width non-joiner: it parts words from endings in Persian."""

_UNBROKEN_RANGES = (
    (0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3005, 0x3007), (0x3041, 0x309F), (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3FFFF),
)  # fmt: skip

UNKNOWN, WORD, DROPPED, GAP, UNBROKEN = range(5)


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)


@lru_cache(maxsize=1 << 16)
def kind_of(code: int) -> int:
    """What a code point is to the tokeniser."""
    char = chr(code)
    if _within(code, _DROPPED_RANGES):
        return DROPPED
    if _within(code, _UNBROKEN_RANGES):
        return UNBROKEN if char.isalnum() or unicodedata.category(char)[0] == "M" else GAP
    return WORD if char.isalnum() or unicodedata.category(char)[0] == "M" else GAP


_KINDS = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
"""The kind of each code point, where known."""
_ASCII_KINDS = bytes(map(kind_of, range(128))).ljust(256)


def codes_of(text: str) -> Codes:
    """The code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def kinds_of(text: str) -> NDArray[np.uint8]:
    """The kind of each code point of a text."""
    if text.isascii():
        return np.frombuffer(text.encode("ascii").translate(_ASCII_KINDS), dtype=np.uint8)
    codes = codes_of(text)
    kinds = _KINDS[codes]
    unknown = kinds == UNKNOWN
    if unknown.any():
        for code in set(codes[unknown].tolist()):
            _KINDS[code] = kind_of(code)
        kinds = _KINDS[codes]
    return kinds
