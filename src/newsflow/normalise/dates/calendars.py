"""Dates of other calendars that have one Gregorian day, told from their months and years: Persian (with Afghan and
Pashto names), Ethiopian, Hebrew; and the years of Buddhist, Japanese and Taiwanese dates.

The Hijri calendar is not among them, since its months begin with a sighting.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from newsflow.normalise.characters import fold

PERSIAN_YEARS = range(1350, 1436)
_NOWRUZ_1350 = date(1971, 3, 21)
_LEAP_YEARS = frozenset((*range(1350, 1371, 4), *range(1375, 1404, 4), *range(1408, 1433, 4)))
_ETHIOPIAN_EPOCH, _HEBREW_EPOCH = 2796, -1373427
_NO_DAY = "0000-00-00"


def jalali_to_date(year: int, month: int, day: int) -> date | None:
    """The Gregorian date of a Persian one in the years covered; None when there is no such day."""
    days = 31 if month <= 6 else 30 if month <= 11 or year in _LEAP_YEARS else 29
    if not (year in PERSIAN_YEARS and 1 <= month <= 12 and 1 <= day <= days):
        return None
    before = sum(366 if each in _LEAP_YEARS else 365 for each in range(PERSIAN_YEARS.start, year))
    return _NOWRUZ_1350 + timedelta(days=before + (month - 1) * 31 - max(0, month - 7) + day - 1)


def ethiopian_to_date(year: int, month: int, day: int) -> date | None:
    """The Gregorian date of an Ethiopian one: twelve months of thirty days, and five or six days more."""
    days = 30 if month <= 12 else 6 if year % 4 == 3 else 5
    if not 1 <= day <= days:
        return None
    return date.fromordinal(_ETHIOPIAN_EPOCH + 365 * (year - 1) + year // 4 + 30 * (month - 1) + day - 1)


def hebrew_to_date(year: int, month: int, day: int) -> date | None:
    """The Gregorian date of a Hebrew one. Months count from Tishri; 6 is the first Adar of a leap year, 7 Adar."""
    new_year = _hebrew_new_year(year)
    length = _hebrew_new_year(year + 1) - new_year
    first_adar = 30 if length > 380 else 0
    lengths = (30, 29 + (length % 10 == 5), 30 - (length % 10 == 3), 29, 30, first_adar, *[29, 30] * 3, 29)
    if not 1 <= day <= lengths[month - 1]:
        return None
    return date.fromordinal(new_year + sum(lengths[: month - 1]) + day - 1)


def _hebrew_new_year(year: int) -> int:
    """The day of 1 Tishri, counted from the first day of the year 1."""
    before, this, after = (_hebrew_days(each) for each in (year - 1, year, year + 1))
    delay = 2 if after - this == 356 else 1 if this - before == 382 else 0
    return _HEBREW_EPOCH + this + delay


def _hebrew_days(year: int) -> int:
    months = (235 * year - 234) // 19
    days = 29 * months + (12084 + 13753 * months) // 25920
    return days + 1 if 3 * (days + 1) % 7 < 3 else days


def _months(rows: str) -> dict[str, int]:
    """Folded names, `|` between those of one month."""
    return {
        fold(name.replace("_", " ")): number
        for number, row in enumerate(rows.split(), 1)
        for name in row.split("|")
        if name != "-"
    }


_PERSIAN_MONTHS = _months(
    "فروردین|حمل|وری اردیبهشت|ثور|غویی خرداد|جوزا|غبرګولی تیر|سرطان|چنګاښ مرداد|امرداد|اسد|زمری شهریور|سنبله|وږی "
    "مهر|میزان|تله آبان|عقرب|لړم آذر|قوس|لیندۍ دی|جدی|مرغومی بهمن|دلو|سلواغه اسفند|حوت|کب"
)
_ETHIOPIAN_MONTHS = _months("መስከረም ጥቅምት ኅዳር|ህዳር ታኅሣሥ|ታህሳስ|ታኅሳስ ጥር የካቲት መጋቢት ሚያዝያ|ሚያዚያ ግንቦት ሰኔ ሐምሌ|ሀምሌ ነሐሴ|ነሀሴ ጳጉሜን|ጳጉሜ")
_HEBREW_MONTHS = _months(
    "תשרי חשוון|חשון|מרחשוון|מרחשון כסלו|כסליו טבת שבט אדר_א|אדר_א' אדר|אדר_ב|אדר_ב' "
    "ניסן אייר סיוון|סיון תמוז אב|מנחם_אב אלול"
)
_VALUES = (*range(1, 10), *range(10, 100, 10), *range(100, 500, 100))
_LETTERS = dict(zip("אבגדהוזחטיכלמנסעפצקרשת", _VALUES, strict=True)) | dict(
    zip("ךםןףץ", (20, 40, 50, 80, 90), strict=True)
)


def _number(text: str) -> int:
    """A number in digits or in Hebrew letters, where the thousands are left out."""
    if text.isdigit():
        return int(text)
    return sum(_LETTERS.get(letter, 0) for letter in text)


@dataclass(frozen=True)
class _Calendar:
    may_be: re.Pattern[str]
    """What a text of this calendar holds. Quick."""
    dates: tuple[re.Pattern[str], ...]
    months: dict[str, int]
    to_date: Callable[[int, int, int], date | None]

    def to_gregorian(self, text: str) -> str:
        """The text with its dates of this calendar as Gregorian ones; one that does not exist is no date there."""
        if self.may_be.search(text):
            for pattern in self.dates:
                text = pattern.sub(self._written, text)
        return text

    def _written(self, match: re.Match[str]) -> str:
        year, day = _number(match["year"]), _number(match["day"])
        found = self.to_date(year + 5000 * (year < 1000), self.months[match["month"]], day)
        return f" {found or _NO_DAY} "


def _calendar(
    may_be: str,
    orders: tuple[str, ...],
    months: dict[str, int],
    to_date: Callable[[int, int, int], date | None],
    **parts: str,
) -> _Calendar:
    names = "|".join(sorted(map(re.escape, months), key=len, reverse=True))
    parts = {"day": r"(?<!\d)(?P<day>\d{1,2})(?!\d)", "month": rf"(?<![^\W\d_])(?P<month>{names})(?![^\W\d_])"} | parts
    patterns = tuple(re.compile(order.format(s=r"[\s,،፣/-]{1,3}", **parts)) for order in orders)
    return _Calendar(re.compile(may_be), patterns, months, to_date)


_CALENDARS = (
    _calendar(
        r"(?<!\d)1[34]\d\d(?!\d)",
        ("{day}{s}{month}{s}{year}{mark}", "{month}{s}{day}{s}{year}{mark}", "{year}{s}{month}{s}{day}"),
        {f"{name}{end}": number for name, number in _PERSIAN_MONTHS.items() for end in ("", "ماه", " ماه")},
        jalali_to_date,
        year=r"(?<!\d)(?P<year>1[34]\d\d)(?!\d)",
        mark=r"(?:\s?(?:ه\.?\s?ش\b\.?|(?:هجري\s)?(?:شمسي|خورشيدي)))?",
    ),
    _calendar(
        "[\u1200-\u137f]",
        ("{month}{s}{day}(?:\\s?ቀን)?{s}{year}{mark}", "{day}{s}{month}{s}{year}{mark}"),
        _ETHIOPIAN_MONTHS,
        ethiopian_to_date,
        year=r"(?<!\d)(?P<year>19\d\d|20\d\d)(?!\d)",
        mark=r"(?:\s?ዓ\.?\s?ም\.?)?",
    ),
    _calendar(
        "תש|5[78]\\d\\d",
        ("{day}{s}ב?{month}{s}{year}",),
        _HEBREW_MONTHS,
        hebrew_to_date,
        day=r"(?<![^\W_])(?P<day>\d{1,2}|[א-ת]{1,2}|[א-ת][\"״'][א-ת])['׳]?",
        month=f"(?P<month>{'|'.join(sorted(map(re.escape, _HEBREW_MONTHS), key=len, reverse=True))})(?![^\\W\\d_])",
        year=r"(?:ה['׳]?)?(?P<year>5[78]\d\d|תש[א-ת]{0,2}[\"״'][א-ת])(?![^\W_])",
    ),
)
_BUDDHIST = re.compile(r"(?<!\d)2[45]\d\d(?!\d)")
_ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "中華民國": 1911, "民國": 1911, "中华民国": 1911, "民国": 1911}
_ERA = re.compile(rf"({'|'.join(_ERAS)})\s?(\d{{1,3}}|元)年")
_TWICE = re.compile(r"(\d{4}年)\s?\(\1\)")


def gregorian(folded: str) -> str:
    """A folded text with the dates and years that it has of other calendars as Gregorian ones."""
    if _BUDDHIST.search(folded):
        folded = _BUDDHIST.sub(lambda match: str(int(match[0]) - 543), folded)
    if folded.isascii():
        return folded
    for calendar in _CALENDARS:
        folded = calendar.to_gregorian(folded)
    if "年" in folded:
        folded = _ERA.sub(lambda match: f"{_ERAS[match[1]] + (1 if match[2] == '元' else int(match[2]))}年", folded)
        folded = _TWICE.sub(r"\1", folded)
    return folded
