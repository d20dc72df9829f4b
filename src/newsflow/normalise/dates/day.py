"""The day, out of the tokens of a date that are no time."""

from __future__ import annotations

import re
from datetime import date, timedelta

from newsflow.normalise.characters import fold
from newsflow.normalise.dates import names as words
from newsflow.normalise.dates.clock import UnreadableError
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.tokens import Token

# The Persian solar calendar. The Hijri one is never converted: its months begin with a sighting.


# ruff: noqa: SIM905 - rows of words read best as rows


PERSIAN_MONTHS = {
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


# Which number of a numeric date is the day: by separator, size and the habits of a language.


# ruff: noqa: SIM905 - rows of words read best as rows


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


_SEPARATORS = frozenset(",.:;|/\\-()[]·•*«»\"'،_~")
_EAST_ASIAN = frozenset(["年月日", "년", "월", "일"]) | frozenset("年月日년월일")


class UnknownWordError(UnreadableError):
    """A word that is neither a name nor a filler."""


def calendar_date(tokens: list[Token], tag: str | None, *, right_to_left: bool) -> date:
    """The one day these tokens name.

    Raises UnreadableError when there is none, or more than one; UnknownWordError on a word we do not know.
    """
    tokens = _without_hijri(tokens, known(tag))
    _check_words(tokens)
    days = set(_numeric_days(tokens, tag, right_to_left))
    if named := _named_day(tokens, known(tag)):
        days.add(named)
    if len(days) != 1:
        raise UnreadableError("no date" if not days else "two dates")
    (day,) = days
    _check_weekday(tokens, day)
    return day


def _without_hijri(tokens: list[Token], language: str | None) -> list[Token]:
    """The tokens without the Hijri date beside a Gregorian one: day, month, year and mark."""
    gone: set[int] = set()
    for index, token in enumerate(tokens):
        if token.kind == "hijri":
            gone |= {index} | _neighbours(tokens, index)
        elif token.kind == "numeric" and is_hijri(token.text) and language not in ("fa", "ps"):
            gone |= {index} | _mark_after(tokens, index)
    return [token for index, token in enumerate(tokens) if index not in gone]


def _neighbours(tokens: list[Token], index: int) -> set[int]:
    """Places of the day before and the year after a Hijri month; the year bears its mark or is of that count."""
    gone = set()
    before = next((at for at in range(index - 1, -1, -1) if tokens[at].kind not in ("mark", "word")), None)
    if before is not None and tokens[before].kind == "number" and int(tokens[before].text) <= 30:
        gone.add(before)
    after = next((at for at in range(index + 1, len(tokens)) if tokens[at].kind not in ("mark", "word")), None)
    if after is not None and tokens[after].kind == "number" and 1300 <= int(tokens[after].text) <= 1500:
        gone |= {after} | _mark_after(tokens, after)
    return gone


def _mark_after(tokens: list[Token], index: int) -> set[int]:
    return {index + 1} if index + 1 < len(tokens) and tokens[index + 1].text in words.HIJRI_MARKS else set()


def _check_words(tokens: list[Token]) -> None:
    for token in tokens:
        if token.kind == "mark" and token.text not in _SEPARATORS and token.text not in _EAST_ASIAN:
            raise UnreadableError(f"a sign that belongs to no date: {token.text}")
        if token.kind == "word" and not _is_filler(token.text):
            raise UnknownWordError(token.text)


def _is_filler(word: str) -> bool:
    if word in words.FILLERS or word in words.GREGORIAN_MARKS or word in words.UPDATED or word in _EAST_ASIAN:
        return True
    if word in PERSIAN_MONTHS or word in words.HOUR_WORDS:
        return True
    return word.startswith(("و", "ب", "ل")) and word[1:] in words.FILLERS  # Arabic proclitics


def _numeric_days(tokens: list[Token], tag: str | None, right_to_left: bool) -> list[date]:
    days = []
    for token in tokens:
        if token.kind == "numeric":
            day = numeric_date(token.text, tag, right_to_left=right_to_left)
            if day is None:
                raise UnreadableError("a numeric date that can be read two ways, or not at all")
            days.append(day)
    return days


def _named_day(tokens: list[Token], language: str | None) -> date | None:
    numbers = [token.text for token in tokens if token.kind in ("number", "dotted")]
    months = _months(tokens)
    if language in ("fa", "ps", None) and not months:
        months, persian = {PERSIAN_MONTHS[token.text] for token in tokens if token.text in PERSIAN_MONTHS}, True
    else:
        persian = False
    if not months:
        if numbers:
            raise UnreadableError("numbers that belong to no date")
        return None
    day, year = _day_and_year(numbers)
    if len(months) != 1:
        raise UnreadableError("two months")
    (month,) = months
    found = jalali_to_date(year, month, day) if persian else make_date(year, month, day)
    if found is None:
        raise UnreadableError("no such day")
    return found


def _months(tokens: list[Token]) -> set[int]:
    """The months named. A word that may be a weekday too (French `mar.`) is one where another month is named."""
    sure = {token.month for token in tokens if token.month is not None and token.weekday is None}
    either = {token.month for token in tokens if token.month is not None and token.weekday is not None}
    return {month for month in (sure or either) if month is not None}


def _day_and_year(numbers: list[str]) -> tuple[int, int]:
    years = [number for number in numbers if len(number) == 4 and number.isdigit()]
    days = [number for number in numbers if len(number) <= 2]
    if len(years) != 1 or len(days) != 1 or len(numbers) != 2:
        raise UnreadableError("not one day and one year")
    return int(days[0]), int(years[0])


def _check_weekday(tokens: list[Token], day: date) -> None:
    named = {token.weekday for token in tokens if token.weekday is not None and token.month is None}
    if named - {day.weekday()}:
        raise UnreadableError("another weekday")
