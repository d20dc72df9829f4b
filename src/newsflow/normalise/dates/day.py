"""The day that the tokens of a date name, once its time is taken out.

Numeric dates are ordered by separator, size and the habits of a language. The Persian solar calendar is converted; the
Hijri one never is, since its months begin with a sighting.
"""

from __future__ import annotations

import re
from datetime import date

from newsflow.model.languages import COVERED_BY
from newsflow.normalise.dates.calendars import jalali_to_date
from newsflow.normalise.dates.clock import UnreadableError
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.tokens import Token
from newsflow.normalise.dates.words import FILLERS, GREGORIAN_MARKS, HIJRI_MARKS, HOUR_WORDS

# ruff: noqa: SIM905 - rows of words read best as rows

FIRST_YEAR, LAST_YEAR = 1900, 2099
_FIRST_NEPALI = 2050
_NUMBERS = re.compile(r"\d+")
_MONTH_FIRST_REGIONS = frozenset({"us", "ph", "pr"})
_DAY_FIRST_REGIONS = frozenset("gb uk au nz ie in pk za ng ke gh ae eg sa qa jo lb ps il mt sg my hk 001 150".split())
_YEAR_FIRST = frozenset({"zh", "ja", "ko", "hu", "lt", "mn"})
_EITHER_ORDER = _YEAR_FIRST | {"fil"}
_EITHER_REGIONS = frozenset({"pa", "ph", "pr"})
_OWN_YEARS = frozenset({"am", "fa", "ne", "ps", "th", "ti"})
"""Languages of countries with another calendar: two digits of a year may be of that."""
# Where dates are written with dots, one with slashes was written by a program, perhaps in another order.
_DOTTED = frozenset({"de", "fi", "nb", "no", "et", "cs", "sk", "sl"})
_SEPARATORS = frozenset(",.:;|/\\-()[]·•*«»\"'،_~")
_EAST_ASIAN = frozenset(["年月日", *"年月日년월일"])


def is_hijri(text: str) -> bool:
    """Whether a numeric date has a year of the Hijri (or Persian) count."""
    return any(1300 <= int(number) <= 1500 or 5700 <= int(number) <= 5899 for number in _NUMBERS.findall(text))


def numeric_date(text: str, tag: str | None, *, right_to_left: bool) -> date | None:
    """The date of `15/12/2024` and the like, or None when it is not a date or can be read two ways."""
    numbers = _NUMBERS.findall(text)
    first, second, third = map(int, numbers)
    language, _, region = (tag or "").lower().replace("_", "-").partition("-")
    if is_hijri(text):
        if language not in ("fa", "ps"):
            return None
        return jalali_to_date(first, second, third) if first > 31 else jalali_to_date(third, second, first)
    if len(numbers[0]) == 4:
        return None if language == "ne" and first >= _FIRST_NEPALI else make_date(first, second, third)
    if language in ("am", "ti") or (language == "ne" and third >= _FIRST_NEPALI):
        return None  # an Ethiopian year, or a Nepali one
    year = third if third >= 100 else _short_year(text, third, language)
    if year is None:
        return None
    if "." in text or first > 12:
        return make_date(year, second, first)
    order = None if "/" in text and language in _DOTTED else _order(language, region.rpartition("-")[2], right_to_left)
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
    is_either = COVERED_BY.get(language, language) in _EITHER_ORDER or region in _EITHER_REGIONS
    return None if is_either else "day"


def _short_year(text: str, year: int, language: str) -> int | None:
    """Two-digit years are read in dotted dates of a known language only: `15.12.24`."""
    return 2000 + year if "." in text and language and language not in _YEAR_FIRST | _OWN_YEARS and year < 80 else None


def make_date(year: int, month: int, day: int) -> date | None:
    """The date, or None when there is no such day or it is out of the range of news."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return None
    try:
        return date(year, month, day)
    except ValueError:
        return None


def calendar_date(tokens: list[Token], tag: str | None, *, right_to_left: bool) -> date:
    """The one day these tokens name.

    Raises UnreadableError when there is none, or more than one, or a word that is neither a name nor a filler.
    """
    tokens = _without_hijri(tokens, known(tag))
    _check_words(tokens)
    days = set(_numeric_days(tokens, tag, right_to_left))
    if named := _named_day(tokens):
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
            gone |= {index} | _day_and_year_beside(tokens, index)
        elif token.kind == "numeric" and is_hijri(token.text) and language not in ("fa", "ps"):
            gone |= {index} | _mark_after(tokens, index)
    return [token for index, token in enumerate(tokens) if index not in gone]


def _day_and_year_beside(tokens: list[Token], index: int) -> set[int]:
    """Indexes of the day before a Hijri month, and of the year after it with its mark."""
    found = set()
    before = _next_number(tokens, range(index - 1, -1, -1))
    if before is not None and int(tokens[before].text) <= 30:
        found.add(before)
    after = _next_number(tokens, range(index + 1, len(tokens)))
    if after is not None and is_hijri(tokens[after].text):
        found |= {after} | _mark_after(tokens, after)
    return found


def _next_number(tokens: list[Token], indexes: range) -> int | None:
    """The first of these that is not a mark or a word, if it is a number."""
    index = next((each for each in indexes if tokens[each].kind not in ("mark", "word")), None)
    return index if index is not None and tokens[index].kind == "number" else None


def _mark_after(tokens: list[Token], index: int) -> set[int]:
    return {index + 1} if index + 1 < len(tokens) and tokens[index + 1].text in HIJRI_MARKS else set()


def _check_words(tokens: list[Token]) -> None:
    for token in tokens:
        if token.kind == "mark" and token.text not in _SEPARATORS and token.text not in _EAST_ASIAN:
            raise UnreadableError(f"a character that dates do not have: {token.text}")
        if token.kind == "word" and not _is_filler(token.text):
            raise UnreadableError(f"a word that is neither a name nor a filler: {token.text}")


def _is_filler(word: str) -> bool:
    if any(word in table for table in (FILLERS, GREGORIAN_MARKS, HOUR_WORDS, _EAST_ASIAN)):
        return True
    return word.startswith(("و", "ب", "ل")) and word[1:] in FILLERS  # Arabic proclitics


def _numeric_days(tokens: list[Token], tag: str | None, right_to_left: bool) -> list[date]:
    days = []
    for token in tokens:
        if token.kind == "numeric":
            day = numeric_date(token.text, tag, right_to_left=right_to_left)
            if day is None:
                raise UnreadableError("a numeric date that can be read two ways, or not at all")
            days.append(day)
    return days


def _named_day(tokens: list[Token]) -> date | None:
    numbers = [token.text for token in tokens if token.kind in ("number", "dotted")]
    months = _months(tokens)
    if not months:
        if numbers:
            raise UnreadableError("numbers that are not part of a date")
        return None
    day, year = _day_and_year(numbers)
    if len(months) != 1:
        raise UnreadableError("two months")
    (month,) = months
    found = make_date(year, month, day)
    if found is None:
        raise UnreadableError("no such day")
    return found


def _months(tokens: list[Token]) -> set[int]:
    """The months named. A word that may be a weekday too (French `mar.`) counts only where no other month is named."""
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
        raise UnreadableError("the weekday of another date")
