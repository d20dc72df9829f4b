"""How well stories are told apart: `newsflow eval stories --data DIR`.

Three sets, each beside single-pass TF-IDF and single-pass vectors with their best thresholds on the same articles:
`stories/og2021.jsonl`, a stream of headlines with the happening of each; `stories/semeval22.jsonl`, pairs of reports
graded by people; `ntrex/docs.jsonl.gz`, documents with their translations. Our thresholds are those of the code: each
row says besides how both halves of a set do. And `texts/pairs_NAME.jsonl`: copies, and forms that are filled in anew.
"""

from __future__ import annotations

import gzip
import json
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from newsflow.stories import Report, Signals, Stories, encode, gist, is_encoded, read_signals
from newsflow.stories.rule import HOUR
from newsflow.tagging import load_rules
from newsflow.tagging.lint import text_article
from newsflow.tagging.text import fold

from .dedup_labelled import TEXT_LANGUAGES, is_rerun
from .labelled import read_lines
from .scoreboard import Row

FILES = ("stories/og2021.jsonl", "stories/semeval22.jsonl", "ntrex/docs.jsonl.gz")
"""What is looked for in the data folder."""

KNOWN = {"ar": "arb", "ru": "rus", "fr": "fra", "tr": "tur", "es": "spa", "de": "deu", "it": "ita", "pt": "por",
         "pl": "pol", "nl": "nld", "zh": "zho-CN", "ja": "jpn", "ko": "kor"}  # fmt: skip
OTHERS = {"fa": "fas", "uk": "ukr", "he": "heb", "ur": "urd", "hi": "hin"}
SAME_NEWS = 2.0
_DAY_H = 24


@dataclass(frozen=True)
class Sample:
    """An article to be measured. `at_h` counts hours."""

    id: str
    at_h: float
    language: str
    title: str
    body: str
    signals: Signals
    vector: NDArray[np.int8] | None

    def report(self, *, vectors: bool = True) -> Report:
        vector = self.vector if vectors else None
        return Report(self.id, round(self.at_h * HOUR), self.language, self.signals, vector)


Assignment = Mapping[str, str]
"""Stories, by id of the article."""


def evaluate(data: Path) -> Iterator[Row]:
    """The rows of the scoreboard."""
    for file, part in zip(FILES, (_stream, _pairs, _documents), strict=True):
        if (data / file).is_file():
            yield from part(data / file)
    for name, language in TEXT_LANGUAGES.items():
        if (texts := data / "texts" / f"pairs_{name}.jsonl").is_file():
            yield from _copies(name, language, texts)
    if all((data / file).is_file() for file in FILES):
        yield from _together(data)


def make_samples(rows: Iterable[tuple[str, float, str, str, str]]) -> list[Sample]:
    """Samples of (id, hour, language, title, body), encoded all at once."""
    listed = list(rows)
    encoded = [row for row in listed if is_encoded(row[2])]
    vectors = dict(zip((row[0] for row in encoded), encode([gist(*row[2:]) for row in encoded]), strict=True))
    return [Sample(*row, _signals(*row[2:]), vectors.get(row[0])) for row in listed]


def _signals(language: str, title: str, body: str) -> Signals:
    found = _rules().match(text_article(body[:1000], language, title))
    return read_signals(language, title, body, sorted({each.code for each in found if each.scheme == "iso3166"}))


@cache
def _rules() -> Any:
    return load_rules()


def settle(samples: Iterable[Sample], *, vectors: bool = True) -> dict[str, str]:
    """The stories of samples, merges followed."""
    stories = Stories()
    decided = {each.id: stories.settle(each.report(vectors=vectors)).story for each in samples}
    return {article: stories.leads_to(story) for article, story in decided.items()}


# The stream of headlines.


def _read_stream(file: Path) -> tuple[list[Sample], dict[str, str]]:
    rows = read_lines(file)
    hours = [datetime.fromisoformat(row["at"]).timestamp() / 3600 for row in rows]
    samples = make_samples(
        (f"og {row['id']}", hour, row["lang"], row["title"], "") for row, hour in zip(rows, hours, strict=True)
    )
    return samples, {f"og {row['id']}": row["cluster"] for row in rows}


