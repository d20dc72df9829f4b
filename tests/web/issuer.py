"""An OpenID Connect issuer on this machine: its keys, its pages, and tokens that it signs."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

AUDIENCE = "newsflow"


@dataclass
class LocalIssuer:
    """`keys` by id, those that it publishes. `down`: it answers 500; `delay_s`: so late."""

    url: str
    keys: dict[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    delay_s: float = 0

    def sign(self, key: str = "first", /, *, signed_with: Any = None, **claims: Any) -> str:
        """A token; a claim that is None is left out."""
        whole = {"iss": self.url, "aud": AUDIENCE, "sub": "somebody", "exp": int(time.time()) + 600} | claims
        secret = signed_with or self.keys[key]
        algorithm = "ES256" if isinstance(secret, ec.EllipticCurvePrivateKey) else "RS256"
        said = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(said, secret, algorithm, {"kid": key})

    def answer(self, path: str) -> dict[str, Any] | None:
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return (
            {"keys": [{"kid": "odd", "kty": "of-tomorrow"}, *map(self._published, self.keys)]}
            if path == "/keys"
            else None
        )

    def _published(self, name: str) -> dict[str, Any]:
        key = self.keys[name]
        kind = ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else RSAAlgorithm
        return kind.to_jwk(key.public_key(), as_dict=True) | {"kid": name, "use": "sig"}


def new_key(kind: str = "rsa") -> Any:
    return ec.generate_private_key(ec.SECP256R1()) if kind == "ec" else rsa.generate_private_key(65537, 2048)


@contextlib.contextmanager
def local_issuer() -> Iterator[LocalIssuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked.append(self.path)
            time.sleep(issuer.delay_s)
            value = None if issuer.down else issuer.answer(self.path)
            body = json.dumps(value).encode()
            self.send_response(200 if value is not None else 500)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        issuer = LocalIssuer(f"http://127.0.0.1:{server.server_port}", {"first": new_key(), "second": new_key("ec")})
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
