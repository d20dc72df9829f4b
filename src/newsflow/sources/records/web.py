"""What was kept of the web: pages in WARC, WET (the texts that Common Crawl makes of them), documents of feeds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastwarc.warc import ArchiveIterator, WarcRecordType

from newsflow.errors import UsageError, in_words
from newsflow.normalise.encodings import decode_bytes
from newsflow.sources.items import has_whole_text, hints_of, known_items, text_of_feed
from newsflow.sources.parse import NotAFeedError, parse_feed, web_address
from newsflow.sources.records.record import Left, Read, Reading, Record, instant_of, whole_file

_PAGES = ("text/html", "application/xhtml+xml")
_KINDS = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion | WarcRecordType.revisit
_STEP_BYTES = 65_536
_LANGUAGE = re.compile(r"[a-z]{2}\b")


def read_warc(path: Path, reading: Reading) -> Iterator[Read]:
    """Every page of a WARC or WET file (plain, gzip, zstd, lz4): responses with status 200, resources and
    conversions."""
    try:
        with path.open("rb") as stream:
            for record in ArchiveIterator(stream, record_types=_KINDS, parse_http=True, auto_decode="all"):
                yield _page(record, reading)
    except OSError as error:
        raise UsageError(f"{path}: cannot be read to its end: {in_words(error)}") from error


def _page(record: Any, reading: Reading) -> Read:
    if record.record_type == WarcRecordType.revisit:
        return Left("revisit")
    url = web_address((record.headers.get("WARC-Target-URI") or "").strip("<>"), "")
    if url is None:
        return Left("no address")
    language = None  # of an HTTP response nobody says it
    if record.is_http and record.http_headers is not None:
        if record.http_headers.status_code != 200:
            return Left("status")
        kind, charset = record.http_content_type or "text/html", record.http_charset
    else:
        named, _, charset = (record.headers.get("Content-Type") or "text/plain").partition(";")
        kind, charset = named.strip().lower(), charset.partition("charset=")[2].strip() or None
        language = _LANGUAGE.match(record.headers.get("WARC-Identified-Content-Language") or "")
    if kind not in _PAGES and kind != "text/plain":
        return Left("type")
    try:
        body = _body(record.reader, reading.most_bytes)
    except (OSError, ValueError):
        return Left("unreadable")
    if len(body) > reading.most_bytes:
        return Left("too large")
    if not body or body.isspace():
        return Left("empty")
    members = {"url": url, "content": decode_bytes(body, charset), "content_is": "page"}
    members["content_type"] = "text/plain" if kind == "text/plain" else "text/html"
    return Record(members | ({"language": language[0]} if language else {}), record.record_date)


def _body(reader: Any, most_bytes: int) -> bytes:
    """A body, up to some bytes more than `most_bytes`. In steps: the library makes room for all that is asked for."""
    pieces, size = list[bytes](), 0
    while size <= most_bytes and (piece := reader.read(_STEP_BYTES)):
        pieces.append(piece)
        size += len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def read_feed_file(path: Path, reading: Reading) -> Iterator[Read]:
    """A document of a feed that was kept, as of archives with whole texts: each item as the feed has it."""
    data = whole_file(path, reading)
    try:
        parsed = parse_feed(data or b"", "")
    except NotAFeedError:
        yield Left("too large" if data is None else "not a feed")
        return
    for known in known_items(parsed.items):
        hints = hints_of(known, "", "", parsed.language)
        at = instant_of(known.item.updated) or instant_of(known.item.published)
        whole = {} if has_whole_text(known) else {"content_is": None}
        yield Record(hints | text_of_feed(known.item) | whole, at)