def _stream(file: Path) -> Iterator[Row]:
    samples, gold = _read_stream(file)
    name = "stream of headlines"
    yield _stream_row(name, "B-cubed F1", settle(samples), gold, 0.62)
    yield _stream_row(name, "B-cubed F1 without an encoder", settle(samples, vectors=False), gold)
    for baseline, rows in _baselines(samples).items():
        joined = best_single_pass(samples, rows, gold)
        yield _stream_row(name, f"B-cubed F1 of single-pass {baseline}, its best threshold", joined, gold)


def _stream_row(area: str, name: str, found: Assignment, gold: Assignment, goal: float | None = None) -> Row:
    f1, precision, recall = b_cubed(found, gold)
    halves = [b_cubed({each: found[each] for each in half}, gold)[0] for half in _halves_of_clusters(gold)]
    largest, size = Counter(found.values()).most_common(1)[0]
    note = f"precision {precision:.3f}, recall {recall:.3f}; halves {halves[0]:.3f}, {halves[1]:.3f}; "
    return Row(area, name, f1, len(gold), goal, note + f"the largest story has {size} articles: {largest}")


def _halves_of_clusters(gold: Assignment) -> list[list[str]]:
    place = {cluster: number % 2 for number, cluster in enumerate(sorted(set(gold.values())))}
    return [[each for each, cluster in gold.items() if place[cluster] == half] for half in (0, 1)]


def b_cubed(found: Assignment, gold: Assignment) -> tuple[float, float, float]:
    """F1, precision and recall, each article weighing the same."""
    both = Counter((found[each], gold[each]) for each in found)
    ours, theirs = Counter(found.values()), Counter(gold[each] for each in found)
    precision = sum(count * count / ours[story] for (story, _), count in both.items()) / len(found)
    recall = sum(count * count / theirs[cluster] for (_, cluster), count in both.items()) / len(found)
    return 2 * precision * recall / (precision + recall), precision, recall


# Pairs graded by people: an hour apart, ten days from the next.


def _read_pairs(file: Path) -> tuple[list[Sample], list[dict[str, Any]]]:
    rows = read_lines(file)
    parts = ((place, side, row) for place, row in enumerate(rows) for side in (0, 1))
    samples = make_samples(
        (f"pair {place} {side}", place * 10 * _DAY_H + side, row["langs"][side], "", row["ab"[side]])
        for place, side, row in parts
    )
    return samples, rows


def _pairs(file: Path) -> Iterator[Row]:
    samples, rows = _read_pairs(file)
    yield from _pair_rows("", samples, rows, settle(samples), (0.80, 0.78))
    yield from _pair_rows(" without an encoder", samples, rows, settle(samples, vectors=False), (None, None))
    same = np.array([row["overall"] <= SAME_NEWS for row in rows])
    for baseline, vectors in _baselines(samples).items():
        scores = np.einsum("ij,ij->i", vectors[::2], vectors[1::2])
        for kind, chosen in _kinds(rows):
            best = max(_f1(same[chosen], scores[chosen] >= threshold)[0] for threshold in np.arange(0.02, 0.9, 0.01))
            yield Row("graded pairs", f"F1 of {baseline} {kind}, its best threshold", best, int(chosen.sum()))


def _pair_rows(
    name: str, samples: Sequence[Sample], rows: Sequence[dict[str, Any]], found: Assignment,
    goals: tuple[float | None, float | None],
) -> Iterator[Row]:  # fmt: skip
    same = np.array([row["overall"] <= SAME_NEWS for row in rows])
    ids = [each.id for each in samples]
    joined = np.array([found[left] == found[right] for left, right in zip(ids[::2], ids[1::2], strict=True)])
    even = np.arange(len(rows)) % 2 == 0
    for (kind, chosen), goal in zip(_kinds(rows), goals, strict=True):
        f1, precision, recall = _f1(same[chosen], joined[chosen])
        halves = [_f1(same[half], joined[half])[0] for half in (chosen & even, chosen & ~even)]
        note = f"precision {precision:.3f}, recall {recall:.3f}; halves {halves[0]:.3f}, {halves[1]:.3f}"
        wrong = [place for place in chosen.nonzero()[0].tolist() if same[place] != joined[place]]
        misses = tuple(f"{'missed' if same[place] else 'joined'} {rows[place]['id']}" for place in wrong)
        yield Row("graded pairs", f"F1 {kind}{name}", f1, int(chosen.sum()), goal, note, misses)


