"""WebSub (https://www.w3.org/TR/websub/): a hub that a feed names tells at once what is new, at a callback of ours.

A subscription is a target of polling of its own, due when its hub is to be asked, and again before its lease ends. Its
callback and its secret derive from one secret of ours and the feed's id: nothing of them is stored, and nobody guesses
them. Feeds are polled on: what a hub forgets comes later, and what it told is known then.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlencode, urlsplit

from newsflow.dedup.identity import hash_of
from newsflow.errors import NewsflowError
from newsflow.sources.parse import Parsed
from newsflow.sources.state import AT_ONCE, HUB, Target

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

log = logging.getLogger(__name__)

PATH = "/websub"
MOST_BODY_S = 30.0
METHODS = ("sha256", "sha384", "sha512", "sha1")
"""Of signatures; sha1 is what the oldest hubs know."""
_MOST_CHALLENGE = 4_096


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Where hubs reach us (`base`, without a slash at its end), what only they and we know, and for how many seconds
    they are asked to tell."""

    base: str
    key: bytes
    lease_s: int = 864_000

    def _derived(self, what: str, feed: str) -> str:
        return hmac.new(self.key, f"{what}\0{feed}".encode(), hashlib.sha256).hexdigest()

    def place(self, feed: str) -> str:
        """The path of a feed's callback."""
        return f"{PATH}/{feed}/{self._derived('callback', feed)}"

    def request(self, feed: str, topic: str) -> bytes:
        """The form that asks a hub for what is new in a topic."""
        return urlencode(
            {
                "hub.callback": self.base + self.place(feed),
                "hub.mode": "subscribe",
                "hub.topic": topic,
                "hub.lease_seconds": str(self.lease_s),
                "hub.secret": self._derived("secret", feed),
            }
        ).encode("ascii")

    def is_signed(self, feed: str, signature: str, body: bytes) -> bool:
        """Whether `X-Hub-Signature` (`method=hex`) says that who knows the feed's secret sent the body."""
        method, _, told = signature.partition("=")
        if method not in METHODS:
            return False
        made = hmac.new(self._derived("secret", feed).encode(), body, method).hexdigest()
        return hmac.compare_digest(made.encode(), told.strip().lower().encode("utf-8", "replace"))


def subscription_id(feed: str) -> str:
    return hash_of(HUB, feed)


def subscription(feed: Target, parsed: Parsed, known: Target | None, now: int) -> Target | None:
    """The subscription to be made for a feed, or made anew where it names another hub or was given up; None where there
    is nothing to do."""
    if parsed.hub is None:
        return None
    topic = parsed.topic or feed.state.home
    if known is not None and known.due_at is not None and (known.state.home, known.state.topic) == (parsed.hub, topic):
        return None
    made = Target.at(parsed.hub, subscription_id(feed.id), feed.id, feed.root, HUB, AT_ONCE, now)
    made.listed_at = 0  # no item of its feed
    made.state.topic = topic
    return made


class Told(Protocol):
    """What is told by hubs; `newsflow.sources.poller.Poller` is told."""

    def confirmed(self, feed: str, topic: str, lease_s: int | None) -> bool:
        """A hub asks whether we want this, and says for how long it will hold; None where it declines."""
        ...

    def pushed(self, feed: str, headers: Mapping[str, str], body: bytes) -> bool:
        """Keep what a hub sent; False where nothing of the feed is wanted."""
        ...


def make_app(told: Told, callbacks: Callbacks, most_bytes: int) -> Starlette:
    """What answers at the callbacks. A ledger that does not answer is a 503: hubs try again."""
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    def known(request: Request) -> str | None:
        feed, tag = (str(request.path_params[name]) for name in ("feed", "tag"))
        asked = f"{PATH}/{feed}/{tag}".encode("utf-8", "replace")
        return feed if hmac.compare_digest(callbacks.place(feed).encode(), asked) else None

    async def verify(request: Request) -> Response:
        feed, asked = known(request), request.query_params
        mode, topic, challenge = (asked.get(f"hub.{name}", "") for name in ("mode", "topic", "challenge"))
        lease = asked.get("hub.lease_seconds", "")
        good = mode == "denied" or (mode == "subscribe" and lease.isascii() and lease.isdigit() and len(lease) <= 9)
        if feed is None or not good or len(challenge) > _MOST_CHALLENGE:
            return PlainTextResponse("nobody asked for this\n", 404)
        held = await run_in_threadpool(told.confirmed, feed, topic, int(lease) if mode == "subscribe" else None)
        return PlainTextResponse(challenge if held else "nobody asked for this\n", 200 if held else 404)

    async def receive(request: Request) -> Response:
        feed = known(request)
        if feed is None:
            return PlainTextResponse("nobody asked for this\n", 404)
        try:
            body = await asyncio.wait_for(_read(request, most_bytes), MOST_BODY_S)
        except TimeoutError:
            return PlainTextResponse(f"accepted: a body that comes within {MOST_BODY_S:g} s\n", 408)
        if body is None:
            return PlainTextResponse(f"accepted: up to {most_bytes:,} bytes, not compressed\n", 413)
        if not callbacks.is_signed(feed, request.headers.get("x-hub-signature", ""), body):
            # The recommendation wants a success, so that nobody learns by trying.
            log.warning("%s: something came that its hub has not signed; passed over", feed)
            return PlainTextResponse("", 202)
        wanted = await run_in_threadpool(told.pushed, feed, dict(request.headers), body)
        return PlainTextResponse("", 202 if wanted else 410)

    async def unavailable(_: Request, error: Exception) -> Response:
        log.warning("what a hub told could not be kept: %s", error)
        return PlainTextResponse("try again later\n", 503)

    # Proxies cut off the path of the base, or pass it on.
    places = {f"{prefix}{PATH}/{{feed}}/{{tag}}" for prefix in ("", urlsplit(callbacks.base).path)}
    routes = [
        Route(place, each, methods=[method])
        for place in sorted(places)
        for method, each in (("GET", verify), ("POST", receive))
    ]
    return Starlette(routes=routes, exception_handlers={NewsflowError: unavailable})


async def _read(request: Request, most_bytes: int) -> bytes | None:
    """The body; None for one that is too large or compressed."""
    if request.headers.get("content-encoding", "identity") != "identity":
        return None
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most_bytes:
            return None
    return bytes(body)


@contextmanager
def listening(app: Starlette, host: str, port: int) -> Iterator[int]:
    """Answer at an address, in a thread, as long as the context lasts; gives the port. Raises `OSError` when it is
    taken."""
    import socket

    import uvicorn

    config: Any = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, server_header=False, proxy_headers=False,
        timeout_graceful_shutdown=5, timeout_keep_alive=5, limit_concurrency=64, h11_max_incomplete_event_size=32_768,
        ws="none",
    )  # fmt: skip
    server = uvicorn.Server(config)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with closing(socket.create_server((host, port), family=family)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), name="websub")
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
