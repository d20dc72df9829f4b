"""Whether an article meets a condition, and if not, why."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from newsflow.model import Article
from newsflow.routing.values import Facts, Match

Question = tuple[bool, str]


def facts(article: Article, earlier_topics: Iterable[str] = ()) -> Facts:
    """Return what conditions look at.

    `earlier_topics` count as full topics: a withdrawal has no text any more to be tagged, and whoever was
    told of the article must hear of its end.
    """
    topics = dict.fromkeys(earlier_topics, 1.0)
    topics.update((topic.id, max(topic.score, topics.get(topic.id, 0.0))) for topic in article.topics)
    return Facts(article.id, topics, article.language, article.source)


def article_meets(match: Match, article: Article) -> bool:
    """Return whether an article, by its own topics, meets the condition."""
    return meets(match, facts(article))


def meets(match: Match, seen: Facts) -> bool:
    """Return whether an article meets the condition."""
    return all(answer for answer, _ in _questions(match, seen))


def objections(match: Match, seen: Facts) -> tuple[str, ...]:
    """Return in words each part of the condition that the article fails; empty when it meets all."""
    return tuple(words for answer, words in _questions(match, seen) if not answer)


def describe(match: Match) -> str:
    """Return the condition in words, always the same for the same condition."""
    parts = [
        "tagged" if match.tagged else "untagged" if match.tagged is False else "",
        _listed("topics all of", match.topics_all),
        _listed("topics any of", match.topics_any),
        _listed("topics none of", match.topics_none),
        f"score at least {match.min_score:g}" if match.min_score else "",
        _listed("language", match.languages),
        _listed("source", match.sources),
        _listed("source not", match.not_sources),
        f"1 in {match.one_in}" if match.one_in > 1 else "",
    ]
    return "; ".join(part for part in parts if part) or "every article"


def _questions(match: Match, seen: Facts) -> Iterator[Question]:
    """Yield each part of the condition as its answer and, for a no, the words. Cheap and selective ones first."""
    if match.topics_all or match.topics_any or match.topics_none or match.tagged is not None:
        yield from _topic_questions(match, seen)
    if match.languages:
        yield _language_meets(match.languages, seen.language), f"language {seen.language}, not {_or(match.languages)}"
    if match.sources:
        yield _source_meets(match.sources, seen.source), f"source {seen.source}, not {_or(match.sources)}"
    if match.not_sources:
        yield not _source_meets(match.not_sources, seen.source), f"source {seen.source} is left out"
    if match.one_in > 1:
        yield in_sample(seen.article_id, match.one_in), f"not in the sample of 1 in {match.one_in}"


def _topic_questions(match: Match, seen: Facts) -> Iterator[Question]:
    strong = {topic for topic, score in seen.topics.items() if score >= match.min_score}
    has = f"has {_or(sorted(strong)) or 'no topic'}" + (f" at {match.min_score:g}" if match.min_score else "")
    if match.tagged is not None:
        yield bool(strong) == match.tagged, "no topic" if match.tagged else f"tagged: {has}"
    if match.topics_all:
        yield match.topics_all <= strong, f"{has}, lacks {_or(sorted(match.topics_all - strong))}"
    if match.topics_any:
        yield not match.topics_any.isdisjoint(strong), f"{has}, none of {_or(sorted(match.topics_any))}"
    if match.topics_none:
        yield match.topics_none.isdisjoint(strong), f"has {_or(sorted(match.topics_none & strong))}, which is left out"


def in_sample(article_id: str, one_in: int) -> bool:
    """Return whether the article is the one of so many that a sample takes; the same on every run."""
    digest = hashlib.blake2b(article_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") % one_in == 0


def _language_meets(wanted: Iterable[str], language: str) -> bool:
    found = language.lower()
    return any(found == each.lower() or found.startswith(each.lower() + "-") for each in wanted)


def _source_meets(wanted: Iterable[str], source: str) -> bool:
    return any(fnmatchcase(source, each) for each in wanted)


def _listed(words: str, names: Iterable[str]) -> str:
    listed = ", ".join(sorted(names))
    return f"{words} {listed}" if listed else ""


def _or(names: Iterable[str]) -> str:
    return ", ".join(names)
