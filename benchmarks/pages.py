"""Real pages as raw events, and the loop that one would write to read them without newsflow."""

from __future__ import annotations

import gzip
import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from kafka import TopicPartition

from newsflow.config.settings import Config
from newsflow.kafka.client import make_consumer, make_producer
from newsflow.kafka.settings import KafkaSettings
from newsflow.model.names import ARTICLE_TOPIC

FETCHED_AT = datetime(2026, 1, 1, tzinfo=UTC).isoformat()
RECORDS = 50
"""That the bare loop polls at once."""


def page_files(folder: Path) -> list[Path]:
    """The pages of the labelled sets in a folder, in their order; a page of two sets comes twice."""
    rows = (
        json.loads(line) for path in sorted(folder.glob("*.jsonl")) for line in path.read_text("utf-8").splitlines()
    )
    return [folder / row["file"] for row in rows]


def page_events(folder: Path, count: int) -> Iterator[tuple[bytes, bytes]]:
    """Pairs of key and value: the pages over and over, each time with another address."""
    files = page_files(folder)
    for number in range(count):
        page = gzip.decompress(files[number % len(files)].read_bytes()).decode("utf-8", "replace")
        source = f"outlet-{number % 40:02d}"
        url = f"https://{source}.example/news/{number}"
        event = {"source": source, "url": url, "fetched_at": FETCHED_AT, "content_type": "text/html", "content": page}
        yield f"{source}/{url}".encode(), orjson.dumps(event)


def cpu_s() -> float:
    """Processor time of this process and of those that it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def measure_bare_pages(config: Config, topic: str, partitions: int) -> dict[str, Any]:
    """kafka-python, trafilatura fast with its metadata and py3langid: one article out for each page that has one."""
    import py3langid
    import trafilatura

    settings = KafkaSettings.of(config.kafka)
    consumer, producer = make_consumer(settings, group=config.kafka.group), make_producer(settings)
    assigned = [TopicPartition(topic, number) for number in range(partitions)]
    consumer.assign(assigned)
    ends = consumer.end_offsets(assigned)
    outcomes: Counter[str] = Counter()
    size_bytes, began, used_s = 0, time.perf_counter(), cpu_s()
    while any(consumer.position(each) < end for each, end in ends.items()):
        for records in consumer.poll(timeout_ms=100, max_records=RECORDS).values():
            for record in records:
                raw = orjson.loads(record.value)
                size_bytes += len(record.value)
                found: Any = trafilatura.bare_extraction(raw["content"], url=raw["url"], fast=True, with_metadata=True)
                outcomes["article" if found else "none"] += 1
                if found:
                    language = py3langid.classify(found.text)[0]
                    article = {"title": found.title, "body": found.text, "published": found.date, "language": language}
                    producer.send(ARTICLE_TOPIC, key=record.key, value=orjson.dumps(article))
        producer.flush()
        consumer.commit()
    seconds = time.perf_counter() - began
    producer.close()
    consumer.close()
    return {
        "seconds": seconds,
        "cpu_s": cpu_s() - used_s,
        "outcomes": dict(outcomes),
        "stages": {},
        "mean_bytes": size_bytes / max(outcomes.total(), 1),
    }
