"""`newsflow doctor`: whether all that a job needs is there and well. Each check is about one part, changing nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import BootstrapOption, ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import EXIT_FAILED, emit, few, tell
from newsflow.errors import ConfigError, LedgerError, NewsflowError

if TYPE_CHECKING:
    from newsflow.alerts.outbox import Backlog, Outbox
    from newsflow.config.settings import Config
    from newsflow.kafka.settings import KafkaSettings

PATIENCE_S = 5.0


class Health(StrEnum):
    """How well a part is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look at it by day."""
    FAIL = "fail"
    """Somebody should look at it now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to. `detail` has the numbers, for machines."""

    part: str
    state: Health
    message: str
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DoctorBounds:
    """What is too much: records a group may be behind, and how long an alert may wait."""

    lag_records: int = 10_000
    wait: timedelta = timedelta(minutes=10)


def examine(config: Config, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    """Yield findings as they come: configuration, feeds, broker, topics, lags, ledger, outbox, stores."""
    configuration = _configuration(config)
    yield configuration
    if configuration.state is Health.OK:
        yield from _feeds(config)
    yield from _kafka(config, bounds)
    yield from _ledger(config, bounds, now)
    for name, url in config.stores:
        yield _guarded(f"store {name}", lambda url=url: _store(url))  # type: ignore[misc]


def _guarded(part: str, check: Callable[[], tuple[Health, str]]) -> Finding:
    try:
        return Finding(part, *check())
    except NewsflowError as error:
        return Finding(part, Health.FAIL, str(error))


def _configuration(config: Config) -> Finding:
    from newsflow.ingest.runtime import check_files

    return _guarded("configuration", lambda: (Health.OK, ", ".join(check_files(config))))


def _feeds(config: Config) -> Iterator[Finding]:
    from newsflow.ingest.runtime import unconfigured, unpublished_topics

    if silent := unpublished_topics(config):
        message = f"nobody gets {len(silent)}, as no route publishes their articles: {few(silent)}"
        yield Finding("feeds", Health.WARN, message, {"topics": silent})
    for line in unconfigured(config):
        yield Finding("routes", Health.WARN, line)


def _kafka(config: Config, bounds: DoctorBounds) -> Iterator[Finding]:
    from newsflow.kafka.admin import topic_names
    from newsflow.kafka.settings import KafkaSettings

    def reach() -> tuple[Health, str]:
        return Health.OK, f"{kafka.bootstrap_servers} answers, {len(topic_names(kafka))} topics"

    kafka = replace(KafkaSettings.of(config.kafka), connect_timeout_s=PATIENCE_S)
    found = _guarded("broker", reach)
    yield found
    if found.state is Health.FAIL:
        return
    yield _guarded("topics", lambda: _topics(config, kafka))
    for group, topic in groups(config):
        yield _lag(kafka, group, topic, bounds)


def _topics(config: Config, settings: KafkaSettings) -> tuple[Health, str]:
    from newsflow.cli.kafka import declared
    from newsflow.kafka.admin import TopicAction, diff_topics, topic_names
    from newsflow.kafka.client import missing_topic

    changes = diff_topics(settings, declared(config))
    missing = [change.topic for change in changes if change.action is TopicAction.CREATE]
    if missing:
        few = ", ".join(missing[:3]) + (" …" if len(missing) > 3 else "")
        return Health.FAIL, f"{len(missing)} declared but missing ({few}); `newsflow kafka apply` creates them"
    if unread := {topic for _, topic in groups(config)} - set(topic_names(settings)):
        return Health.FAIL, str(missing_topic(min(unread)))
    if changes:
        return Health.WARN, f"{len(changes)} differences from what is declared; see `newsflow kafka apply --dry-run`"
    return Health.OK, "as declared"


def groups(config: Config) -> list[tuple[str, str]]:
    """Return the consumer groups of a configuration's jobs, each with its topic."""
    from newsflow.model.names import ARTICLE_TOPIC

    group = config.kafka.group
    sinks = [*(name for name, _ in config.stores), "alerts"]
    return [(group, config.kafka.input_topic), *((f"{group}.deliver.{name}", ARTICLE_TOPIC) for name in sinks)]


