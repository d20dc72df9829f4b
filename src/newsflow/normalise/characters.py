"""Two ways to treat Unicode: tidy text, which people read, and folded text, which is only compared.

Tidying keeps human text as written and takes away invisible and broken characters. Folding also levels case, accents,
Arabic letter forms and digit shapes; folded text is never emitted.
"""

from __future__ import annotations

import codecs
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
    return _LINE_SPACES.sub(" ", tidy_text(text)).strip()


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


# Bytes, and text that was decoded wrongly, made into text again.


_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,30})""")
_LANGUAGE = re.compile(rb"""<html[^>]{0,200}?\slang\s*=\s*["']?([A-Za-z]{2})""", re.IGNORECASE)
_LEGACY = {
    **dict.fromkeys((b"ru", b"uk", b"be", b"bg", b"mk", b"sr"), "cp1251"),
    **dict.fromkeys((b"ar", b"fa", b"ur"), "cp1256"),
    b"he": "cp1255",
    b"tr": "cp1254",
    b"el": "cp1253",
}
# UTF-8 bytes read as Windows-1252, -1251 or -1256: the lead byte's letter, then one of a continuation byte.
_AS_1252 = re.compile("[ÂÃÐÑØÙÚÛ×ÖÎÏâã][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ]")
_AS_1251 = re.compile("[РСТШЩ][\x80-\xbfЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—™љ›њќћџЎўЈҐЁЄЇІіґё№єјЅѕї]")
_AS_1256 = re.compile("[طظغعأ][\x80-\xbf€پ‚ƒ„…†‡ˆ‰ٹ‹Œچژڈگ‘’“”•–—ک™ڑ›œں،ھ؛؟]")
_REPAIRS = (("ÐÑØÙÃÂ×Îâã", _AS_1252, "cp1252"), ("РСТШ", _AS_1251, "cp1251"), ("طظغ", _AS_1256, "cp1256"))
_FOREIGN = re.compile("[^\x00-\x7f]+")
_SAMPLE_CHARS = 100_000
REPLACEMENT = "\ufffd"
_NO_WORD = re.compile(r"[^\w\s]|_")


def decode_bytes(data: bytes) -> str:
    """The text of a page's bytes: by its BOM, as UTF-8, as it declares, or as its language was once written."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        almost = error.start > len(data) - 4  # cut off within its last character
    head = data[:4096]
    declared = _DECLARED.search(head)
    if declared and (text := _try(data, declared[1].decode("ascii"))) is not None:
        return text
    language = _LANGUAGE.search(head)
    if not almost and language and (text := _try(data, _LEGACY.get(language[1].lower(), ""))) is not None:
        return text
    return data.decode("utf-8", "replace")


def _try(data: bytes, encoding: str) -> str | None:
    try:
        name = codecs.lookup(encoding).name
        return None if name == "utf-8" else data.decode(name)
    except (LookupError, UnicodeError, TypeError, AttributeError):
        return None


def repair_text(text: str) -> str:
    """Text without BOM, and with UTF-8 that was read as a one-byte encoding read as UTF-8 again.

    Only where it shows in most of the text and all of it can be encoded and decoded again.
    """
    text = text.removeprefix("\ufeff")
    if text.isascii():
        return text
    for _ in range(2):  # some of it was broken twice
        repaired = _repair_once(text)
        if repaired is None:
            break
        text = repaired
    return text


def _repair_once(text: str) -> str | None:
    head = text[:_SAMPLE_CHARS]
    foreign = len(head) - len(head.encode("ascii", "ignore"))
    for leads, signs, encoding in _REPAIRS:
        if sum(map(head.count, leads)) < max(1, 0.2 * foreign):  # all that it costs a sound page, as most are
            continue
        hits = len(signs.findall("".join(_FOREIGN.findall(head))))
        if hits < 8 or 2 * hits < 0.6 * foreign:
            continue
        try:
            return _to_bytes(text, encoding).decode("utf-8")
        except UnicodeError:
            continue
    return None


def _to_bytes(text: str, encoding: str) -> bytes:
    """The bytes again; what the encoding does not define was passed through as Latin-1."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return b"".join(char.encode(encoding, "ignore") or char.encode("latin-1") for char in text)


def broken_share(text: str) -> float:
    """The share of characters that were lost in decoding (U+FFFD), 0 to 1."""
    return text.count(REPLACEMENT) / len(text) if text else 0.0


def word_share(text: str) -> float:
    """The share of characters that words are made of (letters, marks, digits, spaces), 0 to 1."""
    sample = text[:5_000]
    other = Counter(_NO_WORD.findall(sample))
    good = len(sample) - sum(count for char, count in other.items() if unicodedata.category(char) not in ("Mn", "Mc"))
    return good / len(sample) if sample else 0.0
