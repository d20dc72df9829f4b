"""What a server sent in answer to a feed's address, read: RSS, Atom, JSON Feed, news sitemaps, sitemap indexes, and as
the last resort a page with links. By what it is, not by what its `Content-Type` says. Pure."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser
import orjson
from lxml import etree

from newsflow.errors import NewsflowError
from newsflow.model.url import is_homepage
from newsflow.normalise.encodings import decode_bytes
from newsflow.normalise.page.tree import parse_tree, strip_tags

MAX_ITEMS = 2_000
"""Read of one document; a news sitemap has a thousand at most. The first are kept."""
MAX_CHILDREN = 500
_LEAST_ANCHOR_CHARS = 25
_LONGEST_ADDRESS = 4_096
_PLAIN_ADDRESS = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?(?:[/?#][!-~]*)?")
"""Most absolute addresses: in these there is nothing to mend."""
_ENCODING = re.compile(r"^\s*<\?xml[^>]*?(\sencoding\s*=\s*[\"'][^\"']*[\"'])", re.IGNORECASE)
_DECLARED = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']+)", re.IGNORECASE)
_BEFORE, _DECLARATION_BYTES = b"\xef\xbb\xbf\xff\xfe\xfe\xff \t\r\n\0", 1_000
_WIDE = ((b"\0\0\0<", "utf-32-be"), (b"<\0\0\0", "utf-32-le"), (b"\0<", "utf-16-be"), (b"<\0", "utf-16-le"))
_MARKED_UP = re.compile(r"</\w|<(?:br|hr|img|p|wbr)\b|<\w+\s+[\w-]+\s*=|&(?:\w+|#\w+);")
"""What text holds that is HTML, whatever it says it is; `the <blink> tag` may be text."""
_EBCDIC = "<?xml".encode("cp037")
_PERIODS = {"hourly": 3_600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000}
_FEED_TYPE = re.compile(r"application/(?:(?:rss|atom|rdf)\+xml|(?:feed\+)?json)|text/xml")
_NEWS = "{*}news/{*}"


class NotAFeedError(NewsflowError):
    """The answer holds nothing that a feed is."""


@dataclass(frozen=True, slots=True)
class Item:
    """What a feed says of one article, in its own words. `content` and `summary` are HTML unless `is_text`."""

    link: str | None = None
    guid: str | None = None
    title: str | None = None
    published: str | None = None
    updated: str | None = None
    language: str | None = None
    authors: tuple[str, ...] = ()
    section: str | None = None
    content: str = ""
    summary: str = ""
    is_text: bool = False


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document. `kind`: rss, atom, json, sitemap, index or page. `children` are the sitemaps of an index, with what
    it says of their last change; `every_s` is how often the feed says it changes. `hub` tells at once what is new in
    `topic`, the feed's own address (WebSub)."""

    kind: str
    items: tuple[Item, ...] = ()
    title: str | None = None
    language: str | None = None
    every_s: float | None = None
    children: tuple[tuple[str, str | None], ...] = field(default=())
    hub: str | None = None
    topic: str | None = None


def parse_feed(body: bytes, url: str, headers: Mapping[str, str] | None = None) -> Parsed:
    """Read a document that `url` answered with. Raises `NotAFeedError`."""
    headers = headers or {}
    start = body.lstrip(_BEFORE)[:1]
    if not start:
        raise NotAFeedError("the answer is empty; accepted: a feed, a sitemap, or a page with links")
    if start == b"{" and (found := _json_feed(body, url)) is not None:
        return found
    if re.search(rb"<(?:\w+:)?(?:urlset|sitemapindex)\b", body[:4_096]):
        return _sitemap(body, url)
    parsed = _syndicated(body, url, headers)
    if parsed is not None:
        return parsed
    page = _page(body, url, headers)
    if not page.items:
        raise NotAFeedError("neither a feed, nor a sitemap, nor a page with links to articles")
    return page


# RSS and Atom


