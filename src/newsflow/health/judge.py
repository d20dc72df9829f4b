"""When a source is not as usual.

What is usual is learnt from four weeks before, and a finding ends when the source is as it was, or has been otherwise
for two weeks: that is usual then. A day of rest makes no finding: what is missing is measured by what other sources of
the same language miss in those hours, or, where there are too few of them, by the quietest day of the source itself.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from newsflow.health.hours import WEEK_H, Hour, Hours, Usual, total

INTERVAL_H = 6
"""Sources are judged at the end of each interval."""
SPANS = (1, 2, 4, 28)
"""Intervals that are looked at: the fewest that have enough articles."""
BASELINE_H, WARM_UP_H, ADAPTED_H = 4 * WEEK_H, 2 * WEEK_H, 2 * WEEK_H
LEAD_H = 24
"""The last day before what is looked at is not yet usual: a change seldom begins with an interval."""
ENOUGH, LEAST_BASELINE, LEAST_WINDOWS = 20, 100, 8
MISSED, MISSED_ALONE = 12.0, 30.0
PEERS = 3
MARGIN_OF_LANGUAGES, LEAST_CONFLICTS = 0.25, 5


class Kind(StrEnum):
    """In what a source is not as usual."""

    SILENT = "silent"
    """No article came where a dozen are usual."""
    FEWER = "fewer"
    """Less than a third of the usual articles came."""
    MORE = "more"
    """More than three times the usual articles came."""
    UNDATED = "undated"
    """The share of articles without a date."""
    DEAD_LETTERS = "dead-letters"
    """The share of events that were dead-lettered."""
    WORDS_KEPT = "words-kept"
    """The share of the words of its pages that became articles."""
    LENGTH = "length"
    """Characters of a body, on average."""
    LANGUAGE = "language"
    """Share of articles in other languages than usual; what is usual is that of the most unlike window before."""
    CONFLICTS = "conflicts"
    """Articles that had the name of another."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Since the hour `since` a source had `now` where `usual` is usual, by `events` events."""

    kind: Kind
    since: int
    usual: float
    now: float
    events: int


@dataclass(frozen=True, slots=True)
class _Share:
    """Something that is measured of hours. It is not as usual when it is `margin` beyond all that was measured before,
    on a logarithmic scale where `log`. `of` is what there must be enough of."""

    kind: Kind
    measure: Callable[[Hour], float]
    of: Callable[[Hour], int]
    margin: float
    log: bool = False

    def scale(self, value: float) -> float:
        return math.log2(max(value, 1.0)) if self.log else value


_SHARES = (
    _Share(Kind.UNDATED, lambda each: each.undated / each.articles, lambda each: each.articles, 0.3),
    _Share(Kind.DEAD_LETTERS, lambda each: each.dead / each.events, lambda each: each.events, 0.3),
    _Share(Kind.WORDS_KEPT, lambda each: each.words_kept / max(each.words_in, 1), lambda each: each.events, 0.25),
    _Share(Kind.LENGTH, lambda each: each.chars / each.articles, lambda each: each.articles, 1.0, log=True),
)


def judge(
    sources: Mapping[str, Hours], now: int, open_since: Mapping[tuple[str, Kind], int]
) -> dict[str, list[Finding]]:
    """What is not as usual, by source, up to the last interval that ended by hour `now`. `open_since` are findings that
    were there the last time; what is usual is then what was usual before them."""
    end = now - now % INTERVAL_H
    known = {name: hours for name, hours in sources.items() if _is_known(hours, end)}
    peers = _Peers(known, end)
    found = {name: list(_Source(name, hours, end, peers).findings(open_since)) for name, hours in known.items()}
    return {name: each for name, each in found.items() if each}


def _is_known(hours: Hours, end: int) -> bool:
    """A source that is new says nothing yet of what is usual."""
    before = [hour for hour, each in hours.items() if each.articles and hour < end - WARM_UP_H]
    articles = sum(each.articles for hour, each in hours.items() if hour < end - LEAD_H)
    return bool(before) and articles >= LEAST_BASELINE


