"""The one shape of every step: a batch in, a batch out, by a function of `newsflow.ingest`. Errors stay per article."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from types import MethodType
from typing import Any

import apache_beam as beam
from apache_beam import coders
from apache_beam.coders.typecoders import registry
from apache_beam.metrics.metric import Metrics, MetricsFilter
from apache_beam.transforms.core import get_function_args_defaults

from newsflow import metrics
from newsflow.config.settings import Config
from newsflow.ingest.item import Item, OutputRecord, outcomes_of
from newsflow.ingest.measures import show_batch, start_metrics
from newsflow.ingest.runtime import Runtime, runtime_for
from newsflow.kafka.producer import BatchWriter

BatchFunction = Callable[[Sequence[Any], Runtime], list[Item]]
TYPICAL_ITEM_BYTES = 4_000


class Batch:
    """The declared type of every collection of batches: lists of `Event`, `Item` or `DeadLetter`."""


class BatchCoder(coders.Coder):
    """Pickles batches, which hold frozen values of plain data alone, and only where a runner really moves them.

    Beam samples the sizes of what passes between fused steps by asking the coder. The default one pickles the whole
    batch to find out, at every step and in every bundle, which cost the local runner a sixth of its time.
    """

    def encode(self, value: Any) -> bytes:
        return pickle.dumps(value, protocol=5)

    def decode(self, encoded: bytes) -> Any:
        return pickle.loads(encoded)

    def estimate_size(self, value: Any) -> int:
        """Bytes, roughly: a figure for the runner's counters, not worth encoding anything for."""
        return TYPICAL_ITEM_BYTES * len(value)

    def is_deterministic(self) -> bool:
        return False


registry.register_coder(Batch, BatchCoder)


def on_batches(step: beam.DoFn) -> Any:
    """A transform that applies `step` to each batch and gives batches."""
    return beam.ParDo(step).with_output_types(Batch)


@cache
def _arguments_of(step: type[beam.DoFn], method: str) -> tuple[list[str], list[Any]]:
    function = getattr(step, method)
    names, defaults = get_function_args_defaults(function)
    return names if isinstance(function, MethodType) else names[1:], defaults


class InspectedDoFn(beam.DoFn):
    """A step whose methods are inspected once in a process.

    Beam looks at the arguments of some thirty methods, twice, whenever it sets a step up: nearly half of what a short
    run costs. It asks for `_inspect_METHOD` first.
    """

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_inspect_"):
            raise AttributeError(name)
        step: Any = type(self)  # To mypy a class is not hashable.
        return partial(_arguments_of, step, name.removeprefix("_inspect_"))


class ConfiguredDoFn(InspectedDoFn):
    """A step that carries the configuration alone. What it works with belongs to the process: the local loop sets every
    DoFn up anew many times a second."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def setup(self) -> None:
        self._runtime = runtime_for(self._config)
        start_metrics(self._config)


class ApplyToBatches(ConfiguredDoFn):
    """Apply one function of `newsflow.ingest` to batches."""

    def __init__(self, config: Config, function: BatchFunction) -> None:
        super().__init__(config)
        self._function = function

    def process(self, batch: Sequence[Any]) -> Iterator[list[Item]]:
        with metrics.timed("newsflow_stage_seconds", stage=self._function.__name__):
            done = self._function(batch, self._runtime)
        yield done


class ConfiguredTransform(beam.PTransform):
    """A stage that needs to know the configuration alone."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config

    def _apply(self, function: BatchFunction) -> Any:
        """The step that applies `function` to each batch."""
        return on_batches(ApplyToBatches(self._config, function))


class WriteToKafka(ConfiguredDoFn):
    """A step that sends records as batches come, and waits for every acknowledgement in `finish_bundle`: one failure
    fails the bundle."""

    def setup(self) -> None:
        super().setup()
        self._writer = BatchWriter(self._runtime.producer, shrink=self._runtime.claim_check)

    def send(self, records: Sequence[OutputRecord]) -> None:
        """Hand records to the producer; they go out meanwhile."""
        self._writer.expect(record.topic for record in records)
        for record in records:
            self._writer.send(record.topic, record.key, record.value, record.headers)

    def finish_bundle(self) -> Any:
        """Wait until the brokers have all of it; raises `KafkaError` otherwise."""
        self._writer.flush()


class CountOutcomes(InspectedDoFn):
    """Count every event under its outcome, dead letters under their reason too; the batch passes through."""

    def process(self, batch: Sequence[Item]) -> Iterator[Sequence[Item]]:
        count(outcomes_of(batch))
        show_batch(batch)
        yield batch


def count(numbers: Mapping[str, int]) -> None:
    """Add to the counters of the running pipeline."""
    for name, number in numbers.items():
        Metrics.counter("newsflow", name).inc(number)
    metrics.count_all(numbers)


def counters(result: Any) -> dict[str, int]:
    """The counters of a finished pipeline, by name."""
    query = result.metrics().query(MetricsFilter().with_namespace("newsflow"))
    return {entry.key.metric.name: int(entry.committed) for entry in query["counters"]}
