"""Writes the rules of all countries anew: `python tools/country_rules.py`.

CLDR's country names and our own forms (`tagging/cldr/*.txt`), cleaned, inflected and guarded against each other, become
rules in JSON Lines.

Two files: `rules/countries/generated.jsonl` holds a rule for every country that has no hand-written one;
`rules/cldr/names.jsonl` holds, for those that have, the names in the languages they do not write themselves.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from babel import Locale

from newsflow.tagging.forms import LANGUAGES as INFLECTED
from newsflow.tagging.load import shipped_rules_path
from newsflow.tagging.rule import LANGUAGES
from newsflow.tagging.text import fold
from newsflow.yamlfile import read_documents

OWN_LANGUAGES = ("en", "ar", "ru", "fr")

TermData = str | dict[str, Any]
_CONDITION = re.compile(r"\s+([<?-])\s+")
_KEYS = {"<": "unless", "?": "needs", "-": "without"}


@dataclass(slots=True)
class Forms:
    """Our forms of one country. `cldr` false: its CLDR names in our own languages are not used."""

    cldr: bool = True
    terms: dict[str, list[TermData]] = field(default_factory=dict)


def _lines(name: str) -> list[str]:
    text = (shipped_rules_path().parent / "cldr" / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def read_term(text: str) -> TermData:
    """`x < a, b` as a term with conditions; `=x` without proclitics."""
    head, *rest = _CONDITION.split(text.strip())
    if not rest and not head.startswith("="):
        return head
    term: dict[str, Any] = {"term": head.lstrip("=")}
    if head.startswith("="):
        term["bare"] = True
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
    return found


NOT_COUNTRIES = frozenset(["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"])
"""Two-letter codes of CLDR that are not an ISO 3166 country. Kosovo (XK) is kept."""

_AGGLUTINATIVE = "az et eu fi hu hy ka kk kn ky ml mn ta te tk uz"
AGGLUTINATIVE = frozenset(_AGGLUTINATIVE.split())
"""Languages whose endings we have no table for: longer names stay open at the end."""

VOWEL_ENDINGS = frozenset(("el", "is", "lt", "lv", "ro", "sq"))
"""Languages that change a name's last vowel: it is left off, and the name stays open."""
_VOWELS = "aeiouyąėįųāēīūăâîëαειουοώίάό"

_MIN_OPEN_CHARS = 5
_MAX_INFLECTED_WORDS = 2

EXTRA_LOCALES = {"zh": ("zh_Hant",), "sr": ("sr_Latn",)}

SKIPPED = {
    ("vi", "IT"), ("vi", "AT"), ("vi", "BE"), ("vi", "GB"), ("vi", "LA"), ("vi", "CZ"), ("tr", "ML"), ("az", "ML"),
    ("sq", "ML"), ("hr", "ML"), ("sl", "ML"), ("bs", "ML"), ("sr", "ML"), ("fi", "OM"), ("tr", "EG"), ("es", "GD"),
    ("pt", "GD"), ("so", "OM"), ("ha", "NE"), ("yo", "ML"), ("id", "ML"), ("ms", "ML"), ("lv", "ML"), ("sw", "MM"),
    ("es", "RE"), ("pt", "RE"), ("gl", "RE"), ("ca", "RE"), ("it", "RE"), ("ro", "RE"), ("ca", "PW"), ("es", "PW"),
    ("gl", "PW"), ("pl", "SV"),
}  # fmt: skip
"""Names that are commoner words of the language, even with a capital."""

