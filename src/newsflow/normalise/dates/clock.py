"""The time of day and its zone, taken from the tokens of a date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from newsflow.model import DatePrecision
from newsflow.normalise.dates import words
from newsflow.normalise.dates.tokens import Token
from newsflow.normalise.dates.zones import ZONES

_NUMBERS = re.compile(r"\d+")
_OFFSET = re.compile(r"[^\d+-]*([+-])\s?(\d{1,2}):?(\d{2})?")
_PRECISIONS: tuple[DatePrecision, ...] = ("hour", "minute", "second")


class UnreadableError(Exception):
    """The text is not a date, or can be read in more than one way."""


@dataclass(frozen=True)
class Clock:
    """A time of day. `zone` is None when the text names none, or an `ambiguous` one: a name that several zones have."""

    at: time
    zone: tzinfo | None
    ambiguous: bool
    precision: DatePrecision


def take_clock(tokens: list[Token]) -> tuple[Clock | None, list[Token]]:
    """The clock of these tokens and the tokens without it. Raises UnreadableError on two, or an impossible one."""
    index = _find_time(tokens)
    if index is None:
        return None, [token for token in tokens if token.kind != "offset"]
    half, after, rest = _take_half(tokens, index)
    zone, ambiguous, after = _take_zone(tokens, after)
    rest = rest + tokens[after:]
    if _find_time(rest) is not None:
        raise UnreadableError("two times")
    text = tokens[index].text
    return Clock(_time_of_day(text, half), zone, ambiguous, _PRECISIONS[len(_NUMBERS.findall(text)[:3]) - 1]), rest


def _find_time(tokens: list[Token]) -> int | None:
    for index, token in enumerate(tokens):
        if token.kind == "time":
            return index
    for index, token in enumerate(tokens):
        if token.kind == "dotted" or (token.kind == "number" and _is_bare_hour(tokens, index)):
            return index
    return None


def _is_bare_hour(tokens: list[Token], index: int) -> bool:
    if int(tokens[index].text) > 24 or index + 1 >= len(tokens):
        return False
    follower = tokens[index + 1]
    return follower.kind == "word" and (_half_of(follower.text) is not None or follower.text in words.HOUR_WORDS)


def _half_of(word: str) -> str | None:
    tables = (("am", words.AM), ("pm", words.PM), ("noon", words.NOON), ("night", words.NIGHT))
    return next((name for name, table in tables if word in table), None)


def _take_half(tokens: list[Token], index: int) -> tuple[str | None, int, list[Token]]:
    """The half of the day (am, pm ...) beside the time at `index`, the index after both, and the tokens before both."""
    rest, after = tokens[:index], index + 1
    while after < len(tokens) and tokens[after].text in words.HOUR_WORDS:
        after += 1
    if after < len(tokens) and tokens[after].kind == "word" and (half := _half_of(tokens[after].text)):
        return half, after + 1, rest
    # 下午 5:21; but the م before a time may belong to the year
    if rest and rest[-1].kind == "word" and rest[-1].text not in words.GREGORIAN_MARKS:
        half = _half_of(rest[-1].text)
        return half, after, rest[:-1] if half else rest
    return None, after, rest


def _take_zone(tokens: list[Token], after: int) -> tuple[tzinfo | None, bool, int]:
    index = after
    while index < len(tokens) and (tokens[index].text in words.FILLERS or tokens[index].text in ("(", ",")):
        index += 1
    if index >= len(tokens):
        return None, False, after
    token = tokens[index]
    if token.kind == "offset":
        return _offset_zone(token.text), False, _after_name_of_offset(tokens, index + 1)
    if token.kind == "word" and token.text in ZONES:
        zone = ZONES[token.text]
        return _named_zone(zone), zone is None, index + 1
    return None, False, after


def _after_name_of_offset(tokens: list[Token], index: int) -> int:
    """The index after the name that a program writes behind an offset: `(Moscow Standard Time)`, `UTC`."""
    if index < len(tokens) and tokens[index].text in ZONES:
        return index + 1
    if index >= len(tokens) or tokens[index].text != "(":
        return index
    end = next((at for at in range(index, len(tokens)) if tokens[at].text == ")"), index - 1)
    is_name = all(token.kind in ("word", "weekday", "month", "mark") for token in tokens[index:end])
    return end + 1 if is_name else index


def _named_zone(zone: int | str | None) -> tzinfo | None:
    if isinstance(zone, str):
        return ZoneInfo(zone)
    return None if zone is None else timezone(timedelta(minutes=zone))


def _offset_zone(text: str) -> tzinfo:
    match = _OFFSET.fullmatch(text)
    assert match is not None
    hours, minutes = int(match[2]), int(match[3] or 0)
    if hours > 14 or minutes > 59:
        raise UnreadableError("no such offset")
    return timezone(timedelta(hours=hours, minutes=minutes) * (1 if match[1] == "+" else -1))


def _time_of_day(text: str, half: str | None) -> time:
    numbers = [int(number) for number in _NUMBERS.findall(text)][:3]
    hour, minute, second = (*numbers, 0, 0)[:3]
    if hour > 23 or minute > 59 or second > 59:
        raise UnreadableError("no such time")
    return time(_hour_of_day(hour, half), minute, second)


def _hour_of_day(hour: int, half: str | None) -> int:
    if half is None:
        return hour
    if hour > 12:
        if half == "am":
            raise UnreadableError("an hour after noon that the text puts before it")
        return hour
    if half == "am":
        return hour % 12
    if half == "night":
        return hour % 12 if hour == 12 or hour < 6 else hour + 12
    if half == "noon":
        return hour + 12 if hour < 6 else hour
    return hour % 12 + 12
