"""`newsflow trends`: what most was reported of, what grew in bursts, and whether the counts are right."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.articles import duration
from newsflow.cli.ledger import open_existing
from newsflow.cli.options import (
    SINCE,
    CheckOption,
    ConfigOption,
    LedgerOption,
    LimitOption,
    Output,
    OutputOption,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, data, data_json, isolate, tell
from newsflow.errors import UsageError
from newsflow.trends.counting import instant

if TYPE_CHECKING:
    from newsflow.ledger import Ledger
    from newsflow.trends.bursts import Burst
    from newsflow.trends.counting import Cell, WindowRule
    from newsflow.trends.counts import Trends

MOST_DIFFERENCES = 20


def trends(
    since: Annotated[str, typer.Option("--since", help=SINCE)] = "24h",
    dimension: Annotated[str, typer.Option("--by", help="What to rank: topic, language, source, all.")] = "topic",
    limit: LimitOption = 20,
    check: CheckOption = False,
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show what the job trends has counted in closed windows, back from the newest, and the bursts it raised.

    With --check the ledger's articles are counted anew, and the counts compared.
    """
    from newsflow.trends.counting import DIMENSIONS
    from newsflow.trends.counts import Trends

    if dimension not in DIMENSIONS:
        raise UsageError(f"--by {dimension!r}: accepted are {', '.join(DIMENSIONS)}")
    loaded = settings(config, ledger=ledger).config
    with closing(open_existing(loaded)) as opened:
        counts = Trends(opened, loaded.trends)
        closed = counts.closed()
        if closed is None:
            _nothing_yet(loaded.trends.windows, dimension, output)
            return
        span = _span(counts.settings.windows, closed, since)
        if check:
            _check(opened, counts, span)
        else:
            _show(_summary(counts, span, dimension, limit), output)


def _nothing_yet(windows: WindowRule, dimension: str, output: Output) -> None:
    """Nothing is wrong with a new ledger: it says what it waits for."""
    if output is Output.JSON:
        data_json({"from": None, "to": None, "articles": 0, "by": dimension, "names": [], "bursts": []})
    tell(
        f"nothing is counted yet: `newsflow run trends --follow` counts, and a window of {windows.size_s:,} s shows "
        f"{windows.grace_s:,} s after its end"
    )


def _span(windows: WindowRule, closed: int, since: str) -> tuple[int, int]:
    """From when to when, in seconds since 1970; whole windows up to the newest closed one."""
    size = windows.size_s
    return closed - max(round(duration(since).total_seconds()) // size, 1) * size, closed


def _summary(counts: Trends, span: tuple[int, int], dimension: str, limit: int) -> dict[str, Any]:
    start, end = span
    windows = counts.totals(start)
    sums: Counter[Cell] = Counter()
    for at in range(end, start, -counts.settings.windows.size_s):  # windows that do not overlap
        sums.update(windows.get(at, {}))
    ranked = sorted((-articles, name) for (kind, name), articles in sums.items() if kind == dimension and articles)
    return {
        "from": _text(start),
        "to": _text(end),
        "articles": sums["all", "all"],
        "by": dimension,
        "names": [{"name": name, "articles": -articles} for articles, name in ranked[:limit]],
        "bursts": [_burst(each) for each in counts.bursts() if (each.last_end or end) > start],
    }


def _burst(burst: Burst) -> dict[str, Any]:
    return {
        "id": burst.id,
        "state": burst.state.value,
        "dimension": burst.dimension,
        "name": burst.name,
        "window_end": _text(burst.raised.end),
        "articles": burst.raised.articles,
        "sources": burst.raised.sources,
        "expected": round(burst.raised.expected.mean, 1),
        "peak": burst.peak,
        "sample": list(burst.raised.sample),
    }


def _show(found: dict[str, Any], output: Output) -> None:
    if output is Output.JSON:
        data_json(found)
        return
    data(f"{found['from']} to {found['to']}: {found['articles']:,} articles")
    for each in found["names"]:
        data(f"{each['articles']:>8,}  {isolate(each['name'])}")
    for each in found["bursts"]:
        data(
            f"burst {each['state']:<9} {each['dimension']} {isolate(each['name'])}: {each['articles']:,} articles of "
            f"{each['sources']} sources in the window to {each['window_end']}, {each['expected']:g} expected; "
            f"peak {each['peak']:,}"
        )


def _check(ledger: Ledger, counts: Trends, span: tuple[int, int]) -> None:
    """Compare all windows within the span with a recount of the ledger's articles."""
    from newsflow.model.codec import decode_article
    from newsflow.trends.counting import recount

    (start, end), settings = span, counts.settings
    inner = start + settings.windows.size_s  # windows that begin earlier hold articles of before
    versions = (decode_article(each.value) for each in ledger.articles(since=instant(start)))
    expected = recount(versions, settings.windows, settings.fresh)
    wanted = Counter({key: n for key, n in expected.items() if inner <= key[0] <= end})
    totals = counts.totals(start)
    found = Counter({(at, cell): n for at, cells in totals.items() for cell, n in cells.items() if n and at >= inner})
    wrong = sorted(key for key in wanted.keys() | found.keys() if wanted[key] != found[key])
    for at, cell in wrong[:MOST_DIFFERENCES]:
        data(f"{_text(at)} {' '.join(cell)}: {found[at, cell]} published, {wanted[at, cell]} in the ledger")
    tell(f"{len(wanted):,} counts of {_text(start)} to {_text(end)}: {len(wrong):,} differ")
    if wrong:
        raise typer.Exit(EXIT_FAILED)


def _text(seconds: int) -> str:
    return instant(seconds).strftime("%Y-%m-%dT%H:%MZ")
