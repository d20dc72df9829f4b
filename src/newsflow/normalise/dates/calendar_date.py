"""The day, out of the tokens of a date that are no time."""

from __future__ import annotations

from datetime import date

from newsflow.normalise.dates import words
from newsflow.normalise.dates.calendars import MONTHS as PERSIAN_MONTHS
from newsflow.normalise.dates.calendars import jalali_to_date
from newsflow.normalise.dates.clock import UnreadableError
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.order import is_hijri, make_date, numeric_date
from newsflow.normalise.dates.tokens import Token

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