def _kinds(rows: Sequence[dict[str, Any]]) -> list[tuple[str, NDArray[np.bool_]]]:
    one = np.array([row["langs"][0] == row["langs"][1] for row in rows])
    return [("in one language", one), ("in two languages", ~one)]


def _f1(gold: NDArray[np.bool_], found: NDArray[np.bool_]) -> tuple[float, float, float]:
    both = int((gold & found).sum())
    precision, recall = both / max(1, int(found.sum())), both / max(1, int(gold.sum()))
    return 2 * precision * recall / max(1e-9, precision + recall), precision, recall


# Documents and their translations: each language with the English ones, all within a few hours.


def _read_documents(file: Path, languages: Mapping[str, str], hour: float = 0.0) -> dict[str, list[Sample]]:
    code_of = {written: code for code, written in languages.items()}
    rows: defaultdict[str, list[tuple[str, float, str, str, str]]] = defaultdict(list)
    for line in _lines(file):
        row = json.loads(line)
        if (code := code_of.get(row["lang"])) is not None:
            at_h = hour + len(rows[code]) / 60
            rows[code].append((f"{code} {row['doc']}", at_h, code, row["title"], " ".join(row["paragraphs"])))
    return {code: make_samples(listed) for code, listed in rows.items()}


def _lines(file: Path) -> list[str]:
    return gzip.decompress(file.read_bytes()).decode().splitlines()


def _documents(file: Path) -> Iterator[Row]:
    documents = _read_documents(file, {"en": "eng"} | KNOWN | OTHERS)
    english = documents.pop("en")
    joined: Counter[tuple[str, ...]] = Counter()
    for code, samples in documents.items():
        found = settle([*english, *samples])
        yield _translations(f"translated into {code}", found, samples, 0.97 if code in KNOWN else 0.80)
        joined.update(_joined_documents(found))
    everything = settle([*english, *(each for samples in documents.values() for each in samples)])
    for code, samples in documents.items():
        yield _translations(f"{code}, all languages in one", everything, samples, None)
    pairs = len(english) * (len(english) - 1) // 2
    misses = tuple(f"{' '.join(each)} (in {count} of {len(documents)})" for each, count in joined.most_common())
    apart = 1 - sum(joined.values()) / pairs / len(documents)
    yield Row("documents", "pairs of different documents left apart", apart, pairs * len(documents), 1.0, "", misses)


def _translations(name: str, found: Assignment, samples: Sequence[Sample], goal: float | None) -> Row:
    missed = [each.id for each in samples if found[each.id] != found[f"en {each.id.partition(' ')[2]}"]]
    return Row("documents", name, 1 - len(missed) / len(samples), len(samples), goal, "", tuple(missed))


def _joined_documents(found: Assignment) -> set[tuple[str, ...]]:
    documents = defaultdict(set)
    for article, story in found.items():
        documents[story].add(article.partition(" ")[2])
    return {(left, right) for each in documents.values() for left in each for right in each if left < right}


# Copies of one text, and one form with other figures: an hour apart, whenever they came, ten days from the next.


def _copies(name: str, language: str, file: Path) -> Iterator[Row]:
    rows = [row for row in read_lines(file) if row["label"] or not is_rerun(row)]
    samples = make_samples(
        (
            f"{name} {place} {side}",
            place * 10 * _DAY_H + number,
            language,
            row[side].get("title") or "",
            row[side]["body"],
        )
        for place, row in enumerate(rows)
        for number, side in enumerate("ab")
    )
    found = settle(samples)
    joined = [found[f"{name} {place} a"] == found[f"{name} {place} b"] for place in range(len(rows))]
    for label, what, goal in ((1, "copies in one story", 0.97), (0, "forms filled in anew apart", None)):
        right = [each == bool(label) for each, row in zip(joined, rows, strict=True) if row["label"] == label]
        yield Row(f"pairs_{name}", what, sum(right) / max(1, len(right)), len(right), goal)


