"""A store of immutable files: the part that Parquet and JSON Lines share.

Files lie under `date=<day first seen>/language=<tag>/` and are named after the rows they hold. A batch is written
to temporary names, synced, renamed, and counts once `manifest.json` lists its files: whoever reads by the manifest
never sees half a batch, nor both the old and the new files of a compaction. Files it does not list are left over
from a crash; the next compaction removes them.
"""

from __future__ import annotations

import fcntl
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from newsflow.errors import SinkError
from newsflow.sinks.stores.contract import Refused, Store, StoreRow, unique
from newsflow.sinks.stores.layout import Compacted, FileEntry, Key, file_name, groups, partition_of, sync

MANIFEST, LOCK, TEMPORARY = "manifest.json", ".lock", ".tmp"
_REMEMBERED_FILES = 20_000


@dataclass
class _Keys:
    """Which versions each file holds. Files never change, so this is read once."""

    by_file: dict[str, frozenset[Key]] = field(default_factory=dict)

    def remember(self, path: str, keys: Iterable[Key]) -> frozenset[Key]:
        if len(self.by_file) >= _REMEMBERED_FILES:
            self.by_file.pop(next(iter(self.by_file)))
        self.by_file[path] = found = frozenset(keys)
        return found


class EncodingError(Exception):
    """Some row of a batch has no place in the file's format."""