def _syndicated(body: bytes, url: str, headers: Mapping[str, str]) -> Parsed | None:
    announced = _announced(headers)
    body, told = _prepared(body, headers)
    # Through BytesIO: feedparser opens a text that looks like an address, or like a file. It is not told the feed's own
    # address: it would make guids into addresses below it.
    found = feedparser.parse(io.BytesIO(body), response_headers=told, sanitize_html=False, resolve_relative_uris=False)
    if not found.version and not found.entries:
        return None
    channel = found.feed
    return Parsed(
        kind="atom" if found.version.startswith("atom") else "rss",
        items=tuple(_entry(each, url) for each in found.entries[:MAX_ITEMS]),
        title=_text(channel.get("title")),
        language=_text(channel.get("language")),
        every_s=_period_s(channel),
        hub=announced.get("hub") or _channel_link(channel, "hub", url),
        topic=announced.get("self") or _channel_link(channel, "self", url),
    )


def _channel_link(channel: Any, relation: str, base: str) -> str | None:
    links = (each.get("href") for each in channel.get("links", ()) if each.get("rel") == relation)
    return next((web for link in links if (web := web_address(link, base))), None)


_LINK = re.compile(r"<([^<>]{1,4096})>([^<>]{0,1000})")
_RELATION = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s;,\"]+))", re.IGNORECASE)


def _announced(headers: Mapping[str, str]) -> dict[str, str]:
    """The hub and the feed's own address that a server names in `Link` headers, which count before the feed's own."""
    found: dict[str, str] = {}
    for target, parameters in _LINK.findall(headers.get("link", "")[:16_384]):
        relation, web = _RELATION.search(parameters), web_address(target, "")
        for name in (relation[1] or relation[2]).lower().split() if relation and web else ():
            found.setdefault(name, web or "")
    return found


def _prepared(body: bytes, headers: Mapping[str, str]) -> tuple[bytes, dict[str, str]]:
    """A document as feedparser is given it, and the headers that it goes by.

    Of the type only a charset that is named counts: feedparser takes `text/*` without one for ASCII, as RFC 3023 did,
    and servers send that beside anything. Bytes that are to be UTF-8 and are not, and those of UTF-16 and UTF-32, are
    decoded by our own reader: one bad byte would make feedparser take all of them for another encoding.
    """
    charset, text = charset_of(headers), _decoded(body, charset_of(headers))
    if text is not None:
        charset, body = None, _ENCODING.sub("<?xml version='1.0'", text, count=1).encode("utf-8", "replace")
    told = {"content-type": f"application/xml; charset={charset}" if charset else "application/xml"}
    told |= {"content-language": headers["content-language"]} if "content-language" in headers else {}
    return _with_short_declaration(body), told


def _decoded(body: bytes, charset: str | None) -> str | None:
    """The text of bytes that feedparser is not to decode; None for all others."""
    if body.startswith(_EBCDIC):
        return None
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)):
        return decode_bytes(body)
    if wide := next((name for start, name in _WIDE if body.startswith(start)), None):
        return body.decode(wide, "replace")
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        declared = _DECLARED.search(body[:400])
        named = (charset or (declared[1].decode("ascii", "replace") if declared else "utf-8")).lower()
        return decode_bytes(body) if named in ("utf-8", "utf8") else None
    return None


def _with_short_declaration(body: bytes) -> bytes:
    """The document with its XML declaration on a line of its own: feedparser looks for its end in time that grows with
    the square of the line. Raises `NotAFeedError` where it does not end."""
    start = body.lstrip(_BEFORE)
    if not start.startswith(b"<?"):
        return body
    end = start.find(b"?>", 0, _DECLARATION_BYTES)
    if end < 0:
        raise NotAFeedError("its XML declaration does not end; accepted: a feed, a sitemap, or a page with links")
    return start[: end + 2].replace(b"\n", b" ") + b"\n" + start[end + 2 :]


def _entry(entry: Any, base: str) -> Item:
    contents = [each for each in entry.get("content", ()) if _text(each.get("value"))]
    # Of several forms the longest has the whole: a feed may carry the same as text beside it.
    content = max(contents, key=lambda each: len(each.value), default=None)
    summary = entry.get("summary") or ""
    if content is not None and content.value == summary:
        summary = ""
    of_text = content if content is not None else entry.get("summary_detail")
    section = next((_text(tag.get("label") or tag.get("term")) for tag in entry.get("tags", ())), None)
    return Item(
        link=_link(entry, base),
        guid=_text(entry.get("id")),
        title=_plain_title(entry),
        published=next(
            filter(None, (_text(_dated(entry, name)) for name in ("published", "created", "updated"))), None
        ),
        updated=_text(_dated(entry, "updated")),
        language=_text(content.get("language") if content is not None else None),
        authors=_authors(entry),
        section=section,
        content=content.value if content is not None else "",
        summary=summary,
        is_text=of_text is not None and of_text.get("type") == "text/plain" and "<" not in of_text.get("value", ""),
    )


