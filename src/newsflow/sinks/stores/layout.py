"""How the files of a folder store are named, grouped and made durable."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from newsflow.sinks.stores.contract import StoreRow

Key = tuple[str, int]
_TAG = re.compile(r"[A-Za-z0-9]{1,8}(?:-[A-Za-z0-9]{1,8})*")


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


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction did."""

    files_before: int
    files_after: int
    rows: int
    leftovers: int


def partition_of(row: StoreRow) -> str:
    """Return the folder of a row. It hangs on what all versions of an article share, or nearly always do."""
    day = row.article.first_seen.astimezone(UTC).date().isoformat()
    language = row.article.language if _TAG.fullmatch(row.article.language) else "und"
    return f"date={day}/language={language}"


def sync(path: Path) -> None:
    """Make a file's bytes, or a folder's names, durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_name(keys: Iterable[Key]) -> str:
    """Return a file's name after what it holds: the same rows again get the same name."""
    state = hashlib.blake2b(digest_size=16)
    for article_id, version in keys:
        state.update(f"{article_id}\n{version}\n".encode("utf-8", "surrogatepass"))
    return f"articles-{state.hexdigest()}"


def groups(entries: Sequence[FileEntry], target_bytes: int) -> Iterator[list[FileEntry]]:
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
