"""Why two articles are, or are not, duplicates: scores, shared passages, the decision in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsflow.dedup.decide import HEADLINE_TOKENS, relate_headlines
from newsflow.dedup.fingerprint import (
    MIN_TOKENS,
    SHINGLE_WORDS,
    Fingerprint,
    fingerprint,
    matching_tokens,
    number_tokens,
)
from newsflow.dedup.identity import identity_keys
from newsflow.dedup.similarity import DEFAULT_RULE, Relation, Rule, Similarity, compare, relate
from newsflow.model import Article
from newsflow.model.languages import base_language

_WORD = re.compile(r"\S+")
Shingle = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of text that both bodies hold; `left[start:end]` is it as the first one writes it."""

    words: int
    start: int
    end: int
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the rule sees in a pair. `verdict` is one sentence; numbers are of the matching text."""

    similarity: Similarity
    relation: Relation
    verdict: str
    words: tuple[int, int]
    numbers_shared: tuple[str, ...]
    numbers_left: tuple[str, ...]
    numbers_right: tuple[str, ...]
    passages: tuple[Passage, ...]
    """The longest first."""


def explain(left: Article, right: Article, rule: Rule = DEFAULT_RULE) -> Explanation:
    """Compare two articles as deduplication does, and say why it decides as it does."""
    prints = fingerprint(left.title, left.body), fingerprint(right.title, right.body)
    similarity = compare(*prints)
    relation, verdict = _judge(left, right, prints, similarity, rule)
    numbers = number_tokens(matching_tokens(left.body)), number_tokens(matching_tokens(right.body))
    return Explanation(
        similarity=similarity,
        relation=relation,
        verdict=verdict,
        words=(prints[0].token_count, prints[1].token_count),
        numbers_shared=tuple(sorted(numbers[0] & numbers[1])),
        numbers_left=tuple(sorted(numbers[0] - numbers[1])),
        numbers_right=tuple(sorted(numbers[1] - numbers[0])),
        passages=tuple(sorted(shared_passages(left.body, right.body), key=lambda each: (-each.words, each.start))),
    )


def _judge(
    left: Article, right: Article, prints: tuple[Fingerprint, Fingerprint], similarity: Similarity, rule: Rule
) -> tuple[Relation, str]:
    if set(identity_keys(left)) & set(identity_keys(right)):
        return Relation.NONE, "one article: they share a canonical URL or a (source, guid); a version, not a duplicate"
    languages = base_language(left.language), base_language(right.language)
    if languages[0] != languages[1]:
        return Relation.NONE, f"not compared: one is in {languages[0]}, the other in {languages[1]}"
    relation = relate(similarity, rule)
    if similarity.exact and not prints[0].token_count:
        return _judge_headlines(left, right)
    if similarity.exact:
        return relation, "duplicate: the matching texts are equal"
    short = [each.token_count for each in prints if each.token_count < MIN_TOKENS]
    if short:
        return relation, f"not alike: a text of {short[0]} words (less than {MIN_TOKENS}) counts only when it is equal"
    return relation, _reason(similarity, relation, rule)


def _judge_headlines(left: Article, right: Article) -> tuple[Relation, str]:
    same_source, apart = left.source == right.source, left.first_seen - right.first_seen
    relation = relate_headlines(left.title, same_source=same_source, apart=apart)
    rule = f"counts within one source, or from {HEADLINE_TOKENS} words on within a day"
    return relation, f"{'duplicate' if relation else 'not alike'}: an equal headline without a text {rule}"


def _reason(similarity: Similarity, relation: Relation, rule: Rule) -> str:
    by_jaccard = f"Jaccard {similarity.jaccard:.2f}"
    by_containment = f"containment {similarity.containment:.2f}"
    scores = f"{by_jaccard} (at least {rule.jaccard:g}), {by_containment} (at least {rule.containment:g})"
    shared = f"{similarity.numbers:.0%} of the numbers shared (at least {rule.numbers:.0%})"
    if relation is Relation.DUPLICATE:
        return f"duplicate: {scores}, one is enough; {shared}"
    if relation is Relation.RELATED and similarity.numbers < rule.numbers:
        return f"related, of one story: {scores}, but only {shared}"
    verdict = "related, of one story" if relation is Relation.RELATED else "not alike"
    limits = rule.related_jaccard, rule.related_containment
    return f"{verdict}: {by_jaccard} (at least {limits[0]:g}), {by_containment} (at least {limits[1]:g})"


def shared_passages(left: str, right: str) -> list[Passage]:
    """The stretches of `left` whose every five words stand in `right` as well, in order."""
    tokens, spans = _place_tokens(left)
    known = set(_shingles(matching_tokens(right)))
    passages: list[Passage] = []
    start: int | None = None
    for at, shingle in enumerate([*_shingles(tokens), None]):
        if shingle in known:
            start = at if start is None else start
        elif start is not None:
            last = at + SHINGLE_WORDS - 2
            begin, end = spans[start][0], spans[last][1]
            passages.append(Passage(last - start + 1, begin, end, left[begin:end]))
            start = None
    return passages


def _place_tokens(text: str) -> tuple[list[str], list[tuple[int, int]]]:
    """Matching tokens, and the span of the written word that each is part of."""
    tokens: list[str] = []
    spans: list[tuple[int, int]] = []
    for word in _WORD.finditer(text):
        found = matching_tokens(word[0])
        tokens += found
        spans += [word.span()] * len(found)
    return tokens, spans


def _shingles(tokens: Sequence[str]) -> Iterator[Shingle]:
    return (tuple(tokens[at : at + SHINGLE_WORDS]) for at in range(len(tokens) - SHINGLE_WORDS + 1))
