"""As much of a schema registry as is used: schemas under subjects, with ids, over HTTP on this machine."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class RegistryDouble:
    """`schemas` by id, as they were registered; `refuse`: what it answers to the next ones instead."""

    url: str
    schemas: dict[int, str] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    refuse: tuple[int, bytes] | None = None

    def register(self, body: Any) -> dict[str, Any]:
        assert body["schemaType"] == "JSON"
        schema = body["schema"]
        json.loads(schema)
        for number, known in self.schemas.items():
            if known == schema:
                return {"id": number}
        self.schemas[100_000 + len(self.schemas)] = schema
        return {"id": max(self.schemas)}


@contextlib.contextmanager
def registry_double() -> Iterator[RegistryDouble]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            double.asked.append((self.path, self.headers.get("Authorization")))
            self._answer(*(double.refuse or (200, json.dumps(double.register(body)).encode())))

        def do_GET(self) -> None:
            _, ids, number = self.path.partition("?")[0].partition("/schemas/ids/")
            schema = double.schemas.get(int(number)) if ids else None
            self._answer(200 if schema else 404, json.dumps({"schemaType": "JSON", "schema": schema}).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "application/vnd.schemaregistry.v1+json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        double = RegistryDouble(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield double
        finally:
            server.shutdown()
            thread.join()
