"""The fast validator and the reference accept and refuse the same values."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsflow.model.schemas import SCHEMAS, validator
from newsflow.resources import schemas_dir
from tests.model.schema_laws import reference_validator

pytestmark = [pytest.mark.contract, pytest.mark.property]

Place = tuple[str | int, ...]

_scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
)
_two_digits = st.integers(0, 99).map("{:02d}".format)
_nearly_instants = st.builds(
    "{}-{}-{}{}{}:{}:{}{}{}".format,
    st.sampled_from(["2025", "0000", "0001", "9999", "25", "٢٠٢٥", "12025", "-2025"]),
    _two_digits | st.sampled_from(["00", "02", "13", "1"]),
    _two_digits | st.sampled_from(["00", "29", "30", "31", "32"]),
    st.sampled_from(["T", "t", " ", "", "T "]),
    _two_digits | st.sampled_from(["24", "23"]),
    _two_digits,
    _two_digits | st.sampled_from(["60", "59"]),
    st.sampled_from(["", ".", ".5", ".123456789", ",5", ".٥"]),
    st.sampled_from(["Z", "z", "+00:00", "-00:00", "+23:59", "+24:00", "+0300", "+3:00", "", "Z\n", "Z ", "[UTC]"]),
)
_nearly_ids = st.text(st.sampled_from("abz09.-_ \nAZ٣é"), max_size=6)
_nearly_types = st.builds(
    "{}{}{}".format,
    st.sampled_from(["text/html", "TEXT/Plain", "text/htm", "application/pdf", " text/html"]),
    st.sampled_from(["", " ", ";", " ; ", "\n"]),
    st.sampled_from(["", "charset=utf-8", "\n", "é"]),
)
_values = _scalars | _nearly_instants | _nearly_ids | _nearly_types
_json = st.recursive(
    _values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_nearly_ids, inner, max_size=3), max_leaves=6
)


@cache
def _valid_examples() -> list[tuple[str, Any]]:
    return [
        (name, json.loads(path.read_text(encoding="utf-8")))
        for name in SCHEMAS
        for path in sorted((schemas_dir() / name / "valid").glob("*.json"))
    ]


def _places(value: Any, place: Place = ()) -> Iterator[Place]:
    yield place
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, each in steps:
        yield from _places(each, (*place, step))


def _changed(value: Any, place: Place, new: Any, remove: bool) -> Any:
    if not place:
        return new
    value = copy.deepcopy(value)
    around = value
    for step in place[:-1]:
        around = around[step]
    if remove:
        del around[place[-1]]
    else:
        around[place[-1]] = new
    return value


@st.composite
def _mutants(draw: st.DrawFn) -> tuple[str, Any]:
    """A valid example with one or two of its values replaced or taken away."""
    name, value = draw(st.sampled_from(_valid_examples()))
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(list(_places(value))))
        value = _changed(value, place, draw(_json), draw(st.booleans()))
    return name, value


def _verdicts(name: str, value: Any) -> tuple[bool, bool]:
    return validator(name).is_valid(value), reference_validator(name).is_valid(value)


@given(_mutants())
@settings(max_examples=600, deadline=None)
def test_both_agree_on_changed_examples(mutant: tuple[str, Any]) -> None:
    fast, reference = _verdicts(*mutant)
    assert fast == reference


@given(_nearly_instants | st.text(st.sampled_from("0123456789-:TZtz+. \n"), max_size=30))
@example("2016-12-31T23:59:60Z")
@example("2025-02-29T00:00:00Z")
@example("2024-02-29T00:00:00Z")
@example("2025-03-12T07:31:40Z\n")
@example("0000-01-01T00:00:00Z")
@settings(max_examples=600, deadline=None)
def test_both_agree_on_instants(text: str) -> None:
    raw = {"source": "a", "fetched_at": text, "action": "withdraw", "guid": "1"}
    fast, reference = _verdicts("raw-article", raw)
    assert fast == reference


@pytest.mark.parametrize("name", SCHEMAS)
@given(value=_json)
@settings(max_examples=60, deadline=None)
def test_both_agree_on_anything(name: str, value: Any) -> None:
    fast, reference = _verdicts(name, value)
    assert fast == reference


def test_formats_are_asserted_by_both() -> None:
    raw = {"source": "a", "fetched_at": "2025-02-30T07:31:40Z", "action": "withdraw", "guid": "1"}
    assert _verdicts("raw-article", raw) == (False, False)
    assert _verdicts("raw-article", {**raw, "fetched_at": "2025-02-28T07:31:40Z"}) == (True, True)
