"""A site of many hosts whose feeds do what feeds do: every form, and one sin each. Articles appear as the clock moves."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from xml.sax.saxutils import escape

import brotli
import orjson

from newsflow.sources.feedlist import Feed
from tests.sources.site import Asked, Reply, Site, page

FORMS = ("rss", "atom", "json", "rdf", "sitemap")
SINS = (
    *("none", "wrong type", "five zones", "no guid", "empty guid", "rotated guids", "reused guids", "reordered"),
    *(
        "validators",
        "moved",
        "busy",
        "ill",
        "endless",
        "bomb",
        "broken bytes",
        "gzip",
        "br",
        "closed pages",
        "no title",
    ),
    *("slow robots", "cut off", "no dates"),
)
WINDOW = 10
DAY = timedelta(days=1)
RETRY_AFTER_S, CRAWL_DELAY_S = 1_200, 5
_WORDS = "The harbour office said on Monday that the ferry to the island will sail twice a day. "


@dataclass(frozen=True)
class Channel:
    """One feed: number `number` of a site, of which two share a host."""

    number: int
    begun: datetime

    @property
    def form(self) -> str:
        return FORMS[self.number % len(FORMS)]

    @property
    def sin(self) -> str:
        return SINS[self.number % len(SINS)]

    @property
    def host(self) -> str:
        return f"s{self.number // 2}.example"

    @property
    def gap(self) -> timedelta:
        return timedelta(minutes=40 + 37 * (self.number % 7))

    @property
    def is_whole(self) -> bool:
        return self.number % 3 == 0 and self.form != "sitemap"

    def published(self, number: int) -> datetime:
        return self.begun + self.gap * (number - 3)

    def numbers(self, now: datetime) -> range:
        """The articles that there are: none is added after a day."""
        last = (min(now, self.begun + DAY) - self.begun) // self.gap + 3
        return range(last + 1)


@dataclass
class SinfulSite:
    """Answers for all channels."""

    site: Site
    count: int
    begun: datetime
    asked: Counter[str] = field(default_factory=Counter)
    busy: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.channels = [Channel(number, self.begun) for number in range(self.count)]
        self._by_path = {f"/feed{each.number}": each for each in self.channels}
        self.site.answer = self.answer

    def feeds(self) -> list[Feed]:
        return [
            Feed(f"source-{each.number}", self.site.url(f"{each.host}/feed{each.number}")) for each in self.channels
        ]

    def link(self, channel: Channel, number: int) -> str:
        return self.site.url(f"{channel.host}/n/{channel.number}-{number}")

    def expected(self) -> set[str]:
        """The addresses of all articles that there were."""
        end = self.begun + DAY
        return {self.link(each, number) for each in self.channels for number in each.numbers(end)}

    def answer(self, asked: Asked) -> Reply | None:
        if asked.path == "/robots.txt":
            return self._robots(asked)
        if asked.path.startswith("/n/"):
            return page(f"Article {asked.path[3:]}")
        channel = self._by_path.get(asked.path.removeprefix("/moved"))
        return None if channel is None else self._feed(channel, asked)

    def _robots(self, asked: Asked) -> Reply | None:
        sins = {each.sin for each in self.channels if each.host == asked.host}
        rules = ["Disallow: /n/"] if "closed pages" in sins else []
        rules += [f"Crawl-delay: {CRAWL_DELAY_S}"] if "slow robots" in sins else []
        return Reply("\n".join(["User-agent: *", *rules]).encode()) if rules else None

    def _feed(self, channel: Channel, asked: Asked) -> Reply:
        self.asked[asked.path] += 1
        times, headers = self.asked[asked.path], {"Content-Type": "application/xml"}
        body = self.document(channel, asked.at, times)
        match channel.sin:
            case "wrong type":
                headers = {"Content-Type": "image/png"}
            case "moved" if not asked.path.startswith("/moved"):
                return Reply(b"", 301, {"Location": f"/moved{asked.path}"})
            case "busy" if times % 3 == 1:
                self.busy.append(asked)
                return Reply(b"", 429, {"Retry-After": str(RETRY_AFTER_S)})
            case "ill" if times % 2:
                return Reply(b"<h1>An error</h1>", 500)
            case "endless" if times % 4 == 1:
                return Reply(endless(body))
            case "bomb" if times % 4 == 1:
                return Reply(gzip.compress(b" " * 20_000_000, 1), headers={"Content-Encoding": "gzip"})
            case "cut off" if times % 4 == 1:
                return Reply(body[: len(body) // 2], headers={"Content-Length": str(len(body))})
            case "gzip":
                return Reply(gzip.compress(body), headers=headers | {"Content-Encoding": "gzip"})
            case "br":
                return Reply(brotli.compress(body, quality=1), headers=headers | {"Content-Encoding": "br"})
            case "validators":
                tag = f'W/"{channel.numbers(asked.at)[-1]}"'
                return (
                    Reply(b"", 304) if asked.headers.get("if-none-match") == tag else Reply(body, headers={"ETag": tag})
                )
        return Reply(body, headers=headers)

    def document(self, channel: Channel, now: datetime, times: int) -> bytes:
        numbers = list(channel.numbers(now)[-WINDOW:])[::-1]
        if channel.sin == "reordered":
            random.Random(times).shuffle(numbers)
        items = [self._members(channel, number, times) for number in numbers]
        body = {"rss": rss, "atom": atom, "json": json_feed, "rdf": rdf, "sitemap": sitemap}[channel.form](items)
        return (
            body.replace(b"twice", b"tw\xffice") if channel.sin == "broken bytes" and channel.form != "json" else body
        )

    def _members(self, channel: Channel, number: int, times: int) -> dict[str, str]:
        sin, at = channel.sin, channel.published(number)
        guid = {"no guid": "", "empty guid": " ", "rotated guids": f"{times}-{number}", "reused guids": "the-same"}
        zone = timezone(timedelta(hours=(-8, -3, 0, 3, 5.5)[number % 5])) if sin == "five zones" else at.tzinfo
        text = f"Article {number} of {channel.number}. " + _WORDS * (12 if channel.is_whole else 1)
        return {
            "link": self.link(channel, number),
            "guid": guid.get(sin, f"{channel.number}/{number}"),
            "title": "" if sin == "no title" else f"Article {number} of {channel.number}",
            "at": "" if sin == "no dates" else at.astimezone(zone).isoformat(),
            "text": f"<p>{text}</p>",
        }


def endless(start: bytes) -> Iterator[bytes]:
    yield start
    while True:
        yield b"<!-- on and on -->" * 4_000


def rss(items: list[dict[str, str]]) -> bytes:
    def dated(at: str) -> str:
        return f"<pubDate>{format_datetime(datetime.fromisoformat(at))}</pubDate>" if at else ""

    parts = (
        f"<item><title>{escape(each['title'])}</title><link>{escape(each['link'])}</link>{dated(each['at'])}"
        f'<guid isPermaLink="false">{each["guid"]}</guid><content:encoded>{escape(each["text"])}</content:encoded></item>'
        for each in items
    )
    space = 'xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    return f'<rss version="2.0" {space}><channel><title>A feed</title>{"".join(parts)}</channel></rss>'.encode()


def atom(items: list[dict[str, str]]) -> bytes:
    parts = (
        f"<entry><title>{escape(each['title'])}</title><link href='{escape(each['link'])}'/><id>{each['guid']}</id>"
        f"<updated>{each['at']}</updated><content type='html'>{escape(each['text'])}</content></entry>"
        for each in items
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom"><title>A feed</title>{"".join(parts)}</feed>'.encode()


def json_feed(items: list[dict[str, str]]) -> bytes:
    members = [
        {"id": each["guid"], "url": each["link"], "title": each["title"], "content_html": each["text"]}
        | ({"date_published": each["at"]} if each["at"] else {})
        for each in items
    ]
    return orjson.dumps({"version": "https://jsonfeed.org/version/1.1", "items": members})


def rdf(items: list[dict[str, str]]) -> bytes:
    parts = (
        f"<item rdf:about='{each['guid']}'><title>{escape(each['title'])}</title><link>{escape(each['link'])}</link>"
        f"<dc:date>{each['at']}</dc:date><description>{escape(each['text'])}</description></item>"
        for each in items
    )
    spaces = (
        'xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    )
    return f"<rdf:RDF {spaces}><channel><title>A feed</title></channel>{''.join(parts)}</rdf:RDF>".encode()


def sitemap(items: list[dict[str, str]]) -> bytes:
    parts = (
        f"<url><loc>{escape(each['link'])}</loc><news:news><news:publication_date>{each['at']}</news:publication_date>"
        f"<news:title>{escape(each['title'])}</news:title></news:news></url>"
        for each in items
    )
    spaces = (
        'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    )
    return f"<urlset {spaces}>{''.join(parts)}</urlset>".encode()
