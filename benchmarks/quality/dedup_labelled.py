"""Pairs that people or rules labelled, made-up pairs, and real texts in which one thing was exchanged: what the ledger
makes of each, an hour apart and ten days from the next, so that the rule is asked and not the window.

In DIR: `texts/pairs_NAME.jsonl` with `label` 1 for copies and 0 for templates, `texts/NAME.jsonl` with clean articles,
`cases/dedup.jsonl` with what is `expected` of a pair.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from newsflow.dedup import Relation
from newsflow.dedup.explain import explain
from newsflow.dedup.fingerprint import matching_tokens
from newsflow.dedup.words import vocabulary
from newsflow.ledger import open_ledger
from newsflow.model import Article, Candidate, Event, Outcome, PublicationDate

from .dedup_made import COPIES, LANGUAGES, OTHERS, made_pairs, report_words, slip
from .scoreboard import Row

PAIRS, RANDOM_PAIRS = 500, 10_000
COPY_GOAL, TEMPLATE_GOAL, MADE_GOAL = 0.90, 0.95, 0.97
LEAST_TEXTS = 100
NAME_RANK = 450
"""Words with a capital that are less common are names, near enough."""
RERUN = 0.8
"""Jaccard of the pairs of neighbouring words: the same report again."""
TEXT_LANGUAGES = {"reuters": "en", "saudi": "ar", "bsnlp": "ru"}
APART, BETWEEN = timedelta(hours=1), timedelta(days=10)
_START = datetime(2031, 1, 1, tzinfo=UTC)

Told = tuple[str, str, str]
"""Source, title, body."""


def labelled_rows(data: Path) -> Iterator[Row]:
    for path in sorted(data.glob("texts/pairs_*.jsonl")):
        yield from _labelled(path.stem.removeprefix("pairs_"), _lines(path))
    cases = data / "cases" / "dedup.jsonl"
    if cases.exists():
        yield _cases(list(_lines(cases)))
    if (data / "texts").is_dir():
        yield from _made()
    for name, language in TEXT_LANGUAGES.items():
        path = data / "texts" / f"{name}.jsonl"
        if path.exists():
            texts = [each for each in _lines(path) if f":{language}:" in each["id"] or ":" not in each["id"]]
            yield from _exchanged(name, language, [each["body"] for each in texts])
            if len(texts) >= LEAST_TEXTS:
                yield _random(name, language, texts)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    yield from (orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip())


def duplicates(pairs: Iterable[tuple[Told, Told]], language: str) -> list[bool]:
    """Of each pair whether the second is held back for the first."""
    ledger = open_ledger("sqlite://", clock=lambda: _START)
    held_back = []
    for number, pair in enumerate(pairs):
        at = _START + number * BETWEEN
        batch = [_candidate(2 * number + n, told, language, at + n * APART) for n, told in enumerate(pair)]
        _, second = ledger.decide(batch)
        held_back.append(second.outcome is Outcome.DUPLICATE)
    ledger.close()
    return held_back


def _candidate(place: int, told: Told, language: str, at: datetime) -> Candidate:
    event = Event("pairs", 0, place, 0, None, str(place).encode())
    return Candidate(event, _article(str(place), told, language, at), at)


def _article(name: str, told: Told, language: str, at: datetime) -> Article:
    return Article(*told, language, PublicationDate(at, "unknown", "first-seen", ""), at, guid=name)


def _row(
    corpus: str, name: str, right: Sequence[bool], goal: float | None, note: str = "", ids: Sequence[str] = ()
) -> Row:
    missed = tuple(each for each, good in zip(ids, right, strict=False) if not good)
    return Row(corpus, name, sum(right) / len(right), len(right), goal, note, missed)


def _labelled(name: str, lines: Iterator[dict[str, Any]]) -> Iterator[Row]:
    rows = list(lines)
    language = TEXT_LANGUAGES.get(name, "und")
    for label, what, goal in ((1, "copies found", COPY_GOAL), (0, "templates left alone", TEMPLATE_GOAL)):
        chosen = [row for row in rows if row["label"] == label and (label or not is_rerun(row))]
        found = duplicates((tuple(_told(row[side]) for side in "ab") for row in chosen), language)  # type: ignore[misc]
        right = [each == bool(label) for each in found]
        for half in (0, 1):
            yield _row(f"pairs_{name}", f"{what}, half {half}", right[half::2], None)
        ids = [f"{row['a']['id']} {row['b']['id']}" for row in chosen]
        yield _row(f"pairs_{name}", what, right, goal, "reruns aside" if not label else "", ids)


def _told(side: Mapping[str, str]) -> Told:
    return side.get("source", "source"), side.get("title") or "", side["body"]


def is_rerun(row: Mapping[str, Any]) -> bool:
    left, right = (set(pairwise(matching_tokens(row[side]["body"]))) for side in "ab")
    return len(left & right) >= RERUN * len(left | right)


def _cases(cases: Sequence[Mapping[str, Any]]) -> Row:
    right = []
    for case in cases:
        left, other = (_article(f"{case['id']}{side}", ("source", *case[side]), "en", _START) for side in "ab")
        right.append(explain(left, other).relation is Relation[case["expected"]])
    return _row("cases", "as expected", right, 1.0, "", [case["id"] for case in cases])


def _made() -> Iterator[Row]:
    for language in LANGUAGES:
        for kind in (*OTHERS, *COPIES):
            pairs = list(made_pairs(language, kind, PAIRS))
            told = ((("one", "", each.left), ("two", "", each.right)) for each in pairs)
            copy = kind in COPIES
            right = [each == copy for each in duplicates(told, language)]
            what = "told twice" if copy else "two happenings"
            yield _row(f"made-up, {language}", f"{what}: {kind}", right, MADE_GOAL if copy else 1.0)


def _exchanged(name: str, language: str, texts: Sequence[str]) -> Iterator[Row]:
    """Real texts in which one thing was exchanged, wherever it stands."""
    kinds: dict[str, Callable[[random.Random, str], str]] = {
        "place or name": lambda draw, text: _with_other(
            draw, text, _names(text, language), _names_of(draw, texts, language)
        ),
        "day": lambda draw, text: _with_other(
            draw, text, report_words(language)["days"], report_words(language)["days"]
        ),
        "figure": _with_other_figure,
        "paragraphs": lambda draw, text: _with_fewer(draw, text),
        "typos": lambda draw, text: slip(draw, text),
    }
    for kind, change in kinds.items():
        draw = random.Random(f"{name} {kind}")
        pairs = [(text, changed) for text in texts if (changed := change(draw, text)) != text]
        copy = kind in COPIES
        found = duplicates(((("one", "", text), ("two", "", changed)) for text, changed in pairs), language)
        what = "told twice" if copy else "two happenings"
        if pairs:
            yield _row(name, f"{what}: {kind} in real texts", [each == copy for each in found], None)


def _names(text: str, language: str) -> list[str]:
    """Words with a capital within sentences; of Arabic, the places that we know."""
    if language == "ar":
        return [each for each in report_words("ar")["places"] if re.search(rf"\b{each}\b", text)]
    found = set(re.findall(r"(?<=[a-zа-я,] )[A-ZА-Я][a-zа-я]{3,}\b", text))
    return sorted(each for each in found if vocabulary(language).rank(each.lower()) > NAME_RANK)


def _names_of(draw: random.Random, texts: Sequence[str], language: str) -> list[str]:
    if language == "ar":
        return list(report_words("ar")["places"])
    return _names(draw.choice(texts), language)


def _with_other(draw: random.Random, text: str, mine: Iterable[str], others: Iterable[str]) -> str:
    known = [each for each in mine if re.search(rf"\b{each}\b", text)]
    new = [each for each in others if each not in text]
    return re.sub(rf"\b{draw.choice(known)}\b", draw.choice(new), text) if known and new else text


def _with_other_figure(draw: random.Random, text: str) -> str:
    found = list(re.finditer(r"(?<![\d.,])\d{1,3}(?![\d.,])", text))
    if not found or len(set(re.findall(r"\d+", text))) >= 12:  # in a table it is a correction
        return text
    one = draw.choice(found)
    return text[: one.start()] + str(int(one[0]) + draw.randint(1, 9)) + text[one.end() :]


def _with_fewer(draw: random.Random, text: str) -> str:
    sentences = re.split(r"(?<=[.!?؟])\s+", text)
    kept = [each for at, each in enumerate(sentences) if at == 0 or draw.random() < 0.75]
    return " ".join(kept)


def _random(name: str, language: str, texts: Sequence[Mapping[str, Any]]) -> Row:
    """None of so many pairs drawn at random is a duplicate but by equal text."""
    draw = random.Random(5)
    articles = [_article(str(n), _told(each), language, _START) for n, each in enumerate(texts)]
    drawn = [draw.sample(articles, 2) for _ in range(RANDOM_PAIRS)]
    found = [explain(left, right) for left, right in drawn if left.body != right.body]
    return _row(name, "random pairs left alone", [each.relation is not Relation.DUPLICATE for each in found], 1.0)
