"""Articles as JSON Lines: each line has the article.v1 bytes as they were on Kafka."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from pathlib import Path

import orjson

from newsflow.stores.contract import StoreRow
from newsflow.stores.folder import EncodingError, FolderStore, Key

MAX_LINE_BYTES = 16 * 1024 * 1024
"""Longer lines break the readers people use."""


class JsonLinesStore(FolderStore):
    """Article versions in `.jsonl` files of a folder; see `FolderStore`."""

    name = "jsonl"
    suffix = ".jsonl"

    def _encoder(self, rows: Sequence[StoreRow]) -> Callable[[int, int, Path], None]:
        if any(map(self._problem, rows)):
            raise EncodingError

        def write(start: int, stop: int, path: Path) -> None:
            path.write_bytes(b"\n".join([*(row.value for row in rows[start:stop]), b""]))

        return write

    def _read_keys(self, path: Path) -> Iterable[Key]:
        return list(_lines([path]))

    def _merge(self, paths: Sequence[Path], target: Path, keys: Set[Key]) -> None:
        lines = _lines(paths)
        with target.open("wb") as file:
            file.writelines(lines[key] for key in sorted(lines.keys() & keys))

    def _problem(self, row: StoreRow) -> str:
        if len(row.value) > MAX_LINE_BYTES:
            return f"the article has {len(row.value)} bytes; a line holds up to {MAX_LINE_BYTES}"
        return "the article's bytes hold a line break" if b"\n" in row.value else ""


def _lines(paths: Iterable[Path]) -> dict[Key, bytes]:
    found: dict[Key, bytes] = {}
    for path in paths:
        with path.open("rb") as file:
            for line in file:
                members = orjson.loads(line)
                found.setdefault((members["id"], members["version"]), line)
    return found
