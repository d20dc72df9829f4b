"""What came of a source, counted by hours of event time, and what it usually is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

WEEK_H = 168
COUNTS = ("events", "articles", "dead", "undated", "words_in", "words_kept", "chars", "conflicts")


@dataclass(frozen=True, slots=True)
class Hour:
    """Counts of one or more hours. `articles` are those that were new, copies of others' among them; `dead` events were
    dead-lettered; `undated` articles said no time; `words_in` came in of pages and texts, and `words_kept` stayed;
    `chars` are those of the bodies of articles; in `conflicts` two articles had one name. `languages` are base
    languages of articles."""

    events: int = 0
    articles: int = 0
    dead: int = 0
    undated: int = 0
    words_in: int = 0
    words_kept: int = 0
    chars: int = 0
    conflicts: int = 0
    languages: Mapping[str, int] = field(default_factory=dict)

    def __add__(self, other: Hour) -> Hour:
        counts = {name: getattr(self, name) + getattr(other, name) for name in COUNTS}
        return Hour(**counts, languages=Counter(self.languages) + Counter(other.languages))

    @property
    def empty(self) -> bool:
        return not (self.events or self.conflicts)


Hours = Mapping[int, Hour]
"""Hours by their number since 1970; those that are not there are empty."""


def total(hours: Hours, start: int, end: int) -> Hour:
    """The counts of the hours from `start` up to before `end`."""
    there = [hours[hour] for hour in range(start, end) if hour in hours]
    languages: Counter[str] = Counter()
    for each in there:
        languages.update(each.languages)
    counts = {name: sum(getattr(each, name) for each in there) for name in COUNTS}
    return Hour(**counts, languages=languages)


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for a source, by its articles from hour `start` up to before `end`, which are whole weeks."""

    hours: Hours
    start: int
    end: int
    by_week_hour: tuple[float, ...]
    """Articles expected in each hour of the week, beginning with the hour 0 of 1970."""

    @classmethod
    def of(cls, hours: Hours, start: int, end: int) -> Usual:
        weeks = (end - start) // WEEK_H
        sums = [0.0] * WEEK_H
        for hour in range(end - weeks * WEEK_H, end):
            sums[hour % WEEK_H] += hours[hour].articles if hour in hours else 0
        return cls(hours, end - weeks * WEEK_H, end, tuple(each / weeks for each in sums))

    def expected(self, start: int, end: int) -> float:
        """Articles that are usual in these hours."""
        return sum(self.by_week_hour[hour % WEEK_H] for hour in range(start, end))

    def like(self, start: int, length: int, step: int = 24) -> Iterator[Hour]:
        """The same hours of earlier days; of earlier weeks where `step` is a week's hours."""
        place = start - step
        while place >= self.start:
            if place + length <= self.end:
                yield total(self.hours, place, place + length)
            place -= step

    def gaps(self) -> Iterator[tuple[int, int]]:
        """From where to where it was silent."""
        last = self.start
        for hour in sorted(each for each, counted in self.hours.items() if counted.articles):
            if self.start <= hour < self.end:
                yield last, hour
                last = hour + 1

    def most_missed(self) -> float:
        """How many articles were missing in the longest of its silences, by what is usual."""
        return max((self.expected(start, end) for start, end in self.gaps()), default=0.0)
