"""A look at a site by hand: a few addresses, as gently as `newsflow poll` asks them, with nothing kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urljoin

from newsflow.errors import SinkError
from newsflow.normalise.encodings import decode_bytes
from newsflow.sources.fetch import Answer
from newsflow.sources.parse import NotAFeedError, Parsed, announced_feeds, parse_feed, web_address
from newsflow.sources.poller import MOST_HOPS, Fetches
from newsflow.sources.robots import Robots, read_robots
from newsflow.sources.state import host_of

USUAL_PLACES = (
    "/feed/",
    "/rss.xml",
    "/rss",
    "/atom.xml",
    "/feed.json",
    "/sitemap-news.xml",
    "/news-sitemap.xml",
    "/sitemap.xml",
)
"""Where feeds are that nobody announces."""
MOST_FOUND = 20
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass
class Visitor:
    """Asks within robots.txt, a host not more often than its delay allows. For one thread."""

    fetch: Fetches
    agent: str
    delay_s: float
    sleep: Callable[[float], object] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _robots: dict[str, Robots] = field(default_factory=dict)
    _next_s: dict[str, float] = field(default_factory=dict)

    def get(self, url: str) -> tuple[str, Answer]:
        """The answer, and the address that gave it after redirects. Raises `SinkError` for anything but a page."""
        for _ in range(MOST_HOPS + 1):
            if not self.robots(url).allows(url):
                raise SinkError("robots.txt forbids it")
            answer = self._ask(url)
            there = web_address(answer.headers.get("location"), url) if answer.status in _REDIRECTS else None
            if there is None:
                if answer.status != 200:
                    raise SinkError(f"the server answers {answer.status}")
                return url, answer
            url = there
        raise SinkError(f"more than {MOST_HOPS} redirects")

    def robots(self, url: str) -> Robots:
        """What the host's robots.txt says; where it cannot be had, nothing is allowed."""
        host = host_of(url)
        if host not in self._robots:
            there = urljoin(url, "/robots.txt")
            for _ in range(MOST_HOPS + 1):
                answer = self._ask(there)
                moved = web_address(answer.headers.get("location"), there) if answer.status in _REDIRECTS else None
                if moved is None:
                    break
                there = moved
            text = decode_bytes(answer.body) if answer.status < 300 else ""
            text = "User-agent: *\nDisallow: /" if answer.status >= 500 else text
            self._robots[host] = read_robots(text, self.agent)
        return self._robots[host]

    def _ask(self, url: str) -> Answer:
        host = host_of(url)
        wait_s = self._next_s.get(host, 0.0) - self.clock()
        if wait_s > 0:
            self.sleep(wait_s)
        known = self._robots.get(host, Robots())
        self._next_s[host] = self.clock() + max(self.delay_s, known.delay_s)
        return self.fetch.get(url, {})


@dataclass(frozen=True)
class Looked:
    """What is at an address: `parsed`, or why it is no feed."""

    url: str
    parsed: Parsed | None = None
    error: str = ""


def look_at(visitor: Visitor, url: str) -> Looked:
    """Read the feed at an address; never raises for what is there."""
    try:
        there, answer = visitor.get(url)
        return Looked(there, parse_feed(answer.body, there, answer.headers))
    except (SinkError, NotAFeedError) as error:
        return Looked(url, None, str(error))


def discover(visitor: Visitor, url: str) -> list[Looked]:
    """The feeds and sitemaps of the site that a page is of: those it announces, those that robots.txt names, and where
    that is nothing those at the usual places. Raises `SinkError` when the page itself cannot be had."""
    there, answer = visitor.get(url)
    own = _as_feed(there, answer)
    if own is not None:
        return [own]
    announced = announced_feeds(answer.body, there, answer.headers)
    named = [web for each in visitor.robots(there).sitemaps if (web := web_address(each, there))]
    found = _feeds_at(visitor, (*announced, *named))
    return found or _feeds_at(visitor, (urljoin(there, place) for place in USUAL_PLACES))


def _as_feed(url: str, answer: Answer) -> Looked | None:
    try:
        parsed = parse_feed(answer.body, url, answer.headers)
    except NotAFeedError:
        return None
    return Looked(url, parsed) if parsed.kind != "page" else None


def _feeds_at(visitor: Visitor, urls: Iterable[str]) -> list[Looked]:
    """Those that are feeds, each once."""
    found: dict[str, Looked] = {}
    for url in list(dict.fromkeys(urls))[:MOST_FOUND]:
        looked = look_at(visitor, url)
        if looked.parsed is not None and looked.parsed.kind != "page":
            found.setdefault(looked.url, looked)
    return list(found.values())
