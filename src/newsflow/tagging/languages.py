"""Which terms are looked for in an article of a language."""

from __future__ import annotations

from functools import lru_cache

_CODES = (
    "af am ar az be bg bn bs ca ckb cs cy da de el en es et eu fa fi fil fr ga gl gu ha he hi hr hu hy id is it ja ka "
    "kk km kn ko ky lo lt lv mk ml mn mr ms my ne nl no pa pl ps pt ro ru si sk sl so sq sr sv sw ta te tg th tk tr ug "
    "uk ur uz vi yo zh zu"
)
_LATIN_CODES = (
    "af az bs ca cs cy da de en es et eu fi fil fr ga gl ha hr hu id is it lt lv ms nl no pl pt ro sk sl so sq sv sw "
    "tk tr uz vi yo zu"
)

LANGUAGES = frozenset(_CODES.split())
"""Languages whose country names we ship. An article in another one is searched as one of unknown language."""

LATIN = frozenset(_LATIN_CODES.split())
"""Of these, written in Latin letters: names of one are common words of another."""

WHEN_UNKNOWN = (LANGUAGES - LATIN) | {"en", "fr"}
"""Looked for in an article of unknown language."""

_SAME = {
    "nb": "no", "nn": "no", "iw": "he", "in": "id", "tl": "fil", "arb": "ar", "arz": "ar", "ary": "ar", "apc": "ar",
    "prs": "fa", "pes": "fa", "ku": "ckb", "azj": "az", "cmn": "zh", "yue": "zh", "sh": "sr", "cnr": "sr",
    "ekk": "et", "zsm": "ms", "pnb": "ur",
}  # fmt: skip

_SERBO_CROATIAN = frozenset({"sr", "hr", "bs"})
_MALAY = frozenset({"ms", "id"})
_TOGETHER = {code: group for group in (_SERBO_CROATIAN, _MALAY) for code in group}
"""Languages that detectors take for each other, and that share their names."""


def base_language(tag: str) -> str:
    """The language of a BCP 47 tag as rules name it; `und` when it says nothing."""
    base = tag.replace("_", "-").partition("-")[0].lower()
    return _SAME.get(base, base) or "und"


@lru_cache(maxsize=1024)
def languages_searched(tag: str) -> frozenset[str]:
    """Languages whose terms count in an article of this language; the empty one is every term without a language."""
    base = base_language(tag)
    if base in _TOGETHER:
        return _TOGETHER[base] | {"", base}
    if base in LANGUAGES:
        return frozenset({"", base})
    return WHEN_UNKNOWN | {"", base}
