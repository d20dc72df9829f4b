"""Bytes made into text, and text that was decoded wrongly made right.

Labels are those of the WHATWG (`webencodings`); undeclared encodings are detected (`chardet`); UTF-8 that was read as
another encoding is read again where the way back is whole, else line by line (`ftfy`). Text that is right costs a
look at a sample.
"""

from __future__ import annotations

import codecs
import re
from functools import cache
from itertools import islice

import webencodings

from newsflow.normalise.characters import REPLACEMENT

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(rb"""(?:charset|encoding)\s*=\s*["']?\s*([A-Za-z0-9_.:-]{2,30})""")
_ALMOST_LABEL = re.compile(r"(?:x-)?(windows|win|cp|iso-?8859|iso)[-_ ]?(\d{1,4})", re.IGNORECASE)
# What browsers read under a name that means less to Python.
_WIDER = {"shift_jis": "cp932", "gb2312": "gb18030", "gbk": "gb18030", "euc_kr": "cp949", "big5": "big5hkscs"}
_ESCAPES = ("\x1b$B", "\x1b$@", "\x1b(J")
"""What Japanese in ISO-2022-JP begins with; all its bytes are ASCII."""
_HEAD_BYTES, _SAMPLE_BYTES, _DETECT_BYTES, _BEFORE_BYTES = 4_096, 30_000, 20_000, 100
_HIGH = bytes(range(128, 256))
_TAG, _HIGH_BYTE = re.compile(rb"<[^<>]*>"), re.compile(rb"[\x80-\xff]")
_MOST_LOST, _MOST_LOST_WIDE, LEAST_CONFIDENCE, _LEAST_FOREIGN = 0.01, 0.2, 0.15, 3
# Of the encodings that UTF-8 was read as, the likeliest first.
_MISREAD = (
    *("latin-1", "sloppy-windows-1252", "cp1251", "cp1256"),
    *("sloppy-windows-1250", "sloppy-windows-1254", "sloppy-windows-1253", "sloppy-windows-1257"),
)


def _seconds(encoding: str) -> str:
    """What the second bytes of letters in UTF-8 are in an encoding."""
    return bytes(range(0x80, 0xC0)).decode(encoding.removeprefix("sloppy-"), "ignore")


_MISREAD_WIDE = ("gb18030", "cp932", "big5hkscs")
_FOREIGN = re.compile(r"([^\x00-\x7f][^<>\n]{0,120})[^<>\n]*")
_CJK = re.compile("[\u3400-\u9fff]")
_SECOND = "".join(sorted({*bytes(range(0x80, 0xC0)).decode("latin-1")}.union(*(_seconds(name) for name in _MISREAD))))
_SIGNS = {first.encode(): re.compile(f"{first}[{re.escape(_SECOND)}]") for first in "ÃÂÐÑØÙÄÅâ"}
_SIGNS |= {sign.encode(): re.compile(sign) for sign in ("Рџ", "вЂ")}
"""One of these is in nearly all UTF-8 that was read as a one-byte encoding of Europe."""
_ASCII = bytes(range(128))
# Letters of other scripts read as Latin-1 stand side by side; those of Poland and Turkey stand within words where no
# language of Western Europe has such signs.
_RUNS = re.compile(rb"[\x80-\xff]{3,}")
_WITHIN = re.compile(rb"[A-Za-z][\xb3\xb9\xbf\x9c\x9f\xb1\xb6\xbc\xf0\xfd\xfe](?=[A-Za-z])")
_NORDIC = re.compile(rb"[\xe1\xed\xfa]")
LEAST_TOGETHER, LEAST_WITHIN = 20, 4
_LATIN = frozenset(("cp1252", "iso8859-1", "iso8859-15"))
_CENTRAL = frozenset(("cp1250", "iso8859-2", "cp1254", "iso8859-9"))


