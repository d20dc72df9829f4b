"""Who may read what, and how much of it: tokens, those of an issuer too, topics, requests a minute."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import ipaddress
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from newsflow.config.settings import ReaderSettings, ServeSettings
from newsflow.errors import ConfigError
from newsflow.secrets import resolve

if TYPE_CHECKING:
    from newsflow.web.oidc import Issuer

SHORTEST_TOKEN = 20
_BURST_S = 10
_MOST_COUNTED = 10_000
"""Names whose requests are counted; with more, as a crowd of strangers has, counting begins anew."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One who reads. `scope`: ids of the topics it may see; None for everything. `until`: when what says so ends, in
    seconds since 1970. `replay`: it may send dead letters again."""

    name: str
    scope: frozenset[str] | None = None
    until: float = math.inf
    replay: bool = False


ANYBODY = Reader("local")
"""Whoever asks from this machine where no readers are configured."""


class Access:
    """The configured readers. For one thread."""

    def __init__(self, settings: ServeSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ConfigError for a token that is missing or too short."""
        self._readers = [(_digest(_token(name, each.token)), _reader(name, each)) for name, each in settings.readers]
        self._issuer = _issuer(settings)
        self._per_s, self._clock = settings.requests_per_minute / 60, clock
        self._buckets: dict[str, _Bucket] = {}

    @property
    def is_open(self) -> bool:
        """Whether nobody needs a token."""
        return not self._readers and self._issuer is None

    def must_ask(self, authorization: str) -> bool:
        """Whether to know the reader may mean to ask the issuer, which blocks."""
        return self._issuer is not None and _looks_signed(_given(authorization))

    def reader(self, authorization: str) -> Reader | None:
        """Whose token a header `Authorization` holds, as Bearer or as the password of Basic; None for nobody's.

        Raises IssuerError where a token may be good and the issuer's keys cannot be had.
        """
        if self.is_open:
            return ANYBODY
        token = _given(authorization)
        if self._issuer is not None and _looks_signed(token):
            return self._issuer.reader(token)
        given, found = _digest(token), None
        for digest, reader in self._readers:  # all of them: how long it takes says nothing
            if hmac.compare_digest(digest, given):
                found = reader
        return found

    @staticmethod
    def is_ambient(authorization: str) -> bool:
        """Whether a browser sends it by itself, whichever page the request comes from."""
        return not authorization.strip().lower().startswith("bearer ")

    def wait_s(self, name: str) -> float:
        """Count a request; 0, or in how many seconds the next one is taken."""
        now, most = self._clock(), max(1.0, self._per_s * _BURST_S)
        if len(self._buckets) >= _MOST_COUNTED and name not in self._buckets:
            self._buckets.clear()
        bucket = self._buckets.setdefault(name, _Bucket(most, now))
        bucket.left = min(most, bucket.left + (now - bucket.at) * self._per_s)
        bucket.at = now
        if bucket.left < 1:
            return (1 - bucket.left) / self._per_s
        bucket.left -= 1
        return 0.0


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float = field(repr=False)


def _reader(name: str, settings: ReaderSettings) -> Reader:
    scope = frozenset(settings.topics) if settings.topics else None
    return Reader(name, scope, replay=settings.replay and scope is None)


def _issuer(settings: ServeSettings) -> Issuer | None:
    if settings.oidc is None:
        return None
    from newsflow.web.oidc import Issuer

    return Issuer(settings.oidc)


def _looks_signed(token: str) -> bool:
    """Whether a token could be a JWT: three parts, the first an object in base64url."""
    return token.startswith("ey") and token.count(".") == 2


def _token(name: str, reference: str) -> str:
    token = resolve(reference)
    if len(token) < SHORTEST_TOKEN:
        message = f"the token has {len(token)} characters; accepted: at least {SHORTEST_TOKEN}"
        raise ConfigError(message, path=f"serve.readers.{name}.token")
    return token


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _given(authorization: str) -> str:
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest, validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of `HOST:PORT`. Raises ConfigError."""
    host, mark, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not mark or not host or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ConfigError(f"--listen {text!r}; accepted: HOST:PORT, as 127.0.0.1:8080")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address; a name is not looked up."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def check_listen(host: str, access: Access) -> None:
    """Refuse to show everything to everybody. Raises ConfigError."""
    if access.is_open and not is_loopback(host):
        raise ConfigError(
            f"{host} can be reached from other machines, and no readers are configured; accepted: readers with tokens "
            "(serve.readers) or an issuer of them (serve.oidc), or an address of this machine, as 127.0.0.1"
        )
