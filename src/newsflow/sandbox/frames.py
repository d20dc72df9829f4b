"""Length-prefixed frames over pipes, with a deadline on the parent's side."""

from __future__ import annotations

import os
import select
import struct
import time

HEADER = struct.Struct(">I")
MAX_FRAME_BYTES = 256 * 1024 * 1024


class FrameTimeoutError(Exception):
    """The other side did not read or answer before the deadline."""


class FrameEndError(Exception):
    """The other side closed its end, or sent what is no frame."""


def frame(payload: bytes) -> bytes:
    """A payload with its length before it."""
    return HEADER.pack(len(payload)) + payload


def write_before(fd: int, data: bytes, deadline: float) -> None:
    """Write all of `data` to a non-blocking pipe before `deadline` (monotonic seconds)."""
    view = memoryview(data)
    while view:
        _wait(fd, select.POLLOUT, deadline)
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            continue
        except OSError as error:
            raise FrameEndError(str(error)) from error


def read_before(fd: int, deadline: float) -> bytes:
    """Read one frame from a non-blocking pipe before `deadline` (monotonic seconds)."""
    (size,) = HEADER.unpack(_read_exactly(fd, HEADER.size, deadline))
    if size > MAX_FRAME_BYTES:
        raise FrameEndError(f"a frame of {size} bytes")
    return _read_exactly(fd, size, deadline)


def _read_exactly(fd: int, size: int, deadline: float) -> bytes:
    data = bytearray()
    while len(data) < size:
        _wait(fd, select.POLLIN, deadline)
        try:
            part = os.read(fd, min(size - len(data), 1 << 20))
        except BlockingIOError:
            continue
        except OSError as error:
            raise FrameEndError(str(error)) from error
        if not part:
            raise FrameEndError("end of stream")
        data += part
    return bytes(data)


def _wait(fd: int, events: int, deadline: float) -> None:
    poll = select.poll()
    poll.register(fd, events)
    left_s = deadline - time.monotonic()
    if left_s <= 0 or not poll.poll(left_s * 1000):
        raise FrameTimeoutError
