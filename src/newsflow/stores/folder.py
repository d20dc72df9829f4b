"""A store of immutable files: the part that Parquet and JSON Lines share.

Files lie under `date=<day first seen>/language=<tag>/` and are named after the rows they hold. A batch is written
to temporary names, synced, renamed, and counts once the manifest lists its files: whoever reads by the manifest
never sees half a batch, nor both the old and the new files of a compaction. Files it does not list are left over
from a crash; the next compaction removes them.

The files of a batch are written and synced side by side: most of the time goes into waiting for the disk, and
waits that overlap cost one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence, Set
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from newsflow.errors import SinkError, in_words
from newsflow.stores.contract import Refused, Store, StoreRow, path_of, separate_refused, unique
from newsflow.stores.manifest import TEMPORARY, FileEntry, Manifest, sync

Key = tuple[str, int]
_TAG = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*")
LOCK = ".lock"
THREADS = 4
A = TypeVar("A")
B = TypeVar("B")
REMEMBERED_KEYS = 2_000_000
"""Over all partitions, about 300 MB; the partitions that were not asked about for longest are forgotten first, and
read again from their files when they are."""


class HeldKeys:
    """The keys of each partition, so that none is written twice. Files never change: each is read once, by
    `read_keys`."""

    def __init__(self, read_keys: Callable[[str], Iterable[Key]], limit: int = REMEMBERED_KEYS) -> None:
        self._read_keys, self._limit = read_keys, limit
        self._partitions: dict[str, tuple[set[str], set[Key]]] = {}
        """Paths of files that were read, and the keys in them."""

    def __contains__(self, partition: object) -> bool:
        """Whether keys of a partition are remembered; those of others are read again from all their files."""
        return partition in self._partitions

    def _of(self, partition: str, paths: Collection[str]) -> set[Key]:
        """Return the keys in the files of a partition; `paths` are those that count now. Raises `OSError`."""
        known, keys = self._partitions.pop(partition, (set(), set()))
        self._partitions[partition] = known, keys  # to the end: used last
        for path in paths:
            if path not in known:
                keys.update(self._read_keys(path))
                known.add(path)
        self._forget_some()
        return keys

    def missing(self, partition: str, paths: Collection[str], rows: Iterable[StoreRow]) -> list[StoreRow]:
        """Return those of a partition's rows that its files do not hold, sorted by key."""
        held = self._of(partition, paths)
        return sorted((row for row in rows if row.key not in held), key=lambda row: row.key)

    def add(self, partition: str, path: str, keys: Iterable[Key]) -> None:
        """Take in a file that now counts, without reading it."""
        known, held = self._partitions.setdefault(partition, (set(), set()))
        held.update(keys)
        known.add(path)

    def _forget_some(self) -> None:
        while sum(len(keys) for _, keys in self._partitions.values()) > self._limit and len(self._partitions) > 1:
            self._partitions.pop(next(iter(self._partitions)))


class EncodingError(Exception):
    """Some row of a batch does not fit the file's format."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did."""

    files_before: int
    files_after: int
    rows: int
    leftovers: int


