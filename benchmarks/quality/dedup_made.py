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
        sentences, slots = _report(draw, report_words(language))
        left = _written(sentences, slots)
        right = _CHANGES[kind](draw, report_words(language), sentences, slots)
        if right != left:
            yield MadePair(kind, language, left, right, kind in COPIES)
            count -= 1


Slots = dict[str, str]
Change = Callable[[random.Random, Mapping[str, Any], Sequence[str], Slots], str]


def _report(draw: random.Random, words: Mapping[str, Any]) -> tuple[list[str], Slots]:
    """Sentences with names of slots, one that each kind of exchange needs among them; and what fills the slots."""
    needed = [draw.choice(words["sentences"][kind]) for kind in ("place", "name", "day", "score", "number", "opposite")]
    others = draw.sample(words["sentences"]["other"], draw.randint(*SENTENCES))
    sentences = needed + others
    draw.shuffle(sentences)
    places, people = draw.sample(words["places"], 4), draw.sample(words["people"], 3)
    numbers = draw.sample(words["numbers"], 4)
    slots = {f"place{n}": each for n, each in enumerate(places)} | {f"name{n}": each for n, each in enumerate(people)}
    slots |= {f"number{n}": each for n, each in enumerate(numbers)}
    slots |= {"day": draw.choice(words["days"]), "score": f"{draw.randint(1, 5)}-{draw.randint(0, 4)}"}
    slots |= {f"opposite{n}": draw.choice(draw.choice(words["opposites"][n])) for n in range(len(words["opposites"]))}
    slots |= {"figure": str(draw.randint(11, 990))}
    return sentences, slots


def _written(sentences: Sequence[str], slots: Slots) -> str:
    return "\n\n".join(" ".join(sentences[at : at + 2]) for at in range(0, len(sentences), 2)).format(**slots)


def _other(name: str, values: str) -> Change:
    def change(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
        others = [each for each in words[values] if each not in slots.values()]
        return _written(sentences, slots | {name: draw.choice(others)})

    return change


def _score(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    return _written(sentences, slots | {"score": f"{draw.randint(1, 5)}-{draw.randint(0, 4)}"})


def _sides(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    return _written(sentences, slots | {"place0": slots["place1"], "place1": slots["place0"]})


def _opposite(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    used = [n for n in range(len(words["opposites"])) if any(f"{{opposite{n}}}" in each for each in sentences)]
    n = draw.choice(used)
    said = slots[f"opposite{n}"]
    pair = next(pair for pair in words["opposites"][n] if said in pair)
    return _written(sentences, slots | {f"opposite{n}": pair[1 - pair.index(said)]})


def _paragraphs(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    told = _written(sentences, slots).split("\n\n")
    dropped = draw.sample(range(1, len(told)), draw.randint(1, max(1, len(told) // 2)))
    return "\n\n".join(each for at, each in enumerate(told) if at not in dropped)


def _dateline(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    return draw.choice(words["datelines"]).format(**slots) + _written(sentences, slots)


def _credit(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    return _written(sentences, slots) + "\n\n" + draw.choice(words["credits"]).format(**slots)


def _typos(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    return slip(draw, _written(sentences, slots))


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


def _spelling(draw: random.Random, words: Mapping[str, Any], sentences: Sequence[str], slots: Slots) -> str:
    told = _written(sentences, slots)
    for pattern, spelled in words["spellings"]:
        told = re.sub(pattern, spelled, told)
    return told


_CHANGES: dict[str, Change] = {
    "place": _other("place2", "places"), "name": _other("name0", "people"), "day": _other("day", "days"),
    "score": _score, "number": _other("number0", "numbers"), "sides": _sides, "opposite": _opposite,
    "paragraphs": _paragraphs, "dateline": _dateline, "credit": _credit, "typos": _typos, "spelling": _spelling,
}  # fmt: skip
