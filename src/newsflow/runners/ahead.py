"""Reading ahead: the next batch is read, and work on it begun, while the one before is still in hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeVar

from newsflow.model import Event

Begin = Callable[[list[Event]], list[Event]]
"""Begins the work on a batch, and gives the batch to hand out."""


Places = tuple[frozenset[int], dict[int, tuple[int, int]]]
"""All partitions of a topic; of those that are read, before which record time and offset nothing more comes."""


class Source(Protocol):
    """What has batches; `newsflow.kafka.reader.AvailableReader` is one."""

    def batches(self) -> Iterator[list[Event]]: ...


S = TypeVar("S", bound=Source)


class ReadAhead(Generic[S]):
    """Hands out the batches of `reader`, and is one batch ahead of who takes them."""

    def __init__(self, reader: S) -> None:
        self.reader = reader
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._following: Future[list[Event] | None] | None = None
        self._places: Places | None = None
        self._following_places: Places | None = None

    def batches(self, begin: Begin) -> Iterator[list[Event]]:
        """The reader's batches, in order. Raises what it or `begin` raised, once all before is handed out."""
        source = self.reader.batches()

        def following() -> list[Event] | None:
            batch = next(source, None)
            self._following_places = self._look()
            return batch if batch is None else begin(batch)

        self._following = self._thread.submit(following)
        while (batch := self._following.result()) is not None:
            self._places = self._following_places
            self._following = self._thread.submit(following)
            yield batch
        self._places = self._following_places

    def _look(self) -> Places | None:
        look = getattr(self.reader, "next_places", None)
        found: Places | None = None if look is None else look()
        return found

    def next_places(self) -> Places:
        """Where the reader was when it had read the batch in hand: `AvailableReader.next_places`."""
        return self._places or (frozenset(), {})

    def settle(self) -> None:
        """Wait until nothing is being read: a run that failed has not taken all that was read for it."""
        if self._following is not None:
            wait([self._following])