# All of it in one state, among articles of other languages and days.


def _together(data: Path) -> Iterator[Row]:
    stream, gold = _read_stream(data / FILES[0])
    pairs, rows = _read_pairs(data / FILES[1])
    start = stream[0].at_h
    documents = _read_documents(data / FILES[2], {"en": "eng"} | KNOWN | OTHERS, start - 60 * _DAY_H)
    others = _others(data / FILES[2], start)
    listed = [*stream, *pairs, *(each for samples in documents.values() for each in samples), *others]
    found = settle(sorted(listed, key=lambda each: (each.at_h, each.id)))
    note = f" with {len(others):,} others"
    yield _stream_row("all together", "B-cubed F1" + note, {each: found[each] for each in gold}, gold, 0.61)
    for row in _pair_rows(note, pairs, rows, found, (None, None)):
        yield Row("all together", *[getattr(row, each) for each in ("name", "value", "count", "goal", "note")])


def _others(file: Path, start_h: float) -> list[Sample]:
    """The documents in all other languages, on every ninth day of the stream's month and the two months around it."""
    known = {"eng", *KNOWN.values(), *OTHERS.values()}
    lines = [json.loads(line) for line in _lines(file)]
    rows = [row for row in lines if row["lang"] not in known]
    samples = make_samples(
        (f"x {at}", 0.0, "und", row["title"], " ".join(row["paragraphs"])) for at, row in enumerate(rows)
    )
    days = [start_h + _DAY_H * day + 0.5 for day in (-9, 9, 18)]
    return [
        Sample(f"{each.id} {day}", day + at % 24, each.language, each.title, each.body, each.signals, None)
        for day in days
        for at, each in enumerate(samples)
    ]


# The baselines.


Vectors = NDArray[np.float32]
"""One row an article, of length 1."""
_COLUMNS = 4096


def _baselines(samples: Sequence[Sample]) -> dict[str, Vectors]:
    encoded = np.zeros((len(samples), 512), np.float32)
    for row, sample in zip(encoded, samples, strict=True):
        row[:] = 0 if sample.vector is None else sample.vector
    words = _tf_idf([fold(f"{each.title} {each.body}").split() for each in samples])
    return {"TF-IDF": _of_length_one(words), "vectors": _of_length_one(encoded)}


def _tf_idf(texts: Sequence[Sequence[str]]) -> Vectors:
    """Words share columns where their hashes do: a pair in 4,096."""
    held = Counter(word for text in texts for word in set(text))
    found = np.zeros((len(texts), _COLUMNS), np.float32)
    for row, text in zip(found, texts, strict=True):
        for word, count in Counter(text).items():
            row[zlib.crc32(word.encode()) % _COLUMNS] += count * (1 + math.log(len(texts) / held[word]))
    return found


def _of_length_one(rows: Vectors) -> Vectors:
    found: Vectors = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    return found


def best_single_pass(samples: Sequence[Sample], vectors: Vectors, gold: Assignment) -> dict[str, str]:
    """Each article joins the story of the likest one of the last three days, or begins one; at the best threshold."""
    nearest: list[tuple[float, int]] = []
    first = 0
    for place, sample in enumerate(samples):
        while sample.at_h - samples[first].at_h > 3 * _DAY_H:
            first += 1
        scores = vectors[first:place] @ vectors[place]
        likest = int(scores.argmax()) if len(scores) else 0
        nearest.append((float(scores[likest]) if len(scores) else -1.0, first + likest))
    tried = (_join_nearest(samples, nearest, threshold) for threshold in np.arange(0.3, 0.95, 0.025))
    return max(tried, key=lambda found: b_cubed(found, gold)[0])


def _join_nearest(samples: Sequence[Sample], nearest: Sequence[tuple[float, int]], threshold: float) -> dict[str, str]:
    found: dict[str, str] = {}
    for sample, (score, other) in zip(samples, nearest, strict=True):
        found[sample.id] = found[samples[other].id] if score >= threshold else sample.id
    return found
