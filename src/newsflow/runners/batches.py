"""The one shape of every DoFn here: a batch in, a batch out, by a function of `newsflow.ingest`."""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import apache_beam as beam
from apache_beam import coders
from apache_beam.coders.typecoders import registry
from apache_beam.metrics.metric import Metrics, MetricsFilter

from newsflow.config.settings import Config
from newsflow.ingest import steps
from newsflow.ingest.item import Item
from newsflow.ingest.runtime import Runtime, runtime_for
from newsflow.model import Event

Step = Callable[[Sequence[Item], Runtime], list[Item]]


class OnBatches(beam.DoFn):
    """Apply one stage to batches of items. The parts it works with come from the process, not from the bundle."""

    def __init__(self, config: Config, step: Step) -> None:
        self._config, self._step = config, step

    def setup(self) -> None:
        """Take the process's parts; the local loop sets every DoFn up anew many times a second."""
        self._tools = runtime_for(self._config)

    def process(self, batch: Sequence[Item]) -> Iterator[list[Item]]:
        """One batch, one call."""
        yield self._step(batch, self._tools)


class OnEvents(beam.DoFn):
    """Apply the first stage to batches of raw events."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def setup(self) -> None:
        """Take the process's parts."""
        self._tools = runtime_for(self._config)

    def process(self, events: Sequence[Event]) -> Iterator[list[Item]]:
        """One batch, one call."""
        yield steps.normalise(events, self._tools, datetime.now(UTC))


class CountOutcomes(beam.DoFn):
    """Count every event under its outcome, dead letters under their reason too; the batch passes through."""

    def process(self, batch: Sequence[Item]) -> Iterator[Sequence[Item]]:
        """One batch, one increment a name."""
        for name, count in count_outcomes(batch).items():
            Metrics.counter("newsflow", name).inc(count)
        yield batch


def count_outcomes(batch: Sequence[Item]) -> Counter[str]:
    """`outcome.added`, `outcome.dead-lettered`, `reason.no-text` … with how many items of the batch have it."""
    names: Counter[str] = Counter()
    for item in batch:
        if item.rejected is not None:
            names["outcome.dead-lettered"] += 1
            names[f"reason.{item.rejected.reason}"] += 1
        elif item.decision is not None and not item.promoted:
            names[f"outcome.{item.decision.outcome}"] += 1
    return names


def counters(result: Any) -> dict[str, int]:
    """The counters of a finished pipeline, by name."""
    query = result.metrics().query(MetricsFilter().with_namespace("newsflow"))
    return {entry.key.metric.name: int(entry.committed) for entry in query["counters"]}


# The coder of batches: cheap to ask for a size, and pickled only where a runner really moves them.
#
# Beam samples the sizes of what passes between fused steps by asking the coder. The default one pickles the whole
# batch to find out, at every step and in every bundle, which cost the local runner a sixth of its time.


TYPICAL_ITEM_BYTES = 4_000


class Batch:
    """The declared type of every collection here: a list of `Event` or of `Item`."""


class BatchCoder(coders.Coder):
    """Pickles lists of events or items; all of them are frozen values of plain data."""

    def encode(self, value: Any) -> bytes:
        """A list to bytes."""
        return pickle.dumps(value, protocol=5)

    def decode(self, encoded: bytes) -> Any:
        """Bytes that `encode` made to the list."""
        return pickle.loads(encoded)

    def estimate_size(self, value: Any) -> int:
        """Bytes, roughly: a figure for the runner's counters, not worth encoding anything for."""
        return TYPICAL_ITEM_BYTES * len(value)

    def is_deterministic(self) -> bool:
        """False: batches are no keys."""
        return False


registry.register_coder(Batch, BatchCoder)
