"""Signals of a running job: the first lets what is in hand end, the second quits at once."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

from newsflow.cli.common import words


@contextmanager
def draining(stops: Iterable[Callable[[], object]]) -> Iterator[None]:
    """The first SIGINT or SIGTERM calls every one of `stops`; the second ends the process where it stands."""
    told: list[int] = []

    def on_signal(number: int, _: FrameType | None) -> None:
        told.append(number)
        if len(told) > 1:
            words.print("stopped at once; what was not committed is read again at the next start")
            sys.stderr.flush()
            # Not sys.exit: that would wait for the run that is not to be waited for.
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        words.print(f"{signal.Signals(number).name}: finishing the batch in hand; once more to stop at once")
        for stop in stops:
            stop()

    earlier = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)
