"""What of an article tells which story it belongs to: words of its language, and keys that every language writes alike
(names, numbers, countries). Pure: of the text alone."""

from __future__ import annotations

import math
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from newsflow.model.languages import base_language
from newsflow.stories.rarity import NAT, rarity_of, stem
from newsflow.stories.skeleton import skeletons
from newsflow.tagging.text import fold_cased

LEAD_CHARS = 1000
"""Of the body, so much is read: who did what where stands there."""
MAX_WORDS, MAX_KEYS = 64, 48
"""The rarest are kept, and those said most often."""
LEAST_UNCASED = 4 * NAT
"""Scripts without capitals may hide a name in any word but the common ones."""

WORD, NAME, NUMBER, SCORE, COUNTRY = range(5)
"""Kinds of terms."""
_COUNTRY_COST, _SCORE_COST, _NUMBER_COST, _TWO_DIGITS_COST, _YEAR_COST = 4 * NAT, 5 * NAT, 5 * NAT, 3 * NAT, 2 * NAT

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:[.,]\d{3})+")
_SCORE = re.compile(r"(?<![\d-])(\d{1,3}) ?[-–:] ?[\u200e\u200f]?(\d{1,3})(?![\d-])")
_YEAR = re.compile("(?:19|20)[0-9]{2}")
_UNBROKEN = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u309f\u3400-\u4dbf\u4e00-\u9fff]")
_FOREIGN_DIGITS = {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0x09E6, 0xFF10) for digit in range(10)}
_FOREIGN_DIGIT = re.compile("[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\uff10-\uff19]")
_TOKENS_KEPT = 50_000
"""Of a language: 15 MB."""

Costs = Mapping[int, int]
"""Terms, and how unlikely an article is to hold each by chance (`cost_of`: 1/256 nat), with how often it does
(`times_of`) and whether its head has it (`is_in_head`): 16 bits together."""
MOST_TIMES = 8
_TIMES_SHIFT, _HEAD_SHIFT = 12, 15
_COST_MASK = (1 << _TIMES_SHIFT) - 1
HEAD_CHARS = 80
IN_HEAD = 1.5
"""What a word of the title weighs more."""


def cost_of(told: int) -> int:
    return told & _COST_MASK


def times_of(told: int) -> int:
    return (told >> _TIMES_SHIFT) % MOST_TIMES + 1


def is_in_head(told: int) -> bool:
    return told >> _HEAD_SHIFT > 0


Often = tuple[float, ...]


def _often(share: float) -> Often:
    return 0.0, *(1 + share * math.log(times) for times in range(1, MOST_TIMES + 1))


WORDS_OFTEN, KEYS_OFTEN = _often(1.5), _often(1.0)
"""What so many times weigh."""


def weight_of(told: int, often: Often) -> float:
    """What a term weighs beside another one that is as rare."""
    return often[times_of(told)] * (IN_HEAD if is_in_head(told) else 1.0)


@dataclass(frozen=True, slots=True)
class Signals:
    """`shown` says how the text writes a term."""

    words: Costs
    keys: Costs
    shown: Mapping[int, str]


def read_signals(language: str, title: str, body: str, countries: Iterable[str] = ()) -> Signals:
    """The signals of an article. `countries`: ISO codes of those it is about or mentions."""
    lead = body[:LEAD_CHARS]
    text, language = f"{title}\n{lead}", base_language(language)
    words, keys, times, shown = _read_words(text, language)
    known = _tokens_of(language)
    head = {known[token][0] for token in _tokens(head_of(title, lead)[0])}
    for kind, number, cost in _read_numbers(text):
        keys[term := term_of(kind, number)] = cost
        times[term] += 1
        shown[term] = number
    for code in countries:
        keys[term := term_of(COUNTRY, code)] = _COUNTRY_COST
        times[term] = 1
        shown[term] = code
    return Signals(
        _most_telling(words, times, head, WORDS_OFTEN, MAX_WORDS),
        _most_telling(keys, times, (), KEYS_OFTEN, MAX_KEYS),
        shown,
    )


