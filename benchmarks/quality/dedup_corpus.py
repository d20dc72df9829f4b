"""Corpora of articles to measure deduplication on, and the pairs that their titles suggest."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import orjson

from newsflow.dedup.fingerprint import matching_text, matching_tokens

from .dedup_pairs import Pair

TWIN_WINDOW = timedelta(hours=72)
TITLE_WORDS = 4
"""Shorter titles ("Sport in brief") say nothing of the text."""
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True)
class Sample:
    """One article of a data file, as far as the file says."""

    id: str
    body: str
    title: str = ""
    source: str = ""
    language: str = "und"
    published: datetime | None = None


@dataclass(frozen=True)
class Corpus:
    """The articles of one file. `planted` are pairs by place, the lower first."""

    name: str
    samples: Sequence[Sample]
    planted: set[Pair] = field(default_factory=set)

    @cached_property
    def languages(self) -> list[str]:
        return [sample.language for sample in self.samples]

    @property
    def language(self) -> str:
        """That of most articles; where the file does not say, as its name ends (`news_ar`)."""
        most = Counter(self.languages).most_common(1)[0][0]
        return self.name[-2:] if most == "und" and self.name[-3:-2] == "_" else most


def read_corpora(data: Path) -> Iterator[Corpus]:
    """The files of `data` that hold at least two articles."""
    for path in sorted(data.glob("*.jsonl")):
        samples = list(_read_samples(path))
        if len(samples) > 1:
            yield Corpus(path.stem, samples, _read_planted(path.with_suffix(".truth"), samples))


def _read_samples(path: Path) -> Iterator[Sample]:
    for number, line in enumerate(path.read_bytes().splitlines()):
        members = orjson.loads(line) if line.strip() else {}
        body = members.get("body")
        if isinstance(body, str) and body.strip():
            yield Sample(
                id=str(members.get("id", number)),
                body=body,
                title=members.get("title") or "",
                source=str(members.get("source") or members.get("pub") or ""),
                language=members.get("language") or members.get("lang") or "und",
                published=_instant(members.get("published") or members.get("date")),
            )


def _instant(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None else at.replace(tzinfo=at.tzinfo or UTC)


def _read_planted(truth: Path, samples: Sequence[Sample]) -> set[Pair]:
    if not truth.exists():
        return set()
    places = {sample.id: place for place, sample in enumerate(samples)}
    rows = [line.split() for line in truth.read_text("utf-8").splitlines() if line.strip()]
    pairs = [sorted((places[left], places[right])) for left, right in rows]
    return {(left, right) for left, right in pairs}


def twin_pairs(corpus: Corpus) -> set[Pair]:
    """One title in two sources, published within 72 hours of each other."""
    return set(_pairs_by_title(corpus, matching_text, _are_twins))


def template_pairs(corpus: Corpus) -> set[Pair]:
    """One source, other texts, titles that differ in their numbers alone or come again a day or more later."""
    return set(_pairs_by_title(corpus, lambda title: _NUMBER.sub("0", matching_text(title)), _are_templates))


def _pairs_by_title(
    corpus: Corpus, key: Callable[[str], str], accepts: Callable[[Sample, Sample], bool]
) -> Iterator[Pair]:
    by_title: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, sample in enumerate(corpus.samples):
        if len(matching_tokens(sample.title)) >= TITLE_WORDS:
            by_title[sample.language, key(sample.title)].append(place)
    for places in by_title.values():
        for at, left in enumerate(places):
            others = places[at + 1 :]
            yield from ((left, right) for right in others if accepts(corpus.samples[left], corpus.samples[right]))


def _apart(left: Sample, right: Sample) -> timedelta | None:
    return None if left.published is None or right.published is None else abs(left.published - right.published)


def _are_twins(left: Sample, right: Sample) -> bool:
    apart = _apart(left, right)
    return left.source != right.source and apart is not None and apart <= TWIN_WINDOW


def _are_templates(left: Sample, right: Sample) -> bool:
    apart = _apart(left, right)
    other_text = left.source == right.source and left.body != right.body
    return other_text and (left.title != right.title or (apart is not None and apart >= timedelta(days=1)))
