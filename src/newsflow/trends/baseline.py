"""What is usual: the count to expect in a window, from the same window of earlier days; and how unlikely a count is.

1. Days on which nothing at all was counted in that window are gaps, not zeros: the job was down.
2. The week has its shape. A day's count is scaled by the ratio of the usual total on today's weekday to the usual
   total on that day's weekday, where at least two of each are known.
3. Earlier bursts must not hide the next one: counts are capped at the median plus four robust deviations (1.4826
   times the median absolute deviation, at least the deviation of a Poisson count).
4. The expected count is the mean of the capped counts, or of those of the same weekday alone where that is higher: a
   weekly report is not news.
5. Counts of news come in clusters. The dispersion (variance over mean) is that of the capped counts, drawn towards 2
   as if a week of days had shown that, and never less than 2.
6. A mean of few days is uncertain: one standard error is added to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from newsflow.trends.counting import DAY_S

_CAP_DEVIATIONS = 4.0
_MAD_TO_DEVIATION = 1.4826
_PRIOR_DISPERSION, _PRIOR_DAYS, _LEAST_DISPERSION = 2.0, 7, 2.0
_LEAST_MEAN = 0.25
_STEADYING = 10.0
"""Added to totals before they are compared: a handful of articles says nothing about a weekday."""
_MOST_SCALING = 4.0
_LEAST_TERM = 1e-12
"""Terms of the tail that are smaller than this share of their sum no longer matter."""


@dataclass(frozen=True, slots=True)
class DayCount:
    """The window of one earlier day: its end, the count that is judged, the count of all articles."""

    end: int
    count: int
    total: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What is usual, and how sure that is. `mean` already includes the standard error."""

    mean: float
    dispersion: float
    days: int


def expect(history: Iterable[DayCount], end: int, warm_up_days: int, *, weekly: bool = True) -> Expected | None:
    """What to expect of the window that ends at `end`; None while fewer than `warm_up_days` days were seen.

    `weekly`: scale by the shape of the week (point 2). Counts that do not grow with all news are not scaled.
    """
    days = [day for day in history if day.total > 0]
    if len(days) < warm_up_days:
        return None
    today, weekdays = _weekday(end), [_weekday(day.end) for day in days]
    shape = _shape(days, weekdays) if weekly else {}
    scaling = [_scaling(shape, today, weekday) for weekday in range(7)]
    counts = _capped([day.count * scaling[weekday] for day, weekday in zip(days, weekdays, strict=True)])
    mean = fmean(counts)
    if same_weekday := [float(day.count) for day, weekday in zip(days, weekdays, strict=True) if weekday == today]:
        mean = max(mean, fmean(_capped(same_weekday)))
    dispersion = _dispersion(counts)
    error = math.sqrt(dispersion * max(mean, 1.0) / len(days))
    return Expected(max(mean + error, _LEAST_MEAN), dispersion, len(days))


def _weekday(end: int) -> int:
    """0 to 6; which one is 0 does not matter."""
    return end // DAY_S % 7


def _shape(days: Sequence[DayCount], weekdays: Sequence[int]) -> dict[int, float]:
    """The usual total by weekday, of the weekdays that were seen at least twice."""
    by_day: dict[int, list[int]] = {}
    for day, weekday in zip(days, weekdays, strict=True):
        by_day.setdefault(weekday, []).append(day.total)
    return {weekday: median(totals) for weekday, totals in by_day.items() if len(totals) > 1}


def _scaling(shape: dict[int, float], today: int, weekday: int) -> float:
    if today not in shape or weekday not in shape:
        return 1.0
    ratio = (shape[today] + _STEADYING) / (shape[weekday] + _STEADYING)
    return min(max(ratio, 1 / _MOST_SCALING), _MOST_SCALING)


def _capped(counts: Sequence[float]) -> list[float]:
    middle = median(counts)
    deviation = _MAD_TO_DEVIATION * median(abs(count - middle) for count in counts)
    cap = middle + _CAP_DEVIATIONS * max(deviation, math.sqrt(middle + 1))
    return [min(count, cap) for count in counts]


def _dispersion(counts: Sequence[float]) -> float:
    mean = fmean(counts)
    variance = sum((count - mean) ** 2 for count in counts) / max(len(counts) - 1, 1)
    seen = variance / max(mean, 0.5)
    drawn = (len(counts) * seen + _PRIOR_DAYS * _PRIOR_DISPERSION) / (len(counts) + _PRIOR_DAYS)
    return max(drawn, _LEAST_DISPERSION)


def tail_log10(count: int, mean: float, dispersion: float) -> float:
    """log10 of P(X >= count), X negative binomial with this mean and a variance of `dispersion` times the mean.

    `mean` > 0, `dispersion` > 1 (at 1 it would be a Poisson distribution). Summed term by term from `count` on; a
    count up to the mean gives 0.0, as nobody asks how unlikely that is.
    """
    if count <= mean:
        return 0.0
    size = mean / (dispersion - 1)
    share = 1 - 1 / dispersion
    first = (
        math.lgamma(count + size)
        - math.lgamma(size)
        - math.lgamma(count + 1)
        - size * math.log(dispersion)
        + count * math.log(share)
    )
    return min(0.0, (first + math.log(_sum_from(count, size, share))) / math.log(10))


def _sum_from(count: int, size: float, share: float) -> float:
    """The sum of the terms from `count` on, the first one taken as 1. Their ratios fall towards `share` < 1."""
    total = term = 1.0
    while term > _LEAST_TERM * total:
        term *= share * (count + size) / (count + 1)
        total += term
        count += 1
    return total
