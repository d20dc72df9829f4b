"""The time that one exchange with a destination may take, however slowly the other side drips.

A time-out on a socket starts anew with each byte, and one on a name or a library may not be there at all. So the whole
has one deadline: connections are cut when it is over, and what cannot be cut is no longer waited for.
"""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from types import TracebackType
from typing import TypeVar

from newsflow.errors import in_words

T = TypeVar("T")
Wrap = Callable[[socket.socket], socket.socket]


class Deadline:
    """Within the block, what `connect` gave is cut when the time is up. For one thread."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self._ends_s = seconds, time.monotonic() + seconds
        self._handles: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._ends_s

    def left_s(self) -> float:
        """Return the seconds that are left. Raises `TimeoutError` when there are none."""
        left_s = self._ends_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError(_too_long(self.seconds))
        return left_s

    def why(self, error: Exception) -> str:
        """Return what to say of an error: what follows from a cut connection is not its cause."""
        return _too_long(self.seconds) if self.over else in_words(error) or type(error).__name__

    def resolved(self, resolve: Callable[[str, int], T], host: str, port: int) -> T:
        """Return what `resolve` says of a name, if it does in time."""
        try:
            return within(self.left_s(), lambda: resolve(host, port))
        except TimeoutError as error:
            raise TimeoutError(self.why(error)) from error

    def connect(
        self, addresses: Sequence[str], port: int, wrap: Wrap = lambda sock: sock, each_s: float = math.inf
    ) -> socket.socket:
        """Return a connection to the first address that answers, each with its share of the time left and no more than
        `each_s`; `wrap` makes it one over TLS. Raises `OSError` saying what each address did."""
        failures: list[str] = []
        for at, address in enumerate(addresses):
            try:
                return self._one(address, port, wrap, min(each_s, self.left_s() / (len(addresses) - at)))
            except OSError as error:
                failures.append(f"{address}: {self.why(error)}")
        raise OSError("; ".join(failures))

    def _one(self, address: str, port: int, wrap: Wrap, seconds: float) -> socket.socket:
        sock = socket.create_connection((address, port), seconds)
        try:
            with self._lock:
                # A handle of its own reaches the connection whatever becomes of the socket: TLS takes that over.
                self._handles.append(sock.dup())
            wrapped = wrap(sock)
            wrapped.settimeout(self.left_s())
        except BaseException:
            sock.close()
            raise
        return wrapped

    def _cut(self) -> None:
        with self._lock:
            for handle in self._handles:
                with suppress(OSError):
                    handle.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Deadline:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            for handle in self._handles:
                handle.close()
            self._handles.clear()


def within(seconds: float, work: Callable[[], T], ended: Callable[[], object] = lambda: None) -> T:
    """Return or raise what `work` does, in a thread of its own. Raises `TimeoutError` when it takes longer; the thread
    is left to itself then. `ended` is called when `work` ends, whenever that is."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        finally:
            ended()

    threading.Thread(target=run, name="newsflow-bounded", daemon=True).start()
    try:
        return future.result(seconds)
    except TimeoutError:
        if future.done():
            return future.result()  # it ended just now, or the time-out is its own
        raise TimeoutError(_too_long(seconds)) from None


class OneAtATime:
    """Work that cannot be cut off. While one still hangs, no other is begun: one thread is left behind at most."""

    def __init__(self) -> None:
        self._free = threading.Lock()

    def within(self, seconds: float, work: Callable[[], T]) -> T:
        """As the function; raises `TimeoutError` also while the work before has not ended."""
        if not self._free.acquire(blocking=False):
            raise TimeoutError("the try before this one has not ended yet")
        return within(seconds, work, self._free.release)


def _too_long(seconds: float) -> str:
    return f"it took longer than {seconds:g} s"
