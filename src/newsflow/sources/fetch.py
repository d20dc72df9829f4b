"""One request for a feed, a page or robots.txt: within the bounds that webhooks have, and no body unfolds beyond its
limit."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass

import brotli

from newsflow.errors import SinkError
from newsflow.http.client import PRIVATE, HttpClient, HttpLimits, Resolver, system_resolver

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/xml;q=0.9, text/xml;q=0.9, "
    "text/html;q=0.8, */*;q=0.5"
)
_PIECE = 65_536


class BodyError(SinkError):
    """The body cannot be read: larger than its limit, or not compressed as it says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers by lower-case names, and the body as it was before it was compressed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Fetcher:
    """Safe to share between threads."""

    def __init__(
        self,
        user_agent: str,
        *,
        most_bytes: int,
        timeout_s: float,
        allow_private: bool,
        resolve: Resolver = system_resolver,
        proxy: str | None = None,
    ) -> None:
        import ssl

        self.most_bytes = most_bytes
        self._headers = {"User-Agent": user_agent, "Accept": ACCEPT, "Accept-Encoding": "gzip, br"}
        limits = HttpLimits(connect_s=timeout_s, total_s=timeout_s, response_bytes=most_bytes + 1)
        allowed = PRIVATE if allow_private else ()
        # Made once: it reads all authorities of the system.
        self._client = HttpClient(limits, allowed, resolve, ssl.create_default_context(), proxy)

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Ask once; a redirect is an answer. Raises `SinkError`: no answer, an internal address, or a body that cannot
        be read."""
        found = self._client.get(url, self._headers | dict(headers))
        body = found.body if 200 <= found.status < 300 else b""
        encoding = found.headers.get("content-encoding", "").strip().lower()
        return Answer(found.status, found.headers, self._whole(unfolded(body, encoding, self.most_bytes)))

    def post(self, url: str, form: bytes) -> int:
        """Post a form, and return the status. Raises as `get`."""
        kind = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Encoding": "identity"}
        return self._client.post(url, form, self._headers | kind).status

    def _whole(self, body: bytes) -> bytes:
        if len(body) > self.most_bytes:
            raise BodyError(f"the answer has more than {self.most_bytes:,} bytes")
        return body


def unfolded(body: bytes, encoding: str, most_bytes: int) -> bytes:
    """A body without its `Content-Encoding`, up to one byte more than `most_bytes`. Raises `BodyError` for what is not
    so encoded; some servers send what they did not compress under its name, which is taken as it is."""
    try:
        if encoding in ("gzip", "x-gzip", "deflate"):
            if encoding != "deflate" and body[:2] != b"\x1f\x8b":
                return body
            wrapped = encoding != "deflate" or (body[:1] and body[0] & 0x0F == 8)
            reader = zlib.decompressobj(zlib.MAX_WBITS | 32 if wrapped else -zlib.MAX_WBITS)
            found = reader.decompress(body, most_bytes + 1)
            return _ended(found, reader.eof, most_bytes)
        if encoding == "br":
            return _brotli(body, most_bytes)
    except (zlib.error, brotli.error) as error:
        raise BodyError(f"the answer is not {encoding} as it says: {error}") from error
    if encoding not in ("", "identity"):
        raise BodyError(f"the answer is encoded as {encoding[:40]!r}; accepted: gzip, br, deflate")
    return body


def _brotli(body: bytes, most_bytes: int) -> bytes:
    reader, found, at = brotli.Decompressor(), b"", 0
    while len(found) <= most_bytes and not reader.is_finished():
        piece = b""
        if reader.can_accept_more_data():
            piece, at = body[at : at + _PIECE], at + _PIECE
            if not piece:
                break
        found += reader.process(piece, output_buffer_limit=most_bytes + 1 - len(found))
    return _ended(found, reader.is_finished(), most_bytes)


def _ended(found: bytes, whole: bool, most_bytes: int) -> bytes:
    if not whole and len(found) <= most_bytes:
        raise BodyError("the answer ends within what is compressed")
    return found[: most_bytes + 1]