class FolderStore(Store):
    """Article versions in files of one folder. One process writes at a time; others wait for its lock."""

    suffix: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._keys = _Keys()
        self._unsynced: set[Path] = set()

    @abstractmethod
    def _encode(self, rows: Sequence[StoreRow], path: Path) -> None:
        """Write rows, sorted by key, to a new file. Raises `EncodingError` when one of them cannot be written."""

    @abstractmethod
    def _read_keys(self, path: Path) -> Iterable[Key]:
        """Return the keys a file holds."""

    @abstractmethod
    def _merge(self, paths: Sequence[Path], target: Path) -> int:
        """Write the rows of several files to one, sorted by key, each key once; return their number."""

    @abstractmethod
    def _problem(self, row: StoreRow) -> str:
        """Say why a row cannot be kept; empty when it can."""

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one entry of the manifest for all files of a batch."""
        try:
            try:
                refused = self._cheap_check(rows)
                self._write(rows, refused)
            except EncodingError:
                # Some row is at fault: only now is it worth while to look at each.
                refused = [Refused(row, problem) for row in rows if (problem := self._problem(row))]
                self._write(rows, refused)
        except OSError as error:
            raise SinkError(f"the store {self.folder} cannot be written: {error}") from error
        return refused

    def _cheap_check(self, rows: Sequence[StoreRow]) -> list[Refused]:  # noqa: ARG002 - for those that override it
        """What can be told of rows before they are encoded."""
        return []

    def _write(self, rows: Sequence[StoreRow], refused: Sequence[Refused]) -> None:
        bad = {id(each.row) for each in refused}
        good = unique(row for row in rows if id(row) not in bad)
        with self._locked():
            entries = self.files()
            new = [entry for entry in self._write_new(good, entries) if entry is not None]
            if new:
                self._publish([*entries, *new])

    def files(self) -> list[FileEntry]:
        """Return the files that count, by path. Raises `SinkError` when the manifest cannot be read."""
        try:
            text = (self.folder / MANIFEST).read_bytes()
        except FileNotFoundError:
            return []
        except OSError as error:
            raise SinkError(f"{self.folder / MANIFEST} cannot be read: {error}") from error
        try:
            return [FileEntry(**each) for each in orjson.loads(text)["files"]]
        except (ValueError, KeyError, TypeError) as error:
            raise SinkError(f"{self.folder / MANIFEST} is not a manifest of this store: {error}") from error

    def paths(self) -> list[Path]:
        """Return the files that count, for a reader."""
        return [self.folder / entry.path for entry in self.files()]

    def compact(self, target_bytes: int = 128 * 1024 * 1024) -> Compacted:
        """Merge the files of each partition up to `target_bytes` each, and remove what crashes left over.

        Readers that opened the earlier manifest may find its files gone and should then read the new one.
        """
        try:
            with self._locked():
                before = self.files()
                after = [entry for group in groups(before, target_bytes) for entry in self._merged(group)]
                self._publish(after)
                kept = {entry.path for entry in after}
                merged = {entry.path for entry in before} - kept
                leftovers = self._remove_all_but(kept) - len(merged)
        except OSError as error:
            raise SinkError(f"the store {self.folder} cannot be compacted: {error}") from error
        return Compacted(len(before), len(after), sum(entry.rows for entry in after), leftovers)

    def close(self) -> None:
        """See `Store.close`; nothing stays open between batches."""

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _write_new(self, rows: Sequence[StoreRow], entries: Sequence[FileEntry]) -> Iterator[FileEntry | None]:
        by_partition: dict[str, list[StoreRow]] = {}
        for row in rows:
            by_partition.setdefault(partition_of(row), []).append(row)
        for partition, members in sorted(by_partition.items()):
            held = self._held(partition, entries)
            new = sorted((row for row in members if row.key not in held), key=lambda row: row.key)
            yield self._write_file(partition, new) if new else None

    def _held(self, partition: str, entries: Sequence[FileEntry]) -> set[Key]:
        held: set[Key] = set()
        for entry in entries:
            if entry.path.startswith(partition + "/"):
                known = self._keys.by_file.get(entry.path)
                held |= (
                    known
                    if known is not None
                    else self._keys.remember(entry.path, self._read_keys(self.folder / entry.path))
                )
        return held

    def _write_file(self, partition: str, rows: Sequence[StoreRow]) -> FileEntry:
        keys = [row.key for row in rows]
        path = f"{partition}/{file_name(keys)}{self.suffix}"
        with self._new_file(path) as temporary:
            self._encode(rows, temporary)
        self._keys.remember(path, keys)
        return FileEntry(path, len(rows), (self.folder / path).stat().st_size)

    def _merged(self, group: Sequence[FileEntry]) -> Iterator[FileEntry]:
        if len(group) == 1:
            yield group[0]
            return
        paths = [self.folder / entry.path for entry in group]
        keys = sorted({key for path in paths for key in self._read_keys(path)})
        path = f"{group[0].path.rpartition('/')[0]}/{file_name(keys)}{self.suffix}"
        with self._new_file(path) as temporary:
            rows = self._merge(paths, temporary)
        yield FileEntry(path, rows, (self.folder / path).stat().st_size)

    @contextmanager
    def _new_file(self, path: str) -> Iterator[Path]:
        """A temporary file that is synced and takes its name when all went well."""
        target = self.folder / path
        self._unsynced.add(target.parent)
        if not target.parent.exists():
            self._unsynced |= {target.parent.parent, self.folder}
            target.parent.mkdir(parents=True)
        temporary = target.with_name(target.name + TEMPORARY)
        yield temporary
        sync(temporary)
        temporary.replace(target)

    def _publish(self, entries: Sequence[FileEntry]) -> None:
        """Make the names of new files durable, then the manifest that lists them."""
        for folder in sorted(self._unsynced):
            sync(folder)
        self._unsynced.clear()
        listed: list[dict[str, Any]] = [
            {"path": entry.path, "rows": entry.rows, "size_bytes": entry.size_bytes}
            for entry in sorted(entries, key=lambda entry: entry.path)
        ]
        temporary = self.folder / (MANIFEST + TEMPORARY)
        temporary.write_bytes(orjson.dumps({"version": 1, "files": listed}) + b"\n")
        sync(temporary)
        temporary.replace(self.folder / MANIFEST)
        sync(self.folder)

    def _remove_all_but(self, kept: set[str]) -> int:
        removed = 0
        for path in self.folder.glob("date=*/language=*/*"):
            name = path.relative_to(self.folder).as_posix()
            if name not in kept and (path.suffix == TEMPORARY or path.name.endswith(self.suffix)):
                path.unlink()
                removed += 1
        return removed
