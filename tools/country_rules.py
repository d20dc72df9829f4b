"""Writes the rules of all countries anew: `python tools/country_rules.py`.

CLDR's country names and our own forms (`tagging/cldr/*.txt`), cleaned, inflected and guarded against each other, become
rules in JSON Lines.

Two files: `rules/countries/generated.jsonl` holds a rule for every country that has no hand-written one;
`rules/cldr/names.jsonl` holds, for those that have, the names in the languages they do not write themselves.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, product, takewhile
from operator import methodcaller
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from babel import Locale

from newsflow.tagging.forms import LANGUAGES as INFLECTED
from newsflow.tagging.forms import OF_NAMES, expand, spellings
from newsflow.tagging.load import shipped_rules_path
from newsflow.tagging.rule import LANGUAGES, LATIN, languages_searched
from newsflow.tagging.text import fold
from newsflow.yamlfile import read_documents

OWN_LANGUAGES = ("en", "ar", "ru", "fr")

TermData = str | dict[str, Any]
_CONDITION = re.compile(r"\s+([<?-])\s+")
_KEYS = {"<": "unless", "?": "needs", "-": "without"}
_FLAGS: dict[str, tuple[str, Any]] = {"=": ("bare", True), "!": ("exact", True), "^": ("case", "certain")}


@dataclass(slots=True)
class Forms:
    """Our forms of one country. `cldr` false: its CLDR names in our own languages are not used."""

    cldr: bool = True
    terms: dict[str, list[TermData]] = field(default_factory=dict)


def _lines(name: str) -> list[str]:
    text = (shipped_rules_path().parent / "cldr" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_term(text: str) -> TermData:
    """`x < a, b` as a term with conditions; `=x` without proclitics, `!x` exact, `^x` with certain capitals."""
    head, *rest = _CONDITION.split(text.strip())
    name = head.lstrip("".join(_FLAGS))
    if not rest and name == head:
        return head
    term: dict[str, Any] = {"term": name} | dict(_FLAGS[sign] for sign in head.removesuffix(name))
    for sign, values in zip(rest[::2], rest[1::2], strict=True):
        term[_KEYS[sign]] = [value.strip() for value in values.split(",")]
    return term


def read_forms() -> dict[str, Forms]:
    """Forms by country code."""
    found: dict[str, Forms] = {}
    for line in _lines("forms.txt"):
        code, *columns = (part.strip() for part in line.split("|"))
        forms = Forms(cldr=not code.endswith("!"))
        for language, column in zip(OWN_LANGUAGES, columns, strict=True):
            forms.terms[language] = [read_term(text) for text in column.split(";") if text.strip()]
        found[code.rstrip("!")] = forms
    return found


def read_alternatives() -> dict[tuple[str, str], list[str]]:
    """Further names by code and language."""
    found: dict[tuple[str, str], list[str]] = {}
    for line in _lines("alternatives.txt"):
        head, _, names = line.partition(":")
        code, language = head.split()
        found.setdefault((code, language), []).extend(name.strip() for name in names.split(";"))
    for line in _lines("peoples.txt"):
        languages, _, columns = line.partition(":")
        for language, column in product(languages.split(","), columns.split(";")):
            code, _, names = column.strip().partition(" ")
            terms = found.setdefault((code, language.strip()), [])
            given = (name.strip().replace(" / ", ", ") for name in names.split(","))
            terms += [name for name in given if name not in terms]
    return found


@cache
def read_words() -> dict[tuple[str, str], TermData | None]:
    """How a country's names in a language count that are words there too, by both; None for those left out. Under `*`,
    what only looks like a name of any country."""
    found: dict[tuple[str, str], TermData | None] = {}
    for line in _lines("words.txt"):
        codes, languages, how = line.split(maxsplit=2)
        for code, language in product(codes.split(","), languages.split(",")):
            found[code, language] = None if how == "x" else read_term(how)
    return found


NOT_COUNTRIES = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])
"""Two-letter codes of CLDR that are not an ISO 3166 country. Kosovo (XK) is kept."""

_AGGLUTINATIVE = "az eu hy ka kk kn ky ml mn ta te tk uz"
AGGLUTINATIVE = frozenset(_AGGLUTINATIVE.split())
"""Languages with more endings than a table holds: longer names stay open at the end."""

_MIN_OPEN_CHARS = 5
_MAX_INFLECTED_WORDS = 2
_LAST_WORD_ALONE = frozenset(("et", "fi", "hu", "ko"))
"""Languages whose names change at the end alone, or have too many cases for two words."""

_EXACT = "bs cs hr is lt lv pl sk sl sr vi"
EXACT = frozenset(_EXACT.split())
"""Languages of Latin letters that are never without their accents in print, and have words that differ by them."""

EXTRA_LOCALES = {"zh": ("zh_Hant",), "sr": ("sr_Latn",), "pt": ("pt_PT",)}

_BRACKETS = re.compile(r"\s*[(（](.+?)[)）]")
_SPECIAL = re.compile(
    r"SAR|САР|ОАР|OAO|[Ee]rityishallinto|"
    r"R\.?A\.?[SE]|RAE|SRA|ZAO|行政区|行政區|제도|[Ss]onder|[Pp]articulier|رية الخاصة|إدارية"
)


def countries() -> list[str]:
    """ISO 3166 codes, and XK, in order."""
    codes = [str(code) for code in Locale.parse("en").territories]
    return sorted(code for code in codes if len(code) == 2 and code not in NOT_COUNTRIES)


def cldr_names(language: str) -> dict[str, list[str]]:
    """Cleaned names by code in one language."""
    found: dict[str, list[str]] = {}
    for tag in (language, *EXTRA_LOCALES.get(language, ())):
        territories = Locale.parse(tag).territories
        for code in countries():
            if code in territories and _is_wanted(language, code):
                names = found.setdefault(code, [])
                given = [*clean(territories[code], language, code), *_zone_name(tag, code)]
                names += [name for name in dict.fromkeys(given) if name not in names]
    return found


ZONES = {"HK": "Asia/Hong_Kong", "MO": "Asia/Macau"}
"""Places that CLDR names in full as territories, and as the world does as time zones."""


def _zone_name(tag: str, code: str) -> list[str]:
    if (zone := ZONES.get(code)) is None:
        return []
    city = Locale.parse(tag).time_zones.get(zone, {}).get("city")
    # Where it is not given, it is as in English.
    name = str(city or zone.partition("/")[2].replace("_", " "))
    return [name] if tag in LATIN or not name.isascii() else []


TWO_NAMES = frozenset(("MM", "CI", "TR", "CZ", "MK", "SZ", "TL", "CV", "FK", "BY", "LK"))
"""Countries whose second name CLDR gives in brackets; what stands there for others is not a name of theirs."""


def _is_wanted(language: str, code: str) -> bool:
    """New Jersey is in the news far more often than Jersey, in every language."""
    return read_words().get((code, language), "") is not None and (code != "JE" or language in OWN_LANGUAGES)


def clean(name: str, language: str, code: str = "") -> list[str]:
    """The names that a CLDR entry such as "Myanmar (Burma)" or "Congo - Kinshasa" holds."""
    name = unicodedata.normalize("NFC", name).replace("\u200f", "").strip()
    if _SPECIAL.search(name):
        first, dash, _ = name.partition(" – ")
        return [first] if dash and not _SPECIAL.search(first) else []
    if language not in ("zh", "ja") and (inner := _BRACKETS.search(name)):
        parts = (_BRACKETS.sub("", name), inner[1] if code in TWO_NAMES else "")
        return [part.strip() for part in parts if _is_name(part)]
    for dash in (" - ", " – ", " — "):
        if dash in name and "Папуа" not in name:
            first, _, second = name.partition(dash)
            return [f"{first}-{second}", second]
    spoken = [name]
    if " & " in name and language == "en":
        spoken.append(name.replace(" & ", " and "))
    return [part for part in spoken if _is_name(part)]


def _is_name(text: str) -> bool:
    return len(fold(text).strip()) >= 2


def marked(name: str, language: str) -> str:
    """The name with `~` or `*` where its language inflects. Small words and foreign dashes stay as they are."""
    if name.endswith(("~", "*")):
        return name
    if language in AGGLUTINATIVE:
        return name + ("*" if len(fold(name).split()[-1]) >= _MIN_OPEN_CHARS else "~")
    if language not in INFLECTED | OF_NAMES or language in ("en", "ar", "fr", "es", "it", "pt", "tr"):
        return name
    words = name.split()
    if language in _LAST_WORD_ALONE:
        return " ".join([*words[:-1], _marked_word(words[-1], language)])
    # Of long names ("South Georgia and the South Sandwich Islands") all inflections would be too many to be of use.
    return name if len(words) > _MAX_INFLECTED_WORDS else " ".join(_marked_word(word, language) for word in words)


def _marked_word(word: str, language: str) -> str:
    caseless = language == "ko"
    inflects = caseless or (word[:1].isupper() and len(word) > 2 and not word.isupper())
    return word + "~" if inflects and word[-1].isalpha() else word


def _text(term: TermData) -> str:
    return term if isinstance(term, str) else str(term["term"])


def _bare(term: TermData) -> str:
    return fold(_text(term).replace("~", "").replace("*", "")).strip()


def _patterns(term: TermData, language: str) -> set[str]:
    """Every form of a term but its proclitics, folded, with the spaces around; behind an open end there is none."""
    found = set()
    for spelling in spellings(_text(term), language):
        folded = f" {spelling.removesuffix('*').casefold()}"
        found.add(folded if spelling.endswith("*") else f"{folded} ")
    return found


class Held(NamedTuple):
    """By what shorter names may be held: the country, or none; the term, its first form and one form of it."""

    code: str
    text: str
    base: str
    form: str


def _held(terms: dict[str, list[TermData]], language: str) -> list[Held]:
    names = ((code, term) for code, found in terms.items() for term in found)
    return [Held(code, _text(term), _bare(term), form) for code, term in names for form in _patterns(term, language)]


def guard(terms: dict[str, list[TermData]], held: Iterable[Held], language: str) -> dict[str, list[TermData]]:
    """Adds to each name, in whatever form, what holds it: longer names of other countries ("Sudan", "South Sudan"),
    and words that only begin or look like it."""
    by_token: dict[str, list[Held]] = {}
    for item in held:
        for token in set(item.form.split()):
            by_token.setdefault(token, []).append(item)
    starts = sorted(by_token)
    return {code: [_guarded(term, code, by_token, starts, language) for term in found] for code, found in terms.items()}


def _guarded(term: TermData, code: str, by_token: dict[str, list[Held]], starts: list[str], language: str) -> TermData:
    own = _bare(term)
    longer: set[str] = set()
    forms = {form.pattern for form in expand(_text(term), language)} if language == "he" else _patterns(term, language)
    for form in forms:
        tokens = _tokens_at(form, starts)
        around = (item for each in tokens for item in by_token.get(each, ()) if item.code != code and item.base != own)
        longer.update(item.text for item in around if _holds(form, own, item))
    if not longer:
        return term
    data: dict[str, Any] = {"term": term} if isinstance(term, str) else dict(term)
    data["unless"] = list(dict.fromkeys([*data.get("unless", ()), *sorted(longer)]))
    return data


def _tokens_at(form: str, starts: list[str]) -> Iterator[str]:
    """The first token of a form; of one that is open and a single token, all that begin so."""
    token = form.split()[0]
    if form[-1] == " " or " " in form.strip():
        return iter((token,))
    return takewhile(methodcaller("startswith", token), starts[bisect_left(starts, token) :])


def _holds(form: str, own: str, held: Held) -> bool:
    """Whether a form of a name is part of one of another, or is the other's first form and not its own."""
    if form == held.form:
        return not held.code or (form.strip() != own and form.strip() == held.base)
    return form in held.form or (held.form[-1] != " " and form.removesuffix(" ") == held.form[-len(form) + 1 :])


