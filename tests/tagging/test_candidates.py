"""Candidates are the rules whose set tests pass, as looking at each rule would find them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.tagging.compile import CandidateIndex, SetTests
from newsflow.tagging.patterns import LeafTable, Postings, Vocabulary

LEAVES = 12
clauses = st.frozensets(st.integers(0, LEAVES - 1), min_size=1, max_size=4)
tests = st.builds(SetTests, st.lists(clauses, max_size=4), st.frozensets(st.integers(0, LEAVES - 1), max_size=2))
seen_leaves = st.sets(st.integers(0, LEAVES - 1))


def passes(item: SetTests, seen: set[int]) -> bool:
    met = all(clause & seen for clause in item.clauses)
    return bool(item.clauses) and met and not item.absent & seen


@pytest.mark.property
@given(st.lists(tests, max_size=30), seen_leaves)
def test_the_index_finds_what_one_look_at_each_rule_finds(items: list[SetTests], seen: set[int]) -> None:
    found = CandidateIndex(items, LEAVES).of(dict.fromkeys(seen))
    assert found == [number for number, item in enumerate(items) if passes(item, seen)]


@pytest.mark.parametrize(
    ("item", "seen", "found"),
    [
        (SetTests([frozenset({0, 1})], frozenset()), {1}, True),
        (SetTests([frozenset({0, 1})], frozenset({2})), {1}, True),
        (SetTests([frozenset({0, 1})], frozenset({2})), {1, 2}, False),
        (SetTests([frozenset({0}), frozenset({1})], frozenset()), {0}, False),
        (SetTests([frozenset({0}), frozenset({1})], frozenset()), {0, 1}, True),
        (SetTests([frozenset({0}), frozenset({1}), frozenset({2})], frozenset()), {0, 1}, False),
        (SetTests([frozenset({0}), frozenset({1}), frozenset({2})], frozenset()), {0, 1, 2}, True),
        (SetTests([], frozenset()), {0}, False),
    ],
)
def test_each_kind_of_rule(item: SetTests, seen: set[int], found: bool) -> None:
    assert CandidateIndex([item], LEAVES).of(dict.fromkeys(seen)) == ([0] if found else [])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 100))), st.integers(0, 5))
def test_lists_keep_their_order(pairs: list[tuple[int, int]], key: int) -> None:
    assert Postings(pairs, 6).at(key) == [value for at, value in pairs if at == key]


@given(
    st.lists(st.text("abcd ", min_size=1, max_size=9), min_size=1, max_size=30, unique=True),
    st.text("abcd ", max_size=60),
)
def test_the_first_texts_are_searched_as_all_others(forms: list[str], text: str) -> None:
    table = LeafTable()
    table.patterns = {form: number for number, form in enumerate(forms)}
    vocabulary = Vocabulary(table)
    first = vocabulary.hits(text)
    vocabulary.build()
    assert first == vocabulary.hits(text)


def test_a_vocabulary_is_built_for_more_than_a_few_texts_and_for_long_ones() -> None:
    texts, long = Vocabulary(LeafTable()), Vocabulary(LeafTable())
    for count in range(5):
        texts.hits("a")
        assert (texts._automaton is None) == (count < 3)
    long.hits("a" * 100_000)
    assert long._automaton is not None
