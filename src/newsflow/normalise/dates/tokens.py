"""A folded text cut into the pieces that a date can be made of."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from newsflow.normalise.characters import compile_folded, fold
from newsflow.normalise.dates.names import OTHER_MONTHS, Names, all_names, names_of
from newsflow.normalise.dates.words import AM, FILLERS, HOUR_WORDS, NIGHT, NOON, PM, WORD
from newsflow.normalise.dates.zones import ZONES

Kind = Literal["numeric", "time", "dotted", "offset", "number", "month", "hijri", "weekday", "word", "mark"]

_TOKEN = re.compile(
    rf"""
    (?P<iso>(?<!\d)\d{{4}}-\d{{2}}-\d{{2}}t(?=\d{{2}}:))
  | (?P<ymd>(?<![\d.])\d{{4}}\s?(?P<ysep>[-/.年년])\s?\d{{1,2}}\s?(?:(?P=ysep)|[月월])
      \s?\d{{1,2}}\s?[日일]?(?![\d])(?!:\d))
  | (?P<dmy>(?<![\d.:])\d{{1,2}}\s?(?P<dsep>[-/.])\s?\d{{1,2}}\s?(?P=dsep)\s?(?:\d{{4}}|\d{{2}})(?![\d])(?!:\d))
  | (?P<time>(?<![\d.:])\d{{1,2}}\s?[:：]\s?\d{{2}}(?::\d{{2}})?(?:[.,]\d{{1,9}})?(?![\d:]))
  | (?P<htime>(?<![\d.:])\d{{1,2}}(?:\s?h\s?|u)\d{{2}}(?![\d:]))
  | (?P<offset>(?:(?:utc|gmt|[غج]رينتش)\s?[+-]\s?\d{{1,2}}(?::?\d{{2}})?
      |(?<![^\W\d_])(?<!-\d)(?<!-\d\d)[+-]\d{{2}}:?\d{{2}}|(?:(?<=:\d\d)|(?<=:\d\d\s))\+\d{{2}})(?![\d/.:-]))
  | (?P<dotted>(?<![\d.])\d{{1,2}}\.\d{{2}}(?![\d.]))
  | (?P<number>\d+)
  | (?P<word>{WORD}\.?)
  | (?P<mark>\S)
    """,
    re.VERBOSE,
)


_EAST_ASIAN_WEEKDAY = re.compile(
    r"(?:星期|周|週)[一二三四五六日天]|[日月火水木金土]曜日?|[월화수목금토일]요일|\([日月火水木金土월화수목금토일]\)"
)
_HYPHEN = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
# `th` is Thursday too. English, French, Catalan, Welsh; Slavic, Greek, Azerbaijani, Hungarian, Kurdish; and signs.
_ORDINAL = compile_folded(
    r"(?<=\d)(?:[-:]?(?:st|nd|rd|th|er|eme|re|e|fed|af|ydd|il|го|е|я|й|ти|ви|ри|ми|η|ci|cu|r|n|t|en|an|jen|ی)(?![^\W_])|:a\b|°)"
)
_LEVANTINE = {
    fold(short): fold(long)
    for short, long in {
        "ك": "كانون",
        "كانون": "كانون",
        "ت": "تشرين",
        "تشرين": "تشرين",
        "1": "الأول",
        "2": "الثاني",
    }.items()
}
_NUMBERED_MONTH = re.compile(rf"(?<![^\W\d_])({'|'.join(name for name in _LEVANTINE if name.isalpha())}) ?([12])(?!\d)")
_VIETNAMESE_WEEKDAY = re.compile(r"\b(?:thu (?:hai|ba|tu|nam|sau|bay|[2-7](?!\d))|chu nhat)\b")
_VIETNAMESE = re.compile(r"(\d{1,2}) (?:thang|thg) (\d{1,2}),?(?: nam)? (\d{4})")
_MONGOLIAN = re.compile(r"(\d{4}) оны (\d{1,2})(?:-р)? сарын (\d{1,2})")
_WORDED_TIME = compile_folded(
    r"(?<!\d)(\d{1,2})\s?(?:[时時點点시]|ч\.?|год\.?)\s?(\d{1,2})\s?(?:[分분]|мин\.?|хв\.?)(?:\s?\d{1,2}\s?[秒초])?"
)
_ROLES = FILLERS | AM | PM | NOON | NIGHT | HOUR_WORDS
_PHRASES = _ROLES | ZONES.keys()
_CAPITALS = re.compile(r"\b[A-Z]{3,5}\b")


@dataclass(slots=True)
class Token:
    """One piece: its kind, its text, and what a name may mean (a word can be a month and a weekday)."""

    kind: Kind
    text: str
    month: int | None = None
    weekday: int | None = None


def tokenise(text: str, folded: str, language: str | None) -> list[Token]:
    """The tokens of a text that is given as it is and folded."""
    folded = _ORDINAL.sub("", _EAST_ASIAN_WEEKDAY.sub(" ", _HYPHEN.sub(" ", folded)))
    folded = _NUMBERED_MONTH.sub(lambda match: f"{_LEVANTINE[match[1]]} {_LEVANTINE[match[2]]}", folded)
    folded = _VIETNAMESE_WEEKDAY.sub(" ", folded)
    folded = _MONGOLIAN.sub(r"\1.\2.\3", _VIETNAMESE.sub(r"\1.\2.\3", folded))
    folded = _WORDED_TIME.sub(lambda match: f" {match[1]}:{match[2]:0>2} ", folded)
    found = [_token(match) for match in _TOKEN.finditer(folded)]
    return list(_with_names(found, _Lookup(names_of(language) if language else None), _zones_in(text)))


def _zones_in(text: str) -> frozenset[str]:
    """The zones whose names stand in capitals: `CET`, which is no Thursday (`čet`) then."""
    return frozenset(name for name in map(str.lower, _CAPITALS.findall(text)) if name in ZONES)


def _with_names(found: list[Token], lookup: _Lookup, capitals: frozenset[str]) -> Iterator[Token]:
    index, after_time = 0, False
    while index < len(found):
        token = found[index]
        is_zone = after_time and (token.text in capitals or (token.text in ZONES and not lookup.is_own(token.text)))
        named, length = _named(found, index, lookup)
        after_time = after_time or token.kind in ("time", "dotted")
        yield token if named is None or (is_zone and length == 1) else named
        index += length


def _token(match: re.Match[str]) -> Token:
    group, text = match.lastgroup or "mark", match.group()
    if group in ("iso", "ymd", "dmy"):
        return Token("numeric", text.rstrip("t") if group == "iso" else text)
    if group == "htime":
        return Token("time", text.replace("h", ":"))
    if group in ("time", "offset", "dotted", "number"):
        return Token(group, text)  # type: ignore[arg-type]
    return Token("word", text.rstrip(".")) if group == "word" else Token("mark", text)


def _named(found: list[Token], index: int, lookup: _Lookup) -> tuple[Token | None, int]:
    """A token for the longest name (of up to three words) that begins here, and how many tokens it spans."""
    for length in (3, 2, 1):
        part = found[index : index + length]
        if len(part) < length or any(token.kind != "word" for token in part):
            continue
        name = " ".join(token.text for token in part)
        month, weekday = lookup.meaning(name)
        if month is not None:
            return Token("month", name, month, weekday), length
        if name in OTHER_MONTHS:
            return Token("hijri", name), length
        if weekday is not None:
            return Token("weekday", name, None, weekday), length
        if length > 1 and name in _PHRASES:
            return Token("word", name), length
    return None, 1


@dataclass(frozen=True, slots=True)
class _Lookup:
    """Names as a text of one language has them: its own, then English ones, then those of other languages that are no
    other word of dates. Where the language is unknown, those of all languages that have one meaning."""

    own: Names | None

    def is_own(self, name: str) -> bool:
        names = self.own or all_names()
        return name in names.months or name in names.weekdays

    def meaning(self, name: str) -> tuple[int | None, int | None]:
        """The month and the weekday of a name."""
        if self.own is None:
            return _meaning(name, all_names())
        if self.is_own(name):
            return _meaning(name, self.own)
        if name in _ROLES:
            return None, None
        english = _meaning(name, names_of("en"))
        return english if english != (None, None) or self.own.is_alone else _meaning(name, all_names())


def _meaning(name: str, names: Names) -> tuple[int | None, int | None]:
    return names.months.get(name), names.weekdays.get(name)
