"""A text's fingerprint: hashed word 5-shingles, number tokens, and the keys a look-alike is found by; and the index
that finds the texts which share a key."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

PRINT_VERSION = 1
"""Of the rules below: two texts are compared by fingerprints of one version. Whoever changes what a fingerprint is,
counts on, and adds a migration of the ledger, which has all made anew."""
MAX_CHARS = 1_000_000
"""Characters that are compared: a text that was made to be large would take gigabytes."""

# Matching text: the form of a text in which two copies of one article look alike.

# Vowel marks, Quranic signs, tatweel, bidi and joining controls, soft hyphen, byte order mark, Hebrew points.
_MARKS = (
    "\u00ad\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u061c\u0640\u064b-\u065f\u0670"
    "\u06d6-\u06dc\u06df-\u06e8\u06ea-\u06ed\u08d3-\u08ff\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
)
_REMOVED = re.compile(f"[{_MARKS}]+")
# One `str.replace` a pair is a quarter of the cost of `str.translate` on a text that is not ASCII.
_FOLDED = tuple(zip("أإآٱىیېکةۀ", "ااااييي" + "كهه", strict=True))
_FOREIGN_DIGITS = "\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef"
_FOREIGN_DIGIT = re.compile(f"[{_FOREIGN_DIGITS}]")
_DIGITS = {zero + digit: str(digit) for zero in (0x0660, 0x06F0, 0x0966, 0x09E6) for digit in range(10)}

# Scripts written without spaces: a character is a word there, or a whole clause would be one token.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RARE = re.compile(f"[{_MARKS}{_FOREIGN_DIGITS}{_UNSPACED}]")
"""Most texts have none of these: one look for all of them costs a fifth of one for each."""
_ANY_UNSPACED = re.compile(f"[{_UNSPACED}]")
_MIXED_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_TOKEN = re.compile(r"\w+")
_COMMON_SIGNS = '.,،"()-:؛؟«»–/'
"""What is taken out first, for a text is split at spaces in less time than by a pattern."""


def matching_text(text: str) -> str:
    """NFKC, lower case, without Arabic and Hebrew marks, tatweel and direction controls; the forms of alef,
    ya and ta marbuta folded into one each, Arabic and Indic digits written 0 to 9. Cut at `MAX_CHARS`: one sign may
    stand for eighteen."""
    text = unicodedata.normalize("NFKC", text)[:MAX_CHARS].lower()
    if text.isascii():
        return text
    rare = _RARE.search(text) is not None
    if rare:
        text = _REMOVED.sub("", text)
    for written, folded in _FOLDED:
        text = text.replace(written, folded)
    return text.translate(_DIGITS) if rare and _FOREIGN_DIGIT.search(text) else text


def matching_tokens(text: str) -> list[str]:
    """The words of `matching_text(text)`, in order; punctuation separates, a Han or Thai character is a word."""
    return split_words(matching_text(text))


def split_words(text: str) -> list[str]:
    """The words of a matching text."""
    if not text.isascii() and _RARE.search(text) and _ANY_UNSPACED.search(text):
        return _MIXED_TOKEN.findall(text)
    for sign in _COMMON_SIGNS:
        text = text.replace(sign, " ")
    pieces = text.split()
    if all(map(str.isalnum, pieces)):
        return pieces
    words: list[str] = []
    for piece in pieces:
        if piece.isalnum():
            words.append(piece)
        else:
            words += _TOKEN.findall(piece)
    return words


def number_tokens(tokens: list[str]) -> set[str]:
    """The tokens of digits alone, as `17` and `000` in `17,000`."""
    return set(filter(str.isdecimal, tokens))


Hashes = NDArray[np.uint32]
"""Sorted, each once."""

SHINGLE_WORDS = 5
"""Shingles of three words count short templates twice over."""
MIN_TOKENS = 20
"""Shorter texts are compared with their titles."""
LEAST_TOKENS = 10
"""A shorter text counts only when it is equal."""
TITLE_WORDS = 4
SMALLEST_KEYS = 8
KEY_DIVISOR = 32
MAX_KEYS = 48
"""Only texts of more than 1,300 words come to it. At 24, three in a hundred excerpts of long texts go unfound."""

_CACHED_TOKENS = 200_000
_NONE: Hashes = np.empty(0, np.uint32)
_BASE = 0x9E3779B97F4A7C15
_POWERS = [np.uint64(pow(_BASE, exponent, 1 << 64)) for exponent in range(SHINGLE_WORDS)]


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is kept of a text to compare it. `shingles` is empty for a text of less than 20 tokens.

    `text_hash` (16 bytes) is equal exactly where the matching texts are: of the body, and of title and body
    together where the body is short, since many a short body says only "details to follow". `keys` of texts of other
    releases may be without that of the title.
    """

    text_hash: bytes
    token_count: int
    shingles: Hashes
    numbers: Hashes
    keys: Hashes

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fingerprint):
            return NotImplemented
        return self.text_hash == other.text_hash and self.token_count == other.token_count

    def __hash__(self) -> int:
        return hash(self.text_hash)


