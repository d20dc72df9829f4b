"""What jobs measure of themselves beyond what they count, for `newsflow.metrics`."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from newsflow import metrics
from newsflow.alerts.outbox import Outbox
from newsflow.config.settings import Config
from newsflow.ingest.deliver import sink_names
from newsflow.ingest.item import PUBLISHED, Item
from newsflow.normalise.profiles import load_sources


def start_metrics(config: Config) -> None:
    """Let this process count, and answer Prometheus unless the one that started it does. Raises `ConfigError` where no
    port is free."""
    if config.metrics_listen is None or metrics.is_on():
        return
    sinks = sink_names(config)
    metrics.allow("sink", sinks)
    metrics.allow("destination", [name for name, _ in config.destinations])
    metrics.allow("source", load_sources(config.sources.paths))
    group = config.kafka.group
    metrics.allow("group", [group, config.trends.group, *(f"{group}.deliver.{sink}" for sink in sinks)])
    metrics.start(config.metrics_listen)


def show_batch(batch: Sequence[Item]) -> None:
    """How large a batch is, which sources are heard of in it, and what became of their events."""
    if not metrics.is_on():
        return
    metrics.observe("newsflow_batch_events", sum(not item.promoted for item in batch))
    for source in {item.article.source for item in batch if item.article is not None}:
        metrics.show("newsflow_source_timestamp_seconds", time.time(), source=source)
    outcomes = Counter((item.source, item.decision.outcome) for item in batch if item.decision and not item.promoted)
    for (source, outcome), number in outcomes.items():
        metrics.count("newsflow_source_events_total", number, source=source, outcome=outcome)


def show_ages(written: Sequence[Item]) -> None:
    """How old articles are that their feeds have now."""
    if not metrics.is_on():
        return
    now_s = time.time()
    for item in written:
        if item.decision is not None and item.decision.outcome in PUBLISHED and item.fetched_at is not None:
            metrics.observe("newsflow_age_seconds", now_s - item.fetched_at.timestamp(), since="fetched")
            metrics.observe("newsflow_age_seconds", now_s - item.read_s, since="read")


def show_lag(group: str, records: Mapping[int, int]) -> None:
    """How many records a group has still to read, by partition."""
    for partition, behind in records.items():
        metrics.show("newsflow_lag_records", behind, group=group, partition=str(partition))


def show_outbox(destinations: Sequence[str], outbox: Callable[[], Outbox]) -> None:
    """What waits in the outbox, at each scrape."""

    def look() -> None:
        waiting = {each.destination: each for each in outbox().backlog()}
        now_s = time.time()
        for name in destinations:
            backlog = waiting.get(name)
            age_s = 0.0 if backlog is None else now_s - backlog.oldest.timestamp()
            metrics.show("newsflow_outbox_alerts", 0 if backlog is None else backlog.deliveries, destination=name)
            metrics.show("newsflow_outbox_age_seconds", age_s, destination=name)

    metrics.at_scrape(look)
