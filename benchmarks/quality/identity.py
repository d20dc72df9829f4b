"""Whether two articles have two names and one has one; and whether texts of one name are told apart, and edits not."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from newsflow.dedup.identity import are_unlike
from newsflow.model import Article, PublicationDate
from newsflow.model.url import canonicalise_url

from .dedup_corpus import Corpus, read_corpora
from .labelled import read_lines
from .scoreboard import Row

RANDOM_PAIRS = 2_000
_START = datetime(2031, 1, 1, tzinfo=UTC)
_SENTENCE_END = re.compile(r"(?<=[.!?؟。])\s+|\n+")


def evaluate_identity(data: Path) -> Iterator[Row]:
    if (path := data / "cases" / "url.jsonl").is_file():
        rows = read_lines(path)
        wrong = [row for row in rows if (canonicalise_url(row["a"]) == canonicalise_url(row["b"])) != row["same"]]
        misses = tuple(f"{row['a']} {row['b']}: {'one' if row['same'] else 'two'}" for row in wrong)
        yield Row("identity", "addresses named as they should", 1 - len(wrong) / len(rows), len(rows), 1.0, "", misses)
    for corpus in (*read_corpora(data), *read_corpora(data / "texts")):
        yield from _net(corpus)


def _net(corpus: Corpus) -> Iterator[Row]:
    """Edits that keep half of the sentences, a quarter and a tenth, under another title; and unrelated texts."""
    draw = random.Random(18)
    articles = [_article(each.title, each.body) for each in corpus.samples]
    for kept, goal in ((0.5, 0.995), (0.25, None), (0.1, None)):
        edits = [(each, _edited(each, draw.choice(articles), kept, draw)) for each in articles]
        same = sum(not are_unlike(*pair) for pair in edits)
        yield Row(corpus.name, f"edits that keep {kept:.0%}, one article", same / len(edits), len(edits), goal, "", ())
    pairs = [draw.sample(articles, 2) for _ in range(RANDOM_PAIRS)]
    apart = sum(are_unlike(*pair) for pair in pairs)
    yield Row(corpus.name, "unrelated texts of one name, two articles", apart / len(pairs), len(pairs), 0.98, "", ())


def _article(title: str, body: str) -> Article:
    return Article("s", title, body, "und", PublicationDate(_START, "unknown", "first-seen", ""), _START)


def _edited(article: Article, other: Article, kept: float, draw: random.Random) -> Article:
    ours, theirs = _sentences(article.body), _sentences(other.body)
    most = max(1, round(kept * len(ours)))
    sentences = draw.sample(ours, most) + draw.sample(theirs, min(len(theirs), len(ours) - most))
    draw.shuffle(sentences)
    return replace(article, title=other.title, body=" ".join(sentences))


def _sentences(body: str) -> Sequence[str]:
    return [sentence for sentence in _SENTENCE_END.split(body) if sentence.strip()]