def _dated(entry: Any, name: str) -> object:
    """What it says itself: feedparser gives `published` for an `updated` that is not there, with a warning."""
    return entry[name] if name in entry.keys() else None  # noqa: SIM118


def _link(entry: Any, base: str) -> str | None:
    """Where the article is: the address before a counting service, else the link, else a guid that is an address."""
    link = entry.get("link")
    # feedparser gives a guid for a link that is not there, unless the feed says that it is none.
    stated = link if link != entry.get("id") or re.match("https?://", link or "", re.IGNORECASE) else None
    for found in (entry.get("feedburner_origlink"), stated):
        if web := web_address(found, base):
            return web
    others = [link for link in entry.get("links", ()) if link.get("rel") in ("alternate", "related", "via")]
    return next((web for link in others if (web := web_address(link.get("href"), base))), None)


def web_address(text: object, base: str) -> str | None:
    """An absolute http or https address, None for anything else."""
    if not isinstance(text, str) or not text.strip():
        return None
    if not base and len(text) <= _LONGEST_ADDRESS and _PLAIN_ADDRESS.fullmatch(text):
        return text
    try:
        # An address that was broken over lines is one; a space within it is meant, and is written as browsers do.
        url = urljoin(base, re.sub(r"\s*[\r\n\t]\s*", "", text.strip()).replace(" ", "%20"))
        parts = urlsplit(url)
        return url if parts.scheme in ("http", "https") and parts.hostname and len(url) <= _LONGEST_ADDRESS else None
    except ValueError:
        return None


def _plain_title(entry: Any) -> str | None:
    title = entry.get("title")
    if not title:
        return None
    kind = entry.get("title_detail", {}).get("type", "text/plain")
    return _text(title if kind == "text/plain" and not _MARKED_UP.search(title) else plain(title))


def _authors(entry: Any) -> tuple[str, ...]:
    names = [_text(each.get("name")) for each in entry.get("authors", ())] or [_text(entry.get("author"))]
    return tuple(dict.fromkeys(name for name in names if name))


def _period_s(channel: Any) -> float | None:
    """How often a feed says it changes: `ttl` in minutes, or the times in a period of the syndication module."""
    ttl = str(channel.get("ttl") or "")
    if ttl.isascii() and ttl.isdigit():
        return min(int(ttl[:6]) * 60.0, 86_400.0) or None
    period = _PERIODS.get(str(channel.get("sy_updateperiod") or "").strip().lower())
    times = str(channel.get("sy_updatefrequency") or "1")
    return period / max(int(times[:4]), 1) if period and times.isascii() and times.isdigit() else None


# JSON Feed, https://www.jsonfeed.org/version/1.1/


def _json_feed(body: bytes, url: str) -> Parsed | None:
    try:
        found = orjson.loads(decode_bytes(body).encode())
    except (orjson.JSONDecodeError, UnicodeError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("items"), list):
        return None
    return Parsed(
        kind="json",
        items=tuple(_json_item(each, url) for each in _dicts(found["items"])[:MAX_ITEMS]),
        title=_text(found.get("title")),
        language=_text(found.get("language")),
        hub=next((web for each in _dicts(found.get("hubs")) if (web := web_address(each.get("url"), url))), None),
        topic=web_address(found.get("feed_url"), url),
    )


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _json_item(item: dict[str, Any], base: str) -> Item:
    guid, authors = item.get("id"), [*_dicts(item.get("authors")), *_dicts([item.get("author")])]
    content, text = _text(item.get("content_html")), _text(item.get("content_text"))
    tags = item.get("tags")
    return Item(
        link=web_address(item.get("url"), base) or web_address(item.get("external_url"), base),
        guid=str(guid) if isinstance(guid, int | float) else _text(guid),
        title=_text(item.get("title")),
        published=_text(item.get("date_published")),
        updated=_text(item.get("date_modified")),
        language=_text(item.get("language")),
        authors=tuple(dict.fromkeys(name for each in authors if (name := _text(each.get("name"))))),
        section=next((_text(tag) for tag in tags), None) if isinstance(tags, list) else None,
        content=content or text or "",
        summary=_text(item.get("summary")) or "",
        is_text=content is None and text is not None,
    )


