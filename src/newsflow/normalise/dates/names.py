# ruff: noqa: SIM905 - rows of words read best as rows
"""Month and weekday names by language: Arabic from our own table, the others from CLDR (data/date-names.json)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from newsflow.normalise.dates import arabic
from newsflow.normalise.dates.fold import fold

LANGUAGES = (
    "ar en fr ru uk es de tr fa he ur pl pt it nl bg sr mk be cs sk sl hr bs ro hu el sv da nb fi et lv "
    "lt sq ca id ms hi bn ta vi zh ja ko ka hy az kk uz sw"
).split()
_ALIASES = {"no": "nb", "nn": "nb", "iw": "he", "in": "id", "arz": "ar", "ary": "ar", "sh": "sr"}
# Written beside CLDR's forms in the news.
_EXTRA: dict[str, dict[int, str]] = {
    "en": {9: "sept", 1: "jan", 3: "mar", 4: "apr", 6: "june jun", 7: "july jul"},
    "fr": {1: "janv", 2: "fevr fev", 7: "juil juill", 4: "avr", 9: "sept"},
    "es": {9: "setiembre set sept"},
    "de": {1: "jänner jaenner", 2: "feber", 3: "maerz"},
    "ru": {2: "фев", 3: "марта", 9: "сен сент", 11: "ноя нояб"},
    "fa": {1: "ژانویه", 2: "فوریه", 3: "مارس", 4: "آوریل", 5: "مه می", 6: "ژوئن", 7: "ژوئیه جولای", 8: "اوت آگوست"},
    "ur": {8: "اگست"},
    "sr": {1: "јануар januar", 6: "јун juni", 7: "јул juli"},
}


@dataclass(frozen=True)
class Names:
    """Folded names of one language, of up to three words."""

    months: dict[str, int]
    weekdays: dict[str, int]


def known(language: str | None) -> str | None:
    """The language of a BCP 47 tag or CLDR locale (`ar-LB`, `ar_LB`) if we have its names, else None."""
    if not language:
        return None
    base = language.replace("_", "-").partition("-")[0].lower()
    base = _ALIASES.get(base, base)
    return base if base in LANGUAGES else None


@cache
def names_of(language: str) -> Names:
    """The names of one of LANGUAGES."""
    months, weekdays = ({}, {}) if language == "ar" else _cldr(language)
    if language == "ar":
        months, weekdays = dict(arabic.MONTHS), dict(arabic.WEEKDAYS)
    for number, extra in _EXTRA.get(language, {}).items():
        months.update((fold(name), number) for name in extra.split())
    if language == "fa":  # written with a space, or a joiner that folding takes away
        weekdays.update({name.replace("شنبه", " شنبه"): number for name, number in weekdays.items() if name != "شنبه"})
    return Names(months, weekdays)


def _cldr(language: str) -> tuple[dict[str, int], dict[str, int]]:
    entry = _file().get(language, {"months": {}, "weekdays": {}})
    months = dict(entry["months"])
    if language == "he":  # the preposition is written onto the name
        months.update({"ב" + name: number for name, number in entry["months"].items()})
    return months, dict(entry["weekdays"])


@lru_cache(maxsize=1)
def _file() -> dict[str, dict[str, dict[str, int]]]:
    text = files("newsflow.normalise").joinpath("data/date-names.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, dict[str, int]]] = json.loads(text)
    return loaded


@lru_cache(maxsize=1)
def all_names() -> Names:
    """The names of all languages together, without those of two letters or with two meanings."""
    months: dict[str, set[int]] = {}
    weekdays: dict[str, set[int]] = {}
    for language in LANGUAGES:
        names = names_of(language)
        for source, target in ((names.months, months), (names.weekdays, weekdays)):
            for name, number in source.items():
                target.setdefault(name, set()).add(number)
    return Names(_unanimous(months), _unanimous(weekdays))


def _unanimous(found: dict[str, set[int]]) -> dict[str, int]:
    return {
        name: next(iter(numbers))
        for name, numbers in found.items()
        if len(numbers) == 1 and (len(name) > 2 or not name.isascii())
    }
