"""How sources fare, by what the ledger has counted; published when it changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import orjson

from newsflow import metrics
from newsflow.health.hours import Hour
from newsflow.health.judge import BASELINE_H, INTERVAL_H, LEAD_H, SPANS, Finding, Kind, judge
from newsflow.ingest.item import OutputRecord
from newsflow.ledger import Ledger
from newsflow.ledger.database import Database
from newsflow.ledger.source_hours import (
    HOUR_S,
    KEPT_H,
    forget_hours,
    last_hour,
    load_hours,
    load_published,
    save_published,
)
from newsflow.model.headers import emitted_headers, instant_text
from newsflow.model.names import SOURCE_HEALTH_TOPIC, emission_id

SETTLE_H = 1
"""Events of an hour are waited for until others are so much later."""
_LOADED_H = BASELINE_H + 2 * LEAD_H + SPANS[-1] * INTERVAL_H


@dataclass(frozen=True, slots=True)
class Health:
    """How a source fares at the end of an interval. `changed`: it is not as it was last published."""

    source: str
    at: datetime
    findings: tuple[Finding, ...]
    changed: bool = False

    @property
    def value(self) -> dict[str, object]:
        """A source-health.v1 value."""
        findings = [asdict(each) | {"since": instant_text(instant(each.since))} for each in self.findings]
        state = "ailing" if findings else "well"
        return {"source": self.source, "at": instant_text(self.at), "state": state, "findings": findings}


def instant(hour: int) -> datetime:
    """The beginning of an hour."""
    return datetime.fromtimestamp(hour * HOUR_S, UTC)


def look(ledger: Ledger) -> list[Health]:
    """Every source of which anything is counted, by name, as it fares by the latest interval that is over. Changes
    nothing. Raises `LedgerError`."""

    def read(db: Database) -> tuple[int, dict[str, dict[int, Hour]], dict[str, bytes]]:
        last = last_hour(db) or 0
        return last, load_hours(db, last - _LOADED_H), load_published(db)

    last, hours, published = ledger.transact(read, writes=False)
    before = {source: _read(value) for source, value in published.items()}
    opened = {(source, each.kind): each.since for source, findings in before.items() for each in findings}
    now = last - SETTLE_H
    found, at = judge(hours, now, opened), instant(now - now % INTERVAL_H)
    return [_health(source, at, found.get(source, ()), before.get(source, ())) for source in sorted({*hours, *before})]


def _health(source: str, at: datetime, found: Sequence[Finding], before: Sequence[Finding]) -> Health:
    """What was published of a finding goes on to be said of it."""
    kept = {each.kind: each for each in before}
    findings = tuple(kept.get(each.kind, each) for each in sorted(found, key=lambda each: each.kind))
    return Health(source, at, findings, {each.kind for each in findings} != set(kept))


def _read(value: bytes) -> list[Finding]:
    told = orjson.loads(value)["findings"]
    return [
        Finding(
            Kind(each["kind"]),
            int(datetime.fromisoformat(each["since"]).timestamp()) // HOUR_S,
            each["usual"],
            each["now"],
            each["events"],
        )
        for each in told
    ]


def publish_health(ledger: Ledger, job: str, write: Callable[[Sequence[OutputRecord]], object]) -> list[Health]:
    """Write what changed, and forget counts that are not looked at any more. `write` returns when records are stored.
    Killed in between, it writes the same again. Raises `LedgerError`, and what `write` raises."""
    sources = look(ledger)
    changed = {each.source: orjson.dumps(each.value) for each in sources if each.changed}
    if changed:
        write([_record(each, changed[each.source], job) for each in sources if each.changed])

    def save(db: Database) -> None:
        save_published(db, changed)
        last = last_hour(db)
        if last is not None:
            forget_hours(db, last - KEPT_H)

    ledger.transact(save)
    show(sources)
    return sources


def _record(each: Health, value: bytes, job: str) -> OutputRecord:
    ce_id = emission_id(each.source, "source-health", value.decode())
    headers = emitted_headers(
        name="source-health", ce_id=ce_id, job=job, time=each.at, decided_at=None, subject=each.source
    )
    return OutputRecord("source-health", SOURCE_HEALTH_TOPIC, each.source.encode(), value, headers, "")


def show(sources: Sequence[Health]) -> None:
    """Let Prometheus know."""
    if not metrics.is_on():
        return
    found: Mapping[str, set[Kind]] = {each.source: {one.kind for one in each.findings} for each in sources}
    for kind in Kind:
        metrics.show("newsflow_sources_ailing", sum(kind in kinds for kinds in found.values()), kind=kind)
        for source in metrics.names("source") & found.keys():
            metrics.show("newsflow_source_finding", float(kind in found[source]), source=source, kind=kind)
