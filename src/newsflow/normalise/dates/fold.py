"""Folding for matching names in dates: case, accents, Arabic letter forms and digit shapes."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SAME_LETTERS = str.maketrans(
    {
        "ى": "ي",
        "ی": "ي",
        "ې": "ي",
        "ک": "ك",
        "ڪ": "ك",
        "ة": "ه",
        "ۃ": "ه",
        "ہ": "ه",
        "ھ": "ه",
        "ە": "ه",
        "ٱ": "ا",
        "ı": "i",
        "ł": "l",
        "đ": "d",
        "ø": "o",
        "ß": "ss",
        "æ": "ae",
        "،": ",",
        "؛": ",",
        "٫": ".",
        "٬": ",",
        "。": ".",
        "、": ",",
        "–": "-",
        "—": "-",
        "−": "-",
        "‐": "-",
        "‑": "-",
        "⁄": "/",
        "∕": "/",
        "՝": ",",
        "׳": "",
        "'": "'",
        "’": "'",
        "ʼ": "'",
        "`": "'",
    }
)
_SPACES = re.compile(r"\s+")


class _Folding(dict[int, str]):
    """What each code point of an NFKD text becomes; filled as it is met."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        if category in ("Mn", "Cf") or char == "\u0640":
            folded = ""
        elif category == "Nd":
            folded = str(unicodedata.decimal(char))
        else:
            folded = " " if category in ("Zs", "Cc") else char.translate(_SAME_LETTERS)
        self[code] = folded
        return folded


_FOLDING = _Folding()


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower case, no accents or invisible signs, one form for each Arabic letter, ASCII digits, plain spaces."""
    if text.isascii():
        return _SPACES.sub(" ", text.lower()).strip()
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_FOLDING)
    return _SPACES.sub(" ", unicodedata.normalize("NFC", folded)).strip()  # Hangul comes apart above


def fold_pattern(pattern: str) -> str:
    """A regular expression with its letters beyond ASCII folded; escapes such as `\\S` stay."""
    return "".join(char if char.isascii() else "" if char in "–—" else fold(char) or char for char in pattern)
