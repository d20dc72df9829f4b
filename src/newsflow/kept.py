"""Values that take long to make, kept in files of the user's cache, so that a start reads them instead.

A file is named by all that its content depends on, and read only when it is whole and the user's own: one that is half
written, damaged or another's is made and written again.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import tempfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path

DIGEST_BYTES = 32


def read(kind: str, key: str) -> memoryview | None:
    """What is kept under a key among values of a kind; None where there is nothing that can be trusted. The processes
    that read one share its memory."""
    with contextlib.suppress(OSError, RuntimeError, ValueError):  # no home, no file, an empty one
        file = _file(kind, key)
        with file.open("rb") as source:
            _refuse_foreign(os.fstat(source.fileno()))
            whole = memoryview(mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ))
        content = whole[DIGEST_BYTES:]
        if whole[:DIGEST_BYTES] == digest_of(key, [content]):
            file.touch()
            return content
    return None


def keep(kind: str, key: str, content: Iterable[bytes | memoryview], most: int) -> None:
    """Keep a value, given in pieces, where the cache can be written; of its kind, the `most` used lately stay."""
    pieces = list(content)
    with contextlib.suppress(OSError, RuntimeError):  # a read-only disk, no home: every start makes it
        file = _file(kind, key)
        folder = file.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=folder, prefix=".incoming-")
        try:
            with os.fdopen(handle, "wb") as target:
                target.writelines([digest_of(key, pieces), *pieces])
            Path(name).replace(file)
        finally:
            Path(name).unlink(missing_ok=True)
        for old in sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[most:]:
            old.unlink(missing_ok=True)


def _file(kind: str, key: str) -> Path:
    """Raises RuntimeError for a user without a home."""
    given = Path(os.environ.get("XDG_CACHE_HOME", ""))
    return (given if given.is_absolute() else Path.home() / ".cache") / "newsflow" / kind / f"{key}.{kind}"


def _refuse_foreign(state: os.stat_result) -> None:
    if state.st_uid != os.geteuid() or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionError("another user may have written it")


def digest_of(key: str, pieces: Iterable[bytes | memoryview]) -> bytes:
    state = blake2b(digest_size=DIGEST_BYTES, key=key.encode())
    for piece in pieces:
        state.update(piece)
    return state.digest()