def _with_ours(names: Iterable[str], ours: Iterable[TermData], language: str) -> list[TermData]:
    own = list(ours)
    taken = {_bare(term) for term in own}
    return [*(marked(name, language) for name in names if fold(name).strip() not in taken), *own]


def _as_word(term: TermData, how: TermData | None, language: str) -> TermData:
    """A term as names of its language count, or, where it is a word too, as is said of it."""
    more: dict[str, Any] = {} if how is None or isinstance(how, str) else {**how}
    only = more.pop("term", "*")
    if only not in ("*", _text(term)):
        more = {}
    if _text(term) == _text(term).lower():
        more.pop("case", None)
    if language in EXACT:
        more["exact"] = True
    if language == "he" and not re.search(r"[~ ]|^ה", _text(term)):
        more["definite"] = False
    if not more:
        return term
    return ({"term": term} if isinstance(term, str) else dict(term)) | more


def _unguarded(language: str) -> dict[str, list[TermData]]:
    """The terms of every country in a language."""
    forms, alternatives, words = read_forms(), read_alternatives(), read_words()
    names = cldr_names(language)
    by_code: dict[str, list[TermData]] = {}
    for code in countries():
        own = forms.get(code)
        ours = own.terms.get(language, []) if own else []
        skip = own is not None and not own.cldr and language in OWN_LANGUAGES
        extra = [read_term(name) for name in alternatives.get((code, language), ())]
        marks = [marked(term, language) if isinstance(term, str) else term for term in extra]
        found = _with_ours(() if skip else names.get(code, ()), [*marks, *ours], language)
        by_code[code] = [_as_word(term, words.get((code, language)), language) for term in found]
    return by_code