def _lag(settings: KafkaSettings, group: str, topic: str, bounds: DoctorBounds) -> Finding:
    from newsflow.errors import KafkaError
    from newsflow.kafka.admin import group_lag

    part = f"group {group}"
    try:
        lag = group_lag(settings, group, topic)
    except KafkaError as error:
        return Finding(part, Health.FAIL, str(error))
    message = f"{lag.records:,} records of {topic} behind"
    state = Health.FAIL if lag.records > bounds.lag_records else Health.OK
    if not lag.began:
        message += "; it has never committed: was its job started?"
        state = max(state, Health.WARN if lag.records else Health.OK, key=list(Health).index)
    return Finding(part, state, message, {"topic": topic, "lag": lag.records, "began": lag.began})


def _ledger(config: Config, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    from newsflow.alerts.outbox import Outbox
    from newsflow.ledger import open_ledger
    from newsflow.ledger.opening import open_database, pending_migrations
    from newsflow.secrets import resolve

    try:
        url = resolve(config.ledger.url)
        with closing(open_database(url, retry_for_s=PATIENCE_S, create=False)) as db:
            pending = db.run(lambda: pending_migrations(db), writes=False)
    except (ConfigError, LedgerError) as error:
        yield Finding("ledger", Health.FAIL, str(error))
        return
    if pending:
        yield Finding("ledger", Health.FAIL, f"{len(pending)} migrations to run; `newsflow ledger migrate` does")
        return
    yield Finding("ledger", Health.OK, "reachable, up to date")
    with closing(open_ledger(url, window_h=config.ledger.window_h, retry_for_s=PATIENCE_S)) as ledger:
        yield from _outbox(config, Outbox(ledger), bounds, now)


def _outbox(config: Config, outbox: Outbox, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    backlog = {each.destination: each for each in outbox.backlog()}
    known = {name for name, _ in config.destinations}
    for name in sorted(known | set(backlog)):
        yield _destination(name, backlog.get(name), name in known, bounds, now)
    refused = [
        each for alert in outbox.alerts(1000, state="failed") for each in alert.deliveries if each.state == "failed"
    ]
    if refused:
        message = f"{len(refused)} alerts were refused and set aside; see `newsflow alerts list --state failed`"
        yield Finding("refused alerts", Health.WARN, message, {"refused": len(refused)})


def _destination(name: str, waits: Backlog | None, known: bool, bounds: DoctorBounds, now: datetime) -> Finding:
    part = f"destination {name}"
    if waits is None:
        return Finding(part, Health.OK, "nothing waits", {"waiting": 0, "circuit": "closed"})
    age, circuit = now - waits.oldest, waits.circuit
    messages = [f"{waits.deliveries} waiting, the oldest for {_span(age)}, circuit {circuit}"]
    if circuit != "closed":
        messages.append(f"next try {waits.next_due:%H:%M:%S}Z")
    if waits.error:
        messages.append(f"last error: {waits.error}")
    if not known:
        messages.append("the configuration does not name it")
    bad = not known or circuit == "open" or age > bounds.wait
    detail = {"waiting": waits.deliveries, "oldest_s": round(age.total_seconds()), "circuit": circuit}
    return Finding(part, Health.FAIL if bad else Health.OK, "; ".join(messages), detail | {"error": waits.error})


def _store(url: str) -> tuple[Health, str]:
    from newsflow.secrets import resolve
    from newsflow.stores.registry import open_store

    with open_store(resolve(url)) as store:
        return Health.OK, store.check()


def _span(age: timedelta) -> str:
    seconds = max(0, round(age.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def doctor(
    max_lag: Annotated[int, typer.Option("--max-lag", min=0, help="Records a group may be behind.")] = 10_000,
    max_wait_s: Annotated[int, typer.Option("--max-wait", min=1, help="Seconds an alert may wait.")] = 600,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check configuration, broker, topics, lag, ledger, outbox and stores; change nothing. Exit 1 when one fails."""
    loaded = settings(config, bootstrap_servers, ledger).config
    bounds = DoctorBounds(max_lag, timedelta(seconds=max_wait_s))
    failed = 0
    for finding in examine(loaded, bounds, datetime.now(UTC)):
        failed += finding.state is Health.FAIL
        emit(output, asdict(finding), f"{finding.state.value:<4}  {finding.part}: {finding.message}")
    tell("all well" if not failed else f"{failed} to look at")
    if failed:
        raise typer.Exit(EXIT_FAILED)
