"""Two ways to treat Unicode: tidy text, which people read, and folded text, which is only compared.

Tidying keeps human text as written and takes away invisible and broken characters. Folding also levels case, accents,
Arabic letter forms and digit shapes; folded text is never emitted.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache, lru_cache

# Format characters that carry no meaning between words: bidi marks and embeddings, BOM, soft hyphen, word joiner,
# zero-width space, invisible operators, and controls other than tab and newline. ZWNJ and ZWJ are handled apart.
_INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
    "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]"
)
_TATWEEL = re.compile("\u0640+")
_HEH_MARK = re.compile("(?<![\u0621-\u064a])\u0647\u0640(?![\u0621-\u064a])")  # هـ, "of the Hijra", is written with it
# Joiners mean something only between letters of scripts that join (Persian plurals, Indic conjuncts, emoji).
_JOINER = re.compile("(?<![\u0600-\u08ff\u0900-\u0dff\u2600-\u27bf\U0001f000-\U0001faff\ufe0f])[\u200c\u200d]+")
_JOINER_AT_END = re.compile("(?<![\u200c\u200d])[\u200c\u200d]+(?=[\\s.,:;!?،؛؟()\\[\\]«»\"']|$)", re.MULTILINE)
# The ideographic space stays: it is how Japanese and Chinese separate.
_OTHER_SPACES = "\t\x0b\x0c\u00a0\u1680\u2000-\u200a\u202f\u205f"
# Runs that are not one plain space already: nearly all are, and to replace these by themselves took most of the time.
_SPACES = re.compile(f"(?: ?[{_OTHER_SPACES}]|  )[ {_OTHER_SPACES}]*")
_LINE_SPACES = re.compile("[ \n]+")
_NEWLINES = re.compile("\r\n|[\r\x85\u2028\u2029]")
_QUICK = re.compile(
    "[^\n\u0020-\u007e\u00a1-\u00ac\u00ae-\u02ff\u0410-\u044f\u0621-\u063f\u0641-\u0652\u0660-\u0669،؛؟\u2013\u2014\u2018-\u201e\u2026]"
)


MOST_MARKS = 30
"""Combining marks kept of a run, as in the stream-safe text of UAX #15: normalisation takes time by a run's square."""
_SHORT_CHARS = 2_000
"""A run within so many characters costs nothing to speak of."""


def cut_marks(text: str) -> str:
    """The text with at most `MOST_MARKS` combining marks in a row, unless it is short; the marks behind these go."""
    if len(text) <= _SHORT_CHARS or text.isascii():
        return text
    marks, long_runs = _mark_patterns()
    # A run twice that long holds two of these samples in a row: few texts have such, and need a look at all of it.
    return long_runs.sub(r"\1", text) if marks.search(text[::MOST_MARKS]) else text


@cache
def _mark_patterns() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Two marks in a row, and a run that is too long."""
    marks = "".join(char for char in map(chr, range(0x300, 0x1E950)) if unicodedata.combining(char))
    return re.compile(f"[{marks}]{{2}}"), re.compile(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+")


def tidy_text(text: str) -> str:
    """Text in NFC with plain spaces and newlines, without invisible characters, tatweel and lone surrogates.

    Runs of spaces become one, and of very many combining marks the first stay; newlines stay. Idempotent.
    """
    if _QUICK.search(text):
        text = one_newline(text)
        text = _INVISIBLE.sub("", text)
        if "\u0640" in text:
            text = _TATWEEL.sub("", _HEH_MARK.sub("\u0647\x00", text)).replace("\x00", "\u0640")
        if "\u200c" in text or "\u200d" in text:
            text = _JOINER_AT_END.sub("", _JOINER.sub("", text))
        text = _SPACES.sub(" ", text)
    elif "  " in text:
        text = _SPACES.sub(" ", text)
    text = cut_marks(text)
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def one_newline(text: str) -> str:
    """The text with every kind of line end as a newline; `tidy_text` does it too."""
    return _NEWLINES.sub("\n", text)


def tidy_line(text: str) -> str:
    """Tidy text on one line, trimmed."""
    text = tidy_text(text)
    return (_LINE_SPACES.sub(" ", text) if "\n" in text or "  " in text else text).strip()


def tidy_lines(text: str) -> list[str]:
    """The lines of the tidy text, trimmed; empty ones are left out."""
    return [line for raw in tidy_text(text).split("\n") if (line := raw.strip())]


# Letters and punctuation marks that are written in more than one way, and the one that stands for all.
_ONE_FORM = str.maketrans("ىیېکڪةۃہھەٱıłđø،؛٫٬。、–—−‐‑⁄∕՝’ʼ`", "يييككهههههاildo,,.,.,-----//,'''") | {
    ord("ß"): "ss",
    ord("æ"): "ae",
    ord("׳"): "",
}
_FOLDED_SPACES = re.compile(r"\s+")


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
            folded = " " if category in ("Zs", "Cc") else char.translate(_ONE_FORM)
        self[code] = folded
        return folded


_FOLDING = _Folding()


@lru_cache(maxsize=4096)
def fold(text: str) -> str:
    """Lower case, no accents or invisible signs, one form for each Arabic letter, ASCII digits, plain spaces."""
    if text.isascii():
        return _FOLDED_SPACES.sub(" ", text.lower()).strip()
    text = cut_marks(text)
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold()).translate(_FOLDING)
    return _FOLDED_SPACES.sub(" ", unicodedata.normalize("NFC", folded)).strip()  # Hangul comes apart above


def compile_folded(pattern: str) -> re.Pattern[str]:
    """A regular expression for folded text: its letters beyond ASCII are folded, escapes such as `\\S` stay."""
    return re.compile(
        "".join(char if char.isascii() else "" if char in "–—" else fold(char) or char for char in pattern)
    )


def letters_of(text: str) -> str:
    """Folded letters and digits only, run together: for telling whether two texts say the same."""
    return "".join(filter(str.isalnum, fold(text)))


REPLACEMENT = "\ufffd"
_NO_WORD = re.compile(r"[^\w\s]|_")


def broken_share(text: str) -> float:
    """The share of characters that were lost in decoding (U+FFFD), 0 to 1."""
    return text.count(REPLACEMENT) / len(text) if text else 0.0


def word_share(text: str) -> float:
    """The share of characters that words are made of (letters, marks, digits, spaces), 0 to 1."""
    sample = text[:5_000]
    other = Counter(_NO_WORD.findall(sample))
    good = len(sample) - sum(count for char, count in other.items() if unicodedata.category(char) not in ("Mn", "Mc"))
    return good / len(sample) if sample else 0.0
