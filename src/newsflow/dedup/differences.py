"""What stands in place of what: two texts side by side, and whether what differs makes them two reports."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from newsflow.dedup.alignment import Place, Run, align
from newsflow.dedup.fingerprint import LEAST_TOKENS, MIN_TOKENS, Fingerprint
from newsflow.dedup.similarity import DEFAULT_RULE, Relation, Rule, Similarity
from newsflow.dedup.told import told
from newsflow.dedup.words import (
    DIGIT,
    EVERYDAY_RANK,
    GRAMMAR_RANK,
    NUMBER,
    POINT,
    Vocabulary,
    are_variants,
    language_of,
    plain_words,
    vocabulary,
)

MOST_EXCHANGED = 5
"""Words that are exchanged for others in one place; more are a passage that was written anew."""
PARALLEL = 0.3
"""The share of a longer place that is the same on both sides, where single words of it are exchanged."""

MOST_CHARS = 100_000
"""Of a longer text the rest is not laid side by side."""
UNLIKE_WORDS = 3
"""Telling words that a beginning has at least, to be unlike another."""
_SMALL_LETTER = re.compile("[a-zа-яα-ω]")
_HEAD_CHARS = 200


@dataclass(frozen=True)
class Wording:
    """The words of a text, to be laid beside another."""

    body: str
    known: Vocabulary
    title: str = ""

    @cached_property
    def words(self) -> list[str]:
        return plain_words(told(self.body[:MOST_CHARS]), self.known)

    @property
    def whole(self) -> Wording:
        """With the title: a short body says little alone."""
        return Wording(f"{self.title}\n{self.body}", self.known)

    @cached_property
    def all(self) -> frozenset[str]:
        return frozenset(self.words)

    @cached_property
    def numbers(self) -> frozenset[str]:
        return frozenset(word for word in self.words if word < ":" and NUMBER.fullmatch(word))  # begins with a digit

    @cached_property
    def is_cased(self) -> bool:
        """Whether it is written in a script with capitals."""
        head = self.body[:_HEAD_CHARS]
        return 2 * len(_SMALL_LETTER.findall(head)) > len(head)

    def is_name(self, word: str) -> bool:
        """Whether the text writes a word with a capital within sentences, and never without."""
        if len(word) < 2 or not word[0].isalpha() or word[0].upper() == word[0]:
            return False
        capital = re.escape(word[1:])
        return (
            re.search(rf"\w[,;]?\s+{word[0].upper()}(?i:{capital})\b", self.body) is not None
            and re.search(rf"\b{word[0]}{capital}\b", self.body) is None
        )


def wording(body: str, language: str, title: str = "") -> Wording:
    """The words of a text; of a language that is not known, as of its script."""
    return Wording(body, vocabulary(language_of(language, body)), title)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What stands in the one text in place of what in the other, as matching words."""

    left: str
    right: str
    kind: str
    """`number`, `day`, `opposite`, `negation`, `order`, `name` or `word`."""


@dataclass(frozen=True, slots=True)
class Differences:
    """What two texts have in common and what not, in words."""

    shared: int
    """Words of the shorter text that stand in the other in the same order, in runs."""
    shorter: int
    edits: int
    """Places where one has more, less, another form of a word, or another wording."""
    figures: int
    """Different numbers in the text that has fewer."""
    numbers: float
    """Of the fewer numbers, the share that the other has too; 1 where there are none."""
    unlike: bool
    """Whether they begin with other things."""
    exchanges: tuple[Exchange, ...] = ()
    cased: bool = False
    """Whether the script shows what is a name."""

    def are_edits(self, rule: Rule) -> bool:
        """Whether what was exchanged is no more than editors exchange."""
        by_kind = Counter(each.kind for each in set(self.exchanges))
        words, figures = by_kind.pop("word", 0), by_kind.pop("number", 0)
        few = words <= _most_exchanged(rule, self.cased) * self.edits and figures <= min(
            rule.corrected * self.figures, self.edits
        )
        return few and not by_kind

    @property
    def share(self) -> float:
        return self.shared / self.shorter if self.shorter else 0.0


def _most_exchanged(rule: Rule, cased: bool) -> float:
    return rule.exchanged_cased if cased else rule.exchanged