class _TokenHashes(dict[str, bytes]):
    """Remembers the 64-bit hash of a token; forgets all when full, since news words come back at once."""

    def __missing__(self, token: str) -> bytes:
        if len(self) >= _CACHED_TOKENS:
            self.clear()
        value = self[token] = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return value

    def of(self, tokens: Sequence[str]) -> NDArray[np.uint64]:
        """The hashes of tokens, in order."""
        return np.frombuffer(b"".join(map(self.__getitem__, tokens)), "<u8")


_token_hashes = _TokenHashes()


@lru_cache(maxsize=1_000)
def fingerprint(title: str, body: str) -> Fingerprint:
    """The fingerprint of an article's text; the same on every machine and in every process. Those of late are
    remembered: many an article has copies.

    Of a body of more than `MAX_CHARS`, which only a book has, the rest counts for `text_hash` alone.
    """
    tokens, rest = matching_tokens(body[:MAX_CHARS]), [body[MAX_CHARS:]] if len(body) > MAX_CHARS else []
    named = matching_tokens(title)
    by_title = _title_key(named)
    numbers = _hash_numbers(tokens)
    if len(tokens) < MIN_TOKENS:
        text_hash = _hash_text([*named, "\n", *tokens, *rest])
        some = _hash_shingles(tokens)[:SMALLEST_KEYS] if len(tokens) >= LEAST_TOKENS else _NONE
        keys = np.concatenate([np.frombuffer(text_hash[:4], "<u4"), by_title, some])
        return Fingerprint(text_hash, len(tokens), _NONE, numbers, keys)
    shingles = _hash_shingles(tokens)
    keys = np.concatenate([select_keys(shingles), by_title])
    return Fingerprint(_hash_text([*tokens, *rest]), len(tokens), shingles, numbers, keys)


def _title_key(tokens: list[str]) -> Hashes:
    """What texts of one title are found by, whatever became of their words; shorter titles say nothing."""
    if len(tokens) < TITLE_WORDS:
        return _NONE
    return np.frombuffer(_hash_text(tokens)[4:8], "<u4")


def select_keys(shingles: Hashes) -> Hashes:
    """The keys to be found by: the smallest shingle hashes and those divisible by 32, at most 48 in all.

    Both choices depend on the hash alone, so two texts that share a shingle tend to choose it both.
    """
    smallest = shingles[:SMALLEST_KEYS]
    rest = shingles[SMALLEST_KEYS:]
    sampled = rest[rest % KEY_DIVISOR == 0][: MAX_KEYS - SMALLEST_KEYS]
    return np.concatenate([smallest, sampled])


def _hash_text(tokens: list[str]) -> bytes:
    return hashlib.blake2b(" ".join(tokens).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _hash_numbers(tokens: list[str]) -> Hashes:
    found = sorted(number_tokens(tokens))
    return _sorted_once(_token_hashes.of(found).astype(np.uint32)) if found else _NONE


def _hash_shingles(tokens: list[str]) -> Hashes:
    return _sorted_once((hash_runs(tokens, SHINGLE_WORDS) >> np.uint64(32)).astype(np.uint32))


def hash_runs(tokens: Sequence[str], size: int) -> NDArray[np.uint64]:
    """A hash for every so many words in a row, in order."""
    words = _token_hashes.of(tokens)
    count = max(0, len(tokens) - size + 1)
    mixed = words[:count].copy()
    for place in range(1, size):
        mixed += words[place : place + count] * _POWERS[place]
    # The finaliser of splitmix64: without it the sums of common words would crowd some keys.
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    return mixed


def _sorted_once(values: Hashes) -> Hashes:
    """Sorted, repeats dropped. `np.unique` takes three times as long on so few."""
    values.sort()
    new = np.empty(len(values), np.bool_)
    new[:1] = True
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return values[new]


# Finds the texts that share a key with a text: sorted runs of numbers, merged as they grow.
#
# A posting is one 64-bit number: the key above, the text's sequence number below. A run is a sorted array of
# them; a new run is merged with its neighbour until each is at least twice its successor, so there are few
# runs and each posting is copied a logarithmic number of times. Eight bytes a posting, no object a key.


Run = NDArray[np.uint64]
Span = tuple[int, int]
"""The first and the last time of a span, both within it."""
ALWAYS: Span = (0, 2**63 - 1)
KeyTexts = dict[int, list[int]]
"""Numbers of texts, in order, by a key that they hold."""


def numbers_of(texts: KeyTexts) -> list[int]:
    """The numbers, in order, each once."""
    return sorted({number for numbers in texts.values() for number in numbers})


NEWEST_PER_KEY = 50
"""A key that many texts hold says little; of its texts within the span the newest are looked at."""
_SHIFT = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)
_NEVER = -(2**63)


