"""What names of places add to a country's score, and what it takes to be what an article is about by them.

Each place counts by where it stands, as a term does, and less each time it is named again: two towns of a country say
more than one town twice. A country that reaches its rule's threshold by places must outweigh others by a share, and one
that almost reaches it, by places or by terms, by a larger one.
The weights were chosen on half of the labelled documents; `newsflow eval places` measures the other half.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from newsflow.tagging.compile import CompiledRule
from newsflow.tagging.match import ScoredHit
from newsflow.tagging.patterns import LeafId, new_tuple
from newsflow.tagging.places.find import Found
from newsflow.tagging.places.names import is_as_at_home
from newsflow.tagging.places.witness import Named, Witness, witnesses
from newsflow.tagging.scan import FACTORS, Scan, Span

AGAIN = 0.3
"""What each further time that a place is named counts, of the time before."""
WEAK = 0.5
"""What a name counts that is believed beside others only."""
SIGNS = 3
"""So many different signs of a country are believed without any other witness."""
LONE_PEOPLE = 300_000
"""A town of fewer is not believed alone where it is called otherwise than at home."""
SHARE = 0.25
"""Of the points of all countries, the share that a country needs with a score of its rule's threshold."""
FEWER, LARGER_SHARE = 2 / 3, 0.75
"""With that part of the threshold, the share that it needs."""


def place_hits(scan: Scan, found: Sequence[Found], language: str, named: Named) -> dict[str, list[ScoredHit]]:
    """The hits of names of places, by country. `named`: what the rules of countries found."""
    given: dict[str, list[Witness]] = {}
    for witness in witnesses(scan, found, language, named):
        country = witness.name.place.country
        if country in given:
            given[country].append(witness)
        else:
            given[country] = [witness]
    by_rules = {code for _, code in named}
    return {
        country: _weighed(each, scan)
        for country, each in given.items()
        if country in by_rules or not (_is_weak(each) or _is_lone(each, language)) or _signs(each) >= SIGNS
    }


def _is_weak(given: Iterable[Witness]) -> bool:
    return all(witness.weak for witness in given)


def _is_lone(given: Sequence[Witness], language: str) -> bool:
    """Whether a lesser town that is called otherwise at home is all there is of a country: in another script or with
    endings, its name may be that of a village elsewhere or of a person."""
    place = given[0].name.place
    if place.kind != "city" or place.people >= LONE_PEOPLE or is_as_at_home(language, place.country):
        return False
    return all(witness.name.place.number == place.number for witness in given)


def _signs(given: Iterable[Witness]) -> int:
    return len({witness.name.place.number for witness in given if witness.name.place.kind == "sign"})


def _weighed(given: Iterable[Witness], scan: Scan) -> list[ScoredHit]:
    """Each place once in full, where it counts most; then less and less."""
    part_of = scan.parts.of
    parts = [(part_of(witness.found.start), witness) for witness in given]
    if len(parts) > 1:
        parts.sort(key=lambda each: -FACTORS[each[0]])
    times: dict[int, int] = {}
    hits = []
    for part, (found, name, weak) in parts:
        place = name.place.number
        before = times.get(place, 0)
        times[place] = before + 1
        weight = (WEAK if weak else 1.0) * AGAIN**before
        start, end, skip, _ = found
        span = new_tuple(Span, (start, end, skip, ~name.number))
        hits.append(new_tuple(ScoredHit, (span, round(weight, 4) if before else weight, part)))
    return hits


def beside(rule: CompiledRule, leaves: Collection[LeafId], hits: list[ScoredHit], scan: Scan) -> list[ScoredHit]:
    """The hits that stand nowhere where a term of the rule does: it counts there, or was refused. `leaves`: of a rule
    of terms alone, those that are seen."""
    if rule.require is not None:
        leaves = rule.weights.keys() & scan.seen.keys()
    if not leaves:
        return hits
    stretches = scan.stretches(leaves)
    return [hit for hit in hits if not _is_touched(hit.span, stretches)]


def _is_touched(span: Span, stretches: Iterable[tuple[int, int]]) -> bool:
    start, last = span.start, span.end - 1
    for first, stop in stretches:  # noqa: SIM110 called for each hit: a generator would cost as much again
        if first < last and start < stop:
            return True
    return False


def is_about(score: float, threshold: float, total: float) -> bool:
    """Whether a country with such a score, of the points of all, is what an article is about by names of places, or
    although it does not reach its threshold."""
    if score >= threshold and score >= SHARE * total:
        return True
    return score >= FEWER * threshold and score >= LARGER_SHARE * total