def differences(left: Wording, right: Wording, until: Rule | None = None) -> Differences:
    """Lay two texts of one language side by side; with a rule `until` it has enough to call them two reports."""
    a, b = left.words, right.words
    cased = left.is_cased and right.is_cased
    runs = align(a, b)
    places = list(_places(runs, len(a), len(b)))
    edits, unlike = 0, False
    exchanges: list[Exchange] = []
    words: set[Exchange] = set()
    for left_over, (place, inner) in zip(range(len(places) - 1, -1, -1), places, strict=True):
        found = list(_exchanged(left, right, place, inner))
        exchanges += found
        edits += not found
        if max(place[0], place[2]) <= 2:
            unlike = unlike or _begin_unlike(left, right, place)
        elif until is not None:
            words.update(each for each in found if each.kind == "word")
            if len(words) > _most_exchanged(until, cased) * (edits + left_over):
                break
    shared = sum(size for _, _, size in runs if size > 1)
    figures = min(len(left.numbers), len(right.numbers))
    same = len(left.numbers & right.numbers) / figures if figures else 1.0
    return Differences(shared, min(len(a), len(b)), edits, figures, same, unlike, tuple(exchanges), cased)


def _have_other_titles(left: Wording, right: Wording) -> bool:
    known = left.known
    told = [
        [word for word in plain_words(text.title, known) if known.rank(word) > EVERYDAY_RANK] for text in (left, right)
    ]
    return all(told) and len(_unlike(told[0], told[1], known.language)[0]) == len(told[0])


def _begin_unlike(left: Wording, right: Wording, place: Place) -> bool:
    known = left.known
    sides = left.words[place[0] : place[1]], right.words[place[2] : place[3]]
    told = [[word for word in side if known.rank(word) > EVERYDAY_RANK] for side in sides]
    rest = _unlike(told[0], told[1], known.language)
    return min(map(len, told)) >= UNLIKE_WORDS and len(rest[0]) == len(told[0])


def are_likely(left: Fingerprint, right: Fingerprint, similarity: Similarity, rule: Rule = DEFAULT_RULE) -> bool:
    """Whether two texts are to be laid side by side."""
    if similarity.exact:
        return False
    if _are_short(left, right):
        return min(left.token_count, right.token_count) >= LEAST_TOKENS
    return similarity.containment >= rule.likely or similarity.jaccard >= rule.jaccard


def _are_short(left: Fingerprint, right: Fingerprint) -> bool:
    return min(left.token_count, right.token_count) < MIN_TOKENS


def judge(
    left: tuple[Fingerprint, Wording],
    right: tuple[Fingerprint, Wording],
    similarity: Similarity,
    one_source: bool = False,
    rule: Rule = DEFAULT_RULE,
    thorough: bool = True,
) -> tuple[Similarity, Relation, Differences]:
    """What a pair is whose texts are laid side by side; the numbers that it shares are as they count. Less than
    `thorough`, no more of what differs is found than decides."""
    if _are_short(left[0], right[0]):
        found = differences(left[1].whole, right[1].whole)
        same = found.share >= rule.short and not found.exchanges and found.numbers == 1
        relation = Relation.DUPLICATE if same else Relation.NONE
    else:
        found = differences(left[1], right[1], None if thorough else rule)
        relation = relate_texts(similarity, found, rule)
        if one_source and found.unlike and relation is not Relation.NONE and _have_other_titles(left[1], right[1]):
            relation = Relation.NONE  # An outlet gives no report of its own another title and another beginning.
    return replace(similarity, numbers=found.numbers), relation, found


def relate_texts(similarity: Similarity, found: Differences, rule: Rule = DEFAULT_RULE) -> Relation:
    """What the rule makes of a pair of longer texts: what is exchanged decides, however much is shared."""
    alike = similarity.jaccard >= rule.jaccard or similarity.containment >= rule.containment
    edited = (
        similarity.containment >= rule.likely and found.share >= rule.shared and found.numbers >= rule.shared_numbers
    )
    if alike or edited:
        if found.are_edits(rule):
            return Relation.DUPLICATE
        if found.unlike:  # They share what is not the news.
            return Relation.NONE
    related = similarity.jaccard >= rule.related_jaccard or similarity.containment >= rule.related_containment
    return Relation.RELATED if alike or related else Relation.NONE


def _places(runs: Sequence[Run], len_a: int, len_b: int) -> Iterator[tuple[Place, list[Place]]]:
    """The places that differ: what lies between runs of two words and more, and what differs within it."""
    i = k = 0
    inner: list[Place] = []
    start = (0, 0)
    for x, y, size in [*runs, (len_a, len_b, 0)]:
        if (x, y) != (i, k):
            inner.append((i, x, k, y))
        ends = size == 0 or size > 1 or not inner
        if ends:
            if inner:
                yield (start[0], x, start[1], y), inner
            inner, start = [], (x + size, y + size)
        i, k = x + size, y + size


