"""The blob store: values that do not fit a record, each under the SHA-256 of its bytes, in a folder or in S3.

What is stored under a digest never changes, so any number of processes may write to one store. A blob is there whole or
not at all, and durable when `put` returns.
"""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from newsflow.errors import ConfigError, NewsflowError, SinkError
from newsflow.model.claim import Blob
from newsflow.outages import outages
from newsflow.secrets import masked
from newsflow.stores.manifest import sync

ACCEPTED = "folder:///PATH, or s3://BUCKET/PREFIX?region=… (options as pyarrow's S3 file system takes them)"
_CHUNK_BYTES = 1 << 20
_TEMPORARY = ".tmp"


class BlobMissingError(NewsflowError):
    """The store does not have the blob, or has other bytes under its name. Asking again changes nothing."""


class BlobTooLargeError(NewsflowError):
    """The blob is larger than the reader takes. Nothing of it was read."""


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob that is there, and when it was last written."""

    blob: Blob
    written_at: datetime


class BlobStore:
    """Every method may block, and raises `SinkError` while the store cannot be reached or written. Any thread may
    call."""

    def __init__(self, url: str) -> None:
        """Connects to nothing yet. Raises `ConfigError` for a URL that does not name a store."""
        self.shown = masked(url).partition("?")[0]
        self._file_system, self._root, self.local = _opened(url)
        scheme = "file" if self.local else "s3"
        self.base = f"{scheme}://{self._root}/"
        """What an absolute reference to one of its blobs begins with. Without credentials."""

    def find(self, dataref: str) -> Blob | None:
        """The blob that a reference names, None where it does not lie below this store, by its digest."""
        return Blob.named(dataref.removeprefix(self.base))

    def put(self, value: bytes) -> Blob:
        """Keep a value; one that is there already is as if written now."""
        blob = Blob.of(value)
        with self._waited_for("written"):
            if not self._renewed(blob):
                view = memoryview(value)
                self._write(blob.dataref, (view[at : at + _CHUNK_BYTES] for at in range(0, len(view), _CHUNK_BYTES)))
        return blob

    def put_all(self, chunks: Iterable[bytes]) -> Blob:
        """Keep a value that comes in pieces and is never held whole; it takes its size on the local disk meanwhile."""
        digest, size_bytes = hashlib.sha256(), 0
        with self._waited_for("written"), tempfile.TemporaryFile() as spool:
            for chunk in chunks:
                digest.update(chunk)
                size_bytes += len(chunk)
                spool.write(chunk)
            blob = Blob(digest.hexdigest(), size_bytes)
            if not self._renewed(blob):
                spool.seek(0)
                self._write(blob.dataref, iter(lambda: spool.read(_CHUNK_BYTES), b""))
        return blob

    def get(self, blob: Blob, most_bytes: int) -> bytes:
        """The bytes of a blob, checked against its digest and size. Raises `BlobMissingError`, and `BlobTooLargeError`
        before anything is read."""
        with self._waited_for("read"):
            info = self._info(blob.dataref)
            if info is None:
                raise BlobMissingError(f"the blob {blob.dataref} is not in {self.shown}")
            if blob.size_bytes not in (None, info.size):
                raise BlobMissingError(
                    f"the blob {blob.dataref} has {info.size:,} bytes instead of {blob.size_bytes:,}"
                )
            if info.size > most_bytes:
                raise BlobTooLargeError(
                    f"the blob {blob.dataref} has {info.size:,} bytes; accepted: up to {most_bytes:,}"
                )
            with self._file_system.open_input_stream(self._path(blob.dataref)) as stream:
                # One more than it should be: it may have grown since.
                value: bytes = stream.read(info.size + 1)
        if Blob.of(value) != Blob(blob.digest, info.size):
            raise BlobMissingError(f"the blob {blob.dataref} holds other bytes than its name says")
        return value

    def blobs(self) -> Iterator[StoredBlob]:
        """All that is there."""
        from pyarrow.fs import FileSelector, FileType

        with self._asking("read"):
            selector = FileSelector(self._path("sha256"), recursive=True, allow_not_found=True)
            found = self._file_system.get_file_info(selector)
        for info in found:
            named = Blob.named("/".join(info.path.rsplit("/", 3)[1:]))
            if info.type == FileType.File and named is not None:
                yield StoredBlob(Blob(named.digest, info.size), info.mtime.astimezone(UTC))

    def is_younger(self, stored: StoredBlob) -> bool:
        """Whether it was written again since it was looked at."""
        with self._asking("read"):
            info = self._info(stored.blob.dataref)
        return info is not None and info.mtime.astimezone(UTC) > stored.written_at

    def remove(self, blob: Blob) -> None:
        """Remove a blob that nothing names any more."""
        with self._asking("written"), suppress(FileNotFoundError):
            self._file_system.delete_file(self._path(blob.dataref))

    # Files beside the blobs, by names of three parts (`archive/2026-11-30/NAME`) that belong to whoever gives them.

    def put_file(self, name: str, value: bytes) -> None:
        """Keep a file whole or not at all; one of its name is replaced."""
        with self._waited_for("written"):
            self._write(name, [value])

    def read_file(self, name: str, starts: int = 0, size: int | None = None) -> bytes:
        """A file, or `size` bytes of it. Raises `BlobMissingError`."""
        with self._waited_for("read"):
            if self._info(name) is None:
                raise BlobMissingError(f"{name} is not in {self.shown}")
            with self._file_system.open_input_file(self._path(name)) as file:
                file.seek(starts)
                value: bytes = file.read(size)
        return value

    def remove_file(self, name: str) -> None:
        """Remove a file; one that is not there is no error."""
        with self._asking("written"), suppress(FileNotFoundError):
            self._file_system.delete_file(self._path(name))

    def _renewed(self, blob: Blob) -> bool:
        """Whether the blob is there whole, and now is as if written anew. S3 cannot renew: it is written again."""
        info = self._info(blob.dataref)
        if not self.local or info is None or info.size != blob.size_bytes:
            return False
        try:
            os.utime(self._path(blob.dataref))
        except PermissionError:  # Another user's, who shares the folder: it is written again.
            return False
        return True

    def _write(self, name: str, chunks: Iterable[bytes | memoryview]) -> None:
        path = self._path(name)
        if not self.local:
            # An object appears when its stream is closed.
            self._copy(chunks, path)
            return
        folder = path.rpartition("/")[0]
        _make_folders(Path(self._root), Path(folder))
        temporary = f"{folder}/{uuid.uuid4().hex}{_TEMPORARY}"
        try:
            self._copy(chunks, temporary)
            sync(Path(temporary))
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        for each in (Path(folder), Path(folder).parent, Path(self._root)):
            sync(each)

    def _copy(self, chunks: Iterable[bytes | memoryview], path: str) -> None:
        # Written as it is, whatever its name ends with.
        with self._file_system.open_output_stream(path, compression=None) as stream:
            for chunk in chunks:
                stream.write(chunk)

    def _info(self, name: str) -> Any:
        """What the file system says of a file; None where there is none."""
        from pyarrow.fs import FileType

        info = self._file_system.get_file_info(self._path(name))
        return info if info.type == FileType.File else None

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextmanager
    def _waited_for(self, done: str) -> Iterator[None]:
        """As `_asking`, for what a job cannot go on without: it waits for the store as for a broker, and says so."""
        with outages.asking(f"the blob store {self.shown}", SinkError), self._asking(done):
            yield

    @contextmanager
    def _asking(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SinkError(f"the blob store {self.shown} cannot be {done}: {error}") from error


def is_folder(url: str) -> bool:
    """Whether a store's URL names a folder of this machine."""
    return not url.startswith("s3://")


def _opened(url: str) -> tuple[Any, str, bool]:
    from pyarrow import fs

    parts = urlsplit(url)
    if parts.scheme == "folder" and not parts.netloc and len(parts.path) > 1:
        # As with stores: three slashes and a relative path, or four and an absolute one.
        return fs.LocalFileSystem(), str(Path(parts.path[1:]).absolute()), True
    if parts.scheme == "s3" and parts.netloc:
        try:
            file_system, path = fs.FileSystem.from_uri(url)
        except (OSError, ValueError) as error:
            raise ConfigError(f"{masked(url)}: {error}; accepted: {ACCEPTED}", path="blobs.url") from error
        return file_system, path.rstrip("/"), False
    raise ConfigError(f"{masked(url)} does not name a blob store; accepted: {ACCEPTED}", path="blobs.url")


def _make_folders(root: Path, folder: Path) -> None:
    """Folders below `root` get its mode: where a group shares that, it shares these."""
    root.mkdir(parents=True, exist_ok=True)
    for each in (folder.parent, folder):
        if not each.exists():
            each.mkdir(exist_ok=True)
            with suppress(PermissionError):  # Another user has just made it.
                each.chmod(stat.S_IMODE(root.stat().st_mode))
