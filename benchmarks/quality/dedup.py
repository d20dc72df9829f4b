"""How well deduplication finds what it should: planted pairs, all pairs of a corpus, title twins, templates.

`evaluate_dedup(Path("data"))` reads every `*.jsonl` with articles in a folder: members `body`, and where they are
there `id`, `title`, `source`, `published` or `date`, `language` or `lang`. Beside one of them, `<name>.truth` holds
planted pairs, two ids a line.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from benchmarks.quality.dedup_pairs import Pair, accepted_pairs
from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.index import NearIndex
from newsflow.dedup.matching import matching_text, matching_tokens
from newsflow.dedup.similarity import Relation, compare, compare_all, relate
from newsflow.ledger import open_ledger
from newsflow.model import Article, Candidate, Event, PublicationDate

TWIN_WINDOW = timedelta(hours=72)
TWIN_TITLE_WORDS = 4
RANDOM_PAIRS = 10_000
BATCH = 500
_NUMBER = re.compile(r"\d+")
_START = datetime(2031, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Sample:
    """One article of a data file, as far as the file says."""

    id: str
    body: str
    title: str = ""
    source: str = ""
    language: str = "und"
    published: datetime | None = None


@dataclass
class Share:
    """So many of so many; `value` is None of none."""

    hits: int
    of: int

    @property
    def value(self) -> float | None:
        return self.hits / self.of if self.of else None

    def __str__(self) -> str:
        return "-" if self.value is None else f"{self.value:.4f} ({self.hits:,} of {self.of:,})"


@dataclass
class FileReport:
    """One corpus. Pair measures compare the online path (keys, then exact comparison) with all pairs of the rule;
    `held_back` and `originals` are what the ledger made of the same articles sent one after another."""

    name: str
    articles: int
    duplicates: int = 0
    related: int = 0
    measures: dict[str, Share] = field(default_factory=dict)
    flagged_random: int = 0


def evaluate_dedup(data: Path) -> list[FileReport]:
    """A report for each file of articles in `data`; none when the folder holds none."""
    reports = []
    for path in sorted(data.glob("*.jsonl")):
        samples = list(read_samples(path))
        if len(samples) > 1:
            reports.append(evaluate_file(path, samples))
    return reports


def evaluate_file(path: Path, samples: Sequence[Sample]) -> FileReport:
    prints = [fingerprint(each.title, each.body) for each in samples]
    languages = [each.language for each in samples]
    truth = accepted_pairs(prints, languages)
    duplicates = {pair for pair, relation in truth.items() if relation is Relation.DUPLICATE}
    report = FileReport(path.stem, len(samples), len(duplicates), len(truth) - len(duplicates))
    found = online_pairs(prints, languages)
    report.measures["pairs recall"] = Share(len(found & duplicates), len(duplicates))
    report.measures["pairs precision"] = Share(len(found & duplicates), len(found))
    _measure_ledger(report, samples, duplicates)
    planted = _measure_planted(report, path.with_suffix(".truth"), samples, found)
    _measure_titles(report, samples, truth)
    report.flagged_random = _flagged_random(prints, languages, duplicates if planted else set())
    return report


def read_samples(path: Path) -> Iterator[Sample]:
    """The articles of a file; lines without a body, and files of something else, give none."""
    for number, line in enumerate(path.read_bytes().splitlines()):
        members = orjson.loads(line) if line.strip() else {}
        body = members.get("body")
        if isinstance(body, str) and body.strip():
            published = _instant(members.get("published") or members.get("date"))
            language = members.get("language") or members.get("lang") or "und"
            source = str(members.get("source") or members.get("pub") or "")
            yield Sample(str(members.get("id", number)), body, members.get("title") or "", source, language, published)


def _instant(text: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return None if at is None else at.replace(tzinfo=at.tzinfo or UTC)


def online_pairs(prints: Sequence[Fingerprint], languages: Sequence[str]) -> set[Pair]:
    """The duplicate pairs that are found when the texts come one after another."""
    found: set[Pair] = set()
    indexes: dict[str, NearIndex] = defaultdict(NearIndex)
    for place, (mine, language) in enumerate(zip(prints, languages, strict=True)):
        likely = list(indexes[language].find([mine.keys])[0])
        alike = compare_all(mine, [prints[other] for other in likely])
        for other, similarity in zip(likely, alike, strict=True):
            if relate(similarity) is Relation.DUPLICATE:
                found.add((other, place))
        indexes[language].add([place], [mine.keys])
    return found


def _measure_ledger(report: FileReport, samples: Sequence[Sample], duplicates: set[Pair]) -> None:
    """Of the articles that have an earlier duplicate, how many are held back; and for a right original."""
    ledger = open_ledger("sqlite://", clock=lambda: _START)
    places: dict[str, int] = {}
    links: list[Pair] = []
    for start in range(0, len(samples), BATCH):
        batch = [_candidate(each, start + at) for at, each in enumerate(samples[start : start + BATCH])]
        for at, decision in enumerate(ledger.decide(batch), start=start):
            assert decision.article is not None
            places[decision.article.id] = at
            if decision.duplicate is not None:
                links.append((places[decision.duplicate.original.id], at))
    ledger.close()
    later = {right for _, right in duplicates}
    held_back = {right for _, right in links}
    report.measures["held back, of all that have an earlier duplicate"] = Share(len(held_back & later), len(later))
    report.measures["held back for a right original"] = Share(sum(link in duplicates for link in links), len(links))


def _candidate(sample: Sample, place: int) -> Candidate:
    date = PublicationDate(_START, "unknown", "first-seen", "")
    source, language = sample.source or "file", sample.language
    article = Article(source, sample.title, sample.body, language, date, _START, guid=f"{place}")
    return Candidate(Event("eval", 0, place, 0, None, sample.id.encode()), article, _START)


def _measure_planted(report: FileReport, truth: Path, samples: Sequence[Sample], found: set[Pair]) -> bool:
    if not truth.exists():
        return False
    places = {sample.id: place for place, sample in enumerate(samples)}
    lines = [line.split() for line in truth.read_text("utf-8").splitlines() if line.strip()]
    planted = {tuple(sorted((places[left], places[right]))) for left, right in lines}
    report.measures["planted recall"] = Share(len(planted & found), len(planted))
    report.measures["planted precision"] = Share(len(planted & found), len(found))
    return True


def _measure_titles(report: FileReport, samples: Sequence[Sample], truth: dict[Pair, Relation]) -> None:
    """Title twins: one title in two sources within 72 hours, most of them wire copies. Templates: titles of one
    source that differ in their numbers alone, or recur a day or more later, with another text."""
    twins = list(_title_pairs(samples, _is_twin, matching_text))
    templates = list(_title_pairs(samples, _is_template, lambda title: _NUMBER.sub("0", matching_text(title))))
    duplicate = [pair for pair in twins if truth.get(pair) is Relation.DUPLICATE]
    report.measures["title twins as duplicates"] = Share(len(duplicate), len(twins))
    report.measures["title twins as duplicates or related"] = Share(sum(pair in truth for pair in twins), len(twins))
    flagged = [pair for pair in templates if truth.get(pair) is Relation.DUPLICATE]
    report.measures["templates flagged"] = Share(len(flagged), len(templates))


def _title_pairs(samples: Sequence[Sample], accepts: Any, key: Any) -> Iterator[Pair]:
    by_title: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        if len(matching_tokens(sample.title)) >= TWIN_TITLE_WORDS:
            by_title[sample.language, key(sample.title)].append(place)
    for places in by_title.values():
        for at, left in enumerate(places):
            yield from ((left, right) for right in places[at + 1 :] if accepts(samples[left], samples[right]))


def _apart(left: Sample, right: Sample) -> timedelta | None:
    return None if left.published is None or right.published is None else abs(left.published - right.published)


def _is_twin(left: Sample, right: Sample) -> bool:
    apart = _apart(left, right)
    return left.source != right.source and apart is not None and apart <= TWIN_WINDOW


def _is_template(left: Sample, right: Sample) -> bool:
    apart = _apart(left, right)
    same_source = left.source == right.source and left.body != right.body
    return same_source and (left.title != right.title or (apart is not None and apart >= timedelta(days=1)))


def _flagged_random(prints: Sequence[Fingerprint], languages: Sequence[str], planted: set[Pair]) -> int:
    """Of 10,000 random pairs that were not planted, how many are called duplicates although their texts differ."""
    draw, flagged = random.Random(5), 0
    for _ in range(RANDOM_PAIRS):
        left, right = sorted(draw.sample(range(len(prints)), 2))
        if (left, right) in planted:
            continue
        if languages[left] == languages[right] and prints[left] != prints[right]:
            flagged += relate(compare(prints[left], prints[right])) is Relation.DUPLICATE
    return flagged


def to_json(reports: Sequence[FileReport]) -> list[dict[str, Any]]:
    """Members for a machine; shares with their value."""
    return [
        asdict(report)
        | {"measures": {name: asdict(share) | {"value": share.value} for name, share in report.measures.items()}}
        for report in reports
    ]


def to_lines(reports: Sequence[FileReport]) -> list[str]:
    """For a person to read."""
    lines = []
    for report in reports:
        pairs = f"{report.duplicates:,} duplicate and {report.related:,} related pairs"
        lines.append(f"{report.name}: {report.articles:,} articles, {pairs}")
        lines += [f"  {name:<50} {share}" for name, share in report.measures.items() if share.of]
        lines.append(f"  {'duplicates among 10,000 random pairs':<50} {report.flagged_random}")
    return lines
