"""One line a sink after the tests of the sinks: how many passed, what they looked at, what was skipped and why.

Loaded by `make test-sinks` (`-p tests.sink_table`).
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

STORES = ("postgresql", "sqlite", "parquet", "jsonl", "iceberg", "opensearch")
_WORDS = {"postgres": "postgresql", "jsonlines": "jsonl", "json_lines": "jsonl", "manifest": "jsonl"}
_STORE = re.compile("|".join((*STORES, *_WORDS)), re.IGNORECASE)
_REAL = {
    "postgresql": "a real server",
    "parquet": "read back by DuckDB",
    "opensearch": "a real node",
    "iceberg": "a catalogue in SQLite",
    "mail": "aiosmtpd, with TLS",
    "webhook": "a real HTTP server that fails",
    "kafka": "a real broker",
}
# Module to its sink and what it is about; a store's tests say in their name which store they are for.
_MODULES: dict[str, tuple[str, str]] = {
    "test_store_contract": ("stores", "contract"),
    "test_store_kills": ("stores", "writer killed"),
    "test_store_search": ("stores", "search and compaction"),
    "test_store_places": ("stores", "shared places"),
    "test_store_command": ("jsonl", "store compact"),
    "test_deliver_kills": ("deliver", "killed ten times under outages"),
    "test_webhook": ("webhook", "statuses, time-outs, redirects"),
    "test_addresses": ("webhook", "internal addresses"),
    "test_documented_receiver": ("webhook", "signatures by the documented receiver"),
    "test_receiver": ("webhook", "receiver"),
    "test_mail": ("mail", "TLS, threads, refusals"),
    "test_kafka_alerts": ("kafka", "alerts into a topic"),
    "test_pagers": ("pagers and chat", "incidents, apprise"),
    "test_senders": ("pagers and chat", "configuration"),
    "test_outbox": ("outbox", "order, circuits, leases"),
    "test_outbox_lines": ("outbox", "lines in both databases"),
    "test_delivery": ("outbox", "beside a job"),
    "test_scenario": ("policies", "a night of three stories"),
    "test_alert_planner": ("policies", "the planner over the ledger"),
    "test_alert_decide": ("policies", "one subscription's planner"),
    "test_alert_values": ("policies", "alert.v1"),
    "test_alerts_command": ("commands", "alerts"),
    "test_doctor_command": ("commands", "doctor"),
    "test_deliver": ("deliver", "bad records, sinks away, kills"),
    "test_deliver_refusals": ("deliver", "refused rows are dead letters"),
    "test_deliver_on_kafka": ("deliver", "on a real broker"),
    "test_deliver_command": ("deliver", "command"),
    "test_files": ("files", "output folder"),
}


@dataclass
class _Line:
    """What became of the tests of one sink."""

    counts: Counter[str] = field(default_factory=Counter)
    about: dict[str, None] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)


_lines: dict[str, _Line] = defaultdict(_Line)


def sinks_of(nodeid: str) -> Iterator[tuple[str, str]]:
    """Yield the sinks that a test speaks for, each with what it looks at."""
    module = nodeid.partition("::")[0].rpartition("/")[2].removesuffix(".py")
    name, about = _MODULES.get(module, ("other", module))
    if module == "test_deliver_kills":
        yield from ((each, about) for each in ("postgresql", "sqlite", "parquet", "jsonl", "webhook"))
    elif name == "stores":
        found = {match.group().lower() for match in _STORE.finditer(nodeid.partition("::")[2])} or {"all stores"}
        yield from ((each, about) for each in sorted({_WORDS.get(each, each) for each in found}))
    else:
        yield name, about


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when != "call" and report.passed:
        return
    for sink, about in sinks_of(report.nodeid):
        line = _lines[sink]
        line.counts["failed" if report.failed else report.outcome] += 1
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            line.skipped[reason.removeprefix("Skipped: ")] += 1
        else:
            line.about[about] = None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    terminalreporter.section("sinks")
    order = {name: at for at, name in enumerate((*STORES, "all stores", "webhook", "mail", "kafka"))}
    for sink in sorted(_lines, key=lambda name: (order.get(name, 99), name)):
        terminalreporter.write_line(_text(sink, _lines[sink]))


def _text(sink: str, line: _Line) -> str:
    counts = line.counts
    real = [_REAL[sink]] if sink in _REAL else []
    skipped = [f"skipped {count}: {reason}" for reason, count in line.skipped.items()]
    what = "; ".join([", ".join([*real, *line.about]), *skipped])
    return (
        f"{sink:<16} {counts['passed']:>4} passed {counts['failed']:>2} failed {counts['skipped']:>2} skipped  {what}"
    )
