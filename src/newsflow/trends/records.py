"""Bytes and ids of what is published: counts of windows (trend.v1) and bursts (burst.v1).

Ids derive from the grid, the window and the name, and for what is said later from its number: never from a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from newsflow.model.headers import instant_text
from newsflow.model.names import emission_id
from newsflow.trends.baseline import Expected
from newsflow.trends.bursts import Burst, BurstState, Sighting
from newsflow.trends.counting import Cell
from newsflow.trends.windows import WindowRule, instant

TREND, BURST = "trend", "burst"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class WindowCount:
    """The count of one name in the window that ended at `end`; `replaces` is the count it corrects."""

    end: int
    cell: Cell
    articles: int
    revision: int
    replaces: int | None = None


def series_id(rule: WindowRule, kind: str, end: int, cell: Cell) -> str:
    """The id of one name's count in one window, or of the burst this window raised: the same in all revisions."""
    return emission_id(f"{rule.layout}\n{end}", kind, "\n".join(cell))


def revision_id(series: str, kind: str, revision: int) -> str:
    """The id of one revision, for readers to drop repeats by."""
    return emission_id(series, kind, str(revision))


def encode_count(count: WindowCount, rule: WindowRule) -> bytes:
    """The trend.v1 bytes."""
    members: Json = {
        "id": series_id(rule, TREND, count.end, count.cell),
        "window": _window(count.end, rule),
        "dimension": count.cell[0],
        "name": count.cell[1],
        "articles": count.articles,
        "revision": count.revision,
    }
    if count.replaces is not None:
        members["replaces"] = {"revision": count.revision - 1, "articles": count.replaces}
    return orjson.dumps(members)


def encode_burst(burst: Burst, rule: WindowRule) -> bytes:
    """The burst.v1 bytes."""
    seen = burst.raised
    members: Json = {
        "id": burst.id,
        "state": burst.state.value,
        "revision": burst.revision,
        "dimension": burst.dimension,
        "name": burst.name,
        "window": _window(seen.end, rule),
        "articles": seen.articles,
        "sources": seen.sources,
        "expected": round(seen.expected.mean, 3),
        "days": seen.expected.days,
        "tail_log10": round(seen.tail_log10, 2),
        "peak": {"window": _window(burst.peak_end, rule), "articles": burst.peak},
        "sample": list(seen.sample),
    }
    if burst.ended_end is not None:
        members["ended"] = _window(burst.ended_end, rule)
    if burst.revision > 1:
        members["replaces"] = {"revision": burst.revision - 1}
    return orjson.dumps(members)


def _window(end: int, rule: WindowRule) -> Json:
    return {"start": instant_text(instant(end - rule.size_s)), "end": instant_text(instant(end))}


def burst_to_json(burst: Burst) -> Json:
    """Everything about a burst, to be kept."""
    members: Json = orjson.loads(orjson.dumps(burst))
    return members


def burst_from_json(members: Json) -> Burst:
    """The burst of `burst_to_json`."""
    raised = members["raised"]
    seen = Sighting(**{**raised, "expected": Expected(**raised["expected"]), "sample": tuple(raised["sample"])})
    return Burst(**{**members, "raised": seen, "state": BurstState(members["state"])})
