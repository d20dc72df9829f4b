from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup.fingerprint import fingerprint
from newsflow.dedup.similarity import Relation, Similarity, compare, compare_all, relate

words = st.lists(st.sampled_from([*"abcdefgh", "12", "7", "450"]), min_size=0, max_size=80).map(" ".join)


def exact_scores(left: str, right: str) -> tuple[float, float]:
    """The definition, in sets of strings."""
    one, two = (
        {tuple(tokens[at : at + 5]) for at in range(len(tokens) - 4)} if len(tokens) >= 20 else set()
        for tokens in (re.findall(r"\w+", text) for text in (left, right))
    )
    if not one or not two:
        return 0.0, 0.0
    return len(one & two) / len(one | two), len(one & two) / min(len(one), len(two))


@pytest.mark.property
@given(words, words)
def test_compare_is_exact(left: str, right: str) -> None:
    found = compare(fingerprint("", left), fingerprint("", right))
    if left == right:
        assert found == Similarity(1.0, 1.0, 1.0, exact=True)
    else:
        assert (found.jaccard, found.containment) == pytest.approx(exact_scores(left, right))
        assert not found.exact


@pytest.mark.property
@given(words, st.lists(words, max_size=6))
def test_compare_all_is_compare_of_each_and_symmetric(left: str, others: list[str]) -> None:
    mine, prints = fingerprint("", left), [fingerprint("", other) for other in others]
    assert (
        compare_all(mine, prints)
        == [compare(mine, each) for each in prints]
        == [compare(each, mine) for each in prints]
    )


@pytest.mark.parametrize(
    ("similarity", "relation"),
    [
        (Similarity(0.4, 0.0, 0.7), Relation.DUPLICATE),
        (Similarity(0.0, 0.6, 1.0), Relation.DUPLICATE),
        (Similarity(0.9, 0.95, 0.69), Relation.RELATED),
        (Similarity(0.3, 0.0, 1.0), Relation.RELATED),
        (Similarity(0.0, 0.5, 0.0), Relation.RELATED),
        (Similarity(0.29, 0.49, 1.0), Relation.NONE),
        (Similarity(1.0, 1.0, 1.0, exact=True), Relation.DUPLICATE),
    ],
)
def test_rule(similarity: Similarity, relation: Relation) -> None:
    assert relate(similarity) is relation


def test_template_with_other_numbers_is_no_duplicate() -> None:
    note = "The central bank of Velmora fixed the rate of the crown at {0} on day {1} after a calm session " * 3
    monday, tuesday = (fingerprint("", note.format(*numbers)) for numbers in ((41, 3), (57, 4)))
    found = compare(monday, tuesday)
    assert found.numbers == 0.0
    assert relate(found) is not Relation.DUPLICATE
