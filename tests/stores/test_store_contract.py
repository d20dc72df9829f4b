"""One suite for all stores: what `Store` promises."""

from __future__ import annotations

import itertools
import random

import pytest

from newsflow.errors import SinkError
from newsflow.model import Action
from newsflow.stores.contract import Store, StoreRow
from tests.stores.store_harness import Harness, SqliteHarness, row, shown


def test_what_is_written_is_there(harness: Harness) -> None:
    rows = [row(name) for name in ("a", "bb", "ccc", "dddd", "eeeee")]
    with harness.open() as store:
        assert store.write(rows) == []
        assert harness.current() == shown(rows), "durable while the store is open"
    assert harness.versions() == sorted(each.key for each in rows)


def test_an_empty_batch_is_fine(harness: Harness) -> None:
    with harness.open() as store:
        assert store.write([]) == []
        store.write([row("a")])
        assert store.write([]) == []
    assert harness.versions() == [("a", 1)]


def test_the_same_again_changes_nothing(harness: Harness) -> None:
    rows = [row("a"), row("b"), row("a", 2)]
    with harness.open() as store:
        store.write(rows)
        store.write(rows)
        store.write([rows[0], rows[0], row("c"), rows[2]])
    with harness.open() as store:
        store.write([row("c"), rows[1]])
    assert harness.versions() == [("a", 1), ("a", 2), ("b", 1), ("c", 1)]
    assert harness.current() == shown([*rows, row("c")])


def test_a_new_version_takes_over(harness: Harness) -> None:
    with harness.open() as store:
        store.write([row("a"), row("b")])
        store.write([row("a", 2)])
    assert harness.current() == shown([row("a", 2), row("b")])


def test_an_older_version_that_comes_later_does_not(harness: Harness) -> None:
    with harness.open() as store:
        store.write([row("a", 3)])
        store.write([row("a", 1), row("a", 2)])
    assert harness.current() == shown([row("a", 3)])
    assert harness.versions() == [("a", 1), ("a", 2), ("a", 3)]


@pytest.mark.parametrize("order", list(itertools.permutations([0, 1, 2])))
def test_versions_of_one_batch_may_come_in_any_order(harness: Harness, order: tuple[int, ...]) -> None:
    rows = [row("a"), row("a", 2), row("a", 3, Action.WITHDRAW)]
    with harness.open() as store:
        store.write([rows[at] for at in order])
    assert harness.current() == {"a": (3, True, "")}
    assert harness.versions() == [("a", 1), ("a", 2), ("a", 3)]


def test_a_withdrawn_article_stays_known_and_shows_no_text(harness: Harness) -> None:
    with harness.open() as store:
        store.write([row("a"), row("b")])
        store.write([row("a", 2, Action.WITHDRAW)])
        store.write([row("a")])
    assert harness.current() == {"a": (2, True, ""), **shown([row("b")])}


def test_an_article_may_come_back_after_its_withdrawal(harness: Harness) -> None:
    with harness.open() as store:
        store.write([row("a"), row("a", 2, Action.WITHDRAW), row("a", 3)])
    assert harness.current() == shown([row("a", 3)])


def test_a_crash_between_batches_loses_and_doubles_nothing(harness: Harness) -> None:
    batches = [[row(f"a{at}-{n}") for n in range(4)] for at in range(4)]
    store = harness.open()
    store.write(batches[0])
    store.write(batches[1])
    # Never closed, its place in the log never committed: all comes again, cut into other batches.
    with harness.open() as again:
        again.write([*batches[0], *batches[1][:2]])
        again.write([*batches[1][2:], *batches[2], *batches[3]])
    everything = [each for batch in batches for each in batch]
    assert harness.versions() == sorted(each.key for each in everything)
    assert harness.current() == shown(everything)


