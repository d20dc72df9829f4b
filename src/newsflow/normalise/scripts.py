"""The script of a text, and what single letters say about its language."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache

# ruff: noqa: SIM905 - rows of codes read best as rows

_RANGES = (
    ("Arab", "\u0600-\u06ff\u0750-\u077f\u08a0-\u08ff\ufb50-\ufdff\ufe70-\ufefc"),
    ("Cyrl", "\u0400-\u052f"),
    ("Grek", "\u0370-\u03ff\u1f00-\u1fff"),
    ("Hebr", "\u0590-\u05ff"),
    ("Armn", "\u0530-\u058f"),
    ("Geor", "\u10a0-\u10ff\u2d00-\u2d2f"),
    ("Deva", "\u0900-\u097f"),
    ("Beng", "\u0980-\u09ff"),
    ("Guru", "\u0a00-\u0a7f"),
    ("Gujr", "\u0a80-\u0aff"),
    ("Orya", "\u0b00-\u0b7f"),
    ("Taml", "\u0b80-\u0bff"),
    ("Telu", "\u0c00-\u0c7f"),
    ("Knda", "\u0c80-\u0cff"),
    ("Mlym", "\u0d00-\u0d7f"),
    ("Sinh", "\u0d80-\u0dff"),
    ("Thai", "\u0e00-\u0e7f"),
    ("Laoo", "\u0e80-\u0eff"),
    ("Tibt", "\u0f00-\u0fff"),
    ("Mymr", "\u1000-\u109f\ua9e0-\ua9ff\uaa60-\uaa7f"),
    ("Ethi", "\u1200-\u139f\u2d80-\u2ddf"),
    ("Cher", "\u13a0-\u13ff\uab70-\uabbf"),
    ("Khmr", "\u1780-\u17ff"),
    ("Syrc", "\u0700-\u074f"),
    ("Thaa", "\u0780-\u07bf"),
    ("Nkoo", "\u07c0-\u07ff"),
    ("Hang", "\u1100-\u11ff\uac00-\ud7a3"),
    ("Kana", "\u3040-\u30ff"),
    ("Hani", "\u3400-\u4dbf\u4e00-\u9fff"),
    ("Latn", "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff\u2c60-\u2c7f"),
)
_PATTERNS = tuple((name, re.compile(f"[{chars}]")) for name, chars in _RANGES)
# Accents stay where they are letters of their own, and what stands for an apostrophe.
_OTHERS = {name: re.compile(rf"[^{chars}\s'’ʼ\u0300-\u036f-]+") for name, chars in _RANGES}
ONE_LANGUAGE = {
    "Grek": "el", "Armn": "hy", "Geor": "ka", "Guru": "pa", "Gujr": "gu", "Orya": "or", "Taml": "ta", "Telu": "te",
    "Knda": "kn", "Mlym": "ml", "Sinh": "si", "Thai": "th", "Laoo": "lo", "Mymr": "my", "Cher": "chr", "Khmr": "km",
    "Syrc": "syr", "Thaa": "dv", "Nkoo": "nqo", "Hang": "ko",
}  # fmt: skip
"""Scripts in which news is written in one language only."""
# A character of these says as much as two or three letters of others.
_HEAVY = {"Hani": 2.5, "Kana": 2.0, "Hang": 2.0}
# Brand names and quotations are Latin in all languages: a text is Latin when most of it is.
_LATIN_WEIGHT = 0.5

# Letters that only some of the languages of a script have.
_ARABIC_LETTERS = (
    ("ug", frozenset("ۇۈۋېڭەھ")),
    ("ckb", frozenset("ێۆڕڵەڤ")),
    ("ps", frozenset("ټډړږښګڼۍځڅې")),
    ("skr", frozenset("ٻڄݙڳݨڋڻڔ")),
    ("sd", frozenset("ڀٿٽڃڇڌڏڊڦڪڱڙ")),
    ("ur", frozenset("ٹڈڑںےہھ")),
    ("fa", frozenset("پچژگکی")),
    ("ar", frozenset("ةىأإكيؤئ")),
)
_CYRILLIC_ONLY = (
    ("ў", {"be", "uz"}),
    ("[їєґ]", {"uk"}),
    ("[јљњџ]", {"sr", "mk"}),
    ("[ђћ]", {"sr"}),
    ("[ѓќѕ]", {"mk"}),
    ("ұ", {"kk"}),
    ("һ", {"ba", "kk", "tt"}),
    ("ә", {"ba", "kk", "tt"}),
    ("[ҙҫҡ]", {"ba"}),
    ("җ", {"tt"}),
    ("[ӣӯҷ]", {"tg"}),
    ("ҳ", {"tg", "uz"}),
    ("ң", {"ba", "kk", "ky", "tt"}),
    ("[өү]", {"ba", "kk", "ky", "mn", "tt"}),
    ("ғ", {"ba", "kk", "tg", "uz"}),
    ("қ", {"kk", "tg", "uz"}),
    ("і", {"uk", "be", "kk"}),
    ("ы", {"ba", "be", "kk", "ky", "mn", "ru", "tt"}),
    ("[эё]", {"ba", "be", "kk", "ky", "mn", "ru", "tg", "tt", "uz"}),
    ("щ", {"ba", "bg", "kk", "ky", "mn", "ru", "tt", "uk"}),
    ("ъ", {"ba", "bg", "kk", "ky", "mn", "ru", "tg", "tt", "uz"}),
)
_CYRILLIC_RULES = tuple((re.compile(letters), frozenset(languages)) for letters, languages in _CYRILLIC_ONLY)
CYRILLIC = frozenset("ba be bg kk ky mk mn ru sr tg tt uk uz".split())
# Latin letters that look like Cyrillic ones. Some editors mix them, and some do so to escape searches.
_LOOKALIKES = str.maketrans("ABCEHKMOPTXaceiopxy", "АВСЕНКМОРТХасеіорху")
_MIXED = re.compile(r"\b(?=\w*[\u0400-\u052f])(?=\w*[ABCEHKMOPTXaceiopxy])[\u0400-\u052fABCEHKMOPTXaceiopxy]+\b")


class _ScriptOf(dict[str, str]):
    """The script of a character, empty for what is not a letter; filled as characters are met."""

    def __missing__(self, char: str) -> str:
        script = next((name for name, pattern in _PATTERNS if pattern.match(char)), "") if char.isalpha() else ""
        self[char] = script
        return script


_SCRIPT_OF = _ScriptOf()


def main_script(chars: Counter[str]) -> tuple[str, float]:
    """The main script of these characters (ISO 15924) and its share of the letters; (``, 0) without letters."""
    counts: dict[str, float] = {}
    for char, count in chars.items():
        if name := _SCRIPT_OF[char]:
            counts[name] = counts.get(name, 0.0) + count * _HEAVY.get(name, 1.0)
    if not counts:
        return "", 0.0
    if "Latn" in counts:
        counts["Latn"] *= _LATIN_WEIGHT
    name = max(counts, key=lambda script: counts[script])
    return name, counts[name] / sum(counts.values())


def only_script(text: str, script: str) -> str:
    """The text without the words of other scripts."""
    return " ".join(_OTHERS[script].sub(" ", text).split())


def mend_lookalikes(text: str) -> str:
    """The text with Latin letters within Cyrillic words replaced by what they look like."""
    return _MIXED.sub(lambda match: match.group().translate(_LOOKALIKES), text)


@lru_cache(maxsize=512)
def _languages_with(char: str) -> tuple[str, ...]:
    return tuple(language for language, letters in _ARABIC_LETTERS if char in letters)


def arabic_letters(chars: Counter[str]) -> Counter[str]:
    """For each language in the Arabic script, how many of these characters tell it; `letters` are all of the script."""
    found: Counter[str] = Counter()
    for char, count in chars.items():
        if _SCRIPT_OF[char] == "Arab":
            found["letters"] += count
            for language in _languages_with(char):
                found[language] += count
    return found


def cyrillic_candidates(text: str) -> frozenset[str]:
    """The languages that have the letters of this text."""
    lowered = text.lower()
    candidates = CYRILLIC
    for pattern, languages in _CYRILLIC_RULES:
        seen = len(pattern.findall(lowered))
        if seen > 1 or (seen == 1 and len(lowered) < 120):  # one in a long text may be a foreign name
            candidates = candidates & languages or candidates
    return candidates


# Latin letters that the words of a language do not have. Its names do: only words in lower case tell.
_LATIN_LACKS = {
    "bs": "qwxyäöüåñàèéê", "cs": "qwäöüñåàèêâ", "da": "wäöüñčšžąęłışğ", "fi": "qwxzåčõüñ", "hr": "qwxyäöüåñàèéê",
    "hu": "qwxäåñàèêčšž", "id": "qxäöüåñčšž", "is": "cqwzäåüñčšž", "it": "jkwxyäöüåñčšžøæ", "lt": "qwxäöüåñàèâê",
    "lv": "qwxyäöüåñàèâê", "ms": "qxäöüåñčšž", "no": "wxäüñčšžąęłış", "pl": "qvxäöüåñčšžàèâê", "pt": "kwyäöåñčšžøæ",
    "ro": "qwyäöüåñčšžøæ", "sk": "qwxöüñåàèê", "sl": "qwxyäöüåñàèéê", "sr": "qwxyäöüåñàèéê", "sv": "wčšžñøæąęłış",
    "tr": "qwxäåñàèéčšžøæ", "vi": "fjwzäöüåñčšžøæ", "es": "kwäöåčšžøæàèâê", "ca": "kwyäöåñčšžøæ", "fil": "äöüåčšžøæ",
    "en": "äöüåñčšžøæąęłışğàèâêõ", "de": "åñčšžøæąęłışğàèâêõ", "fr": "åñčšžąęłışğäöõ", "nl": "åñčšžøæąęłışğàâõ",
}  # fmt: skip


def lacked_letters(text: str, language: str) -> int:
    """How many letters the lower-case words of a text in Latin letters have that the language does not."""
    lacks = _LATIN_LACKS.get(language, "")
    return sum(letter in seen for seen in [_lower_letters(text)] for letter in lacks)


@lru_cache(maxsize=8)
def _lower_letters(text: str) -> frozenset[str]:
    return frozenset("".join(word for word in text.split() if word.islower()))
