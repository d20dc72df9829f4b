from __future__ import annotations

from newsflow.stories.postings import NEWEST_PER_KEY, Postings


def _found(postings: Postings, days: list[int], key: int) -> list[int]:
    return [number for _, numbers in postings.find(days, [key]) for number in numbers]


def test_reports_are_found_by_key_on_the_days_asked_for() -> None:
    postings = Postings()
    postings.add(1, 10, [7, 8])
    postings.add(2, 11, [8])
    assert _found(postings, [10], 7) == [1]
    assert sorted(_found(postings, [10, 11], 8)) == [1, 2]
    assert _found(postings, [12], 8) == []


def test_of_a_crowded_key_the_newest_count_and_the_first_day_asked_for_comes_first() -> None:
    postings = Postings()
    for number in range(100):
        postings.add(number, 10, [7])
    postings.add(100, 11, [7])
    assert _found(postings, [10], 7) == list(range(100 - NEWEST_PER_KEY, 100))
    assert _found(postings, [11, 10], 7) == [100, *range(101 - NEWEST_PER_KEY, 100)]


def test_days_are_forgotten() -> None:
    postings = Postings()
    postings.add(1, 10, [7])
    postings.add(2, 11, [7])
    postings.forget(11)
    assert _found(postings, [10, 11], 7) == [2]
