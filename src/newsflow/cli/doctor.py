"""`newsflow doctor`: whether all that a job needs is there and well. Each check is about one part, changing nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.finding import DoctorBounds, Finding, Health, guarded, span
from newsflow.cli.options import BootstrapOption, ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import EXIT_FAILED, data, emit, few, tell
from newsflow.cli.risks import (
    certificate_risks,
    clock_of_records,
    database_risks,
    disk_risks,
    lag_risk,
    topic_risks,
)
from newsflow.errors import ConfigError, KafkaError, LedgerError

if TYPE_CHECKING:
    from newsflow.alerts.outbox import Backlog, Outbox
    from newsflow.config.settings import Config
    from newsflow.kafka.settings import KafkaSettings

PATIENCE_S = 5.0


def examine(config: Config, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    """Yield findings as they come: configuration, feeds, broker, topics, lags, ledger, outbox, stores, disks and
    certificates."""
    configuration = _configuration(config)
    yield configuration
    if configuration.state is Health.OK:
        yield from _feeds(config)
    yield from _kafka(config, bounds, now)
    yield from _ledger(config, bounds, now)
    for name, url in config.stores:
        todo = "bring it back, or correct `stores`; its reader waits, and goes on by itself"
        yield guarded(f"store {name}", lambda url=url: _store(url), todo)  # type: ignore[misc]
    yield from disk_risks(config, bounds)
    yield from certificate_risks(config, bounds, now)


def _configuration(config: Config) -> Finding:
    from newsflow.ingest.runtime import check_files

    todo = "correct the files that are named; `newsflow config check` says it again"
    return guarded("configuration", lambda: (Health.OK, ", ".join(check_files(config))), todo)


def _feeds(config: Config) -> Iterator[Finding]:
    from newsflow.ingest.runtime import unconfigured, unpublished_topics

    if silent := unpublished_topics(config):
        message = f"nobody gets {len(silent)}, as no route publishes their articles: {few(silent)}"
        todo = "add a route that publishes them (`feeds: topics`), or leave it where nobody is to get them"
        yield Finding("feeds", Health.WARN, message, {"topics": silent}, todo)
    for line in unconfigured(config):
        yield Finding("routes", Health.WARN, line, todo="configure them, or take them out of the routes")


def _kafka(config: Config, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    from newsflow.kafka.admin import topic_names
    from newsflow.kafka.settings import KafkaSettings

    def reach() -> tuple[Health, str]:
        return Health.OK, f"{kafka.bootstrap_servers} answers, {len(topic_names(kafka))} topics"

    kafka = replace(KafkaSettings.of(config.kafka), connect_timeout_s=PATIENCE_S)
    found = guarded("broker", reach, "bring it back, or correct `kafka`; jobs wait for it, and lose nothing")
    yield found
    if found.state is Health.FAIL:
        return
    todo = "`newsflow kafka apply` makes them as declared; a topic of another name is in `kafka.input_topic`"
    yield guarded("topics", lambda: _topics(config, kafka), todo)
    try:
        yield from topic_risks(config, kafka)
        for group, topic in groups(config):
            yield _lag(kafka, group, topic, bounds)
            yield from lag_risk(kafka, group, topic, now)
        if config.kafka.input_topic in topic_names(kafka):
            yield from clock_of_records(kafka, config.kafka.input_topic, bounds, now)
    except KafkaError as error:
        todo = "look again; its user must be allowed to describe topics and groups"
        yield Finding("broker", Health.FAIL, str(error), todo=todo)


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
    from newsflow.kafka.admin import group_lag

    part = f"group {group}"
    lag = group_lag(settings, group, topic)
    message = f"{lag.records:,} records of {topic} behind"
    state = Health.FAIL if lag.records > bounds.lag_records else Health.OK
    if not lag.began:
        message += "; it has never committed: was its job started?"
        state = max(state, Health.WARN if lag.records else Health.OK, key=list(Health).index)
    todo = "" if state is Health.OK else f"start its job, or look at its log; it reads {topic} as group {group}"
    return Finding(part, state, message, {"topic": topic, "lag": lag.records, "began": lag.began}, todo)


def _ledger(config: Config, bounds: DoctorBounds, now: datetime) -> Iterator[Finding]:
    from newsflow.alerts.outbox import Outbox
    from newsflow.ledger import open_ledger
    from newsflow.ledger.opening import open_database, pending_migrations
    from newsflow.secrets import resolve

    try:
        url = resolve(config.ledger.url)
        with closing(open_database(url, retry_for_s=PATIENCE_S, create=False)) as db:
            pending = db.run(lambda: pending_migrations(db), writes=False)
            risks = list(database_risks(db, bounds, now))
    except (ConfigError, LedgerError) as error:
        todo = "bring it back, or correct `ledger.url`; jobs wait for it, and lose nothing"
        yield Finding("ledger", Health.FAIL, str(error), todo=todo)
        return
    if pending:
        message = f"{len(pending)} migrations to run; `newsflow ledger migrate` does"
        yield Finding("ledger", Health.FAIL, message, todo="`newsflow ledger migrate`, or start a job of this release")
        return
    yield from risks
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
        todo = "correct what their errors say, then `newsflow alerts resend ID`"
        yield Finding("refused alerts", Health.WARN, message, {"refused": len(refused)}, todo)


def _destination(name: str, waits: Backlog | None, known: bool, bounds: DoctorBounds, now: datetime) -> Finding:
    part = f"destination {name}"
    if waits is None:
        return Finding(part, Health.OK, "nothing waits", {"waiting": 0, "circuit": "closed"})
    age, circuit = now - waits.oldest, waits.circuit
    messages = [f"{waits.deliveries} waiting, the oldest for {span(age)}, circuit {circuit}"]
    if circuit != "closed":
        messages.append(f"next try {waits.next_due:%H:%M:%S}Z")
    if waits.error:
        messages.append(f"last error: {waits.error}")
    if not known:
        messages.append("the configuration does not name it")
    bad = not known or circuit == "open" or age > bounds.wait
    detail = {"waiting": waits.deliveries, "oldest_s": round(age.total_seconds()), "circuit": circuit}
    todo = "bring it back: alerts are kept, and go out in order once it answers" if known else "name it again"
    state = Health.FAIL if bad else Health.OK
    return Finding(part, state, "; ".join(messages), detail | {"error": waits.error}, todo if bad else "")


def _store(url: str) -> tuple[Health, str]:
    from newsflow.secrets import resolve
    from newsflow.stores.registry import open_store

    with open_store(resolve(url)) as store:
        return Health.OK, store.check()


def doctor(
    max_lag: Annotated[int, typer.Option("--max-lag", min=0, help="Records a group may be behind.")] = 10_000,
    max_wait_s: Annotated[int, typer.Option("--max-wait", min=1, help="Seconds an alert may wait.")] = 600,
    min_free_mib: Annotated[int, typer.Option("--min-free", min=0, help="MiB that a disk must have left.")] = 1024,
    canary: Annotated[bool, typer.Option("--canary", help="Send an article through a line of its own.")] = False,
    deadline_s: Annotated[
        float, typer.Option("--deadline", min=0.1, help="With --canary: seconds that each stage may take.")
    ] = 30.0,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check configuration, broker, topics, lag, ledger, outbox, stores, disks, clocks and certificates; change nothing.
    Exit 1 when one fails.

    With --canary an article goes through the whole line too: a raw topic, a ledger beside the live one and a feed, all
    of which no job, subscription, store or destination sees.
    """
    loaded = settings(config, bootstrap_servers, ledger).config
    bounds = DoctorBounds(max_lag, timedelta(seconds=max_wait_s), min_free_mib << 20)
    now, failed = datetime.now(UTC), 0
    findings = examine(loaded, bounds, now)
    for finding in chain(findings, fly(loaded, bounds, deadline_s) if canary else ()):
        failed += finding.state is Health.FAIL
        emit(output, asdict(finding), f"{finding.state.value:<4}  {finding.part}: {finding.message}")
        if finding.todo and output is Output.TEXT:
            data(f"      → {finding.todo}")
    tell("all well" if not failed else f"{failed} to look at")
    if failed:
        raise typer.Exit(EXIT_FAILED)


