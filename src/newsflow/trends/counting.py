"""What one article adds to the counts, and what changes when it comes again, changed, or is withdrawn; and a recount
from articles alone, to check the running counts by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from newsflow.model import Action, Article

# Windows of event time. Articles are counted into slices of one period; a window is the sum of its slices.
#
# All times here are whole seconds since 1970-01-01T00:00:00Z. A window is named by its end: [end - size, end).


DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How long windows are, how often one ends, and how long they stay open to change.

    A window is closed `grace_s` after its end: until then, articles seen within it may still be on their way. What
    comes later corrects it, up to `lateness_s` after its end. Raises `ValueError` for lengths that do not fit into
    each other: periods must make up a window and a day, so that every day has the same windows.
    """

    size_s: int = 3_600
    period_s: int = 900
    grace_s: int = 60
    lateness_s: int = 72 * 3_600

    def __post_init__(self) -> None:
        if self.size_s % self.period_s:
            raise ValueError(f"a window of {self.size_s} s is not made of periods of {self.period_s} s")
        if DAY_S % self.period_s:
            raise ValueError(f"a day is not made of periods of {self.period_s} s")

    @property
    def layout(self) -> str:
        """Names the grid; counts of two grids do not mix: `3600/900`."""
        return f"{self.size_s}/{self.period_s}"

    def slice_of(self, at: datetime) -> int:
        """The start of the slice that an aware instant lies in."""
        # Not timestamp(): a float cannot hold microseconds of far years, and rounds up at a slice's end.
        since_1970 = at - datetime(1970, 1, 1, tzinfo=UTC)
        seconds = since_1970.days * DAY_S + since_1970.seconds
        return seconds - seconds % self.period_s

    def ends(self, slice_start: int) -> range:
        """The ends of all windows that hold the slice, in order."""
        return range(slice_start + self.period_s, slice_start + self.size_s + 1, self.period_s)

    def is_final(self, slice_start: int, closed: int) -> bool:
        """Whether the slice takes no more change, `closed` being the end of the newest closed window."""
        return slice_start + self.size_s + self.lateness_s <= closed


def ends_before(end: int, days: int) -> list[int]:
    """The ends of the same window on each of so many earlier days, the latest day first."""
    return [end - day * DAY_S for day in range(1, days + 1)]


def instant(seconds: int) -> datetime:
    """Seconds since 1970 as an aware instant in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


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
    """One version of an article as it is counted. Withdrawn or old articles have no `cells`: they count nowhere."""

    article_id: str
    version: int
    slice_start: int
    source: str
    story: str
    cells: tuple[Cell, ...]
    withdrawn: bool = False
    at_s: int = 0
    """Event time of this version, in seconds since 1970; 0 where nobody knows it."""


class CountChange(StrEnum):
    """What a version did to the counts: one each."""

    COUNTED = "counted"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"
    REPEAT = "repeat"
    """This version, or a later one, was counted before."""
    OLD = "old"
    """Published so long before it was seen that it is not news of that hour."""
    TOO_LATE = "too-late"
    """Its windows no longer change."""


def contribution_of(article: Article, rule: WindowRule, fresh: timedelta, at_s: int = 0) -> Contribution:
    """What an article adds, in the slice in which its first version was first seen. An article that its publisher
    dates further back than `fresh` counts nowhere, as nobody reports it now."""
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
        at_s=at_s,
    )


def _is_old(article: Article, fresh: timedelta) -> bool:
    published = article.published.at
    if published.tzinfo is None:
        return article.first_seen - published.replace(tzinfo=UTC) > fresh + _ANY_ZONE
    return article.first_seen - published > fresh


def _cells(article: Article) -> Iterator[Cell]:
    yield (ALL, ALL)
    yield ("language", article.language)
    yield ("source", article.source)
    for topic in dict.fromkeys(topic.id for topic in article.topics):
        yield ("topic", topic)


def change_of(held: Contribution | None, new: Contribution, rule: WindowRule, closed: int | None) -> CountChange:
    """What counting `new` does, where the article is counted as `held`, and `closed` is the end of the newest closed
    window. A version is counted once; one that is older than the one held never."""
    if held is not None and held.version >= new.version:
        return CountChange.REPEAT
    # By its own time too: how many records were counted before the next window is closed makes no difference.
    if rule.is_final((held or new).slice_start, max(closed or 0, new.at_s - rule.grace_s)):
        return CountChange.TOO_LATE
    if new.withdrawn:
        return CountChange.WITHDRAWN
    if not new.cells:
        return CountChange.OLD
    return CountChange.COUNTED if held is None or not held.cells else CountChange.REPLACED


def recount(versions: Iterable[Article], rule: WindowRule, fresh: timedelta) -> dict[tuple[int, Cell], int]:
    """The counts by window (its end) and name that these versions make, in whatever order they come. Copies that were
    held back are passed over: the ledger has them, the topic of published articles has not."""
    newest: dict[str, Contribution] = {}
    for article in versions:
        if article.duplicate_of is not None:
            continue
        if article.id not in newest or newest[article.id].version < article.version:
            newest[article.id] = contribution_of(article, rule, fresh)
    counts: Counter[tuple[int, Cell]] = Counter()
    for each in newest.values():
        for end in rule.ends(each.slice_start):
            counts.update((end, cell) for cell in each.cells)
    return dict(counts)
