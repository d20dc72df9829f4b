"""`newsflow status`: how the work stands, on one screen. Asks ledger, Kafka and a job's metrics; writes nothing."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import sleep as pause
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import BootstrapOption, ConfigOption, LedgerOption, Output, OutputOption, settings
from newsflow.cli.output import console, data, data_json, one_line
from newsflow.errors import NewsflowError, UsageError

if TYPE_CHECKING:
    from newsflow.config.settings import Config
    from newsflow.ledger import Ledger

LATELY = timedelta(minutes=5)
PATIENCE_S = 5.0
_SAMPLE = re.compile(r'^newsflow_sink_failures_total\{sink="([^"\\]+)"\} (\S+)$', re.MULTILINE)


def status(
    watch: Annotated[bool, typer.Option("--watch", help="Show it again and again, until Ctrl-C.")] = False,
    every_s: Annotated[float, typer.Option("--every", min=1, help="Seconds between two looks.")] = 5.0,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show rates, lag, outcomes, age, dead letters, sinks, destinations, sources and the last error, on one screen.

    Rates and ages are of the last five minutes. What does not answer is named, and the rest is shown. With -o json
    each look is a line.
    """
    loaded = settings(config, bootstrap_servers, ledger).config
    with suppress(KeyboardInterrupt):
        for frame in _frames(loaded, every_s, watch, output):
            if output is Output.JSON:
                data_json(frame)
            else:
                data("\n".join(shown(frame)))


def _frames(config: Config, every_s: float, watch: bool, output: Output) -> Iterator[dict[str, Any]]:
    import sys

    while True:
        frame = look(config, datetime.now(UTC))
        if watch and output is Output.TEXT and sys.stdout.isatty():
            console.clear()
        yield frame
        sys.stdout.flush()
        if not watch:
            return
        pause(every_s)


def look(config: Config, now: datetime) -> dict[str, Any]:
    """How the work stands. What cannot be asked is under `unavailable`, with the reason."""
    frame: dict[str, Any] = {"at": now.isoformat(timespec="seconds"), "groups": [], "sink_failures": {}}
    unavailable: dict[str, str] = {}
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "ledger": lambda: _ledger(config, now),
        "kafka": lambda: {"groups": _groups(config)},
        "metrics": lambda: {"sink_failures": _failures(config)},
    }
    for what, ask in parts.items():
        try:
            frame |= ask()
        except (NewsflowError, OSError) as error:
            unavailable[what] = str(error)
    return frame | {"unavailable": unavailable}


def _ledger(config: Config, now: datetime) -> dict[str, Any]:
    from newsflow.ledger import open_ledger
    from newsflow.ledger.opening import open_database, pending_migrations
    from newsflow.secrets import resolve

    url = resolve(config.ledger.url)
    with closing(open_database(url, retry_for_s=PATIENCE_S, create=False)) as db:
        if db.run(lambda: pending_migrations(db), writes=False):
            raise UsageError("the ledger has migrations to run; `newsflow ledger migrate` does")
    with closing(open_ledger(url, window_h=config.ledger.window_h, retry_for_s=PATIENCE_S)) as ledger:
        return _of_ledger(ledger, config, now)


