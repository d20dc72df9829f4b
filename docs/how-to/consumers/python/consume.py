"""Keeps the articles of a feed as they stand: python consume.py BROKERS TOPIC GROUP [BLOBS]."""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

ARTICLE, CLAIM = b"newsflow.article.v1", b"newsflow.claim.v1"


class Table:
    """What holds of each article. Put a database in its place: an id, a version, and the article or nothing."""

    def __init__(self, blobs: str | None) -> None:
        self.blobs = blobs
        self.known: dict[str, tuple[int, dict[str, Any] | None]] = {}
        self.counts = {"taken": 0, "passed over": 0, "withdrawn": 0}

    def take(self, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        kind = dict(headers).get("ce_type")
        if value is not None and kind == CLAIM:  # the article is too large for its topic: it is in the blob store
            value = self.claimed(json.loads(value))
        elif kind != ARTICLE:
            return
        if value is None:
            return
        article = json.loads(value)
        version, _ = self.known.get(article["id"], (0, None))
        if article["version"] <= version:  # a repeat, or behind what is here
            self.counts["passed over"] += 1
        elif article["action"] == "withdraw":  # the version stays known, the text goes
            self.known[article["id"]] = article["version"], None
            self.counts["withdrawn"] += 1
        else:  # add and replace are the same to a reader
            self.known[article["id"]] = article["version"], article
            self.counts["taken"] += 1

    def claimed(self, claim: dict[str, Any]) -> bytes:
        if self.blobs is None:  # to go on without it would lose the article
            sys.exit(f"{claim['id']} is in the blob store: name its folder as BLOBS")
        value = (Path(self.blobs) / claim["dataref"]).read_bytes()
        if "sha256:" + hashlib.sha256(value).hexdigest() != claim["digest"]:
            sys.exit(f"{claim['dataref']} is not what {claim['id']} was")
        return value

    def show(self) -> None:
        for name, (version, article) in sorted(self.known.items()):
            print(f"{name} v{version} {'(withdrawn)' if article is None else article['title']}")
            for topic in article["topics"] if article else ():
                for found in topic["evidence"]:
                    # A Python string is indexed by code points, as the offsets are.
                    text = article[found["field"]][found["start"] : found["end"]]
                    print(f"  {topic['id']} {found['field']} {found['start']}-{found['end']}: {text}")
        print(", ".join(f"{count} {what}" for what, count in self.counts.items()))


def main(brokers: str, topic: str, group: str, blobs: str | None = None) -> None:
    table = Table(blobs)
    consumer = KafkaConsumer(
        bootstrap_servers=brokers.split(","),
        group_id=group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        bootstrap_timeout_ms=10_000,
    )
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    if not partitions:
        sys.exit(f"there is no topic {topic} at {brokers}")
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    # To go on for ever: while True.
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for records in consumer.poll(timeout_ms=1000).values():
            for record in records:
                table.take(record.value, record.headers)
        consumer.commit()  # only what the table has; after a crash it comes again, and is passed over
    consumer.close()
    table.show()


if __name__ == "__main__":
    if len(sys.argv) not in (4, 5):
        sys.exit("usage: python consume.py BROKERS TOPIC GROUP [BLOBS]")
    try:
        main(*sys.argv[1:])
    except KafkaError as error:
        sys.exit(f"Kafka at {sys.argv[1]}: {error}")
