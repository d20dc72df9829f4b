"""A folded text cut into the pieces that a date can be made of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from newsflow.normalise.dates import names as words
from newsflow.normalise.dates.names import HIJRI_MONTHS, Names, all_names, names_of

Kind = Literal["numeric", "time", "dotted", "offset", "number", "month", "hijri", "weekday", "word", "mark"]

_TOKEN = re.compile(
    r"""
    (?P<iso>(?<!\d)\d{4}-\d{2}-\d{2}t(?=\d{2}:))
  | (?P<ymd>(?<![\d.])\d{4}\s?(?P<ysep>[-/.年년])\s?\d{1,2}\s?(?:(?P=ysep)|[月월])\s?\d{1,2}\s?[日일]?(?![\d])(?!:\d))
  | (?P<dmy>(?<![\d.:])\d{1,2}\s?(?P<dsep>[-/.])\s?\d{1,2}\s?(?P=dsep)\s?(?:\d{4}|\d{2})(?![\d])(?!:\d))
  | (?P<time>(?<![\d.:])\d{1,2}\s?[:：]\s?\d{2}(?::\d{2})?(?:[.,]\d{1,9})?(?![\d:]))
  | (?P<htime>(?<![\d.:])\d{1,2}\s?h\s?\d{2}(?![\d:]))
  | (?P<offset>(?:(?:utc|gmt)\s?[+-]\s?\d{1,2}(?::?\d{2})?|[+-]\d{2}:?\d{2})(?![\d/.:-]))
  | (?P<dotted>(?<![\d.])\d{1,2}\.\d{2}(?![\d.]))
  | (?P<number>\d+)
  | (?P<word>[^\W\d_]+(?:[.'"״][^\W\d_]+)*\.?)
  | (?P<mark>\S)
    """,
    re.VERBOSE,
)

_EAST_ASIAN_WEEKDAY = re.compile("(?:星期|周|週)[一二三四五六日天]|[日月火水木金土]曜日?|[월화수목금토일]요일")
_VIETNAMESE = re.compile(r"(\d{1,2}) (?:thang|thg) (\d{1,2}),?(?: nam)? (\d{4})")
_PHRASES = (words.AM, words.PM, words.NOON, words.NIGHT, words.FILLERS, words.ZONES)


@dataclass(slots=True)
class Token:
    """One piece: its kind, its text, and what a name may mean (a word can be a month and a weekday)."""

    kind: Kind
    text: str
    month: int | None = None
    weekday: int | None = None


def tokenise(text: str, language: str | None) -> list[Token]:
    """The tokens of a folded text. Names are looked up in `language`, then in all languages together."""
    text = _EAST_ASIAN_WEEKDAY.sub(" ", text)
    text = _VIETNAMESE.sub(r"\1.\2.\3", text)
    found = [_token(match) for match in _TOKEN.finditer(text)]
    tables = [names_of(language), all_names()] if language else [all_names()]
    tokens: list[Token] = []
    index = 0
    while index < len(found):
        named, length = _named(found, index, tables)
        tokens.append(named or found[index])
        index += length
    return tokens


def _token(match: re.Match[str]) -> Token:
    group, text = match.lastgroup or "mark", match.group()
    if group in ("iso", "ymd", "dmy"):
        return Token("numeric", text.rstrip("t") if group == "iso" else text)
    if group == "htime":
        return Token("time", text.replace("h", ":"))
    if group in ("time", "offset", "dotted", "number"):
        return Token(group, text)  # type: ignore[arg-type]
    return Token("word", text.rstrip(".")) if group == "word" else Token("mark", text)


def _named(found: list[Token], index: int, tables: list[Names]) -> tuple[Token | None, int]:
    """A token for the longest name (of up to three words) that begins here, and how many tokens it spans."""
    for length in (3, 2, 1):
        part = found[index : index + length]
        if len(part) < length or any(token.kind != "word" for token in part):
            continue
        name = " ".join(token.text for token in part)
        month = next((table.months[name] for table in tables if name in table.months), None)
        weekday = next((table.weekdays[name] for table in tables if name in table.weekdays), None)
        if month is not None:
            return Token("month", name, month, weekday), length
        if name in HIJRI_MONTHS:
            return Token("hijri", name), length
        if weekday is not None:
            return Token("weekday", name, None, weekday), length
        if length > 1 and any(name in table for table in _PHRASES):
            return Token("word", name), length
    return None, 1
