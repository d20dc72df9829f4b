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


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Lower case, no accents or invisible signs, one form for each Arabic letter, ASCII digits, plain spaces."""
    text = unicodedata.normalize("NFKD", text).casefold()
    if not text.isascii():
        text = "".join(_fold_char(char) for char in unicodedata.normalize("NFKD", text)).translate(_SAME_LETTERS)
        text = unicodedata.normalize("NFC", text)  # Hangul comes apart above
    return _SPACES.sub(" ", text).strip()


@lru_cache(maxsize=4096)
def _fold_char(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Mn", "Cf") or char == "\u0640":
        return ""
    if category == "Nd":
        return str(unicodedata.decimal(char))
    return " " if category in ("Zs", "Cc") else char