def decode_bytes(data: bytes, charset: str | None = None) -> str:
    """The text of a page's bytes: by its BOM, as UTF-8, as its `charset` or the page declares, or as it is detected."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return data[len(bom) :].decode(encoding, "replace")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # Cut off within its last character, or broken at a place or two.
        almost = data.decode("utf-8", "replace") if error.start > len(data) - 4 else _decoded(data, "utf-8")
        if almost is not None:
            return almost
    else:
        return _with_escapes(text)
    found = _DECLARED.search(data[:_HEAD_BYTES])
    for label in (charset, found[1].decode("ascii") if found else None):
        named = python_name(label) if label else None
        if named and (decoded := _decoded(data, named)) is not None:
            return (_reread_legacy(decoded) or decoded) if named in _LATIN else decoded
    detected = _detect(data)
    return data.decode(detected or "utf-8", "replace")


def python_name(label: str) -> str | None:
    """The codec of a label as the WHATWG has them, or as servers misspell them (`windows1256`); None for UTF-8, which
    was tried before, and for labels that name nothing."""
    encoding = webencodings.lookup(label)
    if encoding is None and (almost := _ALMOST_LABEL.fullmatch(label.strip())):
        family = "iso-8859" if almost[1].lower().startswith("iso") else "windows"
        encoding = webencodings.lookup(f"{family}-{almost[2]}")
    if encoding is None or encoding.name in ("utf-8", "replacement", "x-user-defined"):
        return None
    return _wider(encoding.codec_info.name)


def _wider(name: str) -> str:
    return _WIDER.get(name.replace("-", "_"), name)


def _decoded(data: bytes, encoding: str) -> str | None:
    """The text, if hardly any of it is lost."""
    text = data.decode(encoding, "replace")
    lost = text.count(REPLACEMENT)
    return text if lost == 0 or lost <= _MOST_LOST * _foreign(data) else None


@cache
def _candidates() -> tuple[str, ...]:
    """The encodings of the web."""
    from webencodings.labels import LABELS

    none = {"utf-8", "utf-16le", "utf-16be", "x-user-defined", "replacement", "iso-8859-8-i", "macintosh"}
    return tuple(sorted({*LABELS.values()} - none))


def _detect(data: bytes) -> str | None:
    """The codec of bytes that are not UTF-8, or None where they tell too little."""
    from chardet import detect

    sample = _foreign_lines(data)[:_DETECT_BYTES]
    if _foreign(sample) < _LEAST_FOREIGN:
        return None
    found = detect(sample, include_encodings=_candidates(), compat_names=False)
    name = found["encoding"]
    return _wider(name) if name and found["confidence"] >= LEAST_CONFIDENCE else None


def repair_text(text: str) -> str:
    """Text without BOM, and what was decoded wrongly decoded again: UTF-8 that was read as a one-byte or a Chinese
    encoding, and other scripts that were read as Latin-1. Only where all of the text, or of a line, says so."""
    text = text.removeprefix("\ufeff")
    if text.isascii():
        return _with_escapes(text)
    for _ in range(2):  # some of it was broken twice
        repaired = _reread_utf8(text)
        if repaired is None:
            break
        text = repaired
    if (other := _reread_legacy(text)) is not None:
        return other
    return _mended(text) if _seems_misread(text) else text


def _seems_misread(text: str) -> bool:
    foreign = text.encode("utf-8", "surrogatepass").translate(None, _ASCII)
    return any(sign in foreign and pattern.search(text) for sign, pattern in _SIGNS.items())


def _with_escapes(text: str) -> str:
    if "\x1b" not in text or not any(escape in text for escape in _ESCAPES):
        return text
    try:
        return text.encode("ascii").decode("iso2022_jp_ext")
    except UnicodeError:
        return text


def _reread_utf8(text: str) -> str | None:
    """Text that is UTF-8 read as something else, read as UTF-8; None for text that is right."""
    samples = [match[1] for match in islice(_FOREIGN.finditer(text, _first_foreign(text)), 3)]
    wide = _MISREAD_WIDE if any(map(_CJK.search, samples)) else ()
    for encoding in (*_MISREAD, *wide):
        if _utf8_letters(samples[0], encoding):  # hardly ever
            letters = [_utf8_letters(sample, encoding) for sample in samples]
            if all(letters) and sum(letters) >= 2:
                return _reread_lines(text, encoding)
    return None


@cache
def _codec(encoding: str) -> codecs.CodecInfo:
    if encoding.startswith("sloppy"):
        import ftfy.bad_codecs  # noqa: F401 - registers them

    return codecs.lookup(encoding)


def _utf8_letters(sample: str, encoding: str) -> int:
    """How many letters beyond ASCII a sample has that is, as bytes of an encoding, UTF-8; 0 where it is not. It may be
    cut off."""
    errors = "replace" if encoding in _MISREAD_WIDE else "strict"
    try:
        found = codecs.getincrementaldecoder("utf-8")(errors).decode(_codec(encoding).encode(sample)[0])
    except UnicodeError:
        return 0
    foreign = sum(not char.isascii() for char in found)
    return foreign if _MOST_LOST_WIDE * foreign >= found.count(REPLACEMENT) else 0


def _reread_lines(text: str, encoding: str) -> str:
    try:
        return _codec(encoding).encode(text)[0].decode("utf-8")
    except UnicodeError:
        return "\n".join(_reread_line(line, encoding) for line in text.split("\n"))


def _reread_line(line: str, encoding: str) -> str:
    """What cannot be read again stays: a line of its own may be right."""
    if line.isascii():
        return line
    try:
        data = _codec(encoding).encode(line)[0]
        return data.decode(
            "utf-8", "replace" if encoding in _MISREAD_WIDE and _utf8_letters(line, encoding) else "strict"
        )
    except UnicodeError:
        return _mended(line)


def _mended(text: str) -> str:
    """Lines that ftfy finds bad, mended."""
    from ftfy import fix_encoding
    from ftfy.badness import is_bad

    return "\n".join(fix_encoding(line) if _seems_misread(line) and is_bad(line) else line for line in text.split("\n"))


def _first_foreign(text: str) -> int:
    """Where the first character beyond ASCII stands, found faster than by a pattern; the end of a text without one."""
    try:
        return len(text.encode("ascii"))
    except UnicodeEncodeError as error:
        return error.start


def _reread_legacy(text: str) -> str | None:
    """Text of another script or of Central Europe that was read as Latin-1, as it should be; None for text that is
    right."""
    first = _first_foreign(text)
    stretch = text[max(0, first - _BEFORE_BYTES) : first + _SAMPLE_BYTES]
    for encoding in ("latin-1", "sloppy-windows-1252"):
        try:
            sample = _foreign_lines(_codec(encoding).encode(stretch)[0])
        except UnicodeError:
            continue
        hits = len(_WITHIN.findall(sample))
        within = hits >= LEAST_WITHIN and 4 * len(_NORDIC.findall(sample)) < hits
        if not within and not _is_run_together(sample):
            return None
        detected = _detect(sample)
        if detected is None or detected in _LATIN or (within and detected not in _CENTRAL):
            return None
        try:
            return _codec(encoding).encode(text)[0].decode(detected)
        except UnicodeError:
            continue
    return None


def _is_run_together(sample: bytes) -> bool:
    """Whether most letters beyond ASCII stand side by side."""
    together = sum(map(len, _RUNS.findall(sample)))
    return together >= LEAST_TOGETHER and 2 * together > _foreign(sample)


def _foreign_lines(data: bytes) -> bytes:
    """Lines and texts between tags that have bytes beyond ASCII, from the first on."""
    first = _HIGH_BYTE.search(data)
    sample = data[first.start() - min(first.start(), _BEFORE_BYTES) :][:_SAMPLE_BYTES] if first else b""
    sample = _TAG.sub(b"\n", sample) if b"<" in sample else sample
    return b"\n".join(line for line in sample.split(b"\n") if not line.isascii())


def _foreign(data: bytes) -> int:
    """How many bytes are beyond ASCII."""
    return len(data) - len(data.translate(None, _HIGH))
