"""The counts of windows from articles alone: another way to the same numbers, to check the running ones by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from newsflow.model import Article
from newsflow.trends.counting import Cell, Contribution, contribution_of
from newsflow.trends.windows import WindowRule


def recount(versions: Iterable[Article], rule: WindowRule, fresh: timedelta) -> dict[tuple[int, Cell], int]:
    """The counts by window (its end) and name that versions make, whatever order they come in. Copies that were held
    back are passed over: a ledger has them, the topic of published articles has not."""
    newest: dict[str, Contribution] = {}
    for article in versions:
        if article.duplicate_of is not None:
            continue
        held = newest.get(article.id)
        if held is None or held.version < article.version:
            newest[article.id] = contribution_of(article, rule, fresh)
    counts: Counter[tuple[int, Cell]] = Counter()
    for each in newest.values():
        for end in rule.ends(each.slice_start):
            counts.update((end, cell) for cell in each.cells)
    return dict(counts)