class NearIndex:
    """Keys to sequence numbers (below 2**32) for the texts of one language. Not thread-safe."""

    def __init__(self) -> None:
        self._runs: list[Run] = []
        """The later ones hold the later numbers."""
        self._times = array("q")
        self._first = 0
        """The number whose time `_times` begins with."""
        self.oldest = 0
        """Numbers below it are forgotten at the next merge, and never returned."""

    def __len__(self) -> int:
        """Postings held, those not yet forgotten included."""
        return sum(len(run) for run in self._runs)

    def add(self, numbers: Sequence[int], keys: Sequence[Hashes], times: Sequence[int]) -> None:
        """Make text `numbers[i]`, of the time `times[i]`, findable by `keys[i]`. Numbers grow from call to call."""
        if not numbers:
            return
        self._keep_times(numbers, times)
        owners = np.repeat(np.asarray(numbers, np.uint64), [len(each) for each in keys])
        run: Run = (np.concatenate(keys).astype(np.uint64) << _SHIFT) | owners
        run.sort()
        while self._runs and len(self._runs[-1]) < 2 * len(run):
            run = self._merge(self._runs.pop(), run)
        self._runs.append(run)

    def _keep_times(self, numbers: Sequence[int], times: Sequence[int]) -> None:
        if not self._times:
            self._first = numbers[0]
        if (forgotten := self.oldest - self._first) > len(self._times) // 2:
            del self._times[:forgotten]
            self._first = self.oldest if self._times else numbers[0]
        for number, time in zip(numbers, times, strict=True):
            self._times.extend([_NEVER] * (number - self._first - len(self._times)))
            self._times.append(time)

    def find(self, keys: Sequence[Hashes], spans: Sequence[Span]) -> list[KeyTexts]:
        """For each text's keys: the texts that hold one of them, and whose time is in the text's span."""
        found: list[KeyTexts] = [{} for _ in keys]
        if not self._runs or not keys:
            return found
        owners = np.repeat(np.arange(len(keys)), [len(each) for each in keys])
        wanted = np.concatenate(keys).astype(np.uint64) << _SHIFT
        order = np.argsort(wanted)  # Neighbouring searches then touch neighbouring memory.
        wanted, owners = wanted[order], owners[order]
        for run in reversed(self._runs):
            starts = np.searchsorted(run, wanted)
            ends = np.searchsorted(run, wanted | _LOW, side="right")
            hit = ends > starts
            columns = (owners, wanted >> _SHIFT, starts, ends)
            for owner, key, start, end in zip(*(column[hit].tolist() for column in columns), strict=True):
                later = found[owner].get(key, [])
                most = NEWEST_PER_KEY - len(later)
                if most > 0 and (numbers := self._newest(run, start, end, most, spans[owner])):
                    found[owner][key] = numbers + later
        return found

    def _newest(self, run: Run, start: int, end: int, most: int, span: Span) -> list[int]:
        """Of a key's postings in a run, up to `most` of the newest in the span."""
        near = max(start, end - 2 * NEWEST_PER_KEY)
        times, first, oldest, (begin, last) = self._times, self._first, self.oldest, span
        numbers = [
            number
            for number in (run[near:end] & _LOW).tolist()
            if number >= oldest and begin <= times[number - first] <= last
        ]
        if len(numbers) < most and near > start:  # a crowded key, and a text of other days than the last ones
            numbers = self._newest_of_all((run[start:end] & _LOW).astype(np.int64), span)
        return numbers[-most:]

    def _newest_of_all(self, numbers: NDArray[np.int64], span: Span) -> list[int]:
        numbers = numbers[numbers >= max(self.oldest, self._first)]
        times = np.frombuffer(self._times, np.int64)[numbers - self._first]
        within: list[int] = numbers[(times >= span[0]) & (times <= span[1])].tolist()
        return within

    def _merge(self, left: Run, right: Run) -> Run:
        merged = np.concatenate([left, right])
        merged = merged[(merged & _LOW) >= np.uint64(self.oldest)] if self.oldest else merged
        merged.sort(kind="stable")  # Timsort: linear on two sorted runs.
        return merged
