"""What `kafka.compression` names is what lies in the topic, and gzip is at level 1."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from kafka.codec import gzip_encode
from kafka.record import default_records
from kafka.record.memory_records import MemoryRecords

from newsflow.alerts.senders.kafka import read_topic
from newsflow.config.load import load_config
from newsflow.errors import ConfigError
from newsflow.kafka.client import compress_quickly
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings
from newsflow.tools.broker import LocalBroker
from tests.broker_helpers import RunningBroker

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
VALUE = "خبر من المدينة ".encode() * 200


def test_all_write_gzip_unless_told_otherwise() -> None:
    assert KafkaSettings.of(load_config(environ={}).config.kafka).compression == "gzip"
    assert read_topic("kafka://127.0.0.1:9092/alerts")[0].compression == "gzip"
    chosen = load_config(environ={"NEWSFLOW_KAFKA__COMPRESSION": "zstd"}).config.kafka
    assert KafkaSettings.of(chosen).compression == "zstd"
    with pytest.raises(ConfigError, match=r"kafka\.compression.*brotli"):
        load_config(environ={"NEWSFLOW_KAFKA__COMPRESSION": "brotli"})


def test_gzip_is_quick_and_the_same_bytes_each_time() -> None:
    compress_quickly()
    packed = default_records.gzip_encode(VALUE)
    assert gzip.decompress(packed) == VALUE
    assert packed == default_records.gzip_encode(VALUE)
    # Byte 8 of the header: 4 for the quickest compression, 2 for the most thorough.
    assert (packed[8], gzip_encode(VALUE)[8]) == (4, 2)


def codecs_in(log: Path) -> set[int]:
    records, found = MemoryRecords(log.read_bytes()), set()
    while (batch := records.next_batch()) is not None:
        found.add(batch.compression_type)
    return found


@pytest.mark.e2e
def test_the_broker_keeps_what_is_configured_unless_the_topic_says_otherwise(own_broker: LocalBroker) -> None:
    handle = RunningBroker(own_broker.status().bootstrap_servers)
    for codec, number in CODECS.items():
        topic = handle.create_topic(f"plain-{codec}")
        recoded = handle.create_topic(f"recoded-{codec}", configs={"compression.type": "zstd"})
        writer = BatchWriter(replace(handle.settings, compression=codec))
        for name in (topic, recoded):
            writer.send(name, b"k", VALUE)
        writer.flush()
        writer.close()
        logs = {name: own_broker.directory / "data" / f"{name}-0" / f"{0:020}.log" for name in (topic, recoded)}
        assert codecs_in(logs[topic]) == {number}
        assert codecs_in(logs[recoded]) == {CODECS["zstd"]}
        assert [event.value for event in handle.read(topic)] == [VALUE]
