"""A server of many sites on loopback, which answers as it is told and keeps what it was asked; and what polls it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson

from newsflow.config.settings import PollSettings
from newsflow.ledger import Ledger
from newsflow.sources.feedlist import Feed
from newsflow.sources.fetch import Fetcher
from newsflow.sources.poller import Poller
from newsflow.sources.state import PollState
from newsflow.sources.websub import Callbacks

POLITE = PollSettings(allow_private=True, host_delay_s=1, timeout_s=5)
START = datetime(2025, 3, 3, 6, tzinfo=UTC)


@dataclass
class Clock:
    """A clock that moves only when somebody sleeps. Any thread may read it."""

    now: datetime = START

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    at: datetime
    host: str
    path: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Reply:
    """An answer. `body` may be an iterator, for what never ends."""

    body: bytes | Iterable[bytes] = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Answers = Callable[[Asked], Reply | None]


@dataclass
class Site:
    """Pages by host and path (`harbour.example/feed`), and `answer`, which is asked first. Else 404; robots.txt allows
    all unless it is among them."""

    clock: Clock = field(default_factory=Clock)
    pages: dict[str, Reply | Callable[[Asked], Reply]] = field(default_factory=dict)
    answer: Answers = lambda _: None
    asked: list[Asked] = field(default_factory=list)
    port: int = 0

    def url(self, place: str) -> str:
        host, slash, path = place.partition("/")
        return f"http://{host}:{self.port}{slash}{path}"

    def paths(self, host: str = "") -> list[str]:
        """What was asked of a host, robots.txt apart."""
        return [each.path for each in self.asked if each.path != "/robots.txt" and each.host.startswith(host)]

    def reply(self, asked: Asked) -> Reply:
        found = self.answer(asked) or self.pages.get(f"{asked.host}{asked.path}")
        return (found(asked) if callable(found) else found) or Reply(b"there is no such page", 404)


@contextmanager
def serving(site: Site) -> Iterator[Site]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            asked = Asked(site.clock(), headers["host"].partition(":")[0], self.path, headers, body)
            site.asked.append(asked)
            reply = site.reply(asked)
            self.send_response_only(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if isinstance(reply.body, bytes) and "Content-Length" not in reply.headers:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            try:
                for piece in (reply.body,) if isinstance(reply.body, bytes) else reply.body:
                    self.wfile.write(piece)
                    self.wfile.flush()
            except OSError:
                pass  # whoever asked has gone

        do_POST = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads, server.block_on_close = True, False
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass
class Kept:
    """An outlet that keeps events, one after the other."""

    events: list[tuple[bytes, bytes]] = field(default_factory=list)

    def write(self, events: Iterable[tuple[bytes, bytes]]) -> None:
        self.events += events

    def close(self) -> None:
        pass

    @property
    def values(self) -> list[dict[str, Any]]:
        return [orjson.loads(value) for _, value in self.events]


@dataclass
class Polling:
    """Polls feeds of a site, again at each `poll`, as a process that is started anew would."""

    site: Site
    ledger: Ledger
    feeds: Sequence[Feed]
    settings: PollSettings = POLITE
    outlet: Kept = field(default_factory=Kept)
    callbacks: Callbacks | None = None

    def poller(self) -> Poller:
        fetcher = Fetcher(
            "newsflow/test (+https://newsroom.example/bot)",
            most_bytes=self.settings.body_bytes,
            timeout_s=self.settings.timeout_s,
            allow_private=self.settings.allow_private,
            resolve=lambda host, port: ["127.0.0.1"],
        )
        clock = self.site.clock
        state = PollState(self.ledger)
        return Poller(state, self.feeds, self.settings, fetcher, self.outlet, clock, clock.sleep, self.callbacks)

    def once(self) -> Poller:
        poller = self.poller()
        poller.run(once=True)
        return poller

    def until(self, end: datetime) -> Poller:
        """Follow the feeds until the clock is there."""
        poller, sleep = self.poller(), self.site.clock.sleep

        def rest(seconds: float) -> None:
            left_s = (end - self.site.clock()).total_seconds()
            sleep(min(seconds, max(left_s, 0)))
            if left_s <= seconds:
                poller.stopped.set()

        poller._sleep = rest
        poller.run()
        return poller


# Documents.


def rss(*items: str, channel: str = "") -> bytes:
    spaces = (
        'xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:sy="http://purl.org/rss/1.0/modules/syndication/" xmlns:atom="http://www.w3.org/2005/Atom"'
    )
    body = f'<rss version="2.0" {spaces}><channel><title>Harbour Post</title>{channel}{"".join(items)}</channel></rss>'
    return f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode()


def rss_item(title: str = "", link: str = "", guid: str = "", text: str = "", more: str = "") -> str:
    parts = {"title": title, "link": link, "guid": guid, "description": text}
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value) + more + "</item>"


def page(title: str, text: str = "The council met on Monday and agreed to widen the harbour road.") -> Reply:
    body = f"<html><head><title>{title}</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
    return Reply(body.encode(), headers={"Content-Type": "text/html; charset=utf-8"})