def _exchanged(left: Wording, right: Wording, place: Place, inner: Sequence[Place]) -> Iterator[Exchange]:
    i, j, k, m = place
    longest = max(j - i, m - k)
    if longest > MOST_EXCHANGED and len(inner) > 1:
        same = longest - max(sum(each[1] - each[0] for each in inner), sum(each[3] - each[2] for each in inner))
        if same >= PARALLEL * longest:
            for each in inner:
                yield from _exchanged(left, right, each, [each])
        return
    if longest > MOST_EXCHANGED or i == j or k == m:
        yield from _negated(left, left.words[i:j], right.words[k:m])
        return
    known, a, b = left.known, left.words[i:j], right.words[k:m]
    if longest == 1:
        if not are_variants(a[0], b[0], known.language):
            yield from _compared(left, right, a, b)
        return
    if Counter(a) == Counter(b):
        yield from _reordered(a, b, known)
        return
    if are_variants("".join(a), "".join(b), known.language):
        return
    x, y = _unlike(a, b, known.language)
    at_end = j == len(left.words) and m == len(right.words) and longest > 1
    yield from (each for each in _compared(left, right, x, y) if each.kind != "word" or not at_end)


def _negated(left: Wording, a: Sequence[str], b: Sequence[str]) -> Iterator[Exchange]:
    """A few words that stand on one side alone, and turn what is said round."""
    words = a or b
    if bool(a) != bool(b) and len(words) == 1 and words[0] in left.known.negations:
        yield Exchange(" ".join(a), " ".join(b), "negation")


def _reordered(a: Sequence[str], b: Sequence[str], known: Vocabulary) -> Iterator[Exchange]:
    """Who did what to whom: the first is the last now, and the last the first."""
    if all(map(DIGIT.search, a)):
        yield Exchange(" ".join(a), " ".join(b), "number")
        return
    ends = {a[0], a[-1]}
    if (
        ends != {b[0], b[-1]}
        or a[0] != b[-1]
        or _AND.intersection(a[1:-1])
        or any(known.rank(word) <= GRAMMAR_RANK for word in ends)
    ):
        return
    if not any(days[word] is not None for word in ends for days in (known.weekdays, known.months)):
        yield Exchange(" ".join(a), " ".join(b), "order" if len(a) > 2 else "word")


_AND = frozenset(("and", "и", "und", "et", "y"))


def _unlike(a: Sequence[str], b: Sequence[str], language: str) -> tuple[list[str], list[str]]:
    """What is left of both sides without the words that are one."""
    both = Counter(a) & Counter(b)
    rest, other = list((Counter(a) - both).elements()), list((Counter(b) - both).elements())
    at = 0
    for word in [*rest]:
        same = next((n for n in range(at, len(other)) if are_variants(word, other[n], language)), None)
        if same is not None:  # Those of one order alone: `Ivan Petrov` is not `Petr Ivanov`.
            rest.remove(word)
            del other[same]
            at = same
    return rest, other


def _compared(left: Wording, right: Wording, x: list[str], y: list[str]) -> Iterator[Exchange]:
    known = left.known
    said = " ".join(x), " ".join(y)
    numbers = [[word for word in side if not word.isalpha() and DIGIT.search(word)] for side in (x, y)]
    if all(numbers):
        if not _is_rounded(*numbers):
            yield Exchange(*said, "number")
        return
    for days in (known.weekdays, known.months):
        named = [{found for word in side if (found := days[word]) is not None} for side in (x, y)]
        if all(named):
            if not named[0] & named[1]:
                yield Exchange(*said, "day")
            return
    if len(x) == len(y) == 1 and known.are_opposites(x[0], y[0]):
        yield Exchange(*said, "opposite")
        return
    if len(x + y) == 1 and known.negations.issuperset(x + y):
        yield Exchange(*said, "negation")
        return
    left_words, right_words = (
        [word for word in side if word.isalpha() and known.rank(word) > GRAMMAR_RANK] for side in (x, y)
    )
    sizes = len(left_words), len(right_words)
    if max(sizes) > 2 * min(sizes):
        return
    names = any(map(left.is_name, left_words)) and any(map(right.is_name, right_words))
    new = not right.all.issuperset(left_words) or not left.all.issuperset(right_words)
    if names or any(known.rank(word) > EVERYDAY_RANK for word in left_words + right_words):
        yield Exchange(" ".join(left_words), " ".join(right_words), "name" if names and new else "word")


def _is_rounded(left: Sequence[str], right: Sequence[str]) -> bool:
    """One large number, written more and less exactly; or the same digits."""
    digits = [re.sub(r"\D", "", "".join(side)).lstrip("0") for side in (left, right)]
    if digits[0] == digits[1]:
        return True
    if len(left) != 1 or len(right) != 1 or not (NUMBER.fullmatch(left[0]) and NUMBER.fullmatch(right[0])):
        return False
    one, two = (float(side[0].replace(POINT, ".")) for side in (left, right))
    exact = [len(f"{value:.0f}".rstrip("0")) for value in (one, two)]
    return min(one, two) >= 100_000 and abs(one - two) < 0.01 * max(one, two) and min(exact) <= 3 < max(exact)
