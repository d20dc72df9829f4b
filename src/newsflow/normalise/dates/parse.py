"""The one date a short text names; no answer beats a wrong one."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, tzinfo
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from newsflow.model import DatePrecision, PublicationDate
from newsflow.normalise.characters import fold
from newsflow.normalise.dates.calendars import gregorian
from newsflow.normalise.dates.clock import Clock, UnreadableError, take_clock
from newsflow.normalise.dates.day import FIRST_YEAR, LAST_YEAR, calendar_date
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.relative import read_relative
from newsflow.normalise.dates.tokens import Token, tokenise
from newsflow.normalise.dates.words import PUBLISHED, UPDATED

MIN_DATE_CHARS, MAX_DATE_CHARS = 6, 160
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[Tt ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d+)?)?\s?(Z|z|[+-]\d{2}(?::?\d{2})?)?)?(?:\[[\w/+-]+\])?"
)
_BASIC = re.compile(r"\b(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(?!\d)")
_YEAR = re.compile(r"\d{4}|\d{1,2}\.\s?\d{1,2}\.\s?\d{2}")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\u200f\u061c\u202b\u2067]")
_THAI_MARCH = re.compile(r"มี\.?\s?ค\.?(?=\s|$)")
"""Without its vowel it is January, and folding takes that away."""
_NUMERIC = frozenset({"numeric", "time", "dotted", "number"})


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
    match = _ISO.fullmatch(_BASIC.sub(r"\1-\2-\3T\4:\5:\6", text))
    if match and known(language) != "ne" and (found := _iso(match)):  # a Nepali year looks like one of ours
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
    return _Moment(at, False, precision) if FIRST_YEAR <= year <= LAST_YEAR else None


def _moment(folded: str, text: str, language: str | None) -> _Moment | None:
    tokens = tokenise(text, folded, known(language))
    try:
        day, clock = _day_and_clock(tokens, text, language)
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
    parts = [(part, {token.text in UPDATED for token in part if _is_label(token)}) for part in _parts(tokens)]
    if not any(True in labels for _, labels in parts):
        return None
    published = [part for part, labels in parts if labels == {False}]
    originals = published or [part for part, labels in parts if not labels and _has_numbers(part)]
    return originals[0] if len(originals) == 1 else None


def _parts(tokens: list[Token]) -> list[list[Token]]:
    """Cut before each `published` and `updated` that follows a number; behind them where they follow their dates."""
    labels = [at for at, token in enumerate(tokens) if _is_label(token)]
    if labels and labels[0] > 0 and not _has_numbers(tokens[labels[-1] :]):
        return [part[::-1] for part in _cut(tokens[::-1])]
    return _cut(tokens)


def _cut(tokens: list[Token]) -> list[list[Token]]:
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if _is_label(token) and _has_numbers(parts[-1]):
            parts.append([])
        parts[-1].append(token)
    return parts


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
