"""Requests through a proxy: as they are over http, in a tunnel over https."""

from __future__ import annotations

import base64
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from newsflow.http.client import HttpClient, HttpLimits, UnreachableError

trustme = pytest.importorskip("trustme")
AUTHORITY = trustme.CA()
LIMITS = HttpLimits(connect_s=5, total_s=10)


class Handler(BaseHTTPRequestHandler):
    """A proxy that answers by itself over http, and connects to one port of this machine, whatever it is asked for."""

    asked: list[tuple[str, str, str | None]]
    leads_to: int | None

    def do_GET(self) -> None:
        self.asked.append(("GET", self.path, self.headers["Proxy-Authorization"]))
        self.send_response_only(200)
        self.end_headers()
        self.wfile.write(f"{self.headers['Host']}".encode())

    def do_CONNECT(self) -> None:
        self.asked.append(("CONNECT", self.path, self.headers["Proxy-Authorization"]))
        self.send_response_only(407 if self.leads_to is None else 200)
        self.end_headers()
        if self.leads_to is not None:
            with socket.create_connection(("127.0.0.1", self.leads_to)) as there:
                pass_on(self.connection, there)

    def log_message(self, *_: Any) -> None:
        pass


def pass_on(one: socket.socket, other: socket.socket) -> None:
    while True:
        for ready in select.select([one, other], [], [], 5)[0]:
            data = ready.recv(65_536)
            if not data:
                return
            (other if ready is one else one).sendall(data)


@contextmanager
def serving(leads_to: int | None = None, tls: bool = False) -> Iterator[tuple[int, list[tuple[str, str, str | None]]]]:
    made = type("Made", (Handler,), {"asked": [], "leads_to": leads_to})
    server = ThreadingHTTPServer(("127.0.0.1", 0), made)
    server.daemon_threads, server.block_on_close = True, False
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        AUTHORITY.issue_cert("tide.example").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield server.server_port, made.asked  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()


def client(proxy: str) -> HttpClient:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return HttpClient(LIMITS, tls=context, proxy=proxy)


def test_over_http_the_proxy_is_asked_for_the_whole_address() -> None:
    with serving() as (port, asked):
        found = client(f"http://desk:wave%209@127.0.0.1:{port}").get("http://tide.example/news?page=2#top", {})
    told = "Basic " + base64.b64encode(b"desk:wave 9").decode()
    assert asked == [("GET", "http://tide.example/news?page=2", told)]
    assert (found.status, found.body) == (200, b"tide.example")


def test_over_https_it_connects_and_sees_nothing() -> None:
    with serving(tls=True) as (there, seen), serving(leads_to=there) as (port, asked):
        found = client(f"http://127.0.0.1:{port}").get("https://tide.example/news", {"Authorization": "secret"})
    assert asked == [("CONNECT", "tide.example:443", None)]
    assert seen == [("GET", "/news", None)]
    assert found.body == b"tide.example"


def test_a_proxy_that_refuses_is_told_of() -> None:
    with serving() as (port, _), pytest.raises(UnreachableError, match="the proxy answers 407"):
        client(f"http://127.0.0.1:{port}").get("https://tide.example/news", {})
