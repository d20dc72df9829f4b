"""Which files of a folder count: `manifest.jsonl`, a log to which each batch appends one line.

    {"version":2,"kind":"parquet","generation":1}
    {"files":[{"path":"date=2026-03-01/language=ar/articles-….parquet","rows":120,"size_bytes":48211}, …]}

A line counts once its line break is there, so half a batch never does; what a crash left of a line is cut off
before the next one. A compaction replaces the log by rename, under the next generation. A manifest is read once:
afterwards only what others appended.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

import orjson

from newsflow.errors import SinkError, in_words

MANIFEST, EARLIER, TEMPORARY = "manifest.jsonl", "manifest.json", ".tmp"
VERSION = 2
_HEAD_BYTES = 512


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of the manifest. `path` is relative to the store's folder."""

    path: str
    rows: int
    size_bytes: int

    @property
    def partition(self) -> str:
        """The folder it lies in."""
        return self.path.rpartition("/")[0]


class Manifest:
    """The manifest of `folder`, a store of `kind`. Whoever changes it holds the folder's lock."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.path, self.earlier = folder / MANIFEST, folder / EARLIER
        self._folder, self._kind = folder, kind
        self._forget()

    def _forget(self) -> None:
        self._file: tuple[int, bytes] = (0, b"")
        self._end = self._generation = 0
        self._partitions: dict[str, dict[str, FileEntry]] = {}

    def partition(self, name: str) -> dict[str, FileEntry]:
        """Return the files of one partition by path, as the last `refresh` saw them."""
        return self._partitions.get(name, {})

    def entries(self) -> list[FileEntry]:
        """Return all files that count, by path, as the last `refresh` saw them."""
        entries = (entry for partition in self._partitions.values() for entry in partition.values())
        return sorted(entries, key=lambda entry: entry.path)

    def refresh(self) -> None:
        """Take in what others appended. Raises `SinkError` when it cannot be read or is not a manifest of this kind."""
        try:
            with self.path.open("rb") as file:
                self._take_in(file)
        except FileNotFoundError:
            self._forget()
            self._read_earlier()
        except OSError as error:
            raise SinkError(f"{self.path} cannot be read: {in_words(error)}") from error

    def append(self, entries: Iterable[FileEntry]) -> None:
        """Have more files count; durable on return. `refresh` comes first. Raises `OSError`."""
        added = list(entries)
        if not self._end:
            self.replace([*self.entries(), *added])
            return
        line = _line({"files": added})
        with self.path.open("r+b", buffering=0) as file:
            file.truncate(self._end)
            try:
                _write_durably(file, self._end, line)
            except OSError:
                # What was not synced may be lost with the power although it can be read: nobody may count on it.
                with suppress(OSError):
                    file.truncate(self._end)
                raise
        self._end += len(line)
        self._add(added)

    def replace(self, entries: Iterable[FileEntry]) -> None:
        """Have these files count and no others; durable on return. `refresh` comes first. Raises `OSError`."""
        kept = list(entries)
        head = {"version": VERSION, "kind": self._kind, "generation": self._generation + 1}
        temporary = self.path.with_name(MANIFEST + TEMPORARY)
        temporary.write_bytes(_line(head) + _line({"files": kept}))
        sync(temporary)
        temporary.replace(self.path)
        sync(self._folder)
        self.earlier.unlink(missing_ok=True)
        self._forget()
        self.refresh()

    def _take_in(self, file: Any) -> None:
        status = os.fstat(file.fileno())
        identity = (status.st_ino, file.read(_HEAD_BYTES).partition(b"\n")[0])
        if identity != self._file or status.st_size < self._end:
            self._forget()
            self._generation = self._checked_head(identity[1])
            self._end = len(identity[1]) + 1
            self._file = identity
        file.seek(self._end)
        text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self._add(entry for line in whole.splitlines() for entry in self._read(line))
        self._end += len(whole)

    def _checked_head(self, line: bytes) -> int:
        head = self._parsed(line)
        if head.get("version") != VERSION or not isinstance(head.get("generation"), int):
            raise SinkError(f"{self.path} is not a manifest of this store, or it is one of a newer release")
        if head.get("kind") != self._kind:
            raise SinkError(
                f"{self._folder} is the folder of a store of kind {head.get('kind')}; one of kind {self._kind} needs "
                "a folder of its own"
            )
        return int(head["generation"])

    def _read_earlier(self) -> None:
        """The one document that stores had before the log; the next change replaces it."""
        try:
            text = self.earlier.read_bytes()
        except FileNotFoundError:
            return
        entries = self._read(text)
        other = [entry.path for entry in entries if not entry.path.endswith(f".{self._kind}")]
        if other:
            raise SinkError(f"{self._folder} is the folder of a store of another kind: it has {other[0]}")
        self._add(entries)

    def _read(self, line: bytes) -> list[FileEntry]:
        try:
            return [FileEntry(**each) for each in self._parsed(line)["files"]]
        except (KeyError, TypeError) as error:
            raise self._not_ours(error) from error

    def _parsed(self, line: bytes) -> dict[str, Any]:
        try:
            members = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise self._not_ours(error) from error
        if not isinstance(members, dict):
            raise self._not_ours(line[:80])
        return members

    def _not_ours(self, why: object) -> SinkError:
        return SinkError(f"{self.path} is not a manifest of this store: {why}")

    def _add(self, entries: Iterable[FileEntry]) -> None:
        for entry in entries:
            self._partitions.setdefault(entry.partition, {})[entry.path] = entry


def _write_durably(file: FileIO, at: int, text: bytes) -> None:
    file.seek(at)
    while text:
        text = text[file.write(text) :]
    os.fsync(file.fileno())


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's names, durable: a rename alone may be lost with the power."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _line(members: dict[str, Any]) -> bytes:
    return orjson.dumps(members) + b"\n"
