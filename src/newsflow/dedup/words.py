"""Words as news uses them: numbers in words and digits, days, opposites, other spellings and forms of one word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from functools import cache, lru_cache
from importlib.resources import files

import orjson

from newsflow.dedup.fingerprint import matching_text, split_words
from newsflow.model.languages import words_by_rank

EVERYDAY_RANK = 370
"""In hundredths of a decade below the commonest: one in five thousand words, as `police` and `today`."""
GRAMMAR_RANK = 250
"""One in three hundred: hardly any but words of grammar."""
UNKNOWN_RANK = 1_000
"""Of a word that is in no list: rarer than one in a million, a name or a slip."""
CACHED_WORDS = 100_000
TYPO_CHARS = 4
"""Words of so many characters may differ in one by a slip."""
LONG_CHARS = 8
RARER = 150
"""Of two words that differ in one letter, the one that is thirty times as rare is a slip."""
ALMOST = 0.7
"""The share of letters, in order, that a word has in common with what was meant to be it."""
SURELY = 0.85

_ENDINGS = frozenset(("s", "e", "n", "en", "es", "r", "er", "em", "a", "o", "i", "as", "os"))
_ARABIC_HEAD = re.compile("^(?:[وف]?(?:ال|بال|كال|لل|[بلكس])?|(?:ابو?|عبد(?:ال)?))(?=...)")
_ARABIC_CLITIC = re.compile("^[وف]?[بلك]?(?=...)")
_ARABIC_BEFORE = "وفبلكا"
"""What a word with something before it begins with."""
_ARABIC_TAIL = re.compile("(?<=...)(?:تين|تان|تي|تا|هما|ها|هم|ان|ات|ون|ين|يه|يا|نا|وا|[هياتن])$|(?<=..)ا$")
_ARABIC_PERSON = re.compile("^[تينس](?=.{4})")
_ARABIC_LETTERS = str.maketrans({"ؤ": "و", "ئ": "ي", "ء": None, "غ": "ج", "ك": "ج", "ض": "د", "ث": "س", "ص": "س"})
_BRITISH = tuple(
    (re.compile(british), american)
    for british, american in (
        ("our", "or"), ("yse", "yze"), ("is(?=e|ing|ation)", "iz"), ("(?<=[bcdght])re$", "er"), ("ae|oe", "e"),
        ("ogue", "og"), ("ence$", "ense"), ("mme$", "m"), ("ough$", "ow"), ("que$", "ck"), ("eable$", "able"),
        (r"([lpts])\1", r"\1"),
    )
)  # fmt: skip
_SOUNDS = tuple(
    (re.compile(written), heard)
    for written, heard in (
        ("h$", ""), ("ff$", "v"), ("ck|q|gh|kh", "k"), ("ph", "f"), ("dj|j", "g"), ("sch|tch", "ch"), ("y", "i"),
        ("w", "v"), ("z", "s"),
        (r"(.)\1", r"\1"),
    )
)  # fmt: skip
_VOWELS = re.compile("[aeiouаеёиоуыэюя]+")


class Listed(dict[str, int | None]):
    """What words stand for; None for those that are not listed. An Arabic word also with what is written before it."""

    def __init__(self, words: Mapping[str, int], arabic: bool, other: Collection[str] = ()) -> None:
        super().__init__(words)
        self._words, self._arabic, self._other = words, arabic, other

    def __missing__(self, word: str) -> int | None:
        if not self._arabic:
            return None
        found = self._words.get(word)
        if found is None and word[:1] in _ARABIC_BEFORE and word not in self._other:
            bare = _ARABIC_CLITIC.sub("", word)
            found = self._words.get(bare)
            if found is None and bare not in self._other:
                found = self._words.get(bare.removeprefix("ال"))
        if len(self) >= CACHED_WORDS:
            self.clear()
        self[word] = found
        return found

    def of(self, words: Iterable[str]) -> list[int | None]:
        """What each of the words stands for."""
        return list(map(self.__getitem__ if self._arabic else self.get, words))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What is known of the words of one language, in their matching form."""

    language: str
    numbers: Listed
    scales: Mapping[str, int]
    weekdays: Listed
    months: Listed
    negations: frozenset[str]
    opposites: frozenset[frozenset[str]]
    framing: frozenset[str]
    """Who says so, in what words, with which title, on which day as seen from another: these may be exchanged."""
    names: frozenset[str]
    """Those that are as common as everyday words, of a language whose writing does not show them."""
    endings: frozenset[str]
    """What one word may end with in another form."""
    ranks: Mapping[str, int]

    def rank(self, word: str) -> int:
        """How rare a word is; `UNKNOWN_RANK` where it is in no list."""
        if word in self.framing or (self.language == "ar" and word[:1] in "وف" and word[1:] in self.framing):
            return 0
        if word in self.names:
            return EVERYDAY_RANK + 1
        if self.ranks:
            return self.ranks.get(word, UNKNOWN_RANK)
        return 0 if len(word) <= 3 else UNKNOWN_RANK

    def are_opposites(self, left: str, right: str) -> bool:
        if self.language == "ar":
            left, right = (word[1:] if word[:1] == "و" and word not in self.ranks else word for word in (left, right))
        return frozenset((left, right)) in self.opposites


