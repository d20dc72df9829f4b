"""What the words of a text say about its language: how frequent they are in each, and small words that only one has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING

from newsflow.model.languages import OTHER_CODE, SERBO_CROATIAN

# ruff: noqa: SIM905 - rows of words read best as rows

if TYPE_CHECKING:
    import numpy

    Hashes = numpy.ndarray[tuple[int], numpy.dtype[numpy.int64]]
    Costs = numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]

UNKNOWN_COST = 17.0
"""What a word costs that a list does not have, in nats: one in 24 million. The rarest words listed cost 13.8."""
MAX_WORDS = 40
_WORD = re.compile(r"[^\W\d_][^\W\d_\u0300-\u036f]*[\u0300-\u036f]*(?:['’ʼ\u0300-\u036f]?[^\W\d_]+[\u0300-\u036f]*)*")
_LATIN_OF_SERBIAN = "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split()
_SERBIAN = str.maketrans(dict(zip("абвгдђежзијклљмнњопрстћуфхцчџш", _LATIN_OF_SERBIAN, strict=True)))
# Persian and Urdu as an Arabic keyboard types them.
_PERSIAN = str.maketrans("يىك", "ییک")


@dataclass(frozen=True, slots=True, eq=False)
class WordList:
    """The words of a language as sorted hashes, with what each costs: a tenth of the memory of a dictionary."""

    hashes: Hashes
    costs: Costs

    def cost(self, hashes: Hashes) -> float:
        """Minus the logarithm of the probability of these words, each by itself."""
        indexes = self.hashes.searchsorted(hashes).clip(max=len(self.hashes) - 1)
        known = self.hashes[indexes] == hashes
        return float(self.costs[indexes][known].sum()) + UNKNOWN_COST * int((~known).sum())


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; the first 40."""
    return _WORD.findall(text.lower())[:MAX_WORDS]


def word_costs(words: Sequence[str], languages: Iterable[str]) -> dict[str, float]:
    """What these words cost in each of the languages that have a word list, in nats: the least is the likeliest."""
    import numpy

    hashes: dict[str, Hashes] = {}
    costs = {}
    for language in languages:
        if found := _word_list(_list_code(language)):
            spelling = language if language in _SPELLINGS else ""
            if spelling not in hashes:
                spelt = [word.translate(_SPELLINGS[spelling]) for word in words] if spelling else words
                hashes[spelling] = numpy.array([hash(word) for word in spelt], dtype=numpy.int64)
            costs[language] = found.cost(hashes[spelling])
    return costs


_SPELLINGS = {"sr": _SERBIAN, "fa": _PERSIAN, "ur": _PERSIAN}


def _list_code(language: str) -> str:
    """The list that has a language's words. Serbian, Croatian and Bosnian share one, in Latin letters."""
    return "sh" if language in SERBO_CROATIAN else OTHER_CODE.get(language, language)


@lru_cache(maxsize=64)
def _word_list(code: str) -> WordList | None:
    """A list of words, or None where there is none. Read when it is first needed, in about 20 ms."""
    import gzip
    from importlib.util import find_spec
    from pathlib import Path

    import msgpack
    import numpy

    # wordfreq itself takes longer to import than a list to read, for what it does besides.
    package = find_spec("wordfreq")
    path = Path(str(package and package.origin)).with_name("data") / f"small_{code}.msgpack.gz"
    if not path.is_file():
        return None
    with gzip.open(path) as packed:
        _, *ranks = msgpack.load(packed)
    # The words at index n have the probability 10 ** (-n / 100).
    pairs = [(hash(word), index) for index, words in enumerate(ranks) for word in words]
    hashes = numpy.array([pair[0] for pair in pairs], dtype=numpy.int64)
    costs = numpy.array([pair[1] for pair in pairs], dtype=numpy.float32) * numpy.float32(numpy.log(10) / 100)
    order = hashes.argsort()
    return WordList(hashes[order], costs[order])


PREFIX_CHARS = range(2, 12)


@cache
def marks() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The languages that each word (or beginning, with `*`) of our own rows marks, and the relative of each language."""
    rows = files("newsflow.normalise").joinpath("data/language-words.txt").read_text(encoding="utf-8")
    languages: dict[str, tuple[str, ...]] = {}
    relatives: dict[str, str] = {}
    for code, relative, words in re.findall(r"^(\w+)(?: \((\w+)\))?:((?:.|\n )*)", rows, re.MULTILINE):
        relatives[code] = relative
        for word in words.split():
            languages[word] = (*languages.get(word, ()), code)
    return languages, relatives


def relatives() -> dict[str, str]:
    """The languages that have a row of marks, and the relative of each, or nothing."""
    return marks()[1]


def marks_of(words: Iterable[str]) -> Counter[str]:
    """How many of these words mark each language."""
    languages, _ = marks()
    found: Counter[str] = Counter()
    for word in words:
        latin = word.translate(_SERBIAN)
        for form in {latin, *(f"{latin[:end]}*" for end in PREFIX_CHARS if end <= len(latin))}:
            found.update(languages.get(form, ()))
    return found