# Sitemaps, https://www.sitemaps.org/protocol.html and those for news


def _sitemap(body: bytes, url: str) -> Parsed:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True, huge_tree=False)
    root = None
    with suppress(etree.XMLSyntaxError):
        root = etree.fromstring(body.lstrip(), parser)
    if root is None:
        raise NotAFeedError("the sitemap is not XML; accepted: a sitemap, a feed, or a page with links")
    if etree.QName(root).localname == "sitemapindex":
        children = [
            (web, _child(each, "{*}lastmod")) for each in root.iterfind("{*}sitemap") if (web := _loc(each, url))
        ]
        return Parsed("index", children=tuple(_newest(children)))
    items = [item for each in root.iterfind("{*}url") if (item := _sitemap_item(each, url)) is not None]
    return Parsed("sitemap", tuple(items[:MAX_ITEMS]))


def _newest(children: list[tuple[str, str | None]]) -> list[tuple[str, str | None]]:
    """Those that changed last, as the index says; without a date, in its order."""
    return sorted(children, key=lambda child: child[1] or "", reverse=True)[:MAX_CHILDREN]


def _loc(element: Any, base: str) -> str | None:
    return web_address(_child(element, "{*}loc"), base)


def _child(element: Any, path: str) -> str | None:
    return _text(element.findtext(path))


def _sitemap_item(element: Any, base: str) -> Item | None:
    link = _loc(element, base)
    if link is None:
        return None
    return Item(
        link=link,
        title=_child(element, f"{_NEWS}title"),
        published=_child(element, f"{_NEWS}publication_date"),
        updated=_child(element, "{*}lastmod"),
        language=_child(element, f"{_NEWS}publication/{{*}}language"),
    )


# A page with links


def _page(body: bytes, url: str, headers: Mapping[str, str]) -> Parsed:
    tree = _tree(body, url, headers)
    return Parsed("page", tuple(_links(tree, url))[:MAX_ITEMS] if tree is not None else ())


def _tree(body: bytes, url: str, headers: Mapping[str, str]) -> Any:
    tree = parse_tree(decode_bytes(body, charset_of(headers)))
    if tree is None:
        return None
    base = next(iter(tree.xpath("//base/@href")), None)
    with suppress(ValueError):
        tree.make_links_absolute(urljoin(url, base) if base else url, handle_failures="discard")
    return tree


def _links(tree: Any, url: str) -> Iterator[Item]:
    """Links within the site that read like headlines: long, and to no front page."""
    host, seen = urlsplit(url).hostname, {url}
    for anchor in tree.iter("a"):
        link = web_address((anchor.get("href") or "").partition("#")[0], url)
        title = " ".join(anchor.text_content().split())
        if link is None or link in seen or len(title) < _LEAST_ANCHOR_CHARS or " " not in title:
            continue
        if urlsplit(link).hostname == host and not is_homepage(link):
            seen.add(link)
            yield Item(link=link, title=title)


def announced_feeds(body: bytes, url: str, headers: Mapping[str, str]) -> list[str]:
    """The addresses of the feeds that a page announces in its head, in its order."""
    tree, found = _tree(body, url, headers), []
    for link in () if tree is None else tree.iter("link"):
        kind = (link.get("type") or "").partition(";")[0].strip().lower()
        web = web_address(link.get("href"), url)
        if web and "alternate" in (link.get("rel") or "").lower().split() and _FEED_TYPE.fullmatch(kind):
            found.append(web)
    return list(dict.fromkeys(found))


def plain(markup: str) -> str:
    """The words of a fragment of HTML, with single spaces."""
    return " ".join((strip_tags(markup) if "<" in markup or "&" in markup else markup).split())


def charset_of(headers: Mapping[str, str]) -> str | None:
    """The charset that a server names."""
    found = re.search(r"charset\s*=\s*[\"']?([^\s;\"']+)", headers.get("content-type", ""), re.IGNORECASE)
    return found[1] if found else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None
