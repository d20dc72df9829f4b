# ruff: noqa: SIM905 - rows of words read best as rows
"""Which number of a numeric date is the day: by separator, size and the habits of a language."""

from __future__ import annotations

import re
from datetime import date

from newsflow.normalise.dates.calendars import FIRST_YEAR, LAST_YEAR, jalali_to_date

FIRST, LAST = 1900, 2099
_NUMBERS = re.compile(r"\d+")
_MONTH_FIRST_REGIONS = frozenset({"us", "ph", "pr"})
_DAY_FIRST_REGIONS = frozenset("gb uk au nz ie in pk za ng ke gh ae eg sa qa jo lb ps il mt sg my hk 001 150".split())
_YEAR_FIRST = frozenset({"zh", "ja", "ko", "hu", "lt"})


def is_hijri(text: str) -> bool:
    """Whether a numeric date has a year of the Hijri (or Persian) count."""
    return any(1300 <= int(number) <= 1500 for number in _NUMBERS.findall(text))


def numeric_date(text: str, tag: str | None, *, right_to_left: bool) -> date | None:
    """The date of `15/12/2024` and the like, or None when it is none or can be read two ways."""
    first, second, third = (int(number) for number in _NUMBERS.findall(text))
    language, _, region = (tag or "").lower().replace("_", "-").partition("-")
    if is_hijri(text):
        return _persian(first, second, third) if language in ("fa", "ps") else None
    if len(_NUMBERS.findall(text)[0]) == 4:
        return make_date(first, second, third)
    year = third if third >= 100 else _short_year(text, third, language)
    if year is None:
        return None
    if "." in text or first > 12:
        return make_date(year, second, first)
    order = _order(language, region.rpartition("-")[2], right_to_left)
    if second > 12:  # the day can only be second: month first
        return make_date(year, first, second) if order != "day" else None
    if first == second or order == "day":
        return make_date(year, second, first)
    return make_date(year, first, second) if order == "month" else None


def _order(language: str, region: str, right_to_left: bool) -> str | None:
    if language == "en":
        return "month" if region in _MONTH_FIRST_REGIONS else "day" if region in _DAY_FIRST_REGIONS else None
    if not language:
        return "day" if right_to_left else None
    return None if language in _YEAR_FIRST else "day"


def _short_year(text: str, year: int, language: str) -> int | None:
    """Two-digit years are read in dotted dates of a known language only: `15.12.24`."""
    return 2000 + year if "." in text and language and language not in _YEAR_FIRST and year < 80 else None


def _persian(first: int, second: int, third: int) -> date | None:
    year, day = (first, third) if first > 31 else (third, first)
    return jalali_to_date(year, second, day) if FIRST_YEAR <= year <= LAST_YEAR else None


def make_date(year: int, month: int, day: int) -> date | None:
    """The date, or None when there is no such day or it is out of the range of news."""
    if not FIRST <= year <= LAST:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None
