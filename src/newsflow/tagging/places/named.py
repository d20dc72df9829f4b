"""The places that an article names: cities, states and provinces by which its countries are told, with where they lie.

A name that a rule of its country has as a term, as that of a capital, is found by the rule: the place is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import NamedTuple, cast, get_args

from newsflow.model.article import Evidence, NamedPlace, PlaceKind, PlaceSpan
from newsflow.tagging.forms import OPEN, forms_language, spellings
from newsflow.tagging.match import ScoredHit
from newsflow.tagging.patterns import Leaf, LeafId, new_tuple
from newsflow.tagging.places.gazetteer import Place, gazetteer

MAX_PLACES = MAX_SPANS = 100
_KINDS = frozenset(get_args(PlaceKind))


class _Known(NamedTuple):
    """What is told of a place, wherever it is named."""

    number: int
    name: str
    kind: PlaceKind
    country: str
    subdivision: str | None
    latitude: float | None
    longitude: float | None


class _Named(NamedTuple):
    """A hit that names a place, with its position in the folded text."""

    position: int
    place: _Known
    evidence: Evidence
    in_dateline: bool


Places = tuple[NamedPlace, ...]


class _InCountry(dict[LeafId, _Known | None]):
    """The place that a hit of a leaf names for a rule of a country, of the kinds that are told. Fills itself as hits
    are met."""

    def __init__(self, country: str, leaves: Sequence[Leaf]) -> None:
        super().__init__()
        self._country, self._leaves = country, leaves

    def __missing__(self, leaf: LeafId) -> _Known | None:
        if leaf < 0:
            place: Place | None = gazetteer().place(~leaf)
        else:
            term = self._leaves[leaf].key
            place = _place_of_term(term.text, term.language, self._country)
        found = self[leaf] = _known(place) if place is not None and place.kind in _KINDS else None
        return found


class PlaceOf(dict[str, _InCountry]):
    """The same, by country."""

    def __init__(self, leaves: Sequence[Leaf]) -> None:
        super().__init__()
        self._leaves = leaves

    def __missing__(self, country: str) -> _InCountry:
        found = self[country] = _InCountry(country, self._leaves)
        return found


Hits = Iterable[tuple[str, Iterable[ScoredHit]]]
"""Those of the rules of countries, by their codes."""


def places_named(
    hits: Hits, place_of: PlaceOf, evidence: Mapping[ScoredHit, Evidence]
) -> tuple[Places, NamedPlace | None]:
    """The places in the order in which they are named, and that of the dateline. `evidence`: of hits."""
    named = list(_named(hits, place_of, evidence).values())
    if not named:
        return (), None
    named.sort(key=_position)
    by_place: dict[int, list[_Named]] = {}
    dateline: list[_Named] = []
    for each in named:
        (dateline if each.in_dateline else by_place.setdefault(each.place.number, [])).append(each)
    places = tuple([_as_named(each) for each in [*by_place.values()][:MAX_PLACES]])
    return places, _as_named(dateline[:1]) if dateline else None


def _position(named: _Named) -> int:
    return named.position


def _named(hits: Hits, place_of: PlaceOf, evidence: Mapping[ScoredHit, Evidence]) -> dict[tuple[int, ...], _Named]:
    """The hits that name a place, one of each stretch of the text."""
    found: dict[tuple[int, ...], _Named] = {}
    for country, of_country in hits:
        place_here = place_of[country]
        for hit in of_country:
            span = hit[0]
            place = place_here[span[3]]
            if place is not None:
                found[span[:3]] = new_tuple(_Named, (span[0], place, evidence[hit], hit[2] == "dateline"))
    return found


def _as_named(given: list[_Named]) -> NamedPlace:
    spans = [PlaceSpan(each.field, each.start, each.end) for _, _, each, _ in given[:MAX_SPANS]]
    _, (_, name, kind, country, subdivision, latitude, longitude), first, _ = given[0]
    return NamedPlace(name, first.text, kind, country, subdivision, latitude, longitude, tuple(spans))


def _known(place: Place) -> _Known:
    latitude, longitude = map(float, place.at.split(",")) if place.at else (None, None)
    # Of a state, the code would be another list's.
    subdivision = place.subdivision or None if place.kind == "city" else None
    kind = cast(PlaceKind, place.kind)
    return _Known(place.number, place.name, kind, place.country, subdivision, latitude, longitude)


def _place_of_term(text: str, language: str, country: str) -> Place | None:
    """The place of a country whose name a term is, in any of its forms."""
    known = _places_of(country)
    written = spellings(text, forms_language(text, language))
    forms = (form.removesuffix(OPEN).casefold() for form in written)
    return next((known[form] for form in forms if form in known), None)


@cache
def _places_of(country: str) -> dict[str, Place]:
    """The places of a country by their names as they are looked for: a city before the state that is called so."""
    found: dict[str, Place] = {}
    for name, place in gazetteer().of_country(country):
        if place.kind in _KINDS:
            before = found.setdefault(name.casefold(), place)
            if before.kind != "city" and place.kind == "city":
                found[name.casefold()] = place
    return found
