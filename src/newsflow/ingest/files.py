"""A run on files: raw events from a file, one a line, and the output directory.

Output is written to `.partial/` first. `finish` moves the files into place and writes `manifest.json` last: where
there is a manifest, the files it lists are whole. A killed run leaves the earlier output or none, and the next run
into the same folder starts over. A folder that holds anything else is refused, not tidied.
"""

from __future__ import annotations

import base64
import fcntl
import gzip
import hashlib
import os
import shutil
import sys
import threading
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import IO, Any, cast

import orjson

from newsflow.errors import SinkError, UsageError, in_words
from newsflow.model import Event, Headers
from newsflow.model.headers import ORIGIN_PREFIX, own_headers
from newsflow.model.names import TOPIC_ID, subscription_of
from newsflow.stores.manifest import sync

KINDS = {
    "article": "articles.jsonl",
    "duplicate": "duplicates.jsonl",
    "story": "stories.jsonl",
    "alert": "alerts.jsonl",
    "debug": "debug.jsonl",
    "dead-letter": "dead-letters.jsonl",
}
"""Kinds of rows and the file of each, which is there even when it is empty."""
TOPICS, SUBSCRIBERS = "topics", "subscribers"
FEEDS = (TOPICS, SUBSCRIBERS)
"""Folders with one file a feed."""
MANIFEST, MARKER, PARTIAL = "manifest.json", ".newsflow-output", ".partial"
STDIN = "-"
_REMEMBERED_ROWS = 500_000
_PIECE_BYTES = 1 << 20
BATCH_BYTES = 8 << 20
LEDGER = "ledger.sqlite3"
_OURS = frozenset({*KINDS.values(), *FEEDS, MANIFEST, MARKER, PARTIAL, LEDGER, f"{LEDGER}-wal", f"{LEDGER}-shm"})


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `row_id` tells a row written again by a retry; `feed`, only for the kind `feed`, is a topic id or
    `subscriber.<id>`."""

    kind: str
    row_id: str
    value: bytes
    feed: str = ""

    @property
    def file(self) -> str:
        """The path within the output folder. Raises `ValueError` for an unknown kind or no feed."""
        if self.kind in KINDS:
            return KINDS[self.kind]
        if self.kind != "feed":
            raise ValueError(f"no file for rows of kind {self.kind!r}; accepted: feed, {', '.join(KINDS)}")
        subscription_id = subscription_of(self.feed)
        name = self.feed if subscription_id is None else subscription_id
        if not TOPIC_ID.fullmatch(name):
            raise ValueError(f"{self.feed!r} is not a feed; accepted: a topic id, or subscriber.ID")
        return f"{TOPICS if subscription_id is None else SUBSCRIBERS}/{name}.jsonl"


@dataclass
class _Open:
    """A file being written, with what its entry in the manifest will say."""

    handle: IO[bytes]
    lines: int = 0
    size_bytes: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def add(self, line: bytes) -> None:
        self.handle.write(line)
        self.digest.update(line)
        self.lines += 1
        self.size_bytes += len(line)


class OutputDirectory:
    """Writes rows to the files of one folder. Safe to share between threads; one run at a time has a folder.

    Raises `SinkError` when the folder holds something else, or another run writes to it now.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._partial = folder / PARTIAL
        self._mutex = threading.Lock()
        self._files: dict[str, _Open] = {}
        self._seen: set[int] = set()
        self._order: deque[int] = deque()
        self._made = _claim(folder)
        self._claim_file = _lock(folder / MARKER)
        shutil.rmtree(self._partial, ignore_errors=True)
        for feeds in FEEDS:
            (self._partial / feeds).mkdir(parents=True)
        for name in KINDS.values():
            self._open(name)

    def write(self, rows: Iterable[Row]) -> int:
        """Append rows; one whose id its file already has is passed over. Returns how many were new."""
        with self._mutex:
            return sum(self._add(row) for row in rows)

    def finish(self) -> dict[str, int]:
        """Put the files in place, durably, and return the lines of each. The folder is then let go of."""
        with self._mutex:
            entries = {name: self._close(file) for name, file in sorted(self._files.items())}
            self._replace(entries)
            self._files.clear()
            self._claim_file.close()
        return {name: entry["lines"] for name, entry in entries.items()}

    def abandon(self) -> None:
        """Throw away what was written; earlier output stays. May be called after `finish`, and then does nothing."""
        with self._mutex:
            for file in self._files.values():
                with suppress(OSError):  # A full disk takes what is left of the buffer no better than before.
                    file.handle.close()
            if not self._claim_file.closed:
                shutil.rmtree(self._partial, ignore_errors=True)
                self._remove_what_was_made()
                self._claim_file.close()
            self._files.clear()

    def __enter__(self) -> OutputDirectory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def _remove_what_was_made(self) -> None:
        """The folders that this run made, where nothing else lies in them."""
        for name in _OURS if self._made else ():
            with suppress(OSError):
                (self.folder / name).unlink(missing_ok=True)
        with suppress(OSError):
            for made in self._made:
                made.rmdir()

    def _add(self, row: Row) -> bool:
        name = row.file
        key = hash((name, row.row_id))
        if key in self._seen:
            return False
        self._seen.add(key)
        self._order.append(key)
        if len(self._order) > _REMEMBERED_ROWS:
            self._seen.discard(self._order.popleft())
        if b"\n" in row.value:
            raise ValueError("a row holds a line break; JSON lines have none")
        (self._files.get(name) or self._open(name)).add(row.value + b"\n")
        return True

    def _open(self, name: str) -> _Open:
        self._files[name] = opened = _Open((self._partial / name).open("wb"))
        return opened

    def _close(self, file: _Open) -> dict[str, Any]:
        file.handle.flush()
        os.fsync(file.handle.fileno())
        file.handle.close()
        return {"lines": file.lines, "size_bytes": file.size_bytes, "sha256": file.digest.hexdigest()}

    def _replace(self, entries: dict[str, dict[str, Any]]) -> None:
        (self.folder / MANIFEST).unlink(missing_ok=True)
        for feeds in FEEDS:
            (self.folder / feeds).mkdir(exist_ok=True)
            for stale in (self.folder / feeds).glob("*.jsonl"):
                if f"{feeds}/{stale.name}" not in entries:
                    stale.unlink()
        for name in entries:
            (self._partial / name).replace(self.folder / name)
        manifest = orjson.dumps({"version": 1, "files": entries}, option=orjson.OPT_INDENT_2) + b"\n"
        written = _Open((self._partial / MANIFEST).open("wb"))
        written.add(manifest)
        self._close(written)
        for folder in (*(self.folder / feeds for feeds in FEEDS), self.folder):
            sync(folder)
        (self._partial / MANIFEST).replace(self.folder / MANIFEST)
        sync(self.folder)
        shutil.rmtree(self._partial, ignore_errors=True)