_BRACKETS = re.compile(r"\s*[(（](.+?)[)）]")
_SPECIAL = re.compile(
    r"SAR|САР|ОАР|R\.?A\.?[SE]|RAE|SRA|ZAO|行政区|行政區|제도|[Ss]onder|[Pp]articulier|رية الخاصة|إدارية"
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
                names += [name for name in clean(territories[code], language, code) if name not in names]
    return found


TWO_NAMES = frozenset(("MM", "CI", "TR", "CZ", "MK", "SZ", "TL", "CV", "FK", "BY", "LK"))
"""Countries whose second name CLDR gives in brackets; what stands there for others is not a name of theirs."""


def _is_wanted(language: str, code: str) -> bool:
    """New Jersey is in the news far more often than Jersey, in every language."""
    return (language, code) not in SKIPPED and (code != "JE" or language in OWN_LANGUAGES)


def clean(name: str, language: str, code: str = "") -> list[str]:
    """The names that a CLDR entry such as "Myanmar (Burma)" or "Congo - Kinshasa" holds."""
    name = unicodedata.normalize("NFC", name).replace("\u200f", "").strip()
    if _SPECIAL.search(name):
        return []
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
    if language in AGGLUTINATIVE or language in VOWEL_ENDINGS:
        stem = name[:-1] if language in VOWEL_ENDINGS and name[-1] in _VOWELS else name
        return stem + "*" if len(fold(stem).split()[-1]) >= _MIN_OPEN_CHARS else name
    if language not in INFLECTED or language in OWN_LANGUAGES[:2] or language in ("fr", "de", "es", "it", "pt", "tr"):
        return name
    words = name.split()
    if language == "ko":
        return " ".join([*words[:-1], _marked_word(words[-1], language)])
    # Of long names ("South Georgia and the South Sandwich Islands") all inflections would be too many to be of use.
    return name if len(words) > _MAX_INFLECTED_WORDS else " ".join(_marked_word(word, language) for word in words)


def _marked_word(word: str, language: str) -> str:
    caseless = language == "ko"
    inflects = caseless or (word[:1].isupper() and len(word) > 2 and not word.isupper())
    return word + "~" if inflects and word[-1].isalpha() else word


def _bare(term: TermData) -> str:
    text = term if isinstance(term, str) else str(term["term"])
    return fold(text.replace("~", "").replace("*", "")).strip()


def guard(terms: dict[str, list[TermData]]) -> dict[str, list[TermData]]:
    """Adds to each name the longer names of other countries that hold it ("Sudan", "South Sudan")."""
    longer: dict[str, list[tuple[str, str]]] = {}
    for code, found in terms.items():
        for term in found:
            text = term if isinstance(term, str) else str(term["term"])
            words = _bare(term).split()
            for word in dict.fromkeys(words) if len(words) > 1 else ():
                longer.setdefault(word, []).append((code, text))
    return {code: [_guarded(term, code, longer) for term in found] for code, found in terms.items()}


def _guarded(term: TermData, code: str, longer: dict[str, list[tuple[str, str]]]) -> TermData:
    bare = f" {_bare(term)} "
    first = bare.split()[0] if bare.strip() else ""
    holding = [
        text
        for other, text in longer.get(first, ())
        if other != code and bare in f" {_bare(text)} " and bare.strip() != _bare(text)
    ]
    if not holding:
        return term
    data: dict[str, Any] = {"term": term} if isinstance(term, str) else dict(term)
    data["unless"] = list(dict.fromkeys([*data.get("unless", ()), *holding]))
    return data


def _closed(terms: dict[str, list[TermData]]) -> dict[str, list[TermData]]:
    """Ends left open are closed where another country's name would fit ("Niger*" and "Nigeria")."""
    names = [(code, _bare(term)) for code, found in terms.items() for term in found]

    def close(term: TermData, code: str) -> TermData:
        if not isinstance(term, str) or not term.endswith("*"):
            return term
        stem = _bare(term)
        fits = any(name.startswith(stem) for other, name in names if other != code)
        return term.removesuffix("*") if fits else term

    return {code: [close(term, code) for term in found] for code, found in terms.items()}


def _with_ours(names: Iterable[str], ours: Iterable[TermData], language: str) -> list[TermData]:
    own = list(ours)
    taken = {_bare(term) for term in own}
    return [*(marked(name, language) for name in names if fold(name).strip() not in taken), *own]


def terms_by_language() -> dict[str, dict[str, list[TermData]]]:
    """For each language the terms of every country, guarded against each other."""
    forms, alternatives = read_forms(), read_alternatives()
    found: dict[str, dict[str, list[TermData]]] = {}
    for language in sorted(LANGUAGES):
        names = cldr_names(language)
        by_code: dict[str, list[TermData]] = {}
        for code in countries():
            own = forms.get(code)
            ours = own.terms.get(language, []) if own else []
            skip = own is not None and not own.cldr and language in OWN_LANGUAGES
            extra = [marked(name, language) for name in alternatives.get((code, language), ())]
            by_code[code] = _with_ours(() if skip else names.get(code, ()), [*extra, *ours], language)
        found[language] = guard(_closed(by_code))
    return found


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
