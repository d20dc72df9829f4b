"""A real HTTP server that misbehaves as it is told, for the tests of what posts to one."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from newsflow.http.client import HttpClient, HttpLimits, parse_networks

LOOPBACK = parse_networks("127.0.0.0/8")


@dataclass
class Script:
    """What the server does next, one behaviour a request (the last one again and again), and what it was sent."""

    behaviours: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""
    released: threading.Event = field(default_factory=threading.Event)
    """Set when the test is over: behaviours that stall wait for it."""

    def next(self) -> Callable[[BaseHTTPRequestHandler], None]:
        return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def drop(handler: BaseHTTPRequestHandler) -> None:
    """Hang up without a word."""
    handler.connection.shutdown(socket.SHUT_RDWR)
    handler.close_connection = True


@contextmanager
def serving(*behaviours: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[Script]:
    script = Script(list(behaviours))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            script.requests.append((self.path, headers, body))
            script.next()(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that hangs up on a stalling server is what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        script.released.set()
        server.shutdown()
        thread.join()
        server.server_close()


def client(total_s: float = 5.0, **changes: Any) -> HttpClient:
    return HttpClient(HttpLimits(connect_s=2.0, total_s=total_s, response_bytes=1000), allowed=LOOPBACK, **changes)
