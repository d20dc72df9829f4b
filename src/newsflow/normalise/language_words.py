"""What the words of a text say about its language: how frequent they are in each, and small words that only one has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from itertools import chain
from typing import TYPE_CHECKING

from newsflow.model.languages import OTHER_CODE, SERBO_CROATIAN, words_by_rank

# ruff: noqa: SIM905 - rows of words read best as rows

if TYPE_CHECKING:
    import numpy

    Hashes = numpy.ndarray[tuple[int], numpy.dtype[numpy.int64]]
    Owners = numpy.ndarray[tuple[int], numpy.dtype[numpy.uint8]]
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
    """The words of some languages as sorted hashes, with what each costs: a tenth of the memory of a dictionary."""

    languages: tuple[str, ...]
    hashes: Hashes
    owners: Owners
    """Which of the languages has the word."""
    costs: Costs

    def cost(self, hashes: Hashes) -> dict[str, float]:
        """For each language minus the logarithm of the probability of these words, each by itself."""
        import numpy

        totals = numpy.full(len(self.languages), UNKNOWN_COST * len(hashes))
        starts, ends = self.hashes.searchsorted(hashes), self.hashes.searchsorted(hashes, "right")
        for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
            if start < end:
                totals[self.owners[start:end]] += self.costs[start:end] - UNKNOWN_COST
        return dict(zip(self.languages, totals.tolist(), strict=True))


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; the first 40."""
    return _WORD.findall(text.lower())[:MAX_WORDS]


def word_costs(words: Sequence[str], languages: Iterable[str]) -> dict[str, float]:
    """What these words cost in each of the languages that have a word list, in nats: the least is the likeliest."""
    import numpy

    costs: dict[str, float] = {}
    for spelling, group in _by_spelling(tuple(languages)):
        if found := word_list(group):
            spelt = [word.translate(spelling) for word in words] if spelling else words
            costs |= found.cost(numpy.array([hash(word) for word in spelt], dtype=numpy.int64))
    return costs


# Languages whose words are looked up in another spelling, and one for all of that spelling.
_SPELT_AS = {"sr": "sr", "fa": "fa", "ur": "fa"}
_SPELLINGS: dict[str, dict[int, int] | dict[int, str]] = {"sr": _SERBIAN, "fa": _PERSIAN}


@lru_cache(maxsize=64)
def _by_spelling(languages: tuple[str, ...]) -> list[tuple[dict[int, int] | dict[int, str] | None, tuple[str, ...]]]:
    """The languages in groups whose words are looked up in one spelling, and that spelling where it is another."""
    groups: dict[str, list[str]] = {}
    for language in languages:
        groups.setdefault(_SPELT_AS.get(language, ""), []).append(language)
    return [(_SPELLINGS.get(spelling), tuple(group)) for spelling, group in groups.items()]


def _list_code(language: str) -> str:
    """The list that has a language's words. Serbian, Croatian and Bosnian share one, in Latin letters."""
    return "sh" if language in SERBO_CROATIAN else OTHER_CODE.get(language, language)


@lru_cache(maxsize=64)
def word_list(languages: tuple[str, ...]) -> WordList | None:
    """The words of those languages that have a list; None where none has."""
    import numpy

    lists = [(language, found) for language in languages if (found := _words_of_one(_list_code(language)))]
    if not lists:
        return None
    merged = numpy.concatenate([hashes for _, (hashes, _) in lists])
    order = merged.argsort()
    owners = numpy.repeat(numpy.arange(len(lists), dtype=numpy.uint8), [len(hashes) for _, (hashes, _) in lists])
    costs = numpy.concatenate([costs for _, (_, costs) in lists])
    return WordList(tuple(language for language, _ in lists), merged[order], owners[order], costs[order])


@cache
def _words_of_one(code: str) -> tuple[Hashes, Costs] | None:
    """The hashes of a list's words, and what each costs. Reading takes some 15 ms."""
    import numpy

    if not (ranks := words_by_rank(code)):
        return None
    hashes = numpy.fromiter(map(hash, chain.from_iterable(ranks)), dtype=numpy.int64)
    # The words at index n have the probability 10 ** (-n / 100).
    places = numpy.repeat(numpy.arange(len(ranks)), [len(words) for words in ranks])
    return hashes, (places * (numpy.log(10) / 100)).astype(numpy.float32)


PREFIX_CHARS = range(2, 12)


@cache
def marks() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    """The languages that each word (beginning, with `*`) of our own rows marks, and the relative of each language."""
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
    found: Counter[str] = Counter()
    for word in words:
        found.update(_marked(word))
    return found


@lru_cache(maxsize=50_000)
def _marked(word: str) -> tuple[str, ...]:
    languages, _ = marks()
    latin = word.translate(_SERBIAN)
    beginnings = (f"{latin[:end]}*" for end in PREFIX_CHARS if end <= len(latin))
    return tuple({language for form in (latin, *beginnings) for language in languages.get(form, ())})