class FolderStore(Store):
    """Article versions in files of one folder. One process writes at a time; others wait for its lock."""

    suffix: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = Manifest(folder, self.suffix.lstrip("."))
        self._held = HeldKeys(lambda path: self._read_keys(folder / path))
        self._unsynced: set[Path] = set()
        self._pool: ThreadPoolExecutor | None = None

    @classmethod
    def from_url(cls, url: str) -> FolderStore:
        return cls(path_of(url))

    @abstractmethod
    def _encoder(self, rows: Sequence[StoreRow]) -> Callable[[int, int, Path], None]:
        """Return what writes rows `start` to `stop` to a new file, from several threads at once.

        Raises `EncodingError` when one of the rows cannot be written.
        """

    @abstractmethod
    def _read_keys(self, path: Path) -> Iterable[Key]:
        """Return the keys a file holds."""

    @abstractmethod
    def _merge(self, paths: Sequence[Path], target: Path, keys: Set[Key]) -> None:
        """Write the rows with these keys, of several files, to one, sorted by key, each key once."""

    @abstractmethod
    def _problem(self, row: StoreRow) -> str:
        """Say why a row cannot be kept; empty when it can."""

    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """See `Store.write`: one line of the manifest for all files of a batch."""
        try:
            try:
                self._write(rows)
                return []
            except EncodingError:
                # Some row is at fault: only now is it worth while to look at each.
                good, refused = separate_refused(rows, self._problem)
                self._write(good)
                return refused
        except OSError as error:
            raise SinkError(f"the store {self.folder} cannot be written: {in_words(error)}") from error

    def _write(self, rows: Sequence[StoreRow]) -> None:
        with self._locked():
            self._manifest.refresh()
            new = self._new_rows(unique(rows))
            if new:
                entries = self._write_files(new)
                self._publish(entries)
                for entry in entries:
                    self._held.add(entry.partition, entry.path, (row.key for row in new[entry.partition]))

    def files(self) -> list[FileEntry]:
        """Return the files that count, by path. Raises `SinkError` when the manifest cannot be read."""
        self._manifest.refresh()
        return self._manifest.entries()

    def paths(self) -> list[Path]:
        """Return the files that count, for a reader."""
        return [self.folder / entry.path for entry in self.files()]

    def compact(
        self, target_bytes: int = 128 * 1024 * 1024, told: Callable[[int], object] = lambda _: None
    ) -> Compacted:
        """Merge the files of each partition up to `target_bytes` each, and remove what crashes left over. `told` hears
        of the rows of each file as it is done.

        Readers that opened the earlier manifest may find its files gone and should then read the new one.
        """
        try:
            with self._locked():
                before = self.files()
                after: list[FileEntry] = []
                for group in _groups(before, target_bytes):
                    after += (merged_files := list(self._merged(group)))
                    told(sum(entry.rows for entry in merged_files))
                self._sync_folders()
                self._manifest.replace(after)
                kept = {entry.path for entry in after}
                merged = {entry.path for entry in before} - kept
                leftovers = self._remove_all_but(kept) - len(merged)
        except OSError as error:
            raise SinkError(f"the store {self.folder} cannot be compacted: {in_words(error)}") from error
        return Compacted(len(before), len(after), sum(entry.rows for entry in after), leftovers)

    def forget(self, article_id: str, before: int) -> int:
        """See `Store.forget`: files that hold it are written again without, and the old ones removed."""

        def is_gone(key: Key) -> bool:
            return key[0] == article_id and key[1] < before

        removed, after = 0, list[FileEntry]()
        try:
            with self._locked():
                for entry in self.files():
                    keys = sorted(self._read_keys(self.folder / entry.path))
                    kept = [key for key in keys if not is_gone(key)]
                    removed += len(keys) - len(kept)
                    if len(kept) == len(keys):
                        after.append(entry)
                    elif kept:
                        after.append(self._rewritten([entry], kept))
                if removed:
                    self._sync_folders()
                    self._manifest.replace(after)
                # Whoever was killed before may have left what the manifest lists no more.
                self._remove_all_but({entry.path for entry in after})
        except OSError as error:
            raise SinkError(f"the store {self.folder} cannot be written: {in_words(error)}") from error
        return removed

    def check(self) -> str:
        if not self.folder.exists():
            return "not made yet"
        if not (self.folder.is_dir() and os.access(self.folder, os.W_OK)):
            raise SinkError(f"the store {self.folder} cannot be written: it is not a folder, or may not be written")
        files = self.files()
        return f"{len(files)} files, {sum(entry.rows for entry in files)} rows"

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _new_rows(self, rows: Iterable[StoreRow]) -> dict[str, list[StoreRow]]:
        """The rows that no file holds yet, by partition, sorted by key."""
        by_partition: dict[str, list[StoreRow]] = {}
        for row in rows:
            by_partition.setdefault(partition_of(row), []).append(row)
        new = {
            partition: self._held.missing(partition, self._manifest.partition(partition), members)
            for partition, members in sorted(by_partition.items())
        }
        return {partition: members for partition, members in new.items() if members}

    def _write_files(self, by_partition: dict[str, list[StoreRow]]) -> list[FileEntry]:
        """Write a file for each partition; those written are not yet listed."""
        encode = self._encoder([row for members in by_partition.values() for row in members])
        planned: list[tuple[str, int, int]] = []
        stop = 0
        for partition, members in by_partition.items():
            start, stop = stop, stop + len(members)
            planned.append((f"{partition}/{_file_name(row.key for row in members)}{self.suffix}", start, stop))

        def write(file: tuple[str, int, int]) -> FileEntry:
            path, start, stop = file
            size = self._write_file(path, lambda temporary: encode(start, stop, temporary))
            return FileEntry(path, stop - start, size)

        self._make_folders(path for path, _, _ in planned)
        return self._side_by_side(write, planned)

    def _merged(self, group: Sequence[FileEntry]) -> Iterator[FileEntry]:
        if len(group) == 1:
            yield group[0]
            return
        yield self._rewritten(
            group, sorted({key for each in group for key in self._read_keys(self.folder / each.path)})
        )

    def _rewritten(self, group: Sequence[FileEntry], keys: Sequence[Key]) -> FileEntry:
        """One file with these rows of others."""
        paths = [self.folder / entry.path for entry in group]
        path = f"{group[0].partition}/{_file_name(keys)}{self.suffix}"
        self._make_folders([path])
        size = self._write_file(path, lambda temporary: self._merge(paths, temporary, set(keys)))
        return FileEntry(path, len(keys), size)

    def _make_folders(self, paths: Iterable[str]) -> None:
        for folder in {(self.folder / path).parent for path in paths}:
            self._unsynced.add(folder)
            if not folder.exists():
                self._unsynced |= {folder.parent, self.folder}
                folder.mkdir(parents=True)

    def _write_file(self, path: str, write: Callable[[Path], object]) -> int:
        """Write a file under a temporary name, sync and rename it; return its size in bytes."""
        target = self.folder / path
        temporary = target.with_name(target.name + TEMPORARY)
        write(temporary)
        sync(temporary)
        size = temporary.stat().st_size
        temporary.replace(target)
        return size

    def _publish(self, entries: Sequence[FileEntry]) -> None:
        """Make the names of new files durable, then the manifest that lists them."""
        self._sync_folders()
        self._manifest.append(entries)

    def _sync_folders(self) -> None:
        self._side_by_side(sync, sorted(self._unsynced))
        self._unsynced.clear()

    def _remove_all_but(self, kept: set[str]) -> int:
        removed = 0
        for path in self.folder.glob("date=*/language=*/*"):
            name = path.relative_to(self.folder).as_posix()
            if name not in kept and (path.suffix == TEMPORARY or path.name.endswith(self.suffix)):
                path.unlink()
                removed += 1
        return removed

    def _side_by_side(self, work: Callable[[A], B], items: Sequence[A]) -> list[B]:
        """`work` on each item, in a few threads; all have ended on return. Raises what the first failing one raised."""
        if len(items) < 2:
            return [work(item) for item in items]
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="newsflow-files")
        futures = [self._pool.submit(work, item) for item in items]
        wait(futures)
        return [future.result() for future in futures]


def partition_of(row: StoreRow) -> str:
    """Return the folder of a row. It depends on what all versions of an article share, or nearly always do."""
    language = row.article.language if _TAG.fullmatch(row.article.language) else "und"
    return f"date={row.day}/language={language}"


def _file_name(keys: Iterable[Key]) -> str:
    """A file's name after what it holds: the same rows again get the same name."""
    state = hashlib.blake2b(digest_size=16)
    for article_id, version in keys:
        state.update(f"{article_id}\n{version}\n".encode("utf-8", "surrogatepass"))
    return f"articles-{state.hexdigest()}"


def _groups(entries: Sequence[FileEntry], target_bytes: int) -> Iterator[list[FileEntry]]:
    """Yield files of one partition that together stay under the target, in the order of their paths."""
    group: list[FileEntry] = []
    for entry in sorted(entries, key=lambda entry: entry.path):
        same = group and group[0].partition == entry.partition
        if group and (not same or sum(each.size_bytes for each in group) + entry.size_bytes > target_bytes):
            yield group
            group = []
        group.append(entry)
    if group:
        yield group
