"""Tokens that an OpenID Connect issuer signed: JWTs for this audience, checked by the issuer's published keys."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from typing import Any

import jwt

from newsflow.config.settings import OidcSettings
from newsflow.errors import ConfigError, NewsflowError
from newsflow.http.client import PRIVATE, HttpClient, HttpLimits
from newsflow.web.access import Reader

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""Signatures by a pair of keys. With a shared secret, or none, anybody could sign."""
EVERYTHING = "*"
LEEWAY_S = 30
KEYS_S, ASKED_S = 600.0, 30.0
"""Keys are asked for anew after so long; for a key that is not known, not sooner than the second."""
MAX_TOKEN_CHARS = 16_384
_FIRST_S = 5.0
_MAX_ANSWER_BYTES = 1_000_000
_DISCOVERY = "/.well-known/openid-configuration"


class IssuerError(NewsflowError):
    """The issuer does not answer, or not as it should."""


class Issuer:
    """One issuer and its keys. Safe to share between threads; asking it blocks for up to twenty seconds."""

    def __init__(self, settings: OidcSettings, clock: Callable[[], float] = time.monotonic) -> None:
        """Asks nobody. Raises ConfigError for an issuer whose answers others could change on their way."""
        host = settings.issuer.partition("://")[2].partition("/")[0]
        if not settings.issuer.startswith("https://") and host.rpartition(":")[0] not in ("127.0.0.1", "localhost"):
            message = f"{settings.issuer} is not https; accepted: https://…, and http on this machine"
            raise ConfigError(message, path="serve.oidc.issuer")
        self._settings, self._clock, self._lock = settings, clock, threading.Lock()
        self._client = HttpClient(HttpLimits(total_s=10, response_bytes=_MAX_ANSWER_BYTES), PRIVATE)
        self._keys: dict[str | None, Any] = {}
        self._asked = self._failed = -KEYS_S

    def reader(self, token: str) -> Reader | None:
        """Who may read with a token, by its claims; None where it is not one of this issuer's for us, or of old.

        Raises IssuerError where the keys cannot be had.
        """
        try:
            header = jwt.get_unverified_header(token) if len(token) <= MAX_TOKEN_CHARS else {}
            if header.get("alg") not in ALGORITHMS or (key := self._key(header.get("kid"))) is None:
                return None
            claims = jwt.decode(
                token, key, algorithms=ALGORITHMS, audience=self._settings.audience, issuer=self._settings.issuer,
                leeway=LEEWAY_S, options={"require": ["exp", "iss", "aud", "sub"]},
            )  # fmt: skip
        except (jwt.InvalidTokenError, ValueError):
            return None
        topics = claims.get(self._settings.topics_claim)
        named = frozenset(each for each in topics if isinstance(each, str)) if isinstance(topics, list) else frozenset()
        scope = None if EVERYTHING in named else named
        return Reader(f"{claims['sub']} of {self._settings.issuer}", scope, float(claims["exp"]) + LEEWAY_S)

    def _key(self, name: str | None) -> Any:
        """The key of that id; None where the issuer has none. Whoever has a key that is known waits for nobody."""
        asked, keys, now = self._asked, self._keys, self._clock()
        known = name in keys
        if now - asked < (KEYS_S if known else ASKED_S) or (known and now - self._failed < ASKED_S):
            return keys.get(name)
        # One asks. The first ones wait for it; later ones go on with what is known.
        if not self._lock.acquire(timeout=0 if keys else _FIRST_S):
            if known:
                return keys[name]
            raise IssuerError("the issuer of tokens is being asked for its keys")
        try:
            if self._asked == asked:  # nobody has, while this one waited
                self._keys, self._asked = self._load(), self._clock()
        except IssuerError:
            self._failed = self._clock()
            if not known:  # what is known holds on; who is not cannot be told from a stranger
                raise
        finally:
            self._lock.release()
        return self._keys.get(name)

    def _load(self) -> dict[str | None, Any]:
        issuer = self._settings.issuer
        told = self._get(issuer.rstrip("/") + _DISCOVERY)
        if told.get("issuer") != issuer or not isinstance(told.get("jwks_uri"), str):
            raise IssuerError(f"{issuer} says that it is {told.get('issuer')!r}, or names no keys")
        made: dict[str | None, Any] = {}
        for each in self._get(told["jwks_uri"]).get("keys", []):
            try:
                if each.get("use", "sig") == "sig":
                    made[each.get("kid")] = jwt.PyJWK(each)
            except (jwt.InvalidKeyError, jwt.PyJWKError, AttributeError):
                continue  # a kind of key that is not known here
        return made

    def _get(self, url: str) -> dict[str, Any]:
        try:
            answer = self._client.get(url, {"Accept": "application/json"})
            value = json.loads(answer.body) if answer.status == 200 else None
        except (NewsflowError, ValueError) as error:
            raise IssuerError(f"the issuer of tokens does not answer: {error}") from error
        if not isinstance(value, dict):
            raise IssuerError(f"the issuer of tokens answers {answer.status} to {url}, with no object")
        return value
