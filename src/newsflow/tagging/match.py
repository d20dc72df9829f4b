"""What counts for a rule in an article, and its score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import CompiledRule
from newsflow.tagging.expressions import hits_of_plan
from newsflow.tagging.languages import base_language
from newsflow.tagging.leaves import LeafId
from newsflow.tagging.places import FACTORS, PlaceName
from newsflow.tagging.scan import Placed, Scan, Span


class Hit(NamedTuple):
    """A hit that counts for a rule."""

    span: Span
    leaf: LeafId
    weight: float
    place: PlaceName


def scored_hits(rule: CompiledRule, scan: Scan, required: Iterable[Placed] = ()) -> list[Hit]:
    """The hits that count for a rule, in order, none inside another. `required` are those of its requirement."""
    weights = rule.weights
    hits = [(span, leaf, 1.0) for span, leaf in required if leaf not in weights]
    if weights:
        hits += [(span, leaf, weights[leaf]) for leaf in weights.keys() & scan.seen for span, _ in scan.placed(leaf)]
    if len(hits) > 1:
        hits.sort(key=_by_place)
    found: list[Hit] = []
    end = -1
    for span, leaf, weight in hits:
        if span.start >= end:
            found.append(Hit(span, leaf, weight, scan.places.of(span.start)))
            end = span.end - 1
    return found


def _by_place(hit: tuple[Span, LeafId, float]) -> tuple[int, int, float, LeafId]:
    span, leaf, weight = hit
    return span.start, -span.end, -weight, leaf


def judged_hits(rule: CompiledRule, article: Article, scan: Scan) -> list[Hit]:
    """The hits that count for a rule whose conditions and requirement hold; empty when they do not."""
    if not conditions_hold(rule, article):
        return []
    required = hits_of_plan(rule.plan, scan)
    return [] if required is None else scored_hits(rule, scan, required)


def score_of(hits: Iterable[Hit]) -> float:
    """The sum of weight times place, rounded so that equal sums are equal."""
    return round(sum(hit.weight * FACTORS[hit.place] for hit in hits), 4)


def conditions_hold(rule: CompiledRule, article: Article) -> bool:
    """Whether a rule's source, language and section conditions are true of an article."""
    if not rule.conditional:
        return True
    if rule.languages and base_language(article.language) not in rule.languages:
        return False
    if rule.rule.sources and article.source not in rule.rule.sources:
        return False
    return not rule.rule.sections or section_of(article) in rule.rule.sections


def section_of(article: Article) -> str:
    """The publisher's section, lower case; empty when it named none."""
    section = article.raw.get("section")
    return section.casefold() if isinstance(section, str) else ""
