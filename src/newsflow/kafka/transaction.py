"""Records that are written all or not at all, by one process at a time: Kafka's transactions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from kafka.errors import KafkaError as ClientError

from newsflow.kafka.client import make_producer, translated
from newsflow.kafka.producer import Record
from newsflow.kafka.settings import KafkaSettings

TIMEOUT_S = 20
"""A transaction that its process left open is given up by the broker after so long, or when the next process begins.
Until then readers of its topics wait."""
Place = tuple[str, int, int]
"""Topic, partition and offset."""


class Transactions:
    """Writes as `name`: whoever begins under that name ends what an earlier one left open, and shuts it out. Not
    thread-safe. Close it."""

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        """Blocks. Raises `KafkaError` where the broker is out of reach or forbids it."""
        arguments = {"transactional_id": name, "transaction_timeout_ms": TIMEOUT_S * 1000}
        self._producer: Any = make_producer(settings, **arguments)
        try:
            with translated(f"beginning as {name}"):
                self._producer.init_transactions()
        except BaseException:
            self.close()
            raise

    def write(
        self, records: Sequence[Record], then: Callable[[Sequence[Place]], Sequence[Record]] = lambda _: ()
    ) -> None:
        """Write `records`, and what `then` makes of the places that they got. When it raises, none of them count."""
        with translated("writing all or nothing"):
            self._producer.begin_transaction()
            try:
                places = self._send(records)
                self._send(then(places))
                self._producer.commit_transaction()
            except BaseException:
                with suppress(ClientError):  # The next to begin ends it.
                    self._producer.abort_transaction()
                raise

    def _send(self, records: Sequence[Record]) -> list[Place]:
        sent = [
            # A record without key and value is legal in Kafka, and refused by kafka-python.
            self._producer.send(topic, key=key, value=b"" if key is None is value else value, headers=list(headers))
            for topic, key, value, headers in records
        ]
        self._producer.flush()
        return [(stored.topic, stored.partition, stored.offset) for stored in (each.get(0) for each in sent)]

    def close(self) -> None:
        self._producer.close(timeout=1)
