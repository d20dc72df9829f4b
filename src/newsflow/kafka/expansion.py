"""Compressed batches are expanded up to a bound, and a poll returns so many bytes at most.

kafka-python expands a whole batch, then copies it, before anybody sees its size: 16 MiB of gzip are 16 GiB of spaces.
Here expansion stops at the bound. Records that were whole by then are read; the rest of the batch is one record, whose
value is the compressed batch as it came and whose header says so.
"""

from __future__ import annotations

import io
import logging
import struct
import zlib
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Any

import lz4.frame
import snappy
import zstandard
from kafka.consumer.fetcher import Fetcher
from kafka.record.default_records import DefaultRecord, DefaultRecordBatch
from kafka.record.util import decode_varint

log = logging.getLogger(__name__)

KEPT_HEADER = "newsflow.batch.kept"
"""On the one record that stands for what of a batch was not expanded: why not, and which offsets."""
POLL_BYTES = 64 << 20
_STEP_BYTES = 1 << 20
_XERIAL = b"\x82SNAPPY\x00"
_XERIAL_START = 16


def bound_expansion(consumer: Any, expand_bytes: int, poll_bytes: int = POLL_BYTES) -> Any:
    """The same `kafka.KafkaConsumer`, which now expands no batch further than `expand_bytes`, and returns no more than
    `poll_bytes` of values and one record at a time."""
    fetcher = consumer._fetcher
    fetcher.PartitionRecords = partial(_BoundedRecords, expand_bytes=expand_bytes, poll_bytes=poll_bytes)
    append = fetcher._append

    def bounded(drained: Any, part: Any, max_records: int, update_offsets: bool) -> int:
        held = sum(_size(record) for records in drained.values() for record in records)
        part.left_bytes = poll_bytes - held
        taken = append(drained, part, max_records, update_offsets)
        # As many as were asked for: the poll ends with what it has.
        return max_records if part.left_bytes <= 0 else taken

    fetcher._append = bounded
    return consumer


def _size(record: Any) -> int:
    return len(record.value or b"") + len(record.key or b"")


class _BoundedRecords(Fetcher.PartitionRecords):
    """The records of one fetch."""

    def __init__(self, *arguments: Any, expand_bytes: int, poll_bytes: int, **named: Any) -> None:
        self._expand_bytes, self.left_bytes = expand_bytes, poll_bytes
        super().__init__(*arguments, **named)

    def take(self, n: int | None = None) -> list[Any]:
        self._maybe_raise_next_inline_exception()
        records: list[Any] = []
        try:
            for record in islice(self.record_iterator, n):
                records.append(record)
                self.left_bytes -= _size(record)
                if self.left_bytes <= 0:
                    break
        except Exception as error:
            if not records:
                raise
            self._next_inline_exception = error
        return records

    def _unpack_records(self, tp: Any, records: Any, *arguments: Any) -> Iterator[Any]:
        unpacked: Iterator[Any] = super()._unpack_records(tp, _Batches(records, self._expand_bytes), *arguments)
        return unpacked


class _Batches:
    """`kafka.record.MemoryRecords` whose batches are bounded."""

    def __init__(self, records: Any, expand_bytes: int) -> None:
        self._records, self._expand_bytes = records, expand_bytes

    def next_batch(self) -> Any:
        batch = self._records.next_batch()
        if type(batch) is not DefaultRecordBatch or not batch.compression_type:
            return batch
        return _BoundedBatch(batch, self._expand_bytes)