@pytest.mark.parametrize("place", [0, 3, 6])
def test_one_bad_row_is_refused_with_a_reason_and_the_rest_go_on(harness: Harness, place: int) -> None:
    good = [row(f"a{at}") for at in range(6)]
    bad = harness.bad_row()
    with harness.open() as store:
        refused = store.write([*good[:place], bad, *good[place:]])
        assert [each.row for each in refused] == [bad]
        assert refused[0].message
        assert len(refused[0].message) < 500
        assert [each.row for each in store.write([bad])] == [bad]
        assert store.write([row("later")]) == []
    assert harness.current() == shown([*good, row("later")])


def test_a_store_that_is_away_says_so_and_takes_the_batch_when_it_is_back(harness: Harness) -> None:
    with harness.open() as store:
        store.write([row("a")])
        harness.take_away()
        for _ in range(2):
            with pytest.raises(SinkError):
                store.write([row("b"), row("c")])
        harness.bring_back()
        assert store.write([row("b"), row("c")]) == []
    assert harness.current() == shown([row("a"), row("b"), row("c")])


def test_a_store_that_is_away_at_the_start_may_come_later(harness: Harness) -> None:
    harness.take_away()
    with harness.open() as store:
        with pytest.raises(SinkError):
            store.write([row("a")])
        harness.bring_back()
        store.write([row("a")])
    assert harness.versions() == [("a", 1)]


def test_a_look_makes_nothing_and_tells_when_the_store_is_away(harness: Harness) -> None:
    with harness.open() as store:
        assert "not made yet" in store.check()
        assert "not made yet" in store.check(), "nothing was made by looking"
        store.write([row("a")])
        assert "not made yet" not in store.check()
        if not isinstance(harness, SqliteHarness):  # a lock of another writer does not keep readers out
            harness.take_away()
            with pytest.raises(SinkError):
                store.check()
            harness.bring_back()
        assert "not made yet" not in store.check()
    assert harness.versions() == [("a", 1)]


def test_two_writers_of_the_same_rows(harness: Harness) -> None:
    with harness.open() as one, harness.open() as two:
        one.write([row("a"), row("b")])
        two.write([row("b"), row("a", 2)])
        one.write([row("a", 2), row("c")])
    assert harness.versions() == [("a", 1), ("a", 2), ("b", 1), ("c", 1)]


def test_close_may_be_called_twice_and_a_closed_store_opens_again(harness: Harness) -> None:
    store = harness.open()
    store.write([row("a")])
    store.close()
    store.close()
    store.write([row("b")])
    store.close()
    assert harness.versions() == [("a", 1), ("b", 1)]


@pytest.mark.parametrize("seed", range(5))
def test_any_batches_in_any_order_end_in_the_same_state(harness: Harness, seed: int) -> None:
    chance = random.Random(seed)
    rows: list[StoreRow] = [
        row(f"a{article}", version, Action.WITHDRAW if chance.random() < 0.2 else None)
        for article in range(8)
        for version in range(1, 5)
    ]
    pool = [*rows, *chance.choices(rows, k=40)]
    chance.shuffle(pool)
    store: Store = harness.open()
    while pool:
        size = chance.randint(1, 15)
        store.write(pool[:size])
        pool = pool[size:]
        if chance.random() < 0.3:
            store = harness.open()
    store.close()
    assert harness.versions() == sorted(each.key for each in rows)
    assert harness.current() == shown(rows)


def test_what_is_forgotten_is_gone_and_nothing_else(harness: Harness) -> None:
    with harness.open() as store:
        if store.name == "iceberg":  # Old snapshots would keep it.
            with pytest.raises(SinkError, match="cannot forget"):
                store.forget("a", 3)
            return
        assert store.forget("a", 3) == 0
        store.write([row("a"), row("b")])
        store.write([row("a", 2), row("c", title="beside it")])
        assert store.forget("a", 3) == 2
        assert harness.versions() == [("b", 1), ("c", 1)]
        assert harness.current() == shown([row("b"), row("c", title="beside it")])
        store.write([row("a", 3, Action.WITHDRAW)])
        assert store.forget("a", 3) == 0
    assert harness.versions() == [("a", 3), ("b", 1), ("c", 1)]
    assert harness.current()["a"] == (3, True, "")
