"""What counts for a rule in an article, and its score."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from newsflow.model import Article
from newsflow.tagging.compile import CompiledRule
from newsflow.tagging.expressions import hits_of_plan
from newsflow.tagging.languages import base_language
from newsflow.tagging.places import FACTORS, PlaceName
from newsflow.tagging.scan import Scan, Span


class Hit(NamedTuple):
    """A hit that counts for a rule."""

    span: Span
    weight: float
    place: PlaceName


def scored_hits(rule: CompiledRule, scan: Scan, required: Iterable[Span] = ()) -> list[Hit]:
    """The hits that count for a rule, in order, none inside another. `required` are those of its requirement."""
    weights = rule.weights
    # In the order they are to be tried: by start, then the longest, the heaviest.
    hits = [(span.start, -span.end, -1.0, span.leaf, span) for span in required if span.leaf not in weights]
    for leaf in weights.keys() & scan.seen.keys() if weights else ():
        weight = -weights[leaf]
        hits += [(span.start, -span.end, weight, leaf, span) for span in scan.spans(leaf)]
    hits.sort()
    place_of = scan.places.of
    found: list[Hit] = []
    end = -1
    for start, negative_end, weight, _, span in hits:
        if start >= end:
            found.append(Hit(span, -weight, place_of(start)))
            end = -negative_end - 1
    return found


def judged_hits(rule: CompiledRule, article: Article, scan: Scan) -> list[Hit]:
    """The hits that count for a rule whose conditions and requirement hold; empty when they do not."""
    if rule.conditional and not conditions_hold(rule, article):
        return []
    if rule.require is None:
        return scored_hits(rule, scan)
    required = hits_of_plan(rule.plan, scan)
    return [] if required is None else scored_hits(rule, scan, required)


def score_of(hits: Iterable[Hit]) -> float:
    """The sum of weight times place, rounded so that equal sums are equal."""
    return round(sum([weight * FACTORS[place] for _, weight, place in hits]), 4)


def conditions_hold(rule: CompiledRule, article: Article) -> bool:
    """Whether a rule's source, language and section conditions are true of an article."""
    if rule.languages and base_language(article.language) not in rule.languages:
        return False
    if rule.rule.sources and article.source not in rule.rule.sources:
        return False
    return not rule.rule.sections or section_of(article) in rule.rule.sections


def section_of(article: Article) -> str:
    """The publisher's section, lower case; empty when it named none."""
    section = article.raw.get("section")
    return section.casefold() if isinstance(section, str) else ""
