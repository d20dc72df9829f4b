"""Compressed batches are expanded up to a bound: what was whole by then is read, the rest is kept as it came."""

from __future__ import annotations

import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

from newsflow.kafka.client import make_consumer
from newsflow.kafka.expansion import KEPT_HEADER, _Batches
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.reader import AvailableReader, RunLimits
from newsflow.model.headers import header
from tests.broker_helpers import RunningBroker, last_records
from tests.peak_memory import PEAK

CODECS = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
MIB = 1 << 20


def batch_of(codec: int, values: list[bytes | None]) -> bytes:
    builder = MemoryRecordsBuilder(magic=2, compression_type=codec, batch_size=1 << 30)
    for number, value in enumerate(values):
        builder.append(timestamp=1_000 + number, key=b"k%d" % number, value=value, headers=[("n", b"%d" % number)])
    builder.close()
    return bytes(builder.buffer())


def read(packed: bytes, most: int) -> list[Any]:
    records = _Batches(MemoryRecords(packed), most)
    batch = records.next_batch()
    assert batch.validate_crc()
    return list(batch)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_what_fits_is_as_the_client_itself_reads_it(codec: int) -> None:
    dice = Random(7)
    values = [None, b"", b"x" * 300_000, dice.randbytes(100_000), *(dice.randbytes(50) for _ in range(500))]
    packed = batch_of(codec, values)
    theirs = list(MemoryRecords(packed).next_batch())
    ours = read(packed, 4 * MIB)
    assert [(r.offset, r.timestamp, r.key, r.value, r.headers) for r in ours] == [
        (r.offset, r.timestamp, r.key, r.value, r.headers) for r in theirs
    ]
    assert [r.value for r in ours] == values


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_records_before_the_bomb_are_read_and_the_batch_is_kept(codec: int) -> None:
    packed = batch_of(codec, [b"first", b"second", b" " * 30 * MIB, b"behind it"])
    *whole, kept = read(packed, 2 * MIB)
    assert [r.value for r in whole] == ([b"first", b"second"] if codec != CODECS["snappy"] or whole else [])
    assert (kept.offset, kept.value, kept.key) == (3, packed, None)
    why = header(tuple(kept.headers), KEPT_HEADER) or ""
    assert f"4 records expands to more than 2,097,152 bytes (limits.expand_bytes); from offset {len(whole)} on" in why
    assert [r.value for r in read(kept.value, 64 * MIB)] == [b"first", b"second", b" " * 30 * MIB, b"behind it"]


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_the_bound_may_fall_anywhere(codec: int) -> None:
    values: list[bytes | None] = [b"a" * size for size in (10, 0, 100, 3, 50)]
    packed = batch_of(codec, values)
    for most in range(260):
        found = read(packed, most)
        kept = [r for r in found if r.headers and r.headers[0][0] == KEPT_HEADER]
        assert len(kept) in (0, 1)
        assert [r.value for r in found if r not in kept] == values[: len(found) - len(kept)]
        assert kept or len(found) == 5


def test_a_batch_that_cannot_be_expanded_is_kept() -> None:
    packed = bytearray(batch_of(1, [b"x" * 1_000]))
    packed[70:90] = bytes(20)
    [kept] = list(_Batches(MemoryRecords(bytes(packed)), MIB).next_batch())
    assert (kept.offset, kept.value) == (0, bytes(packed))
    assert "cannot be expanded" in (header(tuple(kept.headers), KEPT_HEADER) or "")


@pytest.mark.e2e
def test_a_poll_ends_with_so_many_bytes_and_loses_nothing(broker: RunningBroker) -> None:
    topic = broker.create_topic(partitions=3)
    writer = BatchWriter(broker.settings)
    values = [b"%d %s" % (number, b"x" * 20_000_000) for number in range(15)]
    for number, value in enumerate(values):
        writer.send(topic, b"%d" % number, value)
    writer.flush()
    reader = AvailableReader(make_consumer(broker.settings, group=broker.name()), topic, RunLimits(duration_s=60))
    found: list[bytes] = []
    with closing(reader):
        while not reader.plan().empty:
            for batch in reader.batches():
                assert sum(len(event.value or b"") for event in batch) <= (64 << 20) + 20_000_010
                found += [event.value or b"" for event in batch]
            reader.finish()
    assert sorted(found) == sorted(values)


@pytest.mark.e2e
@pytest.mark.parametrize("codec", CODECS)
def test_a_bomb_on_the_broker_is_kept_and_what_follows_is_read(broker: RunningBroker, codec: str) -> None:
    topic = broker.create_topic(configs={"max.message.bytes": str(8 * MIB)})
    settings = replace(broker.settings, compression=codec, expand_bytes=4 * MIB)
    writer = BatchWriter(settings)
    for value in (b"before", b" " * 90 * MIB, b"after"):
        writer.send(topic, b"k", value)
        writer.flush()
    events = last_records(settings, topic, 10)
    assert [event.offset for event in events] == [0, 1, 2]
    assert [event.value for event in events][::2] == [b"before", b"after"]
    assert header(events[1].headers, KEPT_HEADER)
    [record] = list(MemoryRecords(events[1].value).next_batch())
    assert (record.key, record.value) == (b"k", b" " * 90 * MIB)


_PEAK = (
    PEAK
    + """
import sys
from newsflow.kafka.expansion import _Batches
from kafka.record.memory_records import MemoryRecords
packed = sys.stdin.buffer.read()
before = peak_kib()
records = list(_Batches(MemoryRecords(packed), 16 << 20).next_batch())
print(len(records), peak_kib() - before)
"""
)


def test_spaces_without_end_take_no_more_than_the_bound() -> None:
    packed = batch_of(1, [b" " * 160 * MIB])
    done = subprocess.run([sys.executable, "-c", _PEAK], input=packed, capture_output=True, check=True)
    records, grown_kib = map(int, done.stdout.split())
    assert records == 1
    assert grown_kib < 64 * 1024, "the bound of 16 MiB, twice while it is put together, and what the batch itself takes"