def _claim(folder: Path) -> list[Path]:
    """Make the folder, or take one that may be written. Returns what was made, the innermost first."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise SinkError(f"{folder}: cannot be an output folder: {error.strerror or error}") from error
    foreign = [*sorted(names - _OURS), *sorted(_foreign_feeds(folder))] if MARKER in names else sorted(names)
    if foreign:
        listed = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise SinkError(
            f"{folder}: holds files that no run wrote ({listed}); accepted: a new or empty folder, "
            "or one that holds only the output of an earlier run"
        )
    (folder / MARKER).touch()
    return made


def _foreign_feeds(folder: Path) -> Iterator[str]:
    for name in FEEDS:
        for entry in (folder / name).iterdir() if (folder / name).is_dir() else ():
            if not (entry.is_file() and entry.suffix == ".jsonl" and TOPIC_ID.fullmatch(entry.stem)):
                yield f"{name}/{entry.name}"


def _lock(path: Path) -> IO[bytes]:
    file = path.open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise SinkError(f"{path.parent}: another run is writing to this folder now") from error
    return file


LongLine = Callable[[int, Iterator[bytes]], bytes]
"""Takes a line, by its number from 0, in pieces, all of them; gives the value of its event, empty for none."""


def read_events(path: Path, long_line: LongLine, most_bytes: int) -> Iterator[Event]:
    """Every line of `path`, plain or gzip, or of standard input (`-`), as an event, its line number (from 0) as offset;
    blank lines are skipped, dead letters and records that `newsflow tail` printed are as they were on Kafka. A line of
    more than `most_bytes` is never held whole: `long_line` gets it in pieces. One that holds a record may be twice as
    long.

    A line that is not JSON is an event too: what is wrong with it is for the pipeline to say. Raises
    `UsageError` when the file cannot be read or a gzip file is damaged.
    """
    lines = read_lines(path, long_line, most_bytes)
    return (event_of(path.name, number, line) for number, line in lines)


def read_lines(path: Path, long_line: LongLine, most_bytes: int) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, each with its number from 0; see `read_events`. Raises `UsageError`."""
    try:
        with open_lines(path) as file:
            for number in count():
                bound, line = most_bytes, file.readline(most_bytes + 1)
                if not line:
                    return
                if len(line) > bound and line.startswith(_HOLDING_A_RECORD):
                    bound = 2 * most_bytes
                    line += file.readline(bound + 1 - len(line))
                whole = line.endswith(b"\n") or len(line) <= bound
                content = line.rstrip(b"\r\n") if whole else long_line(number, _pieces(file, line))
                if content:
                    yield number, content
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read to its end: {in_words(error)}") from error


