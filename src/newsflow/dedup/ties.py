"""From the look-alikes of a text to its original and its story. Pure rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from newsflow.dedup.decide import Held
from newsflow.dedup.similarity import DEFAULT_RULE, Relation, Rule, Similarity, relate


@dataclass(frozen=True, slots=True)
class Tie:
    """How alike a text is to one text of another article."""

    article: Held
    similarity: Similarity
    relation: Relation


def make_tie(article: Held, similarity: Similarity, rule: Rule = DEFAULT_RULE) -> Tie:
    """The tie that the rule sees."""
    return Tie(article, similarity, relate(similarity, rule))


def choose_original(ties: Iterable[Tie]) -> Tie | None:
    """The original that a text is a duplicate of: of the living articles that it duplicates the first one seen.

    Copies that are held back are no originals: whoever is held back must be near what readers were given.
    """
    found = [tie for tie in ties if tie.relation is Relation.DUPLICATE and tie.article.living]
    return min(found, key=_by_age, default=None)


def choose_story(ties: Iterable[Tie]) -> str | None:
    """The story that a text joins: that of its closest tie, duplicates before related, withdrawn articles too."""
    found = [tie for tie in ties if tie.relation is not Relation.NONE and tie.article.story]
    closest = min(found, key=lambda tie: (-tie.relation, -_closeness(tie.similarity), *_by_age(tie)), default=None)
    return None if closest is None else closest.article.story


def _by_age(tie: Tie) -> tuple[object, ...]:
    return tie.article.first_seen, tie.article.id, -_closeness(tie.similarity)


def _closeness(similarity: Similarity) -> float:
    return 2.0 if similarity.exact else max(similarity.jaccard, similarity.containment)
