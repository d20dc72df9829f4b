# ruff: noqa: SIM905 - rows of words read best as rows
"""The Persian solar calendar. The Hijri one is never converted: its months begin with a sighting."""

from __future__ import annotations

from datetime import date, timedelta

from newsflow.normalise.dates.fold import fold

MONTHS = {
    fold(name): number
    for number, names in enumerate(
        "فروردین اردیبهشت خرداد تیر مرداد|امرداد شهریور مهر آبان آذر دی بهمن اسفند".split(),
        start=1,
    )
    for name in names.split("|")
}
"""Folded Persian month names."""
FIRST_YEAR, LAST_YEAR = 1350, 1435
_NOWRUZ_1350 = date(1971, 3, 21)
_LEAP_YEARS = frozenset(
    int(year)
    for year in (
        "1350 1354 1358 1362 1366 1370 1375 1379 1383 1387 1391 1395 1399 1403 1408 1412 1416 1420 1424 1428 1432"
    ).split()
)


def jalali_to_date(year: int, month: int, day: int) -> date | None:
    """The Gregorian date of a Persian one in the years we know; None when there is no such day."""
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= 12 and 1 <= day <= _month_days(year, month)):
        return None
    years = range(FIRST_YEAR, year)
    before = sum(366 if each in _LEAP_YEARS else 365 for each in years)
    return _NOWRUZ_1350 + timedelta(days=before + (month - 1) * 31 - max(0, month - 7) + day - 1)


def _month_days(year: int, month: int) -> int:
    if month <= 6:
        return 31
    return 30 if month <= 11 or year in _LEAP_YEARS else 29
