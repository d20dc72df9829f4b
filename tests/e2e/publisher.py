"""Publishes made-up events slowly, beside a job that is being tormented, and goes on when the broker was away."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

from newsflow.errors import KafkaError
from newsflow.kafka.producer import BatchWriter
from newsflow.kafka.settings import KafkaSettings

BATCH = 50


class Publisher(threading.Thread):
    """Sends `events` to `topic` within about `seconds`; a batch that fails is sent again."""

    def __init__(
        self, settings: KafkaSettings, topic: str, events: Sequence[tuple[bytes, bytes]], seconds: float
    ) -> None:
        super().__init__(name="publisher")
        self._settings, self._topic, self._events = settings, topic, events
        self._pause_s = seconds * BATCH / len(events)
        self.sent = 0
        """Events that the broker has."""
        self._hurried = threading.Event()

    def run(self) -> None:
        for start in range(0, len(self._events), BATCH):
            while not self._send(self._events[start : start + BATCH]):
                time.sleep(0.5)
            self.sent += len(self._events[start : start + BATCH])
            self._hurried.wait(self._pause_s)

    def hurry(self) -> None:
        """Send the rest without pauses."""
        self._hurried.set()

    def _send(self, batch: Sequence[tuple[bytes, bytes]]) -> bool:
        writer = BatchWriter(self._settings)
        try:
            for key, value in batch:
                writer.send(self._topic, key, value)
            writer.flush()
        except KafkaError:
            return False
        return True


def with_dead_letters(events: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Every fiftieth event is broken."""
    return [(key, value[:-1] if number % 50 == 7 else value) for number, (key, value) in enumerate(events)]
