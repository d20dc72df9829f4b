"""Matching text: the form of a text in which two copies of one article look alike."""

from __future__ import annotations

import re
import unicodedata

# Vowel marks, Quranic signs, tatweel, bidi and joining controls, soft hyphen, byte order mark, Hebrew points.
_REMOVED = re.compile(
    "[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+"
)
_FOLDED = str.maketrans(
    {
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا",
        "ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه",
        **{chr(zero + digit): str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0x09E6) for digit in range(10)},
    }
)  # fmt: skip
_ARABIC_OR_INDIC = re.compile("[\u0600-\u06ff\u0900-\u09ff]")
# Scripts written without spaces: a character is a word there, or a whole clause would be one token.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")


def matching_text(text: str) -> str:
    """NFKC, lower case, without Arabic and Hebrew marks, tatweel and direction controls; the forms of alef,
    ya and ta marbuta folded into one each, Arabic and Indic digits written 0 to 9."""
    text = unicodedata.normalize("NFKC", text).lower()
    if text.isascii():
        return text
    text = _REMOVED.sub("", text)
    return text.translate(_FOLDED) if _ARABIC_OR_INDIC.search(text) else text


def matching_tokens(text: str) -> list[str]:
    """The words of `matching_text(text)`, in order; punctuation separates, a Han or Thai character is a word."""
    return _TOKEN.findall(matching_text(text))


def is_number(token: str) -> bool:
    """True for a token of digits alone, as `17` and `000` in `17,000`."""
    return token.isdecimal()