class _BoundedBatch(DefaultRecordBatch):
    """A compressed batch, of which no more than `expand_bytes` are expanded."""

    _buffer: bytes
    _pos: int
    _decompressed: bool
    _num_records: int
    _next_record_index: int

    def __init__(self, batch: Any, expand_bytes: int) -> None:
        for name in DefaultRecordBatch.__slots__:
            setattr(self, name, getattr(batch, name))
        self._expand_bytes = expand_bytes
        self._packed = b""
        """The batch as it came, where it was not expanded to its end."""
        self._why = ""

    def _maybe_uncompress(self) -> None:
        if self._decompressed:
            return
        packed = bytes(memoryview(self._buffer)[self._pos :])
        try:
            found, whole = _EXPAND[self.compression_type](packed, self._expand_bytes)
            self._why = "" if whole else f"expands to more than {self._expand_bytes:,} bytes (limits.expand_bytes)"
        except Exception as error:  # Each codec has its own.
            found, self._why = b"", f"cannot be expanded: {type(error).__name__}: {str(error)[:200]}"
        if self._why:
            self._packed = bytes(self._buffer)
        # Bytes, not a bytearray: a slice of it is the value itself, not one more copy on the way there.
        self._buffer, self._pos, self._decompressed = found, 0, True

    def __next__(self) -> Any:
        if not self._packed or self._is_whole():
            return super().__next__()
        if self._next_record_index >= self._num_records:
            raise StopIteration
        first = self.base_offset + self._next_record_index
        self._next_record_index = self._num_records
        self._buffer = b""
        why = f"a batch of {self._num_records:,} records {self._why}; from offset {first} on it is kept as it came"
        log.warning("offset %d: %s", self.last_offset, why)
        headers = [(KEPT_HEADER, why.encode())]
        return DefaultRecord(
            len(self._packed), self.last_offset, self.max_timestamp, self.timestamp_type, None, self._packed, headers
        )

    next = __next__

    def _is_whole(self) -> bool:
        """Whether the next record was expanded to its end."""
        if self._next_record_index >= self._num_records:
            return False
        try:
            length, start = decode_varint(self._buffer, self._pos)
        except IndexError:
            return False
        return bool(start + length <= len(self._buffer))


# Each gives up to `most` bytes, and whether those are all.


def _gunzip(packed: bytes, most: int) -> tuple[bytes, bool]:
    found: list[bytes] = []
    size = 0
    while packed:
        stream = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
        found.append(stream.decompress(packed, most + 1 - size))
        size += len(found[-1])
        if size > most:
            return b"".join(found)[:most], False
        if not stream.eof:
            raise EOFError("the gzip data ends too early")
        packed = stream.unused_data.lstrip(b"\0")
    return (found[0] if len(found) == 1 else b"".join(found)), True


def _read_lz4(packed: bytes, most: int) -> tuple[bytes, bool]:
    stream = lz4.frame.LZ4FrameDecompressor()
    found = stream.decompress(packed, max_length=most + 1)
    if len(found) > most:
        return found[:most], False
    if not stream.eof:
        raise EOFError("the lz4 data ends too early")
    return found, True


def _read_zstd(packed: bytes, most: int) -> tuple[bytes, bool]:
    found = io.BytesIO()
    with zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True) as reader:
        while (left := most + 1 - found.tell()) > 0 and (piece := reader.read(min(left, _STEP_BYTES))):
            found.write(piece)
    value = found.getvalue()
    return value[:most], len(value) <= most


def _read_snappy(packed: bytes, most: int) -> tuple[bytes, bool]:
    if not packed.startswith(_XERIAL):
        return (snappy.uncompress(packed), True) if _snappy_size(packed) <= most else (b"", False)
    found: list[bytes] = []
    size, at = 0, _XERIAL_START
    while at < len(packed):
        (length,) = struct.unpack_from(">i", packed, at)
        block = packed[at + 4 : at + 4 + length]
        size += _snappy_size(block)
        if size > most:
            return b"".join(found), False
        found.append(snappy.uncompress(block))
        at += 4 + length
    return b"".join(found), True


def _snappy_size(block: bytes) -> int:
    """The size that a block says it has, before anything is reserved for it."""
    size = 0
    for index, byte in enumerate(block[:5]):
        size |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            break
    return size


_EXPAND = {
    DefaultRecordBatch.CODEC_GZIP: _gunzip,
    DefaultRecordBatch.CODEC_SNAPPY: _read_snappy,
    DefaultRecordBatch.CODEC_LZ4: _read_lz4,
    DefaultRecordBatch.CODEC_ZSTD: _read_zstd,
}
