"""Folded text with exact offsets back into what was emitted.

Folding makes spellings equal that a reader holds equal: case, accents, Arabic hamza forms, teh marbuta,
alef maqsura, tatweel, short vowels and Hebrew points, Persian and Arabic letters, presentation forms, full width,
the Turkish dotted and dotless i. What remains is cut into tokens that are joined by single spaces, with one
before the first and one after the last. So a pattern `" united states "` needs no check of its borders.

In scripts written without word breaks (Han, Hiragana, Thai, Lao, Khmer, Burmese) each code point is a token;
Katakana and Hangul words stay whole.

Token number k of the folded text is token number k of the original: folding never adds or removes a token. That is
how a position in the folded text finds its code points in the original.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray

from newsflow.model import FieldName

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
"""What a code point is to the tokeniser: part of a word, left out, a gap, or a token of its own."""


def _within(code: int, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(low <= code <= high for low, high in ranges)


@lru_cache(maxsize=1 << 16)
def kind_of(code: int) -> int:
    char = chr(code)
    if _within(code, _DROPPED_RANGES):
        return DROPPED
    if _within(code, _UNBROKEN_RANGES):
        return UNBROKEN if char.isalnum() or unicodedata.category(char)[0] == "M" else GAP
    return WORD if char.isalnum() or unicodedata.category(char)[0] == "M" else GAP


_KINDS = np.zeros(sys.maxunicode + 1, dtype=np.uint8)
"""The kind of each code point, where known."""
_ASCII_LETTERS = bytes(kind_of(code) == WORD for code in range(128)).ljust(256)


def codes_of(text: str) -> Codes:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def kinds_of(text: str) -> NDArray[np.uint8]:
    """The kind of each code point of a text."""
    codes = codes_of(text)
    kinds = _KINDS.take(codes)
    if not kinds.all():  # UNKNOWN is 0
        for code in set(codes[kinds == UNKNOWN].tolist()):
            _KINDS[code] = kind_of(code)
        kinds = _KINDS.take(codes)
    return kinds


FIELD_GAP = "\x1e"
"""A token no text can hold; stands between title and body, so that no phrase runs across."""

_LETTERS = {
    "ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe", "Œ": "Oe",
    "ß": "ss", "þ": "th", "ð": "d", "ħ": "h", "ς": "σ",
    "ٱ": "ا", "ة": "ه", "ى": "ي", "ی": "ي", "ې": "ي", "ێ": "ي", "ک": "ك", "ڪ": "ك", "ھ": "ه", "ہ": "ه", "ە": "ه",
    "ۀ": "ه", "ۃ": "ه", "ۆ": "و", "ۇ": "و",
}  # fmt: skip


def _fold_letter(char: str) -> str:
    """The folded form of one word character, never empty, case kept."""
    if (lower := char.lower()) in _LETTERS:
        return _LETTERS[lower] if lower == char else _LETTERS[lower].capitalize()
    if "\uac00" <= char <= "\ud7a3" or "\u30a0" <= char <= "\u30ff":
        return char
    if char.isdigit() and (digit := unicodedata.digit(char, None)) is not None:
        return str(digit)
    parts = unicodedata.normalize("NFKC" if "\uff65" <= char <= "\uff9f" else "NFKD", char)
    kept = "".join(_LETTERS.get(part, part) for part in parts if kind_of(ord(part)) == WORD)
    folded = kept.casefold()
    # A letter whose case pair folds to another length ("ŉ") is taken in its lower case at once.
    return (kept if len(folded) == len(kept) else folded) or char


class _FoldTable(dict[int, str]):
    """For `str.translate`: fills itself as characters are met."""

    def __missing__(self, code: int) -> str:
        kind = kind_of(code)
        if kind == WORD:
            folded = _fold_letter(chr(code))
        elif kind == UNBROKEN:
            normal = unicodedata.normalize("NFKC", chr(code))
            folded = f" {normal if len(normal) == 1 else chr(code)} "
        else:
            folded = "" if kind == DROPPED else " "
        self[code] = folded
        return folded


_TABLE = _FoldTable()


_FLAG, _NOT_KNOWN = np.uint32(1 << 31), np.uint32((1 << 32) - 1)
_FOLDED = np.full(sys.maxunicode + 1, _NOT_KNOWN, dtype=np.uint32)
"""The folded form of each code point; itself and the flag where that is not one code point."""
_SHORT = 200
"""Texts below this are folded faster without an array."""
_SPACES = re.compile("  +")
_FEW = 64
"""So many code points are replaced one by one; texts of more, as made by nobody, take the general way."""


_ASCII_FOLDED = "".join(_TABLE[code] for code in range(128)).encode("ascii").ljust(256)


def _learn(codes: Codes) -> None:
    """Take up how code points are folded that were not met before."""
    for code in set(codes[_FOLDED.take(codes) == _NOT_KNOWN].tolist()):
        form = _TABLE[code]
        _FOLDED[code] = ord(form) if len(form) == 1 else code | _FLAG


def _translate(text: str) -> tuple[str, bool]:
    """`text.translate(_TABLE)`, made fast: what folds to one code point is looked up in an array. And whether all code
    points are known to do."""
    if text.isascii():
        return text.encode("ascii").translate(_ASCII_FOLDED).decode("ascii"), True
    if len(text) < _SHORT:
        return text.translate(_TABLE), False
    given = codes_of(text)
    codes = _FOLDED.take(given)
    highest = codes.max()
    if highest == _NOT_KNOWN:
        _learn(given)
        codes = _FOLDED.take(given)
        highest = codes.max()
    return (_text(codes), True) if highest < _FLAG else (_with_replaced(text, codes), False)


def _with_replaced(text: str, codes: Codes) -> str:
    """A text of whose folded code points some are not one. It has few of them, and as each output of the table folds to
    itself, they are replaced one after the other."""
    others = codes >= _FLAG
    codes[others] ^= _FLAG
    found = set(codes[others].tolist())
    if len(found) > _FEW:
        return text.translate(_TABLE)
    text = _text(codes)
    for code in found:
        text = text.replace(chr(code), _TABLE[code])
    return text


def _text(codes: Codes) -> str:
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def fold_cased(text: str) -> str:
    """Folded tokens joined and surrounded by single spaces, capitals kept; `" "` when there are none."""
    return _joined(_translate(text)[0])


def _joined(translated: str) -> str:
    # Faster than to split and join: what folding leaves between words is spaces.
    return _SPACES.sub(" ", f" {translated} ")


def unfolded(text: str) -> str:
    """The tokens of a text with their accents and letters as written, in lower case, joined by single spaces."""
    kinds = ((char, kind_of(ord(char))) for char in unicodedata.normalize("NFC", text).casefold())
    return " ".join("".join("" if kind == DROPPED else " " if kind == GAP else char for char, kind in kinds).split())


def fold(text: str) -> str:
    """As `fold_cased`, in lower case; positions are the same in both."""
    return fold_cased(text).casefold()


class _MarkTable(dict[int, str]):
    """The kind of each code point as a character, for `str.translate`: fills itself as characters are met."""

    def __missing__(self, code: int) -> str:
        mark = self[code] = "?w- u"[kind_of(code)]
        return mark


_MARKS = _MarkTable()
_RUNS, _TOKENS = re.compile("[w-]+"), re.compile("w[w-]*|u")


def token_edges(text: str, count: int) -> Sequence[int]:
    """Where, in code points, each of the `count` tokens that folding makes of an original text starts and ends.

    The start of token number k is at 2 k, its end at 2 k + 1.
    """
    edges = _edges_of_runs(text)
    # A mark that stands alone is a run, and no token; and what has no gaps is several tokens.
    if len(edges) == 2 * count:
        return edges
    return [edge for token in _TOKENS.finditer(text.translate(_MARKS)) for edge in token.span()]


def _edges_of_runs(text: str) -> Sequence[int]:
    """Where what stands between gaps starts and ends; nothing for a text of a script without word breaks."""
    if text.isascii():
        letters = np.frombuffer(f" {text} ".encode("ascii").translate(_ASCII_LETTERS), np.bool_)
    elif len(text) < _SHORT:
        marks = text.translate(_MARKS)
        return () if "u" in marks else [edge for run in _RUNS.finditer(marks) for edge in run.span()]
    else:
        kinds = kinds_of(f" {text} ")
        # The highest kind: one look for it costs less than a comparison of all.
        if kinds.max() == UNBROKEN:
            return ()
        letters = kinds != GAP
    # A view instead of a list: of all edges only those of hits are asked for.
    view: memoryview[int] = (letters[1:] != letters[:-1]).nonzero()[0].data
    return view


def skip_folded(token: str, count: int) -> int:
    """How many code points of an original token come before its folded character number `count`."""
    done = 0
    for index, char in enumerate(token):
        folded = _TABLE[ord(char)].strip()
        if done >= count and folded:
            return index
        done += len(folded)
    return len(token)


class FoldedText:
    """Title and body, folded together. Positions are indexes into `folded`, from 0."""

    __slots__ = (
        "__dict__",
        "_body_edges",
        "_body_start",
        "_one_to_one",
        "_spaces_of_title",
        "_title_edges",
        "_translated",
        "body",
        "cased",
        "folded",
        "title",
        "title_end",
    )

    def __init__(self, title: str, body: str) -> None:
        self.title, self.body = title, body
        head = fold_cased(title)
        self.title_end = len(head)
        """Positions before it lie in the title."""
        self._body_start = self.title_end + len(FIELD_GAP)
        self._spaces_of_title = head.count(" ")
        self._title_edges: Sequence[int] | None = None
        self._body_edges: Sequence[int] | None = None
        self._translated, self._one_to_one = _translate(body)
        self.cased = f"{head}{FIELD_GAP}{_joined(self._translated)}"
        self.folded = self.cased.casefold()

    def field(self, name: FieldName) -> str:
        return self.title if name == "title" else self.body

    def in_title(self, position: int) -> bool:
        """Whether a position lies in the title."""
        return position < self.title_end

    @cached_property
    def _spaces(self) -> Sequence[int]:
        """Where the spaces stand."""
        # A view instead of a list: of all spaces only those around hits are asked for.
        folded = self.folded
        codes = np.frombuffer(folded.encode("ascii"), np.uint8) if folded.isascii() else codes_of(folded)
        view: memoryview[int] = (codes == ord(" ")).nonzero()[0].data
        return view

    @cached_property
    def _left_out(self) -> tuple[list[int], list[int]]:
        """Where in the folded body one space stands for several, and how many were left out before each and at last."""
        places, left_out = [], [0]
        total = 0
        for run in _SPACES.finditer(f" {self._translated} "):
            start, end = run.span()
            places.append(start - total)
            total += end - start - 1
            left_out.append(total)
        return places, left_out

    def _in_body(self, position: int) -> int:
        """The code point of the body that a position stands for, where all code points fold to one."""
        at = position - self._body_start
        places, left_out = self._left_out
        return at - 1 + left_out[bisect_left(places, at)]

    def tokens_between(self, left: int, right: int) -> int:
        """How many tokens stand between two spaces; 0 when they are one."""
        return self.folded.count(" ", left, right)

    def around(self, position: int, tokens: int) -> tuple[int, int]:
        """Positions of the spaces so many tokens before and after the one at `position`, or of the first and last."""
        spaces = self._spaces
        number = bisect_left(spaces, position)
        return spaces[max(0, number - tokens)], spaces[min(len(spaces) - 1, number + tokens)]

    def position_in_body(self, offset: int) -> int:
        """The position at which the tokens that begin before code point `offset` of the body end."""
        return self._body_start + len(fold_cased(self.body[:offset])) - 1

    def end_of_body_tokens(self, count: int) -> int:
        """The position at which the first `count` tokens of the body end."""
        folded, position = self.folded, self._body_start
        for _ in range(count):
            position = folded.find(" ", position + 1)
            if position < 0:
                return len(folded)
        return position

    def original_span(self, start: int, end: int, skip: int = 0) -> tuple[FieldName, int, int]:
        """Field and code points of the tokens between the spaces at `start` and `end - 1`.

        `skip` folded characters (a proclitic) are left out at the front.
        """
        if start >= self.title_end and self._one_to_one:
            begin = self._in_body(start + 1)
            if skip:
                token = self.body[begin : self._in_body(self.folded.index(" ", start + 1))]
                begin += skip_folded(token, skip)
            return "body", begin, self._in_body(end - 1)
        spaces = self._spaces
        first = bisect_left(spaces, start)
        last = first if spaces[first + 1] == end - 1 else bisect_left(spaces, end - 1, first) - 1
        if start < self.title_end:
            field: FieldName = "title"
            edges, before = self._title_edges, 0
            if edges is None:
                edges = self._title_edges = token_edges(self.title, self._spaces_of_title - 1)
        else:
            field, before = "body", self._spaces_of_title
            edges = self._body_edges
            if edges is None:
                edges = self._body_edges = token_edges(self.body, len(spaces) - before - 1)
        begin = edges[2 * (first - before)]
        if skip:
            begin += skip_folded(self.field(field)[begin : edges[2 * (first - before) + 1]], skip)
        return field, begin, edges[2 * (last - before) + 1]
