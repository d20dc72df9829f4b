"""Events from a file: one raw event a line, plain or gzip."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from newsflow.errors import UsageError
from newsflow.model import Event


def read_events(path: Path) -> Iterator[Event]:
    """Every line of `path` as an event, its line number (from 0) as offset; blank lines are passed over.

    A line that is no JSON is an event too: what is wrong with it is for the pipeline to say. Raises
    `UsageError` when the file cannot be read or a gzip file is damaged.
    """
    try:
        with _open(path) as lines:
            for offset, line in enumerate(lines):
                value = line.rstrip(b"\r\n")
                if value:
                    yield Event(path.name, 0, offset, 0, None, value)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path}: cannot be read to its end: {error}") from error


def read_batches(path: Path, batch_records: int) -> Iterator[list[Event]]:
    """The events of `path` in lists of up to `batch_records`."""
    batch: list[Event] = []
    for event in read_events(path):
        batch.append(event)
        if len(batch) == batch_records:
            yield batch
            batch = []
    if batch:
        yield batch


def _open(path: Path) -> IO[bytes]:
    opened: IO[bytes] = gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb")  # type: ignore[assignment]  # noqa: SIM115
    return opened
