"""Matching text: the form of a text in which two copies of one article look alike."""

from __future__ import annotations

import re
import unicodedata

# Vowel marks, Quranic signs, tatweel, bidi and joining controls, soft hyphen, byte order mark, Hebrew points.
_REMOVED = re.compile(
    "[\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]+"
)
# One `str.replace` a pair is a quarter of the cost of `str.translate` on a text that is not ASCII.
_FOLDED = tuple(zip("أإآٱىیېکةۀ", "ااااييي" + "كهه", strict=True))
_ARABIC = re.compile("[\u0622-\u06d5]")
_FOREIGN_DIGIT = re.compile("[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef]")
_DIGITS = {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0x09E6) for digit in range(10)}

# Scripts written without spaces: a character is a word there, or a whole clause would be one token.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_MAY_BE_UNSPACED = re.compile("[\u0e00-\u17ff\u3040-\ufaff]")
_MIXED_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_TOKEN = re.compile(r"\w+")


def matching_text(text: str) -> str:
    """NFKC, lower case, without Arabic and Hebrew marks, tatweel and direction controls; the forms of alef,
    ya and ta marbuta folded into one each, Arabic and Indic digits written 0 to 9."""
    text = unicodedata.normalize("NFKC", text).lower()
    if text.isascii():
        return text
    text = _REMOVED.sub("", text)
    if _ARABIC.search(text):
        for written, folded in _FOLDED:
            text = text.replace(written, folded)
    return text.translate(_DIGITS) if _FOREIGN_DIGIT.search(text) else text


def matching_tokens(text: str) -> list[str]:
    """The words of `matching_text(text)`, in order; punctuation separates, a Han or Thai character is a word."""
    text = matching_text(text)
    pattern = _MIXED_TOKEN if _MAY_BE_UNSPACED.search(text) else _TOKEN
    return pattern.findall(text)


def number_tokens(tokens: list[str]) -> set[str]:
    """The tokens of digits alone, as `17` and `000` in `17,000`."""
    return {token for token in set(tokens) if token.isdecimal()}
