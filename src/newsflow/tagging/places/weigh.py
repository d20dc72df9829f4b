"""What names of places add to a country's score, and what it takes to be what an article is about by them.

Each place counts by where it stands, as a term does, and less each time it is named again: two towns of a country say
more than one town twice. A country that reaches its rule's threshold by places alone must outweigh others by a share.
The weights were chosen on half of the labelled documents; `newsflow eval places` measures the other half.
"""

from __future__ import annotations

from collections.abc import Iterable

from newsflow.tagging.compile import CompiledRule
from newsflow.tagging.match import ScoredHit
from newsflow.tagging.places.gazetteer import gazetteer
from newsflow.tagging.places.witness import Named, Witness, witnesses
from newsflow.tagging.scan import FACTORS, Scan, Span

AGAIN = 0.3
"""What each further time that a place is named counts, of the time before."""
WEAK = 0.5
"""What a name counts that is believed beside others only."""
SIGNS = 3
"""So many different signs of a country are believed without any other witness."""
SHARE = 0.25
"""Of the points of all countries, the share that a country needs with a score of its rule's threshold."""
FEWER, LARGER_SHARE = 2 / 3, 0.6
"""With that part of the threshold, the share that it needs."""


def place_hits(scan: Scan, language: str, named: Named) -> dict[str, list[ScoredHit]]:
    """The hits of names of places, by country. `named`: what the rules of countries found."""
    found: dict[str, list[Witness]] = {}
    for witness in witnesses(scan, gazetteer(), language, named):
        found.setdefault(witness.country, []).append(witness)
    by_rules = {code for _, code in named}
    return {
        country: _weighed(each, scan)
        for country, each in found.items()
        if country in by_rules or not all(witness.weak for witness in each) or _signs(each) >= SIGNS
    }


def _signs(given: Iterable[Witness]) -> int:
    places = {witness.name.place for witness in given}
    return sum(place.kind == "sign" for place in places)


def _weighed(given: Iterable[Witness], scan: Scan) -> list[ScoredHit]:
    """Each place once in full, where it counts most; then less and less."""
    parts = [(scan.parts.of(witness.found.start), witness) for witness in given]
    parts.sort(key=lambda each: -FACTORS[each[0]])
    times: dict[int, int] = {}
    found = []
    for part, witness in parts:
        place = witness.name.place.number
        weight = (WEAK if witness.weak else 1.0) * AGAIN ** times.get(place, 0)
        times[place] = times.get(place, 0) + 1
        start, end, skip, _ = witness.found
        found.append(ScoredHit(Span(start, end, skip, ~witness.name.number), round(weight, 4), part))
    return found


def beside(rule: CompiledRule, hits: Iterable[ScoredHit], scan: Scan) -> list[ScoredHit]:
    """The hits that stand nowhere where a term of the rule does: it counts there, or was refused."""
    taken = [span for leaf in scan.seen if leaf in rule.weights for span in scan.raw_spans(leaf)]
    return [hit for hit in hits if not _overlaps(hit.span, taken)] if taken else list(hits)


def _overlaps(span: Span, others: Iterable[Span]) -> bool:
    return any(other.start < span.end - 1 and span.start < other.end - 1 for other in others)


def is_about(score: float, threshold: float, total: float) -> bool:
    """Whether a country with a score by names of places, of the points of all, is what an article is about."""
    if score >= threshold and score >= SHARE * total:
        return True
    return score >= FEWER * threshold and score >= LARGER_SHARE * total
