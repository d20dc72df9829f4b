"""dateparser behind our own tables, for words these do not hold: with an explicit locale, and checked."""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache
from typing import Any

_NUMBERS = re.compile(r"\d+")
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_SETTINGS: dict[str, Any] = {
    # Absolute dates only: "3 days ago" needs a clock, and is no date that was written down.
    "PARSERS": ["absolute-time"],
    "REQUIRE_PARTS": ["day", "month", "year"],
    "STRICT_PARSING": True,
    "DATE_ORDER": "DMY",
    "RETURN_AS_TIMEZONE_AWARE": False,
}
MAX_CHARS = 60


@lru_cache(maxsize=1024)
def parse(folded: str, language: str | None) -> datetime | None:
    """The date dateparser reads, if each number of the text is a part of it; naive, or None.

    A text that names a zone is not asked about: dateparser may take a word for one.
    """
    numbers = [int(number) for number in _NUMBERS.findall(folded)]
    if language is None or len(folded) > MAX_CHARS or not _YEAR.search(folded) or not 2 <= len(numbers) <= 5:
        return None
    found = _dateparser(folded, language)
    if found is None or found.tzinfo is not None or not _explains(found, numbers):
        return None
    return found


def _dateparser(text: str, language: str) -> datetime | None:
    import dateparser

    try:
        return dateparser.parse(text, languages=[language], settings=_SETTINGS)
    except (ValueError, OverflowError, TypeError):  # an unknown locale, or a text it fails on
        return None


def _explains(found: datetime, numbers: list[int]) -> bool:
    """Whether the numbers of the text are the day and year of the date and its time, and nothing else."""
    if sum(number > 31 for number in numbers if number != found.year) or found.year not in numbers:
        return False
    left = list(numbers)
    left.remove(found.year)
    if found.day not in left:
        return False
    left.remove(found.day)
    expected = [
        {found.hour, found.hour % 12, found.hour % 12 + 12 * (found.hour == 12)},
        {found.minute},
        {found.second},
    ]
    return len(left) != 1 and all(number in parts for number, parts in zip(left, expected, strict=False))
