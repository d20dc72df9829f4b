"""How well deduplication finds what it should: `newsflow eval dedup --data DIR`.

Every `*.jsonl` with articles in DIR is a corpus of its own: members `body`, and where they are there `id`, `title`,
`source`, `published` or `date`, `language` or `lang`. Beside one of them, `<name>.truth` holds planted pairs, two ids
a line. The truth is computed: all pairs that the rule accepts, each text compared with all that share a shingle.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from newsflow.dedup.fingerprint import Fingerprint, fingerprint
from newsflow.dedup.similarity import Relation, compare, relate
from newsflow.ledger import open_ledger
from newsflow.model import Article, Candidate, Event, PublicationDate

from .dedup_corpus import Corpus, read_corpora, template_pairs, twin_pairs
from .dedup_labelled import labelled_rows
from .dedup_pairs import Pair, accepted_pairs, online_pairs
from .identity import evaluate_identity
from .scoreboard import Row

FILES = ("cases/url.jsonl", "articles_1000.jsonl", "articles_1000.truth", "any other *.jsonl with bodies")
"""What is looked for in the data folder."""

MIN_PAIRS_FOR_GOAL = 50
"""Below it a share of title pairs says little, and is only reported."""
TWIN_GOALS = {"ar": 0.83, "en": 0.87}
RANDOM_PAIRS = 10_000
BATCH = 500
_START = datetime(2031, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Judged:
    """A corpus with all that follows from its texts."""

    corpus: Corpus
    prints: Sequence[Fingerprint]
    truth: dict[Pair, Relation]

    @property
    def duplicates(self) -> set[Pair]:
        return {pair for pair, relation in self.truth.items() if relation is Relation.DUPLICATE}


def evaluate(data: Path) -> Iterator[Row]:
    """The rows of the scoreboard."""
    yield from evaluate_identity(data)
    for corpus in read_corpora(data):
        prints = [fingerprint(each.title, each.body) for each in corpus.samples]
        judged = Judged(corpus, prints, accepted_pairs(prints, corpus.languages))
        for part in (_pairs, _decisions, _planted, _titles, _random_pairs):
            yield from part(judged)
    yield from labelled_rows(data)


def _share(judged: Judged, name: str, hits: int, of: Collection[object], goal: float | None = None, note: str = "",
           missed: Collection[Pair] = ()) -> Iterator[Row]:  # fmt: skip
    """A row, unless it would be measured on nothing."""
    samples = judged.corpus.samples
    if of:
        misses = tuple(f"{samples[left].id} {samples[right].id}" for left, right in sorted(missed))
        yield Row(judged.corpus.name, name, hits / len(of), len(of), goal, note, misses)


def _pairs(judged: Judged) -> Iterator[Row]:
    """The online path, keys then exact comparison, against all pairs."""
    truth, found = judged.duplicates, online_pairs(judged.prints, judged.corpus.languages)
    note = f"{len(judged.corpus.samples):,} articles, {len(judged.truth) - len(truth):,} related pairs"
    yield from _share(judged, "duplicate pairs, recall", len(found & truth), truth, 0.985, note, truth - found)
    yield from _share(judged, "duplicate pairs, precision", len(found & truth), found, 1.0, "", found - truth)


def _decisions(judged: Judged) -> Iterator[Row]:
    """What the ledger makes of the articles, one after another, within one window."""
    links = _held_back(judged.corpus)
    later = {right for _, right in judged.duplicates}
    held_back = {right for _, right in links}
    note = "the rest are like copies only, not like what readers have"
    yield from _share(
        judged, "held back, of those with an earlier duplicate", len(held_back & later), later, None, note
    )
    right = links & judged.duplicates
    yield from _share(judged, "held back for a right original", len(right), links, 1.0, "", links - right)


def _held_back(corpus: Corpus) -> set[Pair]:
    """(original, copy) for each decision that an article is a duplicate."""
    ledger = open_ledger("sqlite://", clock=lambda: _START)
    places: dict[str, int] = {}
    links: set[Pair] = set()
    for start in range(0, len(corpus.samples), BATCH):
        batch = [_candidate(corpus, place) for place in range(start, min(start + BATCH, len(corpus.samples)))]
        for place, decision in enumerate(ledger.decide(batch), start=start):
            assert decision.article is not None
            places[decision.article.id] = place
            if decision.duplicate is not None:
                links.add((places[decision.duplicate.original.id], place))
    ledger.close()
    return links


def _candidate(corpus: Corpus, place: int) -> Candidate:
    sample = corpus.samples[place]
    date = PublicationDate(_START, "unknown", "first-seen", "")
    source = sample.source or corpus.name
    article = Article(source, sample.title, sample.body, sample.language, date, _START, guid=str(place))
    return Candidate(Event(corpus.name, 0, place, 0, None, sample.id.encode()), article, _START)


def _planted(judged: Judged) -> Iterator[Row]:
    planted, found = judged.corpus.planted, judged.duplicates
    if planted:
        yield from _share(judged, "planted pairs, recall", len(planted & found), planted, 1.0, "", planted - found)
        yield from _share(judged, "planted pairs, precision", len(planted & found), found, 1.0, "", found - planted)


def _titles(judged: Judged) -> Iterator[Row]:
    """Title twins are mostly wire copies; templates are notes that come again with other numbers."""
    twins, templates = twin_pairs(judged.corpus), template_pairs(judged.corpus)
    duplicates, related = twins & judged.duplicates, twins & judged.truth.keys()
    enough = len(twins) >= MIN_PAIRS_FOR_GOAL
    goal = TWIN_GOALS.get(judged.corpus.language) if enough else None
    note = "one title, two sources, within 72 hours"
    yield from _share(judged, "title twins, duplicates", len(duplicates), twins, goal, note, twins - duplicates)
    goal = 0.88 if goal else None
    yield from _share(judged, "title twins, duplicates or related", len(related), twins, goal, "", twins - related)
    flagged = templates & judged.duplicates
    goal = 0.93 if len(templates) >= MIN_PAIRS_FOR_GOAL else None
    note = "one source, titles that differ in numbers, or come again on another day"
    yield from _share(judged, "templates left alone", len(templates - flagged), templates, goal, note, flagged)


def _random_pairs(judged: Judged) -> Iterator[Row]:
    """Random pairs of one language that were not planted; equal texts apart."""
    draw, prints, languages = random.Random(5), judged.prints, judged.corpus.languages
    drawn = {tuple(sorted(draw.sample(range(len(prints)), 2))) for _ in range(RANDOM_PAIRS)}
    pairs = {(left, right) for left, right in drawn if languages[left] == languages[right]} - judged.corpus.planted
    flagged = {
        (left, right)
        for left, right in pairs
        if prints[left] != prints[right] and relate(compare(prints[left], prints[right])) is Relation.DUPLICATE
    }
    yield from _share(judged, "random pairs left alone", len(pairs - flagged), pairs, 1.0, "", flagged)
