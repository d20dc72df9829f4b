"""What the codecs of `kafka.compression` cost and save, on batches as a producer makes them.

    .venv/bin/python benchmarks/compression.py [--events 4000] [--rounds 3]

The values are made-up raw events; a batch is what kafka-python builds of 256 KB of them. For each codec: bytes and
processor time of writing one record (the best round), and processor time of reading it. `gzip 9` is what kafka-python
does by itself.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest.mock import patch

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from kafka.codec import gzip_encode
from kafka.record import default_records
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from benchmarks.corpus import raw_events
from newsflow.kafka.client import compress_quickly

BATCH_BYTES = 256 << 10
CODECS = {"none": 0, "gzip": 1, "gzip 9": 1, "lz4": 3, "zstd": 4, "snappy": 2}
Records = Sequence[tuple[bytes, bytes]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    compress_quickly()
    records = list(raw_events(arguments.events))
    size = sum(len(value) for _, value in records) / len(records)
    print(f"{len(records):,} records with values of {size:,.0f} bytes, in batches of {BATCH_BYTES >> 10} KB")
    print(f"{'codec':<8} {'bytes':>8} {'of none':>8} {'write µs':>9} {'read µs':>9}")
    plain = 0.0
    for name, codec in CODECS.items():
        with patch.object(
            default_records, "gzip_encode", gzip_encode if name == "gzip 9" else default_records.gzip_encode
        ):
            batches = write(records, codec)
            write_s = best(lambda codec=codec: write(records, codec), arguments.rounds)  # type: ignore[misc]
        assert read(batches) == len(records)
        read_s = best(lambda batches=batches: read(batches), arguments.rounds)  # type: ignore[misc]
        each = sum(map(len, batches)) / len(records)
        plain = plain or each
        write_us, read_us = (seconds * 1e6 / len(records) for seconds in (write_s, read_s))
        print(f"{name:<8} {each:>8,.0f} {each / plain:>8.0%} {write_us:>9,.1f} {read_us:>9,.1f}")


def write(records: Records, codec: int) -> list[bytes]:
    batches: list[bytes] = []
    builder = MemoryRecordsBuilder(2, codec, BATCH_BYTES)
    for key, value in records:
        if builder.append(0, key, value) is None:
            batches.append(_closed(builder))
            builder = MemoryRecordsBuilder(2, codec, BATCH_BYTES)
            builder.append(0, key, value)
    return [*batches, _closed(builder)]


def _closed(builder: MemoryRecordsBuilder) -> bytes:
    builder.close()
    return bytes(builder.buffer())


def read(batches: Sequence[bytes]) -> int:
    count = 0
    for batch in batches:
        records = MemoryRecords(batch)
        while (found := records.next_batch()) is not None:
            count += sum(1 for _ in found)
    return count


def best(action: Callable[[], object], rounds: int) -> float:
    """Seconds of processor time of the best round."""
    spent = []
    for _ in range(rounds):
        began = time.process_time()
        action()
        spent.append(time.process_time() - began)
    return min(spent)


if __name__ == "__main__":
    main()
