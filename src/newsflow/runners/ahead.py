"""Reading ahead: the next batches are read, and work on them begun, while the one before is still in hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Generic, Protocol, TypeVar

from newsflow.model import Event

Stage = Callable[[list[Event]], list[Event]]
"""Does a part of the work on a batch, and gives the batch to hand on."""


Places = tuple[frozenset[int], dict[int, tuple[int, int]]]
"""All partitions of a topic; of those that are read, before which record time and offset nothing more comes."""
_Read = tuple[list[Event] | None, Places | None]
"""A batch, None behind the last one, and where the reader was when it had read it."""


class Source(Protocol):
    """What has batches; `newsflow.kafka.reader.AvailableReader` is one."""

    def batches(self) -> Iterator[list[Event]]: ...


MANY = 32
"""Events of a batch behind which as many follow: no more is read ahead of fewer, which would only wait here."""
S = TypeVar("S", bound=Source)


class ReadAhead(Generic[S]):
    """Hands out the batches of `reader`. Meanwhile the next one is in hand; where much comes, one in each stage of the
    work."""

    def __init__(self, reader: S) -> None:
        self.reader = reader
        self._threads: list[ThreadPoolExecutor] = []
        self._following: deque[Future[_Read]] = deque()
        self._places: Places | None = None

    def batches(self, *stages: Stage) -> Iterator[list[Event]]:
        """The reader's batches, in order, each gone through all stages; the first stage runs in the thread that reads.
        Raises what the reader or a stage raised, once all before is handed out."""
        source = self.reader.batches()
        for number in range(len(self._threads), len(stages)):
            self._threads.append(ThreadPoolExecutor(1, thread_name_prefix=f"read-ahead-{number}"))
        self._following = deque([self._begun(source, stages)])
        while True:
            batch, self._places = self._following.popleft().result()
            if batch is None:
                return
            while len(self._following) < (len(stages) if len(batch) >= MANY else 1):
                self._following.append(self._begun(source, stages))
            yield batch

    def _begun(self, source: Iterator[list[Event]], stages: tuple[Stage, ...]) -> Future[_Read]:
        first, *others = stages

        def read() -> _Read:
            batch = next(source, None)
            places = self._look()
            return batch if batch is None else first(batch), places

        found = self._threads[0].submit(read)
        for thread, stage in zip(self._threads[1:], others, strict=False):
            found = thread.submit(_through, stage, found)
        return found

    def _look(self) -> Places | None:
        look = getattr(self.reader, "next_places", None)
        found: Places | None = None if look is None else look()
        return found

    def next_places(self) -> Places:
        """Where the reader was when it had read the batch in hand: `AvailableReader.next_places`."""
        return self._places or (frozenset(), {})

    def settle(self) -> None:
        """Wait until nothing is being read: a run that failed has not taken all that was read for it."""
        wait(self._following)


def _through(stage: Stage, read: Future[_Read]) -> _Read:
    batch, places = read.result()
    return batch if batch is None else stage(batch), places