def fly(config: Config, bounds: DoctorBounds, deadline_s: float) -> Iterator[Finding]:
    """Send a canary through its line: a finding for each stage, up to the first that fails."""
    from newsflow.ingest.canary import Canary

    with Canary(config) as canary:
        for stage, work in canary.stages():
            began_s = time.monotonic()
            said, error = _within(deadline_s, work, canary.leave)
            took = f"{time.monotonic() - began_s:.2f} s"
            if error:
                todo = f"look at what {stage} needs, above; the article is {canary.url}"
                yield Finding(f"canary {stage}", Health.FAIL, f"{error} ({took})", todo=todo)
                return
            yield Finding(f"canary {stage}", Health.OK, f"{said}, {took}")
        if (apart := canary.broker_apart) > bounds.skew:
            message = f"the broker and this machine are {span(apart)} apart"
            yield Finding("clock of the broker", Health.FAIL, message, todo="let NTP set both clocks")


def _within(deadline_s: float, work: Callable[[], str], leave: Callable[[], object]) -> tuple[str, str]:
    """What `work` says, or why it has not. Beyond the deadline it is left alone, and ends with the process."""
    said: list[tuple[str, str]] = []

    def run() -> None:
        try:
            said.append((work(), ""))
        except Exception as error:
            said.append(("", str(error) or type(error).__name__))

    thread = threading.Thread(target=run, name="canary", daemon=True)
    thread.start()
    thread.join(deadline_s)
    if said:
        return said[0]
    leave()
    return "", f"not done within {deadline_s:g} s (--deadline)"
