"""A small news site of our own invention, on loopback: what `newsflow demo` polls for real.

It is a proxy that knows one site, http://tide-gazette.example, so that addresses are those of an outlet and no name is
asked for.
"""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SITE = "http://tide-gazette.example"
FEED = f"{SITE}/news/feed"
_FILES = Path(__file__).resolve().parent / "site"
_PAGES = {
    FEED: ("feed.xml", "application/rss+xml"),
    f"{SITE}/news/ferry-timetable": ("ferry-timetable.html", "text/html; charset=utf-8"),
}
LIST = f"""\
# The feeds that `newsflow demo` polls; written again by each.
version: 1
feeds:
  - source: tide-gazette
    url: {FEED}
    title: Tide Gazette
    language: en
"""


class ExampleSite:
    """Answers from `start` to `stop`; also a context manager. `proxy` is its address."""

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self.proxy = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> ExampleSite:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = _PAGES.get(self.path)
        body = b"" if found is None else (_FILES / found[0]).read_bytes()
        self.send_response_only(404 if found is None else 200)
        self.send_header("Content-Type", "text/plain" if found is None else found[1])
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