def _of_ledger(ledger: Ledger, config: Config, now: datetime) -> dict[str, Any]:
    import orjson

    from newsflow.alerts.outbox import Outbox
    from newsflow.ledger.reading import newest_dead_letters
    from newsflow.ledger.source_hours import load_published
    from newsflow.ledger.standing import load_lately

    lately = ledger.transact(lambda db: load_lately(db, now - LATELY), writes=False)
    last = ledger.transact(lambda db: newest_dead_letters(db, 1), writes=False)
    published = ledger.transact(load_published, writes=False)
    waiting = {each.destination: each for each in Outbox(ledger).backlog()}
    ages = lately.ages_s
    return {
        "events_per_s": round(sum(lately.outcomes.values()) / LATELY.total_seconds(), 2),
        "outcomes": lately.outcomes,
        "dead_letters": lately.reasons,
        "age_s": {f"p{share}": round(ages[len(ages) * share // 100], 1) for share in (50, 90, 99)} if ages else {},
        "last_decided_at": lately.last_at.isoformat(timespec="seconds") if lately.last_at else None,
        "totals": {outcome.value: number for outcome, number in ledger.outcomes().items()},
        "last_error": _error(last[0]) if last else None,
        "destinations": [
            {
                "destination": name,
                "waiting": each.deliveries if (each := waiting.get(name)) else 0,
                "oldest_s": round((now - each.oldest).total_seconds()) if each else 0,
                "error": each.error if each else None,
            }
            for name in sorted({name for name, _ in config.destinations} | waiting.keys())
        ],
        "sources": {
            source: [finding["kind"] for finding in findings]
            for source, value in sorted(published.items())
            if (findings := orjson.loads(value)["findings"])
        },
    }


def _error(letter: Any) -> dict[str, Any]:
    return {
        "at": letter.decided_at.isoformat(timespec="seconds"),
        "reason": letter.rejected.reason.value,
        "message": letter.rejected.message,
        "place": f"{letter.topic} {letter.partition}:{letter.offset}",
    }


def _groups(config: Config) -> list[dict[str, Any]]:
    from newsflow.cli.doctor import groups
    from newsflow.kafka.admin import group_lag
    from newsflow.kafka.settings import KafkaSettings

    kafka = replace(KafkaSettings.of(config.kafka), connect_timeout_s=PATIENCE_S)
    lags = [group_lag(kafka, group, topic) for group, topic in groups(config)]
    return [{"group": each.group, "topic": each.topic, "lag": each.records, "began": each.began} for each in lags]


def _failures(config: Config) -> dict[str, float]:
    """Batches that each sink could not take just then, since its job started: by the job's metrics."""
    from newsflow.metrics import ports_of

    if config.metrics_listen is None:
        return {}
    host, ports = ports_of(config.metrics_listen)
    reached = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    address = f"[{reached}]" if ":" in reached else reached
    with urllib.request.urlopen(f"http://{address}:{next(iter(ports))}/metrics", timeout=PATIENCE_S) as answer:
        text = answer.read(8 << 20).decode("utf-8", "replace")
    return {sink: float(number) for sink, number in _SAMPLE.findall(text) if float(number)}


def shown(frame: Mapping[str, Any]) -> Iterator[str]:
    """A look as lines for people."""
    yield f"newsflow at {frame['at']}"
    if "totals" in frame:
        yield f"  events   {frame['events_per_s']:g} a second; last decided {frame['last_decided_at'] or 'never'}"
        yield f"  lately   {_counts(frame['outcomes'])}"
        yield f"  in all   {_counts(frame['totals'])}"
        ages = ", ".join(f"{name} {value:g} s" for name, value in frame["age_s"].items())
        yield f"  age      {ages or 'nothing was decided'}"
        yield f"  dead     {_counts(frame['dead_letters'])}"
    for each in frame["groups"]:
        yield f"  lag      {each['lag']:>9,}  {each['group']}" + ("" if each["began"] else " (never committed)")
    for sink, number in frame["sink_failures"].items():
        yield f"  sink     {one_line(sink)}: {number:g} batches could not be taken just then"
    for each in frame.get("destinations", ()):
        error = f": {one_line(each['error'], 100)}" if each["error"] else ""
        yield f"  waiting  {each['waiting']:>9,}  {one_line(each['destination'])}, {each['oldest_s']} s{error}"
    for source, kinds in frame.get("sources", {}).items():
        yield f"  source   {one_line(source)}: {', '.join(kinds)}"
    if last := frame.get("last_error"):
        yield f"  error    {last['at']} {last['reason']}: {one_line(last['message'], 100)} ({last['place']})"
    for what, why in frame["unavailable"].items():
        yield f"  !        {what}: {one_line(why, 150)}"


def _counts(counts: Mapping[str, int]) -> str:
    return (
        ", ".join(f"{name} {number:,}" for name, number in sorted(counts.items(), key=lambda pair: -pair[1])) or "none"
    )