@cache
def vocabulary(language: str) -> Vocabulary:
    """The vocabulary of a language; that of a language without one is empty."""
    listed = orjson.loads((files("newsflow.dedup") / "data" / "words.json").read_bytes()).get(language, {})
    numbers, scales = (
        {matching_text(word): int(value) for value, words in listed.get(name, {}).items() for word in words.split()}
        for name in ("numbers", "scales")
    )
    weekdays, months = (
        {matching_text(word): at for at, words in enumerate(listed.get(name, "").split()) for word in words.split("/")}
        for name in ("weekdays", "months")
    )
    opposites, negations, framing, names, endings = (
        matching_text(listed.get(name, "")).split() for name in ("opposites", "not", "framing", "names", "endings")
    )
    arabic = language == "ar"
    return Vocabulary(
        language, Listed(numbers, arabic, weekdays), scales, Listed(weekdays, arabic), Listed(months, arabic),
        frozenset(negations), frozenset(frozenset(pair.split("/")) for pair in opposites), frozenset(framing),
        frozenset(names), frozenset(endings) or _ENDINGS, _ranks(language),
    )  # fmt: skip


def _ranks(language: str) -> dict[str, int]:
    """The words of a language that are not rare, by how much less common than the commonest; {} without a list."""
    found: dict[str, int] = {}
    for rank, words in enumerate(words_by_rank(language)):
        for word in matching_text("\n".join(words)).split():
            found.setdefault(word, rank)
    return found


def language_of(language: str, body: str) -> str:
    """The language whose words are used: where it is not known, the commonest of the script."""
    if language != "und":
        return language
    head = body[:400]
    if re.search("[\u0621-\u064a]", head):
        return "ar"
    return "ru" if re.search("[а-яА-Я]", head) else "en"


# One number however it is written.

_GROUPED = re.compile(r"(?<![\d.,])\d{1,3}(?:([.,٬'’ \u00a0\u202f])\d{3})(?:\1\d{3})*(?![\d]|[.,]\d)")
_REVERSED = re.compile(r"\b(\d+)ر(\d+)\b")
"""Arabic agencies write `5ر1` for 1.5."""
_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,64}\.[\w.-]+|https?://\S+|\bwww\.\S+|\[?\bemail.protected\]?")
DIGIT = re.compile(r"\d")
_DECIMAL = re.compile(r"(?<=\d)[.,٫](?=\d)")
POINT = "\ua78f"
"""Stands for the decimal point within a word: a letter that looks like one."""
_JOINED = re.compile(r"(\d)(bn|mn|mln|k|млн|млрд)\b")
_ATTACHED = re.compile(r"\b[بلوفك](?=\d)")
NUMBER = re.compile(rf"\d+(?:{POINT}\d+)?")


def plain_words(text: str, known: Vocabulary) -> list[str]:
    """The words of a text in their matching form, each number as one word in digits."""
    text = matching_text(text)
    if "@" in text or "www." in text or "http" in text or "email" in text:
        text = _ADDRESS.sub(" ", text)
    has_digits = DIGIT.search(text) is not None
    if has_digits:
        text = _REVERSED.sub(r"\2.\1", text)
        text = _GROUPED.sub(lambda found: re.sub(r"\D", "", found[0]), text)
        text = _ATTACHED.sub("", _JOINED.sub(r"\1 \2", text))
        text = _DECIMAL.sub(POINT, text)
    words = split_words(text)
    values = known.numbers.of(words)
    return _in_digits(words, values, known.scales) if has_digits or any(values) else words


def _in_digits(words: Sequence[str], values: Sequence[int | None], scales: Mapping[str, int]) -> list[str]:
    found: list[str] = []
    for word, value in zip(words, values, strict=True):
        last = found[-1] if found else ""
        if value is not None:
            if last.isdecimal() and _completes(int(last), value):
                found[-1] = str(int(last) + value)
            else:
                found.append(str(value))
        elif last[:1].isdigit() and NUMBER.fullmatch(last) and (scale := _scale(word, scales)):
            found[-1] = _product(last, scale)
        else:
            found.append(word)
    return found


def _scale(word: str, scales: Mapping[str, int]) -> int | None:
    """What a word multiplies a number by, also with a slip."""
    if word in scales or len(word) < 6:
        return scales.get(word)
    near = get_close_matches(word, scales, 1, SURELY)
    return scales[near[0]] if near else None


def _product(number: str, scale: int) -> str:
    product = float(number.replace(POINT, ".")) * scale
    return f"{product:.3f}".rstrip("0").rstrip(".").replace(".", POINT)


def _completes(last: int, value: int) -> bool:
    """Whether `value` goes on from `last`, as 5 from 20, in Arabic 20 from 5 and 10 from 2."""
    return (last in range(20, 100, 10) and value < 10) or (last < 10 and value in range(10, 100, 10) and last > 0)


