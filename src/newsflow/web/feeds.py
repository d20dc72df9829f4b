"""Atom, RSS and JSON Feed of a list of articles. The same articles give the same bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape
from urllib.parse import quote

import orjson
from lxml import etree

from newsflow.model.headers import instant_text
from newsflow.shown import lines, one_line
from newsflow.stores.reading import Change
from newsflow.web.access import Reader
from newsflow.web.served import Json, article_json

ENTRIES = 50
_ATOM = "http://www.w3.org/2005/Atom"
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Feed:
    """What a feed says of itself. `name` is its id, `home` and `own` are absolute URLs; `texts`: whole texts."""

    name: str
    title: str
    home: str
    own: str
    reader: Reader
    texts: bool


def web_address(url: str | None) -> str | None:
    """An address that may be followed: http or https, as text that ends no attribute; None for any other."""
    if url is None or not re.match(r"(?i)https?://[^\s/]", url):
        return None
    return quote(url, safe=":/?#[]@!$&'()*+,;=%~-._")


def atom(feed: Feed, changes: Sequence[Change]) -> bytes:
    root = etree.Element("feed", nsmap={None: _ATOM})  # type: ignore[dict-item]
    _put(root, "id", feed.name)
    _put(root, "title", feed.title)
    _put(root, "updated", instant_text(_updated(changes)))
    author = etree.SubElement(root, "author")
    _put(author, "name", "newsflow")
    etree.SubElement(root, "link", rel="self", href=feed.own, type="application/atom+xml")
    etree.SubElement(root, "link", rel="alternate", href=feed.home, type="text/html")
    for change in changes:
        members = _members(feed, change)
        entry = etree.SubElement(root, "entry")
        language = members["language"]
        if language != "und" and re.fullmatch(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*", language):
            entry.set("{http://www.w3.org/XML/1998/namespace}lang", language)
        _put(entry, "id", f"urn:newsflow:article:{quote(change.id)}")
        _put(entry, "title", one_line(members["title"]) or "…")
        _put(entry, "updated", instant_text(change.at))
        _put(entry, "published", members["first_seen"])
        etree.SubElement(entry, "link", rel="alternate", href=_address(members, feed), type="text/html")
        _put(etree.SubElement(entry, "source"), "title", members["source"])
        for topic in members["topics"]:
            etree.SubElement(entry, "category", term=_xml(topic["id"]))
        for name in members.get("authors", ()):
            _put(etree.SubElement(entry, "author"), "name", one_line(name) or "…")
        _put(entry, "summary", members["excerpt"])
        if feed.texts:
            _put(entry, "content", members["body"])
    return _bytes(root)


def rss(feed: Feed, changes: Sequence[Change]) -> bytes:
    root = etree.Element("rss", version="2.0", nsmap={"atom": _ATOM})
    channel = etree.SubElement(root, "channel")
    _put(channel, "title", feed.title)
    _put(channel, "link", feed.home)
    _put(channel, "description", feed.title)
    _put(channel, "lastBuildDate", format_datetime(_updated(changes), usegmt=True))
    etree.SubElement(channel, f"{{{_ATOM}}}link", rel="self", href=feed.own, type="application/rss+xml")
    for change in changes:
        members = _members(feed, change)
        item = etree.SubElement(channel, "item")
        # Readers take these for HTML: what stands in the text must not become any.
        _put(item, "title", escape(one_line(members["title"])) or "…")
        _put(item, "link", _address(members, feed))
        _put(item, "description", escape(members["body"] if feed.texts else members["excerpt"]))
        _put(item, "guid", f"urn:newsflow:article:{quote(change.id)}").set("isPermaLink", "false")
        _put(item, "pubDate", format_datetime(datetime.fromisoformat(members["first_seen"]), usegmt=True))
        for topic in members["topics"]:
            _put(item, "category", topic["id"])
    return _bytes(root)


def json_feed(feed: Feed, changes: Sequence[Change]) -> bytes:
    return orjson.dumps(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.title,
            "home_page_url": feed.home,
            "feed_url": feed.own,
            "items": [_item(feed, change) for change in changes],
        }
    )


def _item(feed: Feed, change: Change) -> Json:
    members = _members(feed, change)
    return {
        "id": f"urn:newsflow:article:{quote(change.id)}",
        "url": _address(members, feed),
        "title": one_line(members["title"]),
        "content_text": members["body"] if feed.texts else members["excerpt"],
        "summary": members["excerpt"],
        "date_published": members["first_seen"],
        "date_modified": instant_text(change.at),
        "authors": [{"name": one_line(name)} for name in members.get("authors", ())],
        "tags": [topic["id"] for topic in members["topics"]],
        "language": members["language"],
    }


FORMATS: dict[str, tuple[str, Callable[[Feed, Sequence[Change]], bytes]]] = {
    "atom": ("application/atom+xml", atom),
    "rss": ("application/rss+xml", rss),
    "json": ("application/feed+json", json_feed),
}
"""Media type and writer of each, by its ending."""


def _members(feed: Feed, change: Change) -> Json:
    return article_json(change.members, feed.reader, full_text=feed.texts)


def _updated(changes: Sequence[Change]) -> datetime:
    return max((each.at for each in changes), default=_NEVER).astimezone(UTC)


def _address(members: Json, feed: Feed) -> str:
    """Where the publisher has it, else its page here."""
    return web_address(members.get("url")) or f"{feed.home.partition('/topics')[0]}/articles/{quote(members['id'])}"


def _put(parent: etree._Element, name: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, name)
    child.text = _xml(text)
    return child


def _xml(text: str) -> str:
    """The text without characters that XML forbids, or that turn the direction of what stands beside it."""
    return _NOT_IN_XML.sub("\ufffd", lines(text))


def _bytes(root: etree._Element) -> bytes:
    made: bytes = etree.tostring(root, encoding="utf-8", xml_declaration=True)
    return made
