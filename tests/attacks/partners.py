"""Partners that hang: TCP servers of a few lines that say something and then drip, or say nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Behaviour = Callable[[socket.socket, threading.Event], None]


@dataclass
class Partner:
    """Where it listens, and how many connections it has had."""

    port: int
    connections: int = 0
    released: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: what hangs or drips waits for it."""


@contextmanager
def partner(behave: Behaviour) -> Iterator[Partner]:
    """A server on loopback that treats each connection so, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Partner(server.getsockname()[1])

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                behave(connection, found.released)

        def accept() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    found.connections += 1
                    threading.Thread(target=serve, args=(connection,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield found
        finally:
            found.released.set()
            server.shutdown(socket.SHUT_RDWR)


def silent(_: socket.socket, released: threading.Event) -> None:
    """Take the connection and say nothing."""
    released.wait(60)


def dripping(drop: bytes, *said: bytes, every_s: float = 0.05) -> Behaviour:
    """Say each of `said` in answer to a line, then one drop after another for ever."""

    def behave(connection: socket.socket, released: threading.Event) -> None:
        for at, line in enumerate(said):
            if at:
                connection.recv(65_536)
            connection.sendall(line)
        while not released.wait(every_s):
            connection.sendall(drop)

    return behave