# One word however it is spelled.


@lru_cache(maxsize=20_000)
def are_variants(left: str, right: str, language: str) -> bool:
    """Whether two words are one: in another form, in another spelling, or with a slip."""
    if len(set(left) & set(right)) < min(2, len(left), len(right)):
        return False  # as most
    known = vocabulary(language)
    if known.are_opposites(left, right):
        return False
    one, two = (_plain(word) for word in (left, right))
    if one == two:
        return True
    digits = [re.sub(r"\D", "", word) for word in (one, two)]
    if any(digits):
        return digits[0] == digits[1]
    if language == "ar":
        return _are_arabic_variants(one, two, known)
    return (
        _is_inflected(one, two, known)
        or _is_respelled(one, two)
        or _is_slip(left, right, known)
        or _is_abbreviated(one, two)
    )


def _plain(word: str) -> str:
    """Without accents."""
    return (
        word
        if word.isascii()
        else "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    )


def _is_inflected(left: str, right: str, known: Vocabulary) -> bool:
    stem = _common_head(left, right)
    endings = {"", *known.endings}
    return (
        stem >= 3 and 2 * stem >= max(len(left), len(right)) - 1 and left[stem:] in endings and right[stem:] in endings
    )


def _common_head(left: str, right: str) -> int:
    count = 0
    for one, two in zip(left, right, strict=False):
        if one != two:
            break
        count += 1
    return count


def _is_respelled(left: str, right: str) -> bool:
    """British or American, or a name from another script: the same sounds in the same order, other vowels."""
    for british, american in _BRITISH:
        left, right = british.sub(american, left), british.sub(american, right)
    for written, heard in _SOUNDS:
        left, right = written.sub(heard, left), written.sub(heard, right)
    if left == right:
        return True
    shapes = [_VOWELS.sub("a", word) for word in (left, right)]
    if shapes[0] != shapes[1] or len(shapes[0]) < 4 or (left[0] in "aeiou") != (right[0] in "aeiou"):
        return False
    return not (_VOWELS.match(left[-1]) and left[-1] != right[-1])


def _is_slip(left: str, right: str, known: Vocabulary) -> bool:
    """Whether one letter is wrong, and the words are not two that there are."""
    ranks = known.rank(left), known.rank(right)
    if _is_listed(left, known) != _is_listed(right, known) and _is_one_edit(left, right):
        return min(len(left), len(right)) >= TYPO_CHARS  # a day or a number, and no other one
    if min(len(left), len(right)) < TYPO_CHARS:
        return False
    if not _is_one_edit(left, right):
        bare = [_ARABIC_HEAD.sub("", word) for word in (left, right)] if known.language == "ar" else []
        one_is_no_word = min(*ranks, *map(known.rank, bare)) < UNKNOWN_RANK <= max(ranks)
        alike = left[0] == right[0] and left[-1] == right[-1]
        alike = alike or (len(bare) == 2 and bare[0][0] == bare[1][0])
        return one_is_no_word and alike and SequenceMatcher(None, left, right, autojunk=False).ratio() >= ALMOST
    return max(ranks) >= UNKNOWN_RANK or max(ranks) - min(ranks) >= RARER or len(left) >= LONG_CHARS


def _is_listed(word: str, known: Vocabulary) -> bool:
    return any(listed[word] is not None for listed in (known.weekdays, known.months, known.numbers))


def _is_abbreviated(left: str, right: str) -> bool:
    """Whether one is short for the other, as `dlr` and `km`."""
    short, long = sorted((left, right), key=len)
    if _VOWELS.search(short) or short[:1] != long[:1] or len(short) == len(long):
        return False
    letters = iter(long)
    return all(letter in letters for letter in short)


def _is_one_edit(left: str, right: str) -> bool:
    """One letter more, less, another, or two neighbours exchanged."""
    if abs(len(left) - len(right)) > 1:
        return False
    head = _common_head(left, right)
    tail = _common_head(left[head:][::-1], right[head:][::-1])
    one, two = left[head : len(left) - tail], right[head : len(right) - tail]
    return max(len(one), len(two)) <= 1 or (len(one) == 2 and one == two[::-1])


def _are_arabic_variants(left: str, right: str, known: Vocabulary) -> bool:
    forms = [_arabic_stems(word) for word in (left, right)]
    if forms[0] & forms[1]:
        return True
    if _is_slip(left, right, known):
        return True
    least = 5 if max(known.rank(left), known.rank(right)) >= UNKNOWN_RANK else 6
    bare = [{re.sub("(?<=.)[اوي]", "", form) for form in each if len(form) >= least} for each in forms]
    return bool(bare[0] & bare[1])


def _arabic_stems(word: str) -> set[str]:
    word = word.translate(_ARABIC_LETTERS)
    bare = _ARABIC_HEAD.sub("", word)
    stems = {word, bare, _ARABIC_TAIL.sub("", word), _ARABIC_TAIL.sub("", bare)}
    return stems | {_ARABIC_PERSON.sub("", stem) for stem in stems}