def event_of(name: str, offset: int, line: bytes) -> Event:
    """The event that a line is, or holds: see `original_of`."""
    key, value, headers = original_of(line) or (None, line, ())
    return Event(name, 0, offset, 0, key, value, headers)


_HOLDING_A_RECORD = (b'{"topic":', b'{"reason":')
"""How the lines of both begin."""
_PRINTED, _SET_ASIDE = {"topic", "partition", "offset", "headers"}, {"reason", "origin", "headers"}


def original_of(line: bytes) -> tuple[bytes | None, bytes | None, Headers] | None:
    """Key, value and own headers of the record that `newsflow tail -o json` printed as this line, or that a run on
    files wrote as this dead letter; None for any other line."""
    if b'"headers"' not in line:
        return None
    try:
        members = orjson.loads(line)
        if "source" in members:
            return None
        if members.keys() >= _PRINTED:
            return _printed(members)
        return _set_aside(members) if members.keys() >= _SET_ASIDE else None
    except (ValueError, KeyError, AttributeError, TypeError):
        return None


def printed_place(line: bytes) -> dict[str, Any] | None:
    """Topic, partition, offset and time (`timestamp_ms`) of the record that `newsflow tail -o json` printed as this
    line; None for any other line."""
    if not line.startswith(_HOLDING_A_RECORD[0]) or original_of(line) is None:
        return None
    members = orjson.loads(line)
    place = {name: members[name] for name in ("topic", "partition", "offset")}
    whole = isinstance(place["topic"], str) and all(isinstance(place[each], int) for each in ("partition", "offset"))
    return place | {"timestamp_ms": _printed_ms(str(members.get("timestamp")))} if whole else None


def _printed_ms(text: str) -> int:
    """The end of the second that is printed, so that nothing seems written before it was fetched; 0 where unknown."""
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000) + 999
    except ValueError:
        return 0


def origin_topic(line: bytes) -> str | None:
    """The topic of the record that a dead letter was, which `newsflow tail -o json` printed as this line."""
    name = f"{ORIGIN_PREFIX}topic"
    if original_of(line) is None or name.encode() not in line:
        return None
    topic = orjson.loads(line)["headers"].get(name) if line.startswith(_HOLDING_A_RECORD[0]) else None
    return topic if isinstance(topic, str) else None


def _printed(members: dict[str, Any]) -> tuple[bytes | None, bytes | None, Headers]:
    headers = tuple((name, None if text is None else text.encode()) for name, text in members["headers"].items())
    key, value = members.get("key"), members.get("value")
    if "dataref" in members:
        # What is printed is what the blob store holds. The record is the claim, or names the blob in a header alone.
        claim = members.get("claim")
        content = None if claim is None else orjson.dumps(claim)
    else:
        content = _bytes(members) or (None if value is None else orjson.dumps(value))
    return key and key.encode(), content, own_headers(headers)


def _set_aside(members: dict[str, Any]) -> tuple[bytes | None, bytes | None, Headers]:
    headers = tuple((header["name"], _bytes(header)) for header in members["headers"])
    return _bytes(members, "key_base64"), _bytes(members), headers


def _bytes(members: dict[str, Any], name: str = "value_base64") -> bytes | None:
    return base64.b64decode(members[name], validate=True) if name in members else None


def _pieces(file: IO[bytes], piece: bytes) -> Iterator[bytes]:
    """The line of which `piece` was read, without the line break at its end."""
    held = b""
    while piece:
        held += piece
        bare = held.rstrip(b"\r\n")
        yield bare
        held = held[len(bare) :]
        if held.endswith(b"\n"):
            return
        piece = file.readline(_PIECE_BYTES)


def open_lines(path: Path) -> AbstractContextManager[IO[bytes]]:
    """The lines of a file, plain or gzip, or of standard input (`-`)."""
    if str(path) == STDIN:
        return nullcontext(sys.stdin.buffer)
    return cast(IO[bytes], gzip.open(path)) if path.suffix == ".gz" else path.open("rb")


def read_batches(path: Path, batch_records: int, long_line: LongLine, most_bytes: int) -> Iterator[list[Event]]:
    """The events of `path` in lists of up to `batch_records`, and of no more than `BATCH_BYTES` and one event."""
    batch: list[Event] = []
    size = 0
    for event in read_events(path, long_line, most_bytes):
        batch.append(event)
        size += len(event.value or b"")
        if len(batch) == batch_records or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