def _usual(hours: Hours, end: int) -> Usual | None:
    """By up to four whole weeks before `end`, as far as the source was there; None below two."""
    first = min(hour for hour, each in hours.items() if each.articles)
    start = max(first, end - BASELINE_H)
    return (
        Usual.of(hours, start, end)
        if end - start >= WARM_UP_H - LEAD_H - INTERVAL_H and end - start >= WEEK_H
        else None
    )


class _Peers:
    """How sources of one language fare together."""

    def __init__(self, sources: Mapping[str, Hours], end: int) -> None:
        self._usual = {name: _usual(hours, end - LEAD_H) for name, hours in sources.items()}
        self._language = {name: _language(hours) for name, hours in sources.items()}
        self._sources = sources

    def share(self, name: str, start: int, end: int) -> float | None:
        """What the others have in these hours of what is usual for them; None where they are too few to say."""
        others = [
            (usual.expected(start, end), total(self._sources[each], start, end).articles)
            for each, usual in self._usual.items()
            if each != name and usual is not None and self._language[each] == self._language[name]
        ]
        others = [each for each in others if each[0] >= 1]
        expected = sum(each[0] for each in others)
        if len(others) < PEERS or expected < ENOUGH:
            return None
        # One that is huge does not speak for all.
        shares = sorted(articles / usual for usual, articles in others)
        return min(sum(each[1] for each in others) / expected, shares[len(shares) // 2])


def _language(hours: Hours) -> str:
    languages: Counter[str] = Counter()
    for each in hours.values():
        languages.update(each.languages)
    return max(languages, key=lambda each: (languages[each], each), default="")


@dataclass(frozen=True, slots=True)
class _Source:
    """A source at the end of an interval. `since` is when a finding began that was there the last time."""

    name: str
    hours: Hours
    end: int
    peers: _Peers

    def findings(self, open_since: Mapping[tuple[str, Kind], int]) -> Iterator[Finding]:
        looks: dict[Kind, Callable[[int | None], Finding | None]] = {
            Kind.SILENT: lambda _: self._silence(),
            Kind.FEWER: lambda since: self._volume(Kind.FEWER, since),
            Kind.MORE: lambda since: self._volume(Kind.MORE, since),
            Kind.LANGUAGE: self._languages,
            Kind.CONFLICTS: self._conflicts,
        }
        looks |= {share.kind: partial(self._share, share) for share in _SHARES}
        for kind, look in looks.items():
            since = open_since.get((self.name, kind))
            if since is not None and self.end - since > ADAPTED_H:
                continue  # it is usual by now
            if finding := look(since):
                yield finding

    def _before(self, start: int, since: int | None) -> int:
        """Up to where hours say what is usual."""
        return (start if since is None else min(start, since)) - LEAD_H

    def _silence(self) -> Finding | None:
        start = 1 + max(
            (hour for hour, each in self.hours.items() if each.articles and hour < self.end), default=self.end
        )
        usual = _usual(self.hours, min(start, self.end - LEAD_H))
        if usual is None or start >= self.end:
            return None
        missed, share = usual.expected(start, self.end), self.peers.share(self.name, start, self.end)
        least = max(MISSED_ALONE if share is None else MISSED, 2 * usual.most_missed())
        if missed * _at_most_all(share) < least:
            return None
        return Finding(Kind.SILENT, start, round(missed, 1), 0, total(self.hours, start, self.end).events)

    def _volume(self, kind: Kind, since: int | None) -> Finding | None:
        for span in SPANS[:-1]:
            start = self.end - span * INTERVAL_H
            usual = _usual(self.hours, self._before(start, since))
            if usual is None:
                return None
            expected, counted = usual.expected(start, self.end), total(self.hours, start, self.end)
            if max(expected, counted.articles) >= ENOUGH:
                low, high = self._bounds(usual, expected, start)
                found = counted.articles < low if kind is Kind.FEWER else counted.articles > max(high, ENOUGH)
                begun = start if since is None else since
                return Finding(kind, begun, round(expected, 1), counted.articles, counted.events) if found else None
        return None

    def _bounds(self, usual: Usual, expected: float, start: int) -> tuple[float, float]:
        """How few, and how many, articles are not yet unusual."""
        share, span = self.peers.share(self.name, start, self.end), self.end - start
        days = [each.articles for each in usual.like(start, span)]
        fewest: float = min(days, default=0)
        if share is not None and not fewest:  # it rests on some day of each week
            same_day = min((each.articles for each in usual.like(start, span, WEEK_H)), default=0)
            fewest = same_day * _at_most_all(share)
        low = min(expected / 3 * _at_most_all(share), fewest / 2)
        return low, 3 * max(max(days, default=0), expected, expected * (share or 0))

    def _windows(self, since: int | None, of: Callable[[Hour], int]) -> _Windows | None:
        """The fewest intervals that have enough, and spans like them before; None where nothing can be said."""
        for span in SPANS:
            start = self.end - span * INTERVAL_H
            counted = total(self.hours, start, self.end)
            if of(counted) >= ENOUGH:
                until, length = self._before(start, since), self.end - start
                first = max(min(hour for hour, each in self.hours.items() if each.events), until - BASELINE_H)
                places = range(until - length, first - 1, -length)
                spans = [total(self.hours, place, place + length) for place in places]
                before = [each for each in spans if of(each) >= ENOUGH / 2]
                enough = len(before) >= min(LEAST_WINDOWS, BASELINE_H // length)
                return _Windows(start if since is None else since, counted, before) if enough else None
        return None

    def _share(self, share: _Share, since: int | None) -> Finding | None:
        windows = self._windows(since, share.of)
        if windows is None:
            return None
        measured = [share.scale(share.measure(each)) for each in windows.before]
        now = share.measure(windows.counted)
        if min(measured) - share.margin <= share.scale(now) <= max(measured) + share.margin:
            return None
        usual = round(share.measure(windows.whole), 3)
        return Finding(share.kind, windows.since, usual, round(now, 3), share.of(windows.counted))

    def _languages(self, since: int | None) -> Finding | None:
        windows = self._windows(since, lambda each: each.articles)
        if windows is None:
            return None
        usual = windows.whole.languages
        most = max(_unlike(each.languages, usual) for each in windows.before)
        now = _unlike(windows.counted.languages, usual)
        if now <= most + MARGIN_OF_LANGUAGES:
            return None
        return Finding(Kind.LANGUAGE, windows.since, round(most, 3), round(now, 3), windows.counted.articles)

    def _conflicts(self, since: int | None) -> Finding | None:
        start = self.end - INTERVAL_H
        counted = total(self.hours, start, self.end)
        usual = _usual(self.hours, self._before(start, since)) if counted.conflicts else None
        if usual is None:
            return None
        most = max((each.conflicts for each in usual.like(start, INTERVAL_H, INTERVAL_H)), default=0)
        if counted.conflicts < max(LEAST_CONFLICTS, 3 * most + 1):
            return None
        return Finding(Kind.CONFLICTS, start if since is None else since, most, counted.conflicts, counted.events)


@dataclass(frozen=True, slots=True)
class _Windows:
    """Hours that are looked at, and as many before, again and again. `since`: where they, or the finding, begin."""

    since: int
    counted: Hour
    before: Sequence[Hour]

    @property
    def whole(self) -> Hour:
        return sum(self.before[1:], self.before[0])


def _at_most_all(share: float | None) -> float:
    return 1.0 if share is None else min(share, 1.0)


def _unlike(left: Mapping[str, int], right: Mapping[str, int]) -> float:
    """The share of articles that would have to be of another language (total variation distance)."""
    lefts, rights = sum(left.values()) or 1, sum(right.values()) or 1
    return sum(abs(left.get(each, 0) / lefts - right.get(each, 0) / rights) for each in {*left, *right}) / 2
