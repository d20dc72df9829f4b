from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup.fingerprint import NEWEST_PER_KEY, NearIndex

key_lists = st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=4, unique=True), max_size=40)


def keys_of(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.array(sorted(values), np.uint32)


@pytest.mark.property
@given(key_lists, st.lists(st.integers(0, 12), min_size=1, max_size=5, unique=True), st.integers(1, 7))
def test_index_finds_what_a_plain_search_finds(texts: list[list[int]], wanted: list[int], size: int) -> None:
    index = NearIndex()
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        index.add(range(start, start + len(batch)), [keys_of(each) for each in batch])
    expected = {n: len(set(each) & set(wanted)) for n, each in enumerate(texts) if set(each) & set(wanted)}
    assert index.find([keys_of(wanted)]) == [expected]
    assert len(index) == sum(map(len, texts))


def test_crowded_key_gives_the_newest_of_a_run() -> None:
    index = NearIndex()
    index.add(range(500), [keys_of([7])] * 500)
    [found] = index.find([keys_of([7])])
    assert sorted(found) == list(range(500 - NEWEST_PER_KEY, 500))


def test_forgotten_texts_are_not_found_and_leave_at_a_merge() -> None:
    index = NearIndex()
    index.add(range(100), [keys_of([number % 5]) for number in range(100)])
    index.oldest = 90
    [found] = index.find([keys_of([0, 1, 2, 3, 4])])
    assert sorted(found) == list(range(90, 100))
    index.add(range(100, 200), [keys_of([number]) for number in range(100, 200)])
    assert len(index) == 110


def test_extreme_keys() -> None:
    index = NearIndex()
    index.add([1, 2**32 - 1], [keys_of([0]), keys_of([2**32 - 1])])
    assert index.find([keys_of([0]), keys_of([2**32 - 1])]) == [{1: 1}, {2**32 - 1: 1}]


def test_empty_index_finds_nothing() -> None:
    assert NearIndex().find([keys_of([1])]) == [{}]
    assert NearIndex().find([]) == []
