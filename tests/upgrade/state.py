"""A deployment as one file: its folder, its database as SQL, and what its broker has, offsets of groups included."""

from __future__ import annotations

import base64
import lzma
import subprocess
import tarfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
from kafka import OffsetAndMetadata, TopicPartition

from newsflow.kafka.client import make_admin, make_consumer, make_producer
from newsflow.tools.postgres import find_programs
from tests.upgrade.deployment import Deployment

_TOPICS, _GROUPS, _DATABASE = "topics.jsonl", "groups.jsonl", "database.sql"


def pack(deployment: Deployment, file: Path) -> None:
    """Write a deployment whose jobs are stopped to `file`."""
    folder = deployment.folder
    (folder / _TOPICS).write_bytes(_lines(_records(deployment)))
    (folder / _GROUPS).write_bytes(_lines(_offsets(deployment)))
    if deployment.on_postgres:
        dump: list[str | Path] = [
            find_programs() / "pg_dump",
            "--no-owner",
            "--file",
            folder / _DATABASE,
            deployment.ledger_url,
        ]
        subprocess.run(dump, check=True)
    with lzma.open(file, "wb", preset=9 | lzma.PRESET_EXTREME) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                tar.add(path, path.relative_to(folder).as_posix(), filter=_without_owner)


def unpack(deployment: Deployment, file: Path) -> None:
    """Fill an empty deployment, on an empty broker and database, with what `pack` wrote."""
    with tarfile.open(file) as tar:
        tar.extractall(deployment.folder, filter="data")
    database = deployment.folder / _DATABASE
    if database.exists():
        load_dump(database, deployment.ledger_url)
    deployment.types("kafka", "apply")
    _write(deployment)
    _commit(deployment)
    for name in (_TOPICS, _GROUPS, _DATABASE):
        (deployment.folder / name).unlink(missing_ok=True)


def load_dump(file: Path, url: str) -> None:
    """Fill an empty PostgreSQL database with what `pg_dump` wrote."""
    load: list[str | Path] = [find_programs() / "psql", "--quiet", "--set", "ON_ERROR_STOP=1", "--file", file, url]
    subprocess.run(load, check=True, stdout=subprocess.DEVNULL)


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _lines(values: Iterator[dict[str, Any]]) -> bytes:
    return b"".join(orjson.dumps(value) + b"\n" for value in values)


def _records(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """All records, in the order of each partition."""
    with closing(make_admin(deployment.broker.settings)) as admin:
        topics = sorted(name for name in admin.list_topics() if name.startswith("news."))
    for topic in topics:
        for event in deployment.broker.read(topic):
            yield {
                "place": [topic, event.partition, event.offset],
                "timestamp_ms": event.timestamp_ms,
                "key": _text(event.key),
                "value": _text(event.value),
                "headers": [[name, _text(value)] for name, value in event.headers],
            }


def _text(value: bytes | None) -> str | dict[str, str] | None:
    """As text where it is text, which packs better."""
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value or b"").decode()}


def _bytes(text: str | dict[str, str] | None) -> bytes | None:
    return base64.b64decode(text["base64"]) if isinstance(text, dict) else None if text is None else text.encode()


def _write(deployment: Deployment) -> None:
    """Every record to the place it had: a place is half of an event's id."""
    records = map(orjson.loads, (deployment.folder / _TOPICS).read_bytes().splitlines())
    with closing(make_producer(deployment.broker.settings)) as producer:
        sent = []
        for record in records:
            topic, partition, offset = record["place"]
            headers = [(name, _bytes(value) or b"") for name, value in record["headers"]]
            key, value = _bytes(record["key"]), _bytes(record["value"])
            at = record["timestamp_ms"]
            future = producer.send(topic, value, key, headers, partition=partition, timestamp_ms=at)
            sent.append((offset, future))
        producer.flush()
        assert all(future.get(timeout=30).offset == offset for offset, future in sent)


def _offsets(deployment: Deployment) -> Iterator[dict[str, Any]]:
    """What each group has committed. They are asked for by name: none has a member."""
    groups = {"newsflow.ingest": "news.article.raw.v1", "newsflow.trends": "news.article.v1"}
    sinks = ["alerts", "sqlite", "lines", "parquet", *(["postgres"] if deployment.on_postgres else [])]
    groups |= {f"newsflow.ingest.deliver.{sink}": "news.article.v1" for sink in sinks}
    for group, topic in groups.items():
        with closing(make_consumer(deployment.broker.settings, group=group)) as consumer:
            for partition in sorted(consumer.partitions_for_topic(topic)):
                offset = consumer.committed(TopicPartition(topic, partition))
                if offset is not None:
                    yield {"group": group, "topic": topic, "partition": partition, "offset": offset}


def _commit(deployment: Deployment) -> None:
    for line in (deployment.folder / _GROUPS).read_bytes().splitlines():
        each = orjson.loads(line)
        with closing(make_consumer(deployment.broker.settings, group=each["group"])) as consumer:
            place = TopicPartition(each["topic"], each["partition"])
            consumer.commit({place: OffsetAndMetadata(each["offset"], "", -1)})


def rewind(deployment: Deployment, group: str, topic: str) -> None:
    """Have a group read a topic from its beginning."""
    with closing(make_consumer(deployment.broker.settings, group=group)) as consumer:
        places = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        consumer.commit({place: OffsetAndMetadata(0, "", -1) for place in places})
