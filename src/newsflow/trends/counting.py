"""What one article adds to the counts, and what changes when it comes again, changed, or is withdrawn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from enum import StrEnum

from newsflow.model import Action, Article, PublicationDate
from newsflow.trends.windows import WindowRule

ALL = "all"
"""The dimension of one count over all articles; its name is `ALL` too."""
STORY = "story"
DIMENSIONS = (ALL, "topic", "language", "source")
"""What is counted and published. Stories are judged for bursts, from the articles themselves."""
_ANY_ZONE = timedelta(hours=14)
"""A local time of an unknown zone is at most this far from the same time in UTC."""

Cell = tuple[str, str]
"""A dimension and a name in it: `("topic", "syria")`."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """One article as it is counted, at one version. Withdrawn or old articles have no `cells`: they count nowhere."""

    article_id: str
    version: int
    slice_start: int
    source: str
    story: str
    cells: tuple[Cell, ...]
    withdrawn: bool = False


class Change(StrEnum):
    """What a version did to the counts. They sum to the versions read."""

    COUNTED = "counted"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    REPEAT = "repeat"
    """This version, or a later one, was taken in before."""
    OLD = "old"
    """Published so long before it was seen that it is no news of that hour."""
    TOO_LATE = "too-late"
    """Its windows take no more change."""


def contribution_of(article: Article, rule: WindowRule, fresh: timedelta) -> Contribution:
    """What an article adds, placed by when its first version was first seen.

    `fresh`: an article whose publisher dates it further back than this counts nowhere, as nobody reports it now.
    """
    withdrawn = article.action is Action.WITHDRAW
    counts = not withdrawn and not _is_old(article, fresh)
    return Contribution(
        article_id=article.id,
        version=article.version,
        slice_start=rule.slice_of(article.first_seen),
        source=article.source,
        story=article.story or "",
        cells=tuple(_cells(article)) if counts else (),
        withdrawn=withdrawn,
    )


def _is_old(article: Article, fresh: timedelta) -> bool:
    published: PublicationDate = article.published
    if published.at.tzinfo is None:
        return article.first_seen - published.at.replace(tzinfo=UTC) > fresh + _ANY_ZONE
    return article.first_seen - published.at > fresh


def _cells(article: Article) -> Iterator[Cell]:
    yield (ALL, ALL)
    yield ("language", article.language)
    yield ("source", article.source)
    for topic in dict.fromkeys(topic.id for topic in article.topics):
        yield ("topic", topic)


def change_of(held: Contribution | None, new: Contribution, rule: WindowRule, closed: int | None) -> Change:
    """What taking in `new` does, `held` being what is held of the article, `closed` the end of the newest closed
    window. A version is taken in once; one that is older than the held one never."""
    if held is not None and held.version >= new.version:
        return Change.REPEAT
    if closed is not None and rule.is_final((held or new).slice_start, closed):
        return Change.TOO_LATE
    if new.withdrawn:
        return Change.WITHDRAWN
    if not new.cells:
        return Change.OLD
    return Change.COUNTED if held is None or not held.cells else Change.REPLACED


def settled(held: Contribution | None, new: Contribution) -> Contribution:
    """What is held of the article after `new`. An article stays in the slice it was first counted in."""
    if held is None or held.slice_start == new.slice_start:
        return new
    return replace(new, slice_start=held.slice_start)


def difference(held: Contribution | None, new: Contribution) -> Mapping[Cell, int]:
    """By how much each count changes; counts that stay are left out."""
    delta: Counter[Cell] = Counter(new.cells)
    delta.subtract(() if held is None else held.cells)
    return {cell: by for cell, by in delta.items() if by}


# The counts of windows from articles alone: another way to the same numbers, to check the running ones by.


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
