"""What is published: counts of windows (trend.v1) and bursts (burst.v1).

Ids derive from the grid, the window and the name, and those of single revisions from their number: never from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from newsflow.model.headers import instant_text
from newsflow.model.names import emission_id
from newsflow.trends.bursts import Burst
from newsflow.trends.counting import Cell, WindowRule, instant

TREND, BURST = "trend", "burst"


@dataclass(frozen=True, slots=True)
class TrendRecord:
    """A record to be written: `kind` is trend or burst, `series` its key, `id` its `ce_id`."""

    id: str
    kind: str
    series: str
    decided_at: datetime
    value: bytes


class PublishedCount(NamedTuple):
    """What was last published of one name in one window; revision 0: nothing yet."""

    articles: int = 0
    revision: int = 0


def series_id(rule: WindowRule, kind: str, end: int, cell: Cell) -> str:
    """The id of one name's count in one window, or of the burst this window raised: the same in all revisions."""
    return emission_id(f"{rule.layout}\n{end}", kind, "\n".join(cell))


def count_record(
    rule: WindowRule, end: int, cell: Cell, count: PublishedCount, before: PublishedCount, now: datetime
) -> TrendRecord:
    """The count of one name in the window that ended at `end`; where `before` was published, it corrects that."""
    series = series_id(rule, TREND, end, cell)
    members: dict[str, Any] = {
        "id": series,
        "window": _window(end, rule),
        "dimension": cell[0],
        "name": cell[1],
        "articles": count.articles,
        "revision": count.revision,
    }
    if before.revision:
        members["replaces"] = {"revision": before.revision, "articles": before.articles}
    return _record(TREND, series, count.revision, members, now)


def burst_record(rule: WindowRule, burst: Burst, now: datetime) -> TrendRecord:
    """A burst as it stands at its newest revision."""
    raised = burst.raised
    members: dict[str, Any] = {
        "id": burst.id,
        "state": burst.state.value,
        "revision": burst.revision,
        "dimension": burst.dimension,
        "name": burst.name,
        "window": _window(raised.end, rule),
        "articles": raised.articles,
        "sources": raised.sources,
        "expected": round(raised.expected.mean, 3),
        "days": raised.expected.days,
        "tail_log10": round(raised.tail_log10, 2),
        "peak": {"window": _window(burst.peak_end, rule), "articles": burst.peak},
        "sample": list(raised.sample),
    }
    if burst.ended_end is not None:
        members["ended"] = _window(burst.ended_end, rule)
    if burst.revision > 1:
        members["replaces"] = {"revision": burst.revision - 1}
    return _record(BURST, burst.id, burst.revision, members, now)


def _record(kind: str, series: str, revision: int, members: dict[str, Any], now: datetime) -> TrendRecord:
    return TrendRecord(emission_id(series, kind, str(revision)), kind, series, now, orjson.dumps(members))


def _window(end: int, rule: WindowRule) -> dict[str, str]:
    return {"start": instant_text(instant(end - rule.size_s)), "end": instant_text(instant(end))}
