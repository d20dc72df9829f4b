"""How much of an article's text was found: precision and recall over bags of word 4-grams.

The measure of the Article Extraction Benchmark: averaged over pages, then F1.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_WORD = re.compile(r"\w+")


@dataclass(frozen=True)
class Score:
    """Shares from 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def shingles(text: str, size: int = 4) -> Counter[tuple[str, ...]]:
    words = _WORD.findall(text)
    if 0 < len(words) < size:
        return Counter([tuple(words)])
    return Counter(tuple(words[index : index + size]) for index in range(len(words) - size + 1))


def page_score(gold: str, found: str) -> Score:
    """One page. An empty answer has precision 0 unless the gold is empty too."""
    expected, got = shingles(gold), shingles(found)
    both = sum((expected & got).values())
    precision = both / sum(got.values()) if got else float(not expected)
    recall = both / sum(expected.values()) if expected else 1.0
    return Score(precision, recall)


def mean_score(scores: Iterable[Score]) -> Score:
    scores = list(scores)
    count = len(scores) or 1
    return Score(sum(score.precision for score in scores) / count, sum(score.recall for score in scores) / count)
