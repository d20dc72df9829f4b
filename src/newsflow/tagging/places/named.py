"""The places that an article names: cities, states and provinces by which its countries are told, with where they lie.

A name that a rule of its country has as a term, as that of a capital, is found by the rule: the place is looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache, lru_cache
from typing import NamedTuple, cast, get_args

from newsflow.model.article import NamedPlace, PlaceKind, PlaceSpan
from newsflow.tagging.forms import OPEN, forms_language, spellings
from newsflow.tagging.match import ScoredHit
from newsflow.tagging.places.gazetteer import Place, gazetteer
from newsflow.tagging.scan import Scan

MAX_PLACES = MAX_SPANS = 100
_KINDS = frozenset(get_args(PlaceKind))


class _Named(NamedTuple):
    """A hit that names a place, with the span of it."""

    position: int
    place: Place
    text: str
    span: PlaceSpan
    in_dateline: bool


Places = tuple[NamedPlace, ...]


def places_named(hits: Iterable[tuple[ScoredHit, str]], scan: Scan) -> tuple[Places, NamedPlace | None]:
    """The places in the order in which they are named, and that of the dateline. `hits` are those of the rules of
    countries, with their codes."""
    named = sorted(_named(hits, scan).values(), key=lambda each: each.position)
    by_place: dict[int, list[_Named]] = {}
    dateline: list[_Named] = []
    for each in named:
        (dateline if each.in_dateline else by_place.setdefault(each.place.number, [])).append(each)
    places = tuple([_as_named(each) for each in [*by_place.values()][:MAX_PLACES]])
    return places, _as_named(dateline[:1]) if dateline else None


def _named(hits: Iterable[tuple[ScoredHit, str]], scan: Scan) -> dict[tuple[int, ...], _Named]:
    """The hits that name a place, one of each stretch of the text."""
    found: dict[tuple[int, ...], _Named] = {}
    for (span, _, part), country in hits:
        first, stop, skip, leaf = span
        if leaf < 0:
            place: Place | None = gazetteer().place(~leaf)
        else:
            key = scan.tables.leaves[leaf].key
            place = _place_of_term(key.text, key.language, country)
        if place is not None and place.kind in _KINDS:
            field, start, end = scan.text.original_span(first, stop, skip)
            text = scan.text.field(field)[start:end]
            found[span[:3]] = _Named(first, place, text, PlaceSpan(field, start, end), part == "dateline")
    return found


def _as_named(given: list[_Named]) -> NamedPlace:
    place = given[0].place
    latitude, longitude = map(float, place.at.split(",")) if place.at else (None, None)
    spans = tuple([each.span for each in given[:MAX_SPANS]])
    kind = cast(PlaceKind, place.kind)
    # Of a state, the code would be another list's.
    subdivision = place.subdivision or None if kind == "city" else None
    return NamedPlace(place.name, given[0].text, kind, place.country, subdivision, latitude, longitude, spans)


@lru_cache(maxsize=8192)
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
