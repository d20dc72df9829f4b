"""Read the one date a short text names. No answer beats a wrong one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from newsflow.model import PublicationDate
from newsflow.normalise.dates import fallback, words
from newsflow.normalise.dates.calendar_date import UnknownWordError, calendar_date
from newsflow.normalise.dates.clock import Clock, UnreadableError, take_clock
from newsflow.normalise.dates.fold import fold
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.tokens import Token, tokenise

MAX_DATE_CHARS = 160
_ISO = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})"
    r"(?:[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(Z|z|[+-]\d{2}:?\d{2})?)?(?:\[[\w/+-]+\])?"
)
_YEAR = re.compile(r"\d{4}|\d{1,2}\.\s?\d{1,2}\.\s?\d{2}")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\u061c\u202b\u2067]")


def parse_date(text: str, language: str | None = None, zone: str | None = None) -> PublicationDate | None:
    """The one date a short text names, or None where it names none, several, or one that can be read two ways.

    `language` is a BCP 47 tag (or CLDR locale) that helps with names and with the order of day and month; `zone` an
    IANA name, used where the text names none. A day without a time is its midnight. A weekday must fit its date; a
    Hijri date alone is no answer; a text that names a zone which is several (`IST`) gives a date of unknown zone.
    Raises ZoneInfoNotFoundError on a zone that does not exist. The evidence is `text`.
    """
    text = text.strip()
    if not 6 <= len(text) <= MAX_DATE_CHARS:
        return None
    local_zone = ZoneInfo(zone) if zone else None
    found = _read(text, language)
    return _publication_date(found, local_zone, text) if found else None


@lru_cache(maxsize=4096)
def _read(text: str, language: str | None) -> tuple[datetime, bool] | None:
    """The moment a text names, and whether its zone is unsettled (named, but one of several)."""
    if match := _ISO.fullmatch(text):
        return _iso(match)
    folded = fold(text)
    if not _YEAR.search(folded):
        return None
    try:
        return _moment(folded, text, language)
    except UnreadableError:
        return None


def _iso(match: re.Match[str]) -> tuple[datetime, bool] | None:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        at = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 the zone follows, if there is one
        if match[7]:
            offset = "+00:00" if match[7] in "Zz" else match[7]
            at = datetime.fromisoformat(at.isoformat() + offset)
    except ValueError:
        return None
    return (at, False) if 1900 <= year <= 2099 else None


def _moment(folded: str, text: str, language: str | None) -> tuple[datetime, bool] | None:
    tokens = tokenise(folded, known(language))
    try:
        day, clock = _day_and_clock(tokens, text, language)
    except UnknownWordError:
        at = fallback.parse(folded, known(language))
        return (at, False) if at else None
    except UnreadableError:
        before = _before_update(tokens)
        if before is None:
            raise
        day, clock = _day_and_clock(before, text, language)
    if clock is None:
        return datetime.combine(day, time()), False
    return datetime.combine(day, clock.at, clock.zone), clock.unsettled


def _day_and_clock(tokens: list[Token], text: str, language: str | None) -> tuple[date, Clock | None]:
    clock, rest = take_clock(tokens)
    right_to_left = _RIGHT_TO_LEFT.search(text) is not None
    return calendar_date(rest, language, right_to_left=right_to_left), clock


def _before_update(tokens: list[Token]) -> list[Token] | None:
    """What stands before `updated:`, when that is not the beginning."""
    for index, token in enumerate(tokens):
        if token.kind == "word" and token.text in words.UPDATED:
            return tokens[:index] if index > 2 else None
    return None


def _publication_date(found: tuple[datetime, bool], zone: tzinfo | None, text: str) -> PublicationDate | None:
    at, unsettled = found
    try:
        if at.tzinfo is not None:
            return PublicationDate(at.astimezone(UTC), "explicit", "text", text)
        if zone is not None and not unsettled:
            return PublicationDate(at.replace(tzinfo=zone).astimezone(UTC), "source", "text", text)
    except OverflowError:
        return None
    return PublicationDate(at, "unknown", "text", text)
