# ruff: noqa: SIM905 - rows of letters read best as rows
"""How frequent a text's words are in each language: what tells close languages apart where letters do not."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy

    Hashes = numpy.ndarray[tuple[int], numpy.dtype[numpy.int64]]
    Costs = numpy.ndarray[tuple[int], numpy.dtype[numpy.float32]]

UNKNOWN_COST = 17.0
"""What a word costs that a list does not have, in nats: one in 24 million. The rarest words listed cost 13.8."""
MAX_WORDS = 40
# Lists that serve several tags: Bosnian, Croatian and Serbian are one, in Latin letters.
_LIST_OF = {"bs": "sh", "hr": "sh", "sr": "sh", "no": "nb"}
_WORD = re.compile(r"[^\W\d_]+(?:['’ʼ][^\W\d_]+)*")
_SERBIAN = str.maketrans(
    dict(
        zip(
            "абвгдђежзијклљмнњопрстћуфхцчџш",
            "a b v g d đ e ž z i j k l lj m n nj o p r s t ć u f h c č dž š".split(),
            strict=True,
        )
    )
)


@dataclass(frozen=True, slots=True, eq=False)
class WordList:
    """The words of a language as sorted hashes, with what each costs: a tenth of the memory of a dictionary."""

    hashes: Hashes
    costs: Costs

    def cost(self, hashes: Hashes) -> float:
        """Minus the logarithm of the probability of these words, one by one."""
        places = self.hashes.searchsorted(hashes).clip(max=len(self.hashes) - 1)
        known = self.hashes[places] == hashes
        return float(self.costs[places][known].sum()) + UNKNOWN_COST * int((~known).sum())


def words_of(text: str) -> list[str]:
    """The words of a text in lower case; the first 40."""
    return _WORD.findall(text.lower())[:MAX_WORDS]


def word_costs(words: Sequence[str], languages: Sequence[str]) -> dict[str, float]:
    """What these words cost in each of the languages that have a list of words; in nats, the least is the likeliest."""
    import numpy

    plain = numpy.array([hash(word) for word in words], dtype=numpy.int64)
    serbian = numpy.array([hash(word.translate(_SERBIAN)) for word in words], dtype=numpy.int64)
    lists = ((language, _word_list(_LIST_OF.get(language, language))) for language in languages)
    return {language: found.cost(serbian if language == "sr" else plain) for language, found in lists if found}


@lru_cache(maxsize=64)
def _word_list(language: str) -> WordList | None:
    """The list of a language, or None where there is none. Read when it is first needed, in about 20 ms."""
    import numpy
    from wordfreq import available_languages, read_cBpack

    path = available_languages("small").get(language)
    if path is None:
        return None
    # The words at place n have the probability 10 ** (-n / 100).
    pairs = [(hash(word), place) for place, words in enumerate(read_cBpack(path)) for word in words]
    hashes = numpy.array([pair[0] for pair in pairs], dtype=numpy.int64)
    costs = numpy.array([pair[1] for pair in pairs], dtype=numpy.float32) * numpy.float32(numpy.log(10) / 100)
    order = hashes.argsort()
    return WordList(hashes[order], costs[order])
