"""`newsflow deliver`: published articles to stores and alert desks, apart from the job that publishes them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.common import (
    BootstrapOption,
    ConfigOption,
    QuietOption,
    VerboseOption,
    data,
    set_up_logging,
    settings,
    words,
)
from newsflow.errors import NewsflowError, UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.routing import Routes
    from newsflow.sinks.deliver import ArticleSink, DeadLetter, DeliverLoop
    from newsflow.sinks.delivery import AlertDelivery

ALERTS = "alerts"
"""The sink that lets the alert desks see articles; stores have the names of the configuration."""


def deliver(
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="Read to the end offsets seen at the start, then exit.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Read on until SIGINT or SIGTERM.")] = False,
    sinks: Annotated[
        str | None, typer.Option("--sinks", help="Only these, with commas between: names of stores, and alerts.")
    ] = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Deliver published articles: each sink reads at its own pace, and one that is away holds no other."""
    set_up_logging(verbose, quiet)
    if until_caught_up == follow:
        raise UsageError("say when to stop: --until-caught-up or --follow")
    loaded = settings(config, bootstrap_servers).config
    chosen = _chosen(loaded, sinks)
    with ExitStack() as stack:
        loops = list(_loops(loaded, chosen, stack))
        failures = _run(loops, follow)
    for loop in loops:
        data(f"{loop.sink.name}: {loop.taken} taken, {loop.buried} dead letters")
    if failures:
        raise NewsflowError("; ".join(failures))


def _chosen(config: Config, sinks: str | None) -> list[str]:
    known = [*(name for name, _ in config.stores), ALERTS]
    if sinks is None:
        return known
    chosen = list(dict.fromkeys(name.strip() for name in sinks.split(",") if name.strip()))
    for name in chosen:
        if name not in known:
            raise UsageError(f"there is no sink {name!r}; there are: {', '.join(known)}")
    return chosen


def _loops(config: Config, chosen: Sequence[str], stack: ExitStack) -> Iterator[DeliverLoop]:
    from newsflow.kafka.client import make_consumer
    from newsflow.kafka.reader import AvailableReader, RunLimits
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.model.names import ARTICLE_TOPIC
    from newsflow.sinks.deliver import DeliverLoop

    limits = config.limits
    bounds = RunLimits(limits.batch_records, limits.run_records, limits.run_bytes, limits.run_s)
    for sink, idle in _sinks(config, chosen, stack):
        group = f"{config.kafka.group}.deliver.{sink.name}"
        consumer = make_consumer(KafkaSettings.of(config.kafka), group=group, fetch_max_wait_ms=100)
        reader = AvailableReader(consumer, ARTICLE_TOPIC, bounds)
        stack.callback(reader.close)
        yield DeliverLoop(reader, sink, _burier(config), idle)


def _sinks(config: Config, chosen: Sequence[str], stack: ExitStack) -> Iterator[tuple[ArticleSink, Any]]:
    from newsflow.routing import load_routes
    from newsflow.secrets import resolve
    from newsflow.sinks.deliver import StoreSink
    from newsflow.sinks.stores import open_store

    routes = load_routes([Path(path) for path in config.route_paths] or None)
    for name, url in config.stores:
        if name in chosen:
            store = stack.enter_context(open_store(resolve(url)))
            yield StoreSink(name, store, lambda article, name=name: name in routes.stores_of(article)), lambda: None  # type: ignore[misc]
    if ALERTS in chosen:
        yield _alerts(config, routes, stack)


def _alerts(config: Config, routes: Routes, stack: ExitStack) -> tuple[ArticleSink, Any]:
    from newsflow.ledger import open_ledger
    from newsflow.routing import Routes
    from newsflow.secrets import resolve
    from newsflow.sinks.deliver import AlertSink
    from newsflow.sinks.delivery import AlertDelivery
    from newsflow.sinks.desks import AlertDesks

    ledger = open_ledger(resolve(config.ledger.url), window_h=config.ledger.window_h)
    stack.callback(ledger.close)
    # Those without a policy are told by the job that publishes the article.
    asking = tuple(each for each in routes.subscriptions if not each.told_at_once)
    desks = AlertDesks(Routes(subscriptions=asking), ledger)
    delivery = AlertDelivery(ledger, config.destinations)
    stack.callback(_say, delivery)
    stack.enter_context(delivery)
    return AlertSink(desks, ALERTS), lambda: desks.tick(datetime.now(UTC))


def _say(delivery: AlertDelivery) -> None:
    for line in delivery.report():
        words.print(line, markup=False)


def _burier(config: Config) -> Any:
    """Writes dead letters to the topic beside the one they came from; returns when they are stored."""
    from newsflow.kafka.producer import BatchWriter
    from newsflow.kafka.settings import KafkaSettings
    from newsflow.model.cloudevents import dead_letter_headers
    from newsflow.model.names import dead_letter_topic

    writer = BatchWriter(KafkaSettings.of(config.kafka))

    def bury(letters: Sequence[DeadLetter]) -> None:
        now = datetime.now(UTC)
        for event, rejected in letters:
            headers = dead_letter_headers(event, rejected, job=f"{config.job}.deliver", time=now)
            writer.send(dead_letter_topic(event.topic), event.key, event.value, headers)
        writer.flush()

    return bury


def _run(loops: Sequence[DeliverLoop], follow: bool) -> list[str]:
    """Run each loop in a thread until all have ended; what made one fail. The others go on."""
    failures: list[str] = []

    def work(loop: DeliverLoop) -> None:
        try:
            (loop.follow if follow else loop.until_caught_up)()
        except Exception as error:
            failures.append(f"{loop.sink.name}: {type(error).__name__}: {error}")
            words.print(f"{loop.sink.name} stopped: {error}", markup=False)

    threads = [threading.Thread(target=work, args=(loop,), name=f"deliver-{loop.sink.name}") for loop in loops]
    with _stopping(loops):
        for thread in threads:
            thread.start()
        for thread in threads:
            while thread.is_alive():
                thread.join(0.2)  # in steps, so that a signal is seen
    return failures


@contextmanager
def _stopping(loops: Sequence[DeliverLoop]) -> Iterator[None]:
    """SIGINT and SIGTERM let each sink finish its batch; a second one quits at once."""

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        words.print("finishing the batches in hand; once more to stop at once")
        for loop in loops:
            loop.stop()

    earlier = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
