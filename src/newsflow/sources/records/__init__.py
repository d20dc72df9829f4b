"""Archives and wires, record by record: each format by its name, and how its files are told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from newsflow.sources.records.mail import read_maildir
from newsflow.sources.records.record import Left, Read, Reading, Record
from newsflow.sources.records.tables import read_csv, read_json_lines, read_parquet
from newsflow.sources.records.web import read_feed_file, read_warc
from newsflow.sources.records.wires import read_7901, read_ninjs, read_xml

__all__ = ["FORMATS", "Left", "Read", "Reading", "Record", "format_of"]

FORMATS: dict[str, Callable[[Path, Reading], Iterator[Read]]] = {
    "warc": read_warc,
    "wet": read_warc,
    "jsonl": read_json_lines,
    "csv": read_csv,
    "parquet": read_parquet,
    "ninjs": read_ninjs,
    "newsml-g2": read_xml,
    "nitf": read_xml,
    "iptc7901": read_7901,
    "feed": read_feed_file,
    "maildir": read_maildir,
}
_SUFFIXES = {
    ".warc": "warc",
    ".wet": "wet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".json": "ninjs",
    ".nitf": "nitf",
    ".rss": "feed",
    ".atom": "feed",
}
_HEAD_BYTES = 4_096


def format_of(path: Path) -> str | None:
    """The format of a file or maildir by its name, of XML and IPTC 7901 by how it begins; None where that does not
    tell."""
    if path.is_dir():
        return "maildir" if (path / "cur").is_dir() and (path / "new").is_dir() else None
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in (".gz", ".zst", ".lz4")]
    if suffixes and suffixes[-1] in _SUFFIXES:
        return _SUFFIXES[suffixes[-1]]
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    if b"\x01" in head and b"\x02" in head:
        return "iptc7901"
    signs = {b"newsItem": "newsml-g2", b"newsMessage": "newsml-g2", b"<nitf": "nitf", b"<rss": "feed", b"<feed": "feed"}
    return next((name for sign, name in signs.items() if sign in head), None)