def head_of(title: str, lead: str) -> tuple[str, int]:
    """What says of what a text is: its title, or where there is none the first words; and as far as they go."""
    if head := title.strip():
        return head, 0
    end = lead.find(" ", HEAD_CHARS)
    end = end if 0 <= end <= HEAD_CHARS + 20 else HEAD_CHARS
    return lead[:end].strip(), end


@lru_cache(maxsize=1 << 17)
def term_of(kind: int, text: str) -> int:
    """32 bits, of which the three lowest are the kind."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) & ~7 | kind


def kind_of(term: int) -> int:
    return term & 7


class _Tokens(dict[str, tuple[int, int, Sequence[tuple[int, int]]]]):
    """What each token of a language says: its word with the cost, and the names that it may be with theirs. Remembers
    them, and forgets all when full, since the words of news come back at once."""

    def __init__(self, language: str) -> None:
        super().__init__()
        self._language, self._rarity = language, rarity_of(language)

    def __missing__(self, token: str) -> tuple[int, int, Sequence[tuple[int, int]]]:
        if len(self) >= _TOKENS_KEPT:
            self.clear()
        word = stem(token, self._language).lower()
        cost = self._rarity.of_stem(word)
        found = self[token] = term_of(WORD, word), cost, self._names(token, cost)
        return found

    def _names(self, token: str, word_cost: int) -> Sequence[tuple[int, int]]:
        lower = token.lower()
        cased = token != lower
        if token.isdecimal() or (not cased and lower != token.upper()):
            return ()
        costs = ((bones, min(self._rarity.of_skeleton(bones), word_cost)) for bones in skeletons(lower))
        return tuple((term_of(NAME, bones), cost) for bones, cost in costs if cased or cost >= LEAST_UNCASED)


@lru_cache(maxsize=64)
def _tokens_of(language: str) -> _Tokens:
    return _Tokens(language)


def _read_words(text: str, language: str) -> tuple[dict[int, int], dict[int, int], Counter[int], dict[int, str]]:
    words: dict[int, int] = {}
    names: dict[int, int] = {}
    times: Counter[int] = Counter()
    shown: dict[int, str] = {}
    known = _tokens_of(language)
    for token, count in Counter(_tokens(text)).items():
        word, cost, may_be = known[token]
        words[word] = cost
        times[word] += count
        shown.setdefault(word, token)
        for name, name_cost in may_be:
            names[name] = min(names.get(name, name_cost), name_cost)
            times[name] += count
            shown.setdefault(name, token)
    return words, names, times, shown


def _tokens(text: str) -> Iterable[str]:
    """Of scripts that do not part words, two neighbouring signs are a word. Numbers are not words."""
    tokens = fold_cased(text).split()
    if _UNBROKEN.search(text):
        tokens = list(_in_twos(tokens))
    return (token for token in tokens if not token.isdecimal())


def _in_twos(tokens: Iterable[str]) -> Iterator[str]:
    before = ""
    for token in tokens:
        if len(token) == 1 and _UNBROKEN.match(token):
            if before:
                yield before + token
            before = token
        else:
            before = ""
            yield token


def _read_numbers(text: str) -> Iterator[tuple[int, str, int]]:
    if _FOREIGN_DIGIT.search(text):
        text = text.translate(_FOREIGN_DIGITS)
    for match in _SCORE.finditer(text):
        yield SCORE, f"{match[1]}-{match[2]}", _SCORE_COST
    for written in _NUMBER.findall(text):
        number = re.sub("[.,]", "", written) if _THOUSANDS.fullmatch(written) else written.replace(",", ".")
        if len(number) > 1:
            year = _YEAR.fullmatch(number) is not None
            yield NUMBER, number, _YEAR_COST if year else _TWO_DIGITS_COST if len(number) == 2 else _NUMBER_COST


def _most_telling(
    costs: dict[int, int], times: Counter[int], head: Collection[int], often: Often, most: int
) -> dict[int, int]:
    """The rarest, those of the head, and those most often said."""
    told = {
        term: cost | min(times[term], MOST_TIMES) - 1 << _TIMES_SHIFT | (term in head) << _HEAD_SHIFT
        for term, cost in costs.items()
        if cost > 0
    }
    kept = sorted((-costs[term] * weight_of(each, often), term) for term, each in told.items())[:most]
    return {term: told[term] for _, term in kept}
