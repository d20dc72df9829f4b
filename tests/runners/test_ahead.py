"""Batches are read, and gone on with, ahead of who works on them: one a stage."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from newsflow.model import Event
from newsflow.runners import ahead as ahead_module
from newsflow.runners.ahead import Places, ReadAhead


def event(offset: int) -> Event:
    return Event("raw", 0, offset, 0, None, b"")


@dataclass
class Source:
    """So many batches, and an error behind them where one is given."""

    batch_count: int
    error: Exception | None = None
    read: list[int] = field(default_factory=list)
    is_open: threading.Event = field(default_factory=threading.Event)

    def batches(self) -> Iterator[list[Event]]:
        for offset in range(self.batch_count):
            self.is_open.wait(10)
            self.read.append(offset)
            yield [event(offset)]
        if self.error:
            raise self.error


def opened(batch_count: int, error: Exception | None = None) -> Source:
    source = Source(batch_count, error)
    source.is_open.set()
    return source


def test_all_batches_come_in_order_and_each_is_begun_once() -> None:
    begun: list[int] = []

    def begin(events: list[Event]) -> list[Event]:
        begun.append(events[0].offset)
        return events

    assert [batch[0].offset for batch in ReadAhead(opened(5)).batches(begin)] == [0, 1, 2, 3, 4] == begun


def test_where_the_reader_was_is_said_of_the_batch_in_hand() -> None:
    class Placed(Source):
        def next_places(self) -> Places:
            return frozenset({0}), {0: (0, len(self.read))}

    source = Placed(3)
    source.is_open.set()
    ahead = ReadAhead(source)
    found = []
    for batch in ahead.batches(lambda events: events):
        ahead.settle()  # the next one is read by now
        found.append((batch[0].offset, ahead.next_places()[1]))
    assert found == [(0, {0: (0, 1)}), (1, {0: (0, 2)}), (2, {0: (0, 3)})]
    assert ReadAhead(opened(1)).next_places() == (frozenset(), {})


def test_the_next_batch_is_begun_while_one_is_in_hand() -> None:
    second = threading.Event()

    def begin(events: list[Event]) -> list[Event]:
        if events[0].offset == 1:
            second.set()
        return events

    batches = ReadAhead(opened(3)).batches(begin)
    next(batches)
    assert second.wait(10)


def test_no_more_than_one_batch_is_read_ahead() -> None:
    ahead = ReadAhead(source := opened(5))
    batches = ahead.batches(list)
    next(batches)
    ahead.settle()
    assert source.read == [0, 1]


def test_what_reading_raises_comes_behind_all_that_was_read() -> None:
    batches = ReadAhead(opened(2, OSError("the broker hung up"))).batches(list)
    assert [next(batches)[0].offset, next(batches)[0].offset] == [0, 1]
    with pytest.raises(OSError, match="hung up"):
        next(batches)


def test_what_beginning_raises_fails_its_batch_alone() -> None:
    def begin(events: list[Event]) -> list[Event]:
        if events[0].offset == 1:
            raise OSError("the store of contents is unavailable")
        return events

    batches = ReadAhead(opened(3)).batches(begin)
    assert next(batches)[0].offset == 0
    with pytest.raises(OSError, match="unavailable"):
        next(batches)


def test_a_run_that_failed_leaves_nothing_being_read() -> None:
    """The next run plans with the reader that the thread still reads with: settle waits for it."""
    source = Source(3)
    ahead = ReadAhead(source)
    source.is_open.set()
    batches = ahead.batches(list)
    next(batches)
    source.is_open.clear()
    threading.Timer(0.2, source.is_open.set).start()
    ahead.settle()
    assert source.read == [0, 1]
    again = ReadAhead(opened(3)).batches(list)
    assert [batch[0].offset for batch in again] == [0, 1, 2]


def test_each_stage_has_a_batch_in_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead_module, "MANY", 1)
    passed: list[tuple[str, int]] = []
    is_read = threading.Event()

    def first(events: list[Event]) -> list[Event]:
        passed.append(("first", events[0].offset))
        if events[0].offset == 2:
            is_read.set()
        return events

    def second(events: list[Event]) -> list[Event]:
        if events[0].offset == 1:
            assert is_read.wait(10), "the third batch is read while the second stage has the second"
        passed.append(("second", events[0].offset))
        return events

    ahead = ReadAhead(source := opened(5))
    batches = ahead.batches(first, second)
    assert next(batches)[0].offset == 0
    ahead.settle()
    assert source.read == [0, 1, 2], "no more than one a stage"
    assert [batch[0].offset for batch in batches] == [1, 2, 3, 4]
    for stage in ("first", "second"):
        assert [offset for name, offset in passed if name == stage] == [0, 1, 2, 3, 4]


def test_behind_few_events_one_batch_is_read_ahead_whatever_the_stages() -> None:
    ahead = ReadAhead(source := opened(5))
    batches = ahead.batches(list, list)
    for number in range(3):
        assert next(batches)[0].offset == number
        ahead.settle()
        assert source.read == list(range(number + 2))


def test_what_a_later_stage_raises_fails_its_batch_alone() -> None:
    def second(events: list[Event]) -> list[Event]:
        if events[0].offset == 1:
            raise OSError("no worker can be started")
        return events

    batches = ReadAhead(opened(3)).batches(list, second)
    assert next(batches)[0].offset == 0
    with pytest.raises(OSError, match="no worker"):
        next(batches)
