"""Settled items as rows of the output files: the same emissions as on Kafka, dead letters as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from newsflow.model.codec import encode_dead_letter
from newsflow.model.names import feed_of
from newsflow.sinks.files import Row
from newsflow.stages.emit import emissions
from newsflow.stages.item import Item


def rows(items: Sequence[Item], job: str) -> Iterator[Row]:
    """One row an emission, in the order of the events."""
    for item in items:
        if item.rejected is not None:
            yield Row("dead-letter", item.event.event_id, encode_dead_letter(item.event, item.rejected))
            continue
        for emission in emissions([item], job):
            row_id = emission.event_id + (emission.key or b"").decode()
            yield Row(emission.kind, row_id, emission.value or b"", feed_of(emission.topic) or "")
