"""Why two articles are, or are not, duplicates: scores, shared passages, the decision in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from newsflow.dedup.decide import HEADLINE_TOKENS, relate_headlines
from newsflow.dedup.differences import Differences, Exchange, are_likely, judge, wording
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

SHOWN_EXCHANGES = 8
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
    exchanged: tuple[Exchange, ...] = ()
    """What stands in the one text in place of what in the other, where they were laid side by side."""
    edits: int = 0
    """Places that were edited otherwise: more, less, another form of a word, another wording."""


def explain(left: Article, right: Article, rule: Rule = DEFAULT_RULE) -> Explanation:
    """Compare two articles as deduplication does, and say why it decides as it does."""
    prints = fingerprint(left.title, left.body), fingerprint(right.title, right.body)
    similarity, relation = compare(*prints), Relation.NONE
    found: Differences | None = None
    verdict = _never_compared(left, right)
    if not verdict and similarity.exact and not prints[0].token_count:
        relation, verdict = _judge_headlines(left, right)
    elif not verdict:
        relation = relate(similarity, rule)
        if are_likely(*prints, similarity, rule):
            told = [wording(each.body, base_language(each.language), each.title) for each in (left, right)]
            similarity, relation, found = judge(
                (prints[0], told[0]), (prints[1], told[1]), similarity, left.source == right.source, rule
            )
        verdict = _judge(prints, similarity, relation, found, rule)
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
        exchanged=found.exchanges if found is not None else (),
        edits=found.edits if found is not None else 0,
    )


def _never_compared(left: Article, right: Article) -> str:
    """Why the texts of two articles say nothing of what they are to each other; "" where they do."""
    if set(identity_keys(left)) & set(identity_keys(right)):
        return "one article: they share a canonical URL or a (source, guid); a version, not a duplicate"
    languages = base_language(left.language), base_language(right.language)
    return (
        "" if languages[0] == languages[1] else f"not compared: one is in {languages[0]}, the other in {languages[1]}"
    )


def _judge(
    prints: tuple[Fingerprint, Fingerprint],
    similarity: Similarity,
    relation: Relation,
    found: Differences | None,
    rule: Rule,
) -> str:
    if similarity.exact:
        return "duplicate: the matching texts are equal"
    short = min(each.token_count for each in prints)
    if short < MIN_TOKENS and found is None:
        return f"not alike: a text of {short} words (less than {MIN_TOKENS}) counts only when it is equal"
    if short < MIN_TOKENS and found is not None:
        shares = f"{found.share:.0%} of the words with those of the title shared in order (at least {rule.short:.0%})"
        verdict = "duplicate" if relation is Relation.DUPLICATE else "not alike"
        return f"{verdict}: a short text, {shares}{_exchanges(found)}"
    return _reason(similarity, relation, found, rule)


def _judge_headlines(left: Article, right: Article) -> tuple[Relation, str]:
    same_source, apart = left.source == right.source, left.first_seen - right.first_seen
    relation = relate_headlines(left.title, same_source=same_source, apart=apart)
    rule = f"counts within one source, or from {HEADLINE_TOKENS} words on within a day"
    return relation, f"{'duplicate' if relation else 'not alike'}: an equal headline without a text {rule}"


def _reason(similarity: Similarity, relation: Relation, found: Differences | None, rule: Rule) -> str:
    by_jaccard = f"Jaccard {similarity.jaccard:.2f}"
    by_containment = f"containment {similarity.containment:.2f}"
    scores = f"{by_jaccard} (at least {rule.jaccard:g}), {by_containment} (at least {rule.containment:g})"
    numbers = f"{similarity.numbers:.0%} of the numbers shared"
    alike = similarity.jaccard >= rule.jaccard or similarity.containment >= rule.containment
    if relation is Relation.DUPLICATE and found is not None:
        near = f"{scores}, one is enough" if alike else f"{found.share:.0%} of the words shared in order"
        return f"duplicate: {near}; {numbers}; edited in {found.edits} places{_exchanges(found)}"
    names = {Relation.DUPLICATE: "duplicate", Relation.RELATED: "related, of one story", Relation.NONE: "not alike"}
    verdict = names[relation]
    if alike and found is not None:
        few = f"only {numbers}" if similarity.numbers < rule.numbers else f"edited in only {found.edits} places"
        unlike = "; they begin with other things" if relation is Relation.NONE else ""
        return f"{verdict}: {scores}, but {few}{_exchanges(found)}{unlike}"
    limits = rule.related_jaccard, rule.related_containment
    return f"{verdict}: {by_jaccard} (at least {limits[0]:g}), {by_containment} (at least {limits[1]:g})"


def _exchanges(found: Differences) -> str:
    if not found.exchanges:
        return "; nothing exchanged"
    said = list(dict.fromkeys(f"{each.kind} {each.left!r} for {each.right!r}" for each in found.exchanges))
    return f"; exchanged: {', '.join(said[:SHOWN_EXCHANGES])}" + (" …" if len(said) > SHOWN_EXCHANGES else "")


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
