"""Pairs of made-up reports that differ in one thing: of two happenings, or of one told twice. Our own words."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

LANGUAGES = ("ar", "en", "ru")
OTHERS = ("place", "name", "day", "score", "number", "sides", "opposite")
"""What is exchanged between two happenings."""
COPIES = ("paragraphs", "dateline", "credit", "typos", "spelling")
"""What differs between two prints of one report."""
SENTENCES = (5, 9)
TYPOS = 3


@dataclass(frozen=True)
class MadePair:
    kind: str
    language: str
    left: str
    right: str
    copy: bool


@cache
def report_words(language: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(Path(__file__).with_name("dedup_made.json").read_bytes())[language]
    return found


def made_pairs(language: str, kind: str, count: int, seed: int = 5) -> Iterator[MadePair]:
    """So many pairs that differ in things of one kind."""
    draw = random.Random(f"{seed} {language} {kind}")
    while count:
        report = _report(draw, report_words(language))
        left, right = report.told(), _CHANGES[kind](report)
        if right != left:
            yield MadePair(kind, language, left, right, kind in COPIES)
            count -= 1


@dataclass(frozen=True)
class Report:
    """Sentences with names of slots, and what fills the slots."""

    draw: random.Random
    words: Mapping[str, Any]
    sentences: Sequence[str]
    slots: Mapping[str, str]

    def told(self, **other: str) -> str:
        """The text, with something else in some slots."""
        pairs = (" ".join(self.sentences[at : at + 2]) for at in range(0, len(self.sentences), 2))
        return "\n\n".join(pairs).format(**{**self.slots, **other})

    def line(self, kind: str) -> str:
        """One of the lines that stand before or after a report."""
        written: str = self.draw.choice(self.words[kind])
        return written.format(**self.slots)


Change = Callable[[Report], str]


def _report(draw: random.Random, words: Mapping[str, Any]) -> Report:
    """A report with one sentence that each kind of exchange needs."""
    needed = [draw.choice(words["sentences"][kind]) for kind in ("place", "name", "day", "score", "number", "opposite")]
    sentences = needed + draw.sample(words["sentences"]["other"], draw.randint(*SENTENCES))
    draw.shuffle(sentences)
    slots = {
        f"{name}{n}": each
        for name, values, count in (("place", "places", 4), ("name", "people", 3), ("number", "numbers", 4))
        for n, each in enumerate(draw.sample(words[values], count))
    }
    slots |= {f"opposite{n}": draw.choice(draw.choice(pairs)) for n, pairs in enumerate(words["opposites"])}
    slots |= {"day": draw.choice(words["days"]), "score": _any_score(draw), "figure": str(draw.randint(11, 990))}
    return Report(draw, words, sentences, slots)


def _any_score(draw: random.Random) -> str:
    return f"{draw.randint(1, 5)}-{draw.randint(0, 4)}"


def _other(name: str, values: str) -> Change:
    def change(report: Report) -> str:
        others = [each for each in report.words[values] if each not in report.slots.values()]
        return report.told(**{name: report.draw.choice(others)})

    return change


def _score(report: Report) -> str:
    return report.told(score=_any_score(report.draw))


def _sides(report: Report) -> str:
    return report.told(place0=report.slots["place1"], place1=report.slots["place0"])


def _opposite(report: Report) -> str:
    sets = report.words["opposites"]
    n = report.draw.choice(
        [n for n in range(len(sets)) if any(f"{{opposite{n}}}" in each for each in report.sentences)]
    )
    said = report.slots[f"opposite{n}"]
    pair = next(pair for pair in sets[n] if said in pair)
    return report.told(**{f"opposite{n}": pair[1 - pair.index(said)]})


def _paragraphs(report: Report) -> str:
    told = report.told().split("\n\n")
    dropped = report.draw.sample(range(1, len(told)), report.draw.randint(1, max(1, len(told) // 2)))
    return "\n\n".join(each for at, each in enumerate(told) if at not in dropped)


def _dateline(report: Report) -> str:
    return report.line("datelines") + report.told()


def _credit(report: Report) -> str:
    return report.told() + "\n\n" + report.line("credits")


def _typos(report: Report) -> str:
    return slip(report.draw, report.told())


def slip(draw: random.Random, told: str) -> str:
    """A text with a few slips of the keys."""
    for _ in range(TYPOS):
        found = draw.choice(list(re.finditer(r"[^\W\d_]{5,}", told)))
        told = told[: found.start()] + _slipped(draw, found[0]) + told[found.end() :]
    return told


def _slipped(draw: random.Random, word: str) -> str:
    at = draw.randrange(1, len(word) - 1)
    one, two = word[at], word[at + 1]
    return word[:at] + draw.choice((two + one, two, one + one + two)) + word[at + 2 :]


def _spelling(report: Report) -> str:
    told = report.told()
    for pattern, spelled in report.words["spellings"]:
        told = re.sub(pattern, spelled, told)
    return told


_CHANGES: dict[str, Change] = {
    "place": _other("place2", "places"), "name": _other("name0", "people"), "day": _other("day", "days"),
    "score": _score, "number": _other("number0", "numbers"), "sides": _sides, "opposite": _opposite,
    "paragraphs": _paragraphs, "dateline": _dateline, "credit": _credit, "typos": _typos, "spelling": _spelling,
}  # fmt: skip
