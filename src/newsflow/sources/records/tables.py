"""Tables: JSON Lines, CSV and Parquet, whose columns become members of raw articles."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson

from newsflow.errors import UsageError, in_words, not_there
from newsflow.ingest.files import open_lines, read_lines
from newsflow.model.headers import instant_text
from newsflow.sources.parse import web_address
from newsflow.sources.records.record import Left, Read, Reading, Record, instant_of

USUAL = {
    "url": ("url", "link", "uri", "web_url", "address"),
    "guid": ("guid", "id", "article_id", "identifier"),
    "title": ("title", "headline"),
    "content": ("content", "text", "body", "article", "maintext", "full_text", "html"),
    "published": ("published", "date", "date_publish", "publish_date", "published_at", "pub_date", "datetime"),
    "fetched_at": ("fetched_at", "date_download", "crawl_date", "crawled_at", "scraped_at", "timestamp"),
    "language": ("language", "lang"),
    "authors": ("authors", "author", "byline"),
    "section": ("section", "category"),
    "source": ("source", "outlet", "publisher", "source_domain"),
    "canonical_url": ("canonical_url",),
    "agency": ("agency",),
    "version": ("version",),
}
"""Columns that are taken for a member where no map names another, the first that is there."""
MEMBERS = (*USUAL, "content_type", "content_is", "action", "dataref")


def read_json_lines(path: Path, reading: Reading) -> Iterator[Read]:
    """One object a line, plain or gzip. A raw article passes as it is."""

    def long_line(_: int, pieces: Iterator[bytes]) -> bytes:
        for _piece in pieces:
            pass
        return b'"too large"'

    for _, line in read_lines(path, long_line, reading.most_bytes):
        try:
            row = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
        except orjson.JSONDecodeError:
            yield Left("not JSON")
            continue
        yield (
            _record(row, reading)
            if isinstance(row, dict)
            else Left("too large" if row == "too large" else "not an object")
        )


def read_csv(path: Path, reading: Reading) -> Iterator[Read]:
    """CSV with a first line of names; commas, semicolons or tabs, which is told from that line."""
    before = csv.field_size_limit(reading.most_bytes)
    try:
        with open_lines(path) as stream, io.TextIOWrapper(stream, "utf-8-sig", "replace", newline="") as text:
            head = text.readline()
            mark = max(",;\t", key=head.count)
            names = next(csv.reader([head], delimiter=mark), [])
            _check_map(path, names, reading)
            rows = csv.DictReader(text, fieldnames=names, delimiter=mark)
            while True:
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except csv.Error:
                    yield Left("not CSV")
                    continue
                yield _record({name: value for name, value in row.items() if isinstance(name, str)}, reading)
    finally:
        csv.field_size_limit(before)


def read_parquet(path: Path, reading: Reading) -> Iterator[Read]:
    """Parquet; only the columns that are needed are read."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            _check_map(path, file.schema_arrow.names, reading)
            columns = _columns(file.schema_arrow.names, reading)
            names = list(dict.fromkeys(name.partition(".")[0] for name in columns.values()))
            for batch in file.iter_batches(batch_size=500, columns=names):
                for row in batch.to_pylist():
                    yield _record(row, reading)
    except (OSError, pa.ArrowException) as error:
        raise UsageError(f"{path}: cannot be read to its end: {in_words(error)}") from error


def _check_map(path: Path, names: Sequence[str], reading: Reading) -> None:
    """Raise `UsageError` for a map that names a column which a table does not have."""
    for member, column in reading.columns.items():
        if column.partition(".")[0] not in names:
            raise UsageError(f"{path}: {member}: {not_there('column', column, names)}")


def _columns(names: Iterable[str], reading: Reading) -> dict[str, str]:
    """Which column of those there are is which member."""
    there = {name.lower(): name for name in names}
    usual = {
        member: there[found]
        for member, choices in USUAL.items()
        if (found := next((name for name in choices if name in there), None))
    }
    plain = {member: there[member] for member in MEMBERS if member in there}
    return usual | plain | dict(reading.columns)


def _record(row: Mapping[str, Any], reading: Reading) -> Read:
    columns = _columns(row, reading)
    found = {member: _value(row, column) for member, column in columns.items()}
    members = {member: value for member, value in found.items() if value not in (None, "", [])}
    at = instant_of(members.pop("fetched_at", None)) or instant_of(members.get("published"))
    if isinstance(members.get("published"), datetime | date):
        when = members["published"]
        told = instant_of(when) if isinstance(when, datetime) and when.tzinfo else None
        members["published"] = when.isoformat() if told is None else instant_text(told)
    if members.get("action") == "withdraw":
        return Record(members, at)
    if "url" in members and web_address(members["url"], "") is None:
        members.setdefault("guid", str(members.pop("url")))
    members |= {name: str(members[name]) for name in ("guid", "title", "published", "section") if name in members}
    authors = members.get("authors")
    members |= {"authors": [str(each) for each in authors]} if isinstance(authors, list) else {}
    members |= {"authors": [authors]} if isinstance(authors, str) else {}
    if not ("url" in members or "guid" in members):
        return Left("no address or id")
    if "dataref" in members and "content" not in members:
        members.setdefault("content_type", "text/html")
        return Record(members, at)
    if not isinstance(members.setdefault("content", ""), str) or not (members["content"] or members.get("title")):
        return Left("empty")
    if len(members["content"]) > reading.most_bytes:
        return Left("too large")
    members.setdefault("content_type", "text/html" if "</" in members["content"] else "text/plain")
    members.setdefault("content_is", "page" if "<html" in members["content"][:2_000].lower() else "article")
    return Record(members, at)


def _value(row: Mapping[str, Any], column: str) -> Any:
    """A column, or a value within it: `meta.date`."""
    if column in row:
        return row[column]
    found: Any = row
    for step in column.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found
