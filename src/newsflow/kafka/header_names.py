"""Lets a record be read whose header names are no UTF-8.

The protocol says that names are text, brokers do not check it, and clients in C or Go send any bytes. kafka-python
calls such a record corrupt and never gets past it: one record would stop every consumer of the topic for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kafka.record.default_records import DefaultRecordBatch
from kafka.record.util import decode_varint

_NOT_ASCII_AS_QUESTION_MARK = bytes(range(0x80)) + b"?" * 0x80


def accept_any_header_name() -> None:
    """From now on, in this process, read what is no UTF-8 in a header's name as `?`, byte by byte."""
    original = DefaultRecordBatch._read_msg
    if getattr(original, "accepts_any_header_name", False):
        return

    def read(batch: Any) -> Any:
        try:
            return original(batch)
        except UnicodeDecodeError:
            # Nothing has moved on yet: the position is kept only after a record was read whole.
            _repair(batch)
            return original(batch)

    read.accepts_any_header_name = True  # type: ignore[attr-defined]
    DefaultRecordBatch._read_msg = read


def _repair(batch: Any) -> None:
    buffer = batch._buffer = bytearray(batch._buffer)
    for start, end in _names(buffer, batch._pos):
        try:
            buffer[start:end].decode("utf-8")
        except UnicodeDecodeError:
            buffer[start:end] = buffer[start:end].translate(_NOT_ASCII_AS_QUESTION_MARK)


def _names(buffer: bytearray, position: int) -> Iterator[tuple[int, int]]:
    """Where the header names of the record at `position` stand. https://kafka.apache.org/documentation/#record"""
    for _ in range(4):  # length, attributes, time, offset
        _, position = decode_varint(buffer, position)
    for _ in range(2):  # key, value
        position = _after(buffer, position)[1]
    count, position = decode_varint(buffer, position)
    for _ in range(count):
        start, end = _after(buffer, position)
        yield start, end
        position = _after(buffer, end)[1]


def _after(buffer: bytearray, position: int) -> tuple[int, int]:
    """Where the field at `position`, a length and so many bytes, begins and ends. A length of -1 is null."""
    size, start = decode_varint(buffer, position)
    return start, start + max(size, 0)
