from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup.fingerprint import ALWAYS, NEWEST_PER_KEY, NearIndex, numbers_of

texts_of_keys = st.tuples(st.lists(st.integers(0, 12), min_size=1, max_size=4, unique=True), st.integers(0, 9))


def keys_of(values: list[int]) -> np.ndarray[tuple[int], np.dtype[np.uint32]]:
    return np.array(sorted(values), np.uint32)


@pytest.mark.property
@given(
    st.lists(texts_of_keys, max_size=40),
    st.lists(st.integers(0, 12), min_size=1, max_size=5, unique=True),
    st.integers(1, 7),
    st.tuples(st.integers(0, 9), st.integers(0, 9)),
)
def test_index_finds_what_a_plain_search_finds(
    texts: list[tuple[list[int], int]], wanted: list[int], size: int, span: tuple[int, int]
) -> None:
    index = NearIndex()
    for start in range(0, len(texts), size):
        batch = texts[start : start + size]
        index.add(range(start, start + len(batch)), [keys_of(keys) for keys, _ in batch], [at for _, at in batch])
    within = [(number, keys) for number, (keys, at) in enumerate(texts) if span[0] <= at <= span[1]]
    expected = {key: numbers for key in wanted if (numbers := [number for number, keys in within if key in keys])}
    assert index.find([keys_of(wanted)], [span]) == [expected]
    assert len(index) == sum(len(keys) for keys, _ in texts)


@pytest.mark.property
@given(
    st.lists(st.integers(0, 3), min_size=60, max_size=400), st.lists(st.integers(1, 90), min_size=1), st.integers(0, 3)
)
def test_a_crowded_key_gives_the_newest_of_the_span_however_they_came(
    times: list[int], sizes: list[int], wanted: int
) -> None:
    index, start = NearIndex(), 0
    for size in [*sizes, len(times)]:
        numbers = range(start, min(start + size, len(times)))
        index.add(numbers, [keys_of([7])] * len(numbers), [times[number] for number in numbers])
        start = numbers.stop
    of_that_time = [number for number, at in enumerate(times) if at == wanted]
    [found] = index.find([keys_of([7])], [(wanted, wanted)])
    assert found.get(7, []) == of_that_time[-NEWEST_PER_KEY:]


def test_a_crowded_key_has_texts_of_other_days_behind_many_of_today() -> None:
    index = NearIndex()
    index.add(range(5_000), [keys_of([7])] * 5_000, [1] * 20 + [9] * 4_980)
    assert index.find([keys_of([7])], [(0, 5)]) == [{7: list(range(20))}]


def test_forgotten_texts_are_not_found_and_leave_at_a_merge() -> None:
    index = NearIndex()
    index.add(range(100), [keys_of([number % 5]) for number in range(100)], [0] * 100)
    index.oldest = 90
    [found] = index.find([keys_of([0, 1, 2, 3, 4])], [ALWAYS])
    assert numbers_of(found) == list(range(90, 100))
    index.add(range(100, 200), [keys_of([number]) for number in range(100, 200)], [0] * 100)
    assert len(index) == 110
    [found] = index.find([keys_of([0, 1, 2, 3, 4])], [ALWAYS])
    assert Counter(len(numbers) for numbers in found.values()) == {2: 5}


def test_extreme_keys_and_numbers() -> None:
    index = NearIndex()
    index.add([2**32 - 2, 2**32 - 1], [keys_of([0]), keys_of([2**32 - 1])], [0, 0])
    found = index.find([keys_of([0]), keys_of([2**32 - 1])], [ALWAYS] * 2)
    assert found == [{0: [2**32 - 2]}, {2**32 - 1: [2**32 - 1]}]


def test_empty_index_finds_nothing() -> None:
    assert NearIndex().find([keys_of([1])], [ALWAYS]) == [{}]
    assert NearIndex().find([], []) == []