def terms_by_language() -> dict[str, dict[str, list[TermData]]]:
    """For each language the terms of every country, guarded against each other, and against those of languages that
    are searched with it."""
    found = {language: _unguarded(language) for language in sorted(LANGUAGES)}
    held = {language: _held(terms, language) for language, terms in found.items()}
    words = read_words()
    guarded = {}
    for language, terms in found.items():
        together = [held[each] for each in sorted(languages_searched(language) - {""})]
        looks = words.get(("*", language))
        texts = looks["unless"] if isinstance(looks, dict) else []
        more = [Held("", text, "", form) for text in texts for form in _patterns(text, language)]
        guarded[language] = guard(terms, [*chain.from_iterable(together), *more], language)
    return guarded


def hand_written() -> dict[str, str]:
    """Ids of hand-written countries by code."""
    found = {}
    for path in sorted((shipped_rules_path() / "countries").glob("*.yaml")):
        for document in read_documents(path):
            found[document.value["code"]] = document.value["id"]
    return found


def slug(name: str) -> str:
    """An id from an English name."""
    return re.sub(r"[^a-z0-9]+", "-", fold(name.replace("’", ""))).strip("-")


IDS = {"CD": "dr-congo", "CG": "congo", "HK": "hong-kong", "MO": "macao", "MM": "myanmar"}


def _write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))


def rows() -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Rules of countries without a hand-written one, and name lists for those with."""
    by_language, written = terms_by_language(), hand_written()
    english = Locale.parse("en").territories
    generated: list[dict[str, object]] = []
    names: list[dict[str, object]] = []
    for code in countries():
        terms = {language: by_language[language][code] for language in by_language if by_language[language][code]}
        if code in written:
            kept = {language: found for language, found in terms.items() if language not in OWN_LANGUAGES}
            names.append({"id": f"cldr-{code.lower()}", "code": code, "abstract": True, "terms": kept})
        else:
            title = {tag: Locale.parse(tag).territories[code] for tag in OWN_LANGUAGES}
            identity = IDS.get(code) or slug(english[code])
            generated.append({"id": identity, "names": title, "scheme": "iso3166", "code": code, "terms": terms})
    return generated, names


def write_all() -> None:
    """Write both files among the shipped rules."""
    generated, names = rows()
    root = shipped_rules_path()
    _write(root / "countries" / "generated.jsonl", generated)
    _write(root / "cldr" / "names.jsonl", names)


if __name__ == "__main__":
    write_all()
