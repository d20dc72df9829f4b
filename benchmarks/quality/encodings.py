"""Texts in the encodings of the web, decoded rightly and wrongly; and texts that are right: none of them may change."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from .labelled import read_lines
from .scoreboard import Row

LEGACY = {
    "rus": ("cp1251", "koi8-r"),
    "ukr": ("cp1251",),
    "arb": ("cp1256",),
    "fas": ("cp1256",),
    "pol": ("cp1250", "iso8859-2"),
    "tur": ("cp1254",),
    "zho-CN": ("gb18030",),
    "zho-TW": ("big5",),
    "jpn": ("cp932", "euc_jp"),
    "kor": ("cp949",),
    "ell": ("cp1253",),
    "heb": ("cp1255",),
    "tha": ("cp874",),
}
READ_AS = ("latin-1", "sloppy-windows-1252", "cp1251", "cp1256", "sloppy-windows-1250", "sloppy-windows-1254")
DOCUMENTS, CHARS, MOST = 6, 2_500, 0.97


def evaluate_encodings(data: Path) -> Iterator[Row]:
    """`data` holds `ntrex/docs.jsonl.gz`: the same documents in many languages."""
    path = data / "ntrex" / "docs.jsonl.gz"
    if not path.is_file():
        return
    from newsflow.normalise.encodings import decode_bytes, repair_text

    texts: dict[str, list[str]] = {}
    for line in gzip.decompress(path.read_bytes()).splitlines():
        document = json.loads(line)
        texts.setdefault(document["lang"], []).append("\n".join([document["title"] or "", *document["paragraphs"]]))
    right = [(language, text) for language, found in texts.items() for text in found]
    right += [
        (path.stem, row["body"]) for path in sorted((data / "texts").glob("[!p]*.jsonl")) for row in read_lines(path)
    ]
    changed = tuple(language for language, text in right if repair_text(text) != text)
    yield Row("encodings", "right texts that stay", 1 - len(changed) / len(right), len(right), 1.0, "", changed)
    for what, pairs in (("bytes without a label", _undeclared(texts)), ("texts decoded wrongly", _misread(texts))):
        outcomes = [
            (name, _is_same(text, decode_bytes(sent) if isinstance(sent, bytes) else repair_text(sent)))
            for name, text, sent in pairs
        ]
        missed = tuple(name for name, is_right in outcomes if not is_right)
        yield Row("encodings", what, 1 - len(missed) / max(1, len(outcomes)), len(outcomes), 0.95, "", missed)


def _samples(texts: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    for language, encodings in LEGACY.items():
        for encoding in encodings:
            for text in texts.get(language, ())[:DOCUMENTS]:
                yield language, encoding, text[:CHARS].encode(encoding, "ignore").decode(encoding)


def _undeclared(texts: dict[str, list[str]]) -> Iterator[tuple[str, str, bytes]]:
    for language, encoding, text in _samples(texts):
        page = f"<html><head><title>x</title></head><body><p>{text}</p></body></html>"
        yield f"{language} in {encoding}", page, page.encode(encoding)


def _misread(texts: dict[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """UTF-8 read as something else, and other encodings read as Latin-1."""
    import ftfy.bad_codecs  # noqa: F401 - registers the sloppy ones

    for language in LEGACY:
        for text in texts.get(language, ())[:DOCUMENTS]:
            for encoding in READ_AS:
                try:
                    yield f"{language}, UTF-8 as {encoding}", text, text.encode().decode(encoding)
                except UnicodeDecodeError:
                    continue
    for language, encoding, text in _samples(texts):
        yield f"{language}, {encoding} as Latin-1", text, text.encode(encoding).decode("latin-1")


def _is_same(expected: str, found: str) -> bool:
    """Whether nearly all characters are there again."""
    return (Counter(expected) & Counter(found)).total() >= MOST * len(expected)
