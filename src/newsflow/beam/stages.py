"""The stages as transforms: each applies one function of `newsflow.stages` to batches. No logic here."""

from __future__ import annotations

from typing import Any

import apache_beam as beam

from newsflow.beam.batch import CountOutcomes, OnBatches, OnEvents
from newsflow.beam.batch_coder import Batch
from newsflow.config.settings import Config
from newsflow.stages import steps


def _on(work: beam.DoFn) -> Any:
    return beam.ParDo(work).with_output_types(Batch)


class _Stage(beam.PTransform):
    """A transform that needs to know the configuration, and nothing else."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._config = config


class Normalise(_Stage):
    """Raw events to clean articles, or to a reason why not."""

    def expand(self, events: Any) -> Any:
        """Batches of `Event` in, batches of `Item` out."""
        return events | "NormaliseBatch" >> _on(OnEvents(self._config))


class Deduplicate(_Stage):
    """Ask the ledger what each event is: new, another version, a repeat, a duplicate …"""

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in and out."""
        return items | "DecideBatch" >> _on(OnBatches(self._config, steps.deduplicate))


class TagTopics(_Stage):
    """Find what each article is about, with evidence."""

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in and out."""
        return items | "TagBatch" >> _on(OnBatches(self._config, steps.tag))


class Route(_Stage):
    """Settle who gets what, and keep it in the ledger before any of it is written."""

    def expand(self, items: Any) -> Any:
        """Batches of `Item` in and out."""
        return (
            items
            | "RouteBatch" >> _on(OnBatches(self._config, steps.route))
            | "RecordBatch" >> _on(OnBatches(self._config, steps.record))
            | "CountOutcomes" >> _on(CountOutcomes())
        )
