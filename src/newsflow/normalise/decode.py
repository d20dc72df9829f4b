"""Bytes, and text that was decoded wrongly, made into text again."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter

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
