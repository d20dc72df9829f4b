"""The one date of a line that says more than a date: a byline, a label, a place."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import islice

from newsflow.model import PublicationDate
from newsflow.normalise.characters import fold
from newsflow.normalise.dates.names import all_names, known, names_of
from newsflow.normalise.dates.parse import parse_date
from newsflow.normalise.dates.words import says_update

MAX_CHARS, MAX_DATES = 160, 4
_MONTH = r"[^\W\d_]{3,12}\.?"
_DAY = rf"""
    (?<![\d.,/:-])(?:
        \d{{4}}\s?[-/.年년]\s?\d{{1,2}}\s?[-/.月월]\s?\d{{1,2}}\s?[日일]?
      | \d{{1,2}}\s?(?P<sign>[-/.])\s?\d{{1,2}}\s?(?P=sign)\s?(?:\d{{4}}|\d{{2}})
      | \d{{1,2}}(?:\.|º|st|nd|rd|th|er)?[\s/-]{{0,3}}(?:(?:de|of)\s)?
        {_MONTH}(?:[\s/(]{{1,3}}{_MONTH}\)?)?[\s,./-]{{1,2}}(?:del?\s)?\d{{4}}
      | {_MONTH}\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}
      | \d{{4}}\.?\s{_MONTH}\s\d{{1,2}}\.?
    )(?![\d:])
"""
_TIME = r"""
    (?P<time>[\s,|·•@–-]{0,4}(?:(?:um|at|à|a\slas|в|о|kl\.?|om|às|alle|ore|saat|الساعة|ساعت)\s)?
    \d{1,2}[:.h]\d{2}(?!\d)(?::\d{2})?(?:\s?(?:uhr|[ap]\.?m\b\.?|[صم]\b|مساء|صباحا))?(?:\s?(?:(?-i:[A-Z]{2,5})\b|[+-]\d{2}:?\d{2}))?)?
"""
_DATE = re.compile(_DAY + _TIME, re.VERBOSE | re.IGNORECASE)
_LAST_WORD = re.compile(r"([^\W\d_]{2,15})[.,]?\s{0,3}$")
_NUMBER = re.compile(r"\d")
_SIGNS = frozenset(",;:|·•⋅/–—-()[]،、：／｜，")


@dataclass(frozen=True, slots=True)
class Found:
    """A date of a line; whether it is said to be of an update, and what else the line says."""

    date: PublicationDate
    is_update: bool
    before: str
    after: str

    @property
    def rest(self) -> str:
        return f"{self.before} {self.after}".strip()

    @property
    def is_set_off(self) -> bool:
        """Whether the date is no part of what else the line says, by the signs between them."""
        before, after = self.before.strip(), self.after.strip()
        return (not before or before[-1] in _SIGNS) and (not after or after[0] in _SIGNS - {":"})


def date_within(line: str, language: str | None) -> Found | None:
    """The date of a line of at most 160 characters: where it names several, the first that is not of an update; None
    where these are not told apart by what stands before them."""
    if len(line) > MAX_CHARS:
        return None
    if whole := parse_date(line, language):
        return Found(whole, says_update(fold(_NUMBER.split(line, maxsplit=1)[0])), "", "")
    found: list[Found] = []
    end = 0
    for match in islice(_DATE.finditer(line), MAX_DATES):
        if date := _parse(match, language):
            before, weekday = _without_weekday(line[: match.start()], language)
            if date.at.tzinfo is None and weekday not in (None, date.at.weekday()):
                return None
            found.append(Found(date, says_update(fold(line[end : match.start()])), before, line[match.end() :]))
        end = match.end()
    originals = [each for each in found if not each.is_update] or found
    return originals[0] if len({each.date.at.date() for each in originals}) == 1 else None


def _without_weekday(before: str, language: str | None) -> tuple[str, int | None]:
    """What stands before a date, without the weekday at its end, and which that is."""
    match = _LAST_WORD.search(before)
    tag = known(language)
    table = names_of(tag) if tag else all_names()
    weekday = table.weekdays.get(fold(match[1])) if match else None
    return (before, None) if match is None or weekday is None else (before[: match.start()], weekday)


def _parse(match: re.Match[str], language: str | None) -> PublicationDate | None:
    day = match[0][: match.start("time") - match.start()] if match["time"] else match[0]
    return (parse_date(match[0].strip(), language) if match["time"] else None) or parse_date(day.strip(), language)
