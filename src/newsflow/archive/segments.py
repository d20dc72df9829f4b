"""Raw events as files that other tools read: pages as WARC, all else as JSON Lines. Each event is compressed by itself,
so that one can be read, or cut out, without the others; files laid end to end are such a file too. Pure.

A page is two records of WARC 1.1: a `resource`, its text in UTF-8, and `metadata`, the raw event without it.
https://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/
"""

from __future__ import annotations

import gzip
import hashlib
import re
import uuid
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote

import orjson
from fastwarc.warc import ArchiveIterator, WarcRecordType

PAGES, LINES = "warc.gz", "jsonl.gz"
"""How the names of files end."""
_LEVEL = 4
"""Of gzip: on pages of 200 KB it takes .6 of the time of level 6, and 4 % more room."""
_NOT_IN_URI = re.compile(r"[^!-~]|[<>]")


@dataclass(frozen=True, slots=True)
class Packed:
    """A raw event as it lies in a file of this kind."""

    kind: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """A file of a kind that is to be: its bytes, and the beginning of each event in it, with its length."""

    kind: str
    data: bytes
    places: tuple[tuple[int, int], ...]

    @classmethod
    def of(cls, kind: str, packed: Iterable[bytes]) -> Segment:
        pieces = list(packed)
        places, at = [], 0
        for piece in pieces:
            places.append((at, len(piece)))
            at += len(piece)
        return cls(kind, b"".join(pieces), tuple(places))

    @property
    def name(self) -> str:
        return f"{hashlib.sha256(self.data).hexdigest()}.{self.kind}"


def digest_of(value: bytes) -> str:
    """What names a raw event in the archive: the SHA-256 of its bytes, 64 hex digits."""
    return hashlib.sha256(value).hexdigest()


def pack(value: bytes, members: Mapping[str, Any]) -> Packed:
    """A raw event as it is kept. `members` are those of its value."""
    content, url = members.get("content"), members.get("url")
    if members.get("content_is") == "page" and content and url:
        told = orjson.dumps({**members, "content": ""})
        if _put_together(told, content.encode()) == value:  # else its bytes would not come back as they were
            records = _records(digest_of(value), url, members, content.encode(), told)
            return Packed(PAGES, b"".join(gzip.compress(each, _LEVEL, mtime=0) for each in records))
    return Packed(LINES, gzip.compress(value + b"\n", _LEVEL, mtime=0))


def unpack(kind: str, data: bytes) -> bytes:
    """The raw event that `pack` made these bytes of. Raises `ValueError` for other bytes."""
    try:
        if kind == LINES:
            return gzip.decompress(data)[:-1]
        kinds = WarcRecordType.resource | WarcRecordType.metadata
        page, told = (each.reader.read() for each in ArchiveIterator(BytesIO(data), record_types=kinds))
        return _put_together(told, page)
    except (OSError, EOFError, zlib.error, ValueError, TypeError) as error:
        raise ValueError(f"not a record of the archive: {error}") from error


def _put_together(told: bytes, content: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(told), "content": content.decode()})


def _records(digest: str, url: str, members: Mapping[str, Any], content: bytes, told: bytes) -> tuple[bytes, bytes]:
    ids = [f"<urn:uuid:{uuid.UUID(digest[start : start + 32])}>" for start in (0, 32)]
    common = {
        "WARC-Target-URI": _NOT_IN_URI.sub(lambda found: quote(found[0]), url),
        "WARC-Date": members["fetched_at"],
    }
    kind = f"{members.get('content_type', 'text/html')}; charset=utf-8"
    return (
        _record({"WARC-Type": "resource", "WARC-Record-ID": ids[0], **common, "Content-Type": kind}, content),
        _record(
            {"WARC-Type": "metadata", "WARC-Record-ID": ids[1], "WARC-Refers-To": ids[0], **common,
             "Content-Type": "application/json"}, told
        ),
    )  # fmt: skip


def _record(told: Mapping[str, str], block: bytes) -> bytes:
    digest = f"sha256:{hashlib.sha256(block).hexdigest()}"
    lines = {**told, "WARC-Block-Digest": digest, "Content-Length": len(block)}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return b"WARC/1.1\r\n" + head.encode() + b"\r\n" + block + b"\r\n\r\n"
