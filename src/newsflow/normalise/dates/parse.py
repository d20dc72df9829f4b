"""The one date a short text names; no answer beats a wrong one.

Our own tables read it. Where they do not hold a word, dateparser is asked, with an explicit locale, and its answer is
checked.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from newsflow.model import DatePrecision, PublicationDate
from newsflow.normalise.characters import fold
from newsflow.normalise.dates.calendars import gregorian
from newsflow.normalise.dates.clock import Clock, UnreadableError, take_clock
from newsflow.normalise.dates.day import UnknownWordError, calendar_date
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.relative import read_relative
from newsflow.normalise.dates.tokens import Token, tokenise
from newsflow.normalise.dates.words import PUBLISHED, UPDATED

MIN_DATE_CHARS, MAX_DATE_CHARS, MAX_FALLBACK_CHARS = 6, 160, 60
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?(?:\[[\w/+-]+\])?"
)
_BASIC = re.compile(r"\b(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?!\d)")
_YEAR = re.compile(r"\d{4}|\d{1,2}\.\s?\d{1,2}\.\s?\d{2}")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\u061c\u202b\u2067]")
_NUMBERS = re.compile(r"\d+")
_THAI_MARCH = re.compile(r"มี\.?\s?ค\.?(?=\s|$)")
"""Without its vowel it is January, and folding takes that away."""
_FALLBACK_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_NUMERIC = frozenset({"numeric", "time", "dotted", "number"})
_FALLBACK_SETTINGS: dict[str, Any] = {
    # Absolute dates only: "3 days ago" needs a clock, and is not a date that was written down.
    "PARSERS": ["absolute-time"],
    "REQUIRE_PARTS": ["day", "month", "year"],
    "STRICT_PARSING": True,
    "DATE_ORDER": "DMY",
    "RETURN_AS_TIMEZONE_AWARE": False,
}


def parse_date(
    text: str, language: str | None = None, zone: str | None = None, now: datetime | None = None
) -> PublicationDate | None:
    """The one date a short text names, or None where it names none, several, or one that can be read two ways.

    `language` is a BCP 47 tag (or CLDR locale) that helps with names and with the order of day and month; `zone` an
    IANA name, used where the text names none. A day without a time is its midnight. A weekday must fit its date; a
    Hijri date alone is not read; a zone name that several zones have (`IST`) gives a date of unknown zone. Where `now`
    (aware) is given, a text that counts back from it (`3 hours ago`) is a date too.
    Raises ZoneInfoNotFoundError on a zone that does not exist. The evidence is `text`.
    """
    text = text.strip()
    if not (MIN_DATE_CHARS if now is None else 2) <= len(text) <= MAX_DATE_CHARS:
        return None
    if found := _read(text, language):
        return _publication_date(found, ZoneInfo(zone) if zone else None, text)
    if now is None:
        return None
    return read_relative(text, language, zone, now, lambda written: parse_date(written, language, zone))


class _Moment(NamedTuple):
    at: datetime
    ambiguous: bool
    """Several zones have the name that its zone has."""
    precision: DatePrecision


@lru_cache(maxsize=4096)
def _read(text: str, language: str | None) -> _Moment | None:
    if (match := _ISO.fullmatch(_BASIC.sub(r"\1-\2-\3T\4:\5:\6", text))) and (found := _iso(match)):
        return found
    folded = gregorian(fold(_THAI_MARCH.sub("มีนาคม", text)))
    if not _YEAR.search(folded):
        return None
    try:
        return _moment(folded, text, language)
    except UnreadableError:
        return None


def _iso(match: re.Match[str]) -> _Moment | None:
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        at = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 the zone follows, if there is one
        if match[7]:
            offset = "+00:00" if match[7] in "Zz" else match[7]
            at = datetime.fromisoformat(at.isoformat() + offset)
    except ValueError:
        return None
    precision: DatePrecision = "day" if match[4] is None else "minute" if match[6] is None else "second"
    return _Moment(at, False, precision) if 1900 <= year <= 2099 else None


def _moment(folded: str, text: str, language: str | None) -> _Moment | None:
    tokens = tokenise(text, folded, known(language))
    try:
        day, clock = _day_and_clock(tokens, text, language)
    except UnknownWordError:
        at = _by_dateparser(folded, known(language))
        return _Moment(at, False, "minute" if ":" in folded or at.time() != time() else "day") if at else None
    except UnreadableError:
        original = _original(tokens)
        if original is None:
            raise
        day, clock = _day_and_clock(original, text, language)
    if clock is None:
        return _Moment(datetime.combine(day, time()), False, "day")
    return _Moment(datetime.combine(day, clock.at, clock.zone), clock.ambiguous, clock.precision)


def _day_and_clock(tokens: list[Token], text: str, language: str | None) -> tuple[date, Clock | None]:
    clock, rest = take_clock(tokens)
    right_to_left = _RIGHT_TO_LEFT.search(text) is not None
    return calendar_date(rest, language, right_to_left=right_to_left), clock


def _original(tokens: list[Token]) -> list[Token] | None:
    """Of a line with dates of publication and of updates, the part that is of publication, if there is one."""
    parts = _parts(tokens) if any(token.text in UPDATED for token in tokens) else []
    kinds = [{token.text in UPDATED for token in part if token.text in UPDATED or token.text in PUBLISHED} for part in parts]
    published = [part for part, kind in zip(parts, kinds, strict=True) if kind == {False}]
    unsaid = [part for part, kind in zip(parts, kinds, strict=True) if not kind and _has_numbers(part)]
    originals = published or unsaid
    return originals[0] if len(originals) == 1 else None


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """Cut before each `published` and `updated` that follows a number; after them where they stand behind dates."""
    if tokens and not _has_numbers(_tail(tokens)) and not _is_label(tokens[0]):
        return [part[::-1] for part in _parts_forwards(tokens[::-1])]
    return _parts_forwards(tokens)


def _parts_forwards(tokens: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if _is_label(token) and _has_numbers(parts[-1]):
            parts.append([])
        parts[-1].append(token)
    return parts


def _tail(tokens: list[Token]) -> list[Token]:
    """From the last `published` or `updated` on."""
    last = max((at for at, token in enumerate(tokens) if _is_label(token)), default=0)
    return tokens[last:]


def _is_label(token: Token) -> bool:
    return token.kind == "word" and (token.text in UPDATED or token.text in PUBLISHED)


def _has_numbers(tokens: list[Token]) -> bool:
    return any(token.kind in _NUMERIC for token in tokens)


def _publication_date(found: _Moment, zone: tzinfo | None, text: str) -> PublicationDate | None:
    at, ambiguous, precision = found
    try:
        if at.tzinfo is not None:
            return PublicationDate(at.astimezone(UTC), "explicit", "text", text, precision)
        if zone is not None and not ambiguous:
            return PublicationDate(at.replace(tzinfo=zone).astimezone(UTC), "source", "text", text, precision)
    except OverflowError:
        return None
    return PublicationDate(at, "unknown", "text", text, precision)


@lru_cache(maxsize=1024)
def _by_dateparser(folded: str, language: str | None) -> datetime | None:
    """The naive date dateparser reads, if each number of the text is a part of it and no word of it a zone; or None."""
    numbers = [int(number) for number in _NUMBERS.findall(folded)]
    if (
        language is None
        or len(folded) > MAX_FALLBACK_CHARS
        or not _FALLBACK_YEAR.search(folded)
        or not 2 <= len(numbers) <= 5
    ):
        return None
    import dateparser

    try:
        found = dateparser.parse(folded, languages=[language], settings=_FALLBACK_SETTINGS)
    except (ValueError, OverflowError, TypeError):  # an unknown locale, or a text it fails on
        return None
    if found is None or found.tzinfo is not None or not _explains(found, numbers):
        return None
    return found


def _explains(found: datetime, numbers: list[int]) -> bool:
    """Whether the numbers of the text are the day and year of the date and its time, and nothing else."""
    if any(number > 31 for number in numbers if number != found.year):
        return False
    left = list(numbers)
    for part in (found.year, found.day):
        if part not in left:
            return False
        left.remove(part)
    expected = [
        {found.hour, found.hour % 12, found.hour % 12 + 12 * (found.hour == 12)},
        {found.minute},
        {found.second},
    ]
    return len(left) != 1 and all(number in parts for number, parts in zip(left, expected, strict=False))
