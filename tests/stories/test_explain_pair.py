from __future__ import annotations

from newsflow.stories.explain import explain_pair
from tests.story_helpers import report


def test_what_links_is_named() -> None:
    left = report("a", "Halbergstad resigns in Kelstrand over 48,700", "", about=("resigns",), countries=("NO",))
    right = report("b", "Хальбергстад ушёл в отставку: 48 700 за мост", "Келстранд", language="ru", hour=2,
                   about=("resigns", "bridge"), countries=("NO",))  # fmt: skip
    found = explain_pair(left, right)
    assert found.verdict.startswith("one story: ")
    assert ("names", "Halbergstad", "Хальбергстад") in {(each.kind, each.left, each.right) for each in found.links}
    assert ("countries", "NO", "NO") in {(each.kind, each.left, each.right) for each in found.links}
    assert "2 hours apart" in found.verdict
    assert found.figure >= found.needed


def test_what_keeps_apart_is_named() -> None:
    left = report("a", "Velmar 3-1 Oltana: Brandskoven and Liskander score", "")
    right = report("b", "Kelstrand 2-0 Marentis: Tolbertsen and Vandermark score", "", hour=1)
    found = explain_pair(left, right)
    assert found.verdict.startswith("not one story by themselves: ")
    assert "both give scores, and none is the same" in found.verdict
    assert {"Brandskoven", "3-1"} <= set(found.only_left)
    assert {"Vandermark", "2-0"} <= set(found.only_right)


def test_a_form_filled_in_anew_is_named() -> None:
    told = "The bank sold the dollar at {}, the franc at {} and the crown at {} when its counters closed"
    left = report("a", "Exchange rates of the bank", told.format("41.25", "40.80", "37.11"))
    right = report("b", "Exchange rates of the bank", told.format("41.31", "40.92", "37.08"), hour=24)
    assert "both fill in one form, with other figures" in explain_pair(left, right).verdict


def test_pairs_beyond_the_window_are_not_compared() -> None:
    left = report("a", "Velmar 3-1 Oltana", "")
    assert explain_pair(left, report("b", "Velmar 3-1 Oltana", "", hour=80)).verdict.startswith("not compared: ")
