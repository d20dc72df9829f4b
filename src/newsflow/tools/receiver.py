"""A small webhook receiver for trying things on one machine: checks signatures, keeps what it received as JSON lines.

Each line of its file: `id`, `received_at`, `repeat` (the id came before) and `alert` (the alert.v1 value).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson

from newsflow.alerts.senders.webhook import ID_HEADER, verify

MAX_BODY_BYTES = 1_048_576
READ_TIMEOUT_S = 10.0


class Receiver:
    """Listens on loopback in a thread of its own, from `start` to `stop`; also a context manager.

    `secrets` empty: signatures are not asked for. `port` 0 takes a free one; `url` tells which.
    """

    def __init__(
        self, path: Path, secrets: tuple[str, ...] = (), port: int = 0, clock_s: Callable[[], float] = time.time
    ) -> None:
        self.path, self.secrets, self.clock_s = path, secrets, clock_s
        self._seen = {entry["id"] for entry in read_received(path)}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/alerts"

    def start(self) -> Receiver:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """May be called more than once."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def __enter__(self) -> Receiver:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def keep(self, message_id: str, alert: Any) -> None:
        """Write one alert down before it is answered for."""
        entry = {"id": message_id, "received_at": datetime.fromtimestamp(self.clock_s(), UTC), "alert": alert}
        with self._lock:
            entry["repeat"] = message_id in self._seen
            self._seen.add(message_id)
            with self.path.open("ab") as file:
                file.write(orjson.dumps(entry, option=orjson.OPT_UTC_Z) + b"\n")


def read_received(path: Path) -> list[dict[str, Any]]:
    """Return what a receiver kept, in order; a last line that a kill cut off is left out."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    return [orjson.loads(line) for line in lines[:-1] if line]


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = READ_TIMEOUT_S

        def do_POST(self) -> None:
            self.close_connection = True
            length = self.headers.get("Content-Length", "")
            if not (length.isascii() and length.isdigit()):
                return self._answer(411, "a Content-Length is required")
            if len(length) > 9 or int(length) > MAX_BODY_BYTES:
                return self._answer(413, f"an alert has up to {MAX_BODY_BYTES} bytes")
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            try:
                message_id = self._checked(headers, body)
                receiver.keep(message_id, orjson.loads(body))
            except orjson.JSONDecodeError as error:
                return self._answer(400, f"the body is not JSON: {error}")
            except ValueError as error:
                return self._answer(401, str(error))
            return self._answer(204, "")

        def _checked(self, headers: dict[str, str], body: bytes) -> str:
            if receiver.secrets:
                return verify(headers, body, receiver.secrets, receiver.clock_s())
            if not headers.get(ID_HEADER):
                raise ValueError(f"{ID_HEADER} is required")
            return headers[ID_HEADER]

        def _answer(self, status: int, message: str) -> None:
            body = message.encode()
            self.send_response(status)
            self.send_header("Connection", "close")
            if status != 204:
                self.send_header("Content-Type", "text/plain; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Stay silent: what matters is in the file."""

    return Handler
