"""Where raw events go: the topic of raw articles, or a file of JSON lines."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from newsflow.config.settings import Config
from newsflow.errors import SinkError, UsageError, in_words
from newsflow.ingest.claims import ClaimCheck, open_blobs
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings

TAIL_BYTES = 1 << 16


class Outlet(Protocol):
    """Takes events, key and value. What was handed over before it returns from `write` is stored for good."""

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None: ...

    def close(self) -> None: ...


class KafkaOutlet:
    """Raises `KafkaError` when the broker does not store them; then none may be taken for stored."""

    def __init__(self, config: Config) -> None:
        self._topic = config.kafka.input_topic
        shrink = ClaimCheck(lambda: open_blobs(config), config.limits.record_bytes)
        self._writer = BatchWriter(KafkaSettings.of(config.kafka), shrink=shrink)

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in events:
            self._writer.send(self._topic, key, value)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


@dataclass(frozen=True)
class Entrance:
    """The way to an outlet: what is published is kept in the archive first (`keep`, where there is one), and what is
    too large for its record is put aside. Raises `SinkError` and `LedgerError` too; then none is to be taken for
    stored."""

    outlet: Outlet
    aside: Callable[[Iterable[tuple[bytes, bytes]]], Sequence[tuple[bytes, bytes]]]
    keep: Callable[[Iterable[bytes]], object] | None = None

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        listed = list(events)
        if self.keep is not None:
            self.keep(value for _, value in listed)
        self.outlet.write(self.aside(listed))

    def close(self) -> None:
        self.outlet.close()


class FileOutlet:
    """Appends lines. What a killed process left of a line is cut off first. Raises `UsageError` for a file that cannot
    be opened, `SinkError` for one that cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab+", buffering=0)
            self._cut_off()
        except OSError as error:
            raise UsageError(f"{path}: cannot be written: {in_words(error)}") from error

    def _cut_off(self) -> None:
        end = self._file.seek(0, os.SEEK_END)
        while end:
            start = max(0, end - TAIL_BYTES)
            self._file.seek(start)
            newline = self._file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        self._file.truncate(end)

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        try:
            data = memoryview(b"".join(value + b"\n" for _, value in events))
            while data:
                data = data[self._file.write(data) :]
            os.fsync(self._file.fileno())
        except OSError as error:
            raise SinkError(f"{self._path}: cannot be written: {in_words(error)}") from error

    def close(self) -> None:
        self._file.close()
