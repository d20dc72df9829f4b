"""How unlikely an article of a language is to hold a word by chance: by the lists of words that wordfreq ships.

A stream that has just begun has counted nothing yet, and what it counts depends on what else came in; these lists do
not. Costs are whole numbers of 1/256 nat, so that every machine sees the same.
"""

from __future__ import annotations

import math
import re
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path

import orjson

from newsflow import kept
from newsflow.model.languages import OTHER_CODE, SERBO_CROATIAN, word_list_of, words_by_rank
from newsflow.stories import skeleton
from newsflow.stories.skeleton import skeletons_in
from newsflow.tagging import text
from newsflow.tagging.text import fold

WORDS_AN_ARTICLE = 40
"""In title and lead: a word of frequency f is in a share 1 - exp(-40 f) of the articles."""
NAT = 256
UNKNOWN = 8 * NAT
"""What a word costs that no list has: one article in 3,000. In a language without a list, every word."""
_STEM, _HANGUL_STEM = 5, 2
"""Letters of a word that count: endings differ between reports, and in many languages within one. A Korean letter is a
syllable, and most nouns are two before their particles."""
_ARABIC_AFFIX = re.compile(
    "^(?:وال|بال|كال|فال|ال|لل|[وفبلك])(?=.{3})|(?<=.{3})(?:ها|ان|ات|ون|ين|يه|ي[\u0629]|[ه\u0629ي])$"
)
"""And, in, as, so, the, to; plurals and endings that other cases have not: at least three letters are left."""


def stem(token: str, language: str) -> str:
    """The part of a folded token of a language that counts."""
    if language == "ar":
        token = _ARABIC_AFFIX.sub("", token)
    return token[: _HANGUL_STEM if "\uac00" <= token[0] <= "\ud7a3" else _STEM]


class Rarity:
    """The costs of a language's stems and skeletons of names."""

    def __init__(self, stems: Mapping[str, int], skeletons: Mapping[str, int]) -> None:
        self._stems, self._skeletons = stems, skeletons

    def of_stem(self, stem: str) -> int:
        return self._stems.get(stem, UNKNOWN)

    def of_skeleton(self, bones: str) -> int:
        return self._skeletons.get(bones, UNKNOWN)


_KIND, _KEPT = "words", 200
"""Of values that are kept: more than there are lists, so that two installations do not take turns."""


@lru_cache(maxsize=64)
def rarity_of(language: str) -> Rarity:
    """The costs of a language, made of its list in about 0.2 s, and kept: then they are read in a few ms."""
    code = "sh" if language in SERBO_CROATIAN else OTHER_CODE.get(language, language)
    content = word_list_of(code)
    if not content:
        return Rarity({}, {})
    key = blake2b(content, digest_size=16, key=_rules()).hexdigest()
    if (found := kept.read(_KIND, key)) is not None:
        return Rarity(*orjson.loads(found))
    costs = _costs_of(code)
    kept.keep(_KIND, key, [orjson.dumps(costs)], _KEPT)
    return Rarity(*costs)


@cache
def _rules() -> bytes:
    """A digest of what makes costs of a list."""
    state = blake2b(f"{sys.version} {unicodedata.unidata_version}".encode())
    for file in (__file__, skeleton.__file__, text.__file__):
        state.update(Path(file).read_bytes())
    return state.digest()


def _costs_of(code: str) -> tuple[dict[str, int], dict[str, int]]:
    stems: defaultdict[str, float] = defaultdict(float)
    bones: defaultdict[str, float] = defaultdict(float)
    for rank, words in enumerate(words_by_rank(code)):
        frequency = 10 ** (-rank / 100)
        tokens = fold(" ".join(words)).split()
        for token in tokens:
            stems[stem(token, code)] += frequency
        for found in skeletons_in(tokens):
            bones[found] += frequency
    return _costs(stems), _costs(bones)


def _costs(frequencies: Mapping[str, float]) -> dict[str, int]:
    """Without the unknown ones, which most of a list are."""
    costs = {
        term: round(-NAT * math.log(-math.expm1(-WORDS_AN_ARTICLE * frequency)))
        for term, frequency in frequencies.items()
    }
    return {term: cost for term, cost in costs.items() if cost < UNKNOWN}
