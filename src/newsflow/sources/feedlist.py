"""Lists of feeds: `feeds.yaml`, and OPML as feed readers write it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from lxml import etree

from newsflow.errors import ConfigError, raise_all
from newsflow.model.url import canonical_host
from newsflow.yamlfile import parse_yaml, read_text

_NOT_IN_ID = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Feed:
    """One feed of a list. `content`, `every_s`, `language`, `robots` and `headers` as feeds.schema.json says."""

    source: str
    url: str
    title: str = ""
    content: str = "auto"
    every_s: int | None = None
    language: str | None = None
    robots: bool = True
    headers: tuple[tuple[str, str], ...] = ()

    def members(self) -> dict[str, Any]:
        """What `feeds.yaml` says of it: all that is not as it is by itself."""
        told = {name: value for name in Feed.__slots__ if (value := getattr(self, name)) != _UNSAID.get(name)}
        return told | ({"headers": dict(self.headers)} if self.headers else {})


_UNSAID = {"title": "", "content": "auto", "every_s": None, "language": None, "robots": True, "headers": ()}


def read_feeds(paths: Iterable[str | Path]) -> list[Feed]:
    """The feeds of several lists. Raises `ConfigError` for what cannot be read, breaks the schema, or has one address
    twice."""
    found: dict[str, tuple[Feed, str]] = {}
    wrong: list[ConfigError] = []
    for path in map(Path, paths):
        try:
            feeds = list(_feeds_of(read_text(path), str(path)))
        except ConfigError as error:
            wrong.append(error)
            continue
        for feed, line in feeds:
            if feed.url in found:
                message = f"the feed {feed.url} stands twice, first in {found[feed.url][1]}; accepted: once"
                wrong.append(ConfigError(message, file=str(path), line=line))
            else:
                found[feed.url] = feed, str(path)
    raise_all(wrong)
    return [feed for feed, _ in found.values()]


def feeds_of(text: str, file: str) -> list[Feed]:
    """The feeds of one list given as text; `file` names it in errors. Raises `ConfigError`."""
    return [feed for feed, _ in _feeds_of(text, file)]


def _feeds_of(text: str, file: str) -> Iterator[tuple[Feed, int | None]]:
    return _of_opml(text, file) if is_opml(text) else _of_yaml(text, file)


def is_opml(text: str) -> bool:
    return re.search(r"<opml\b", text[:4_096], re.IGNORECASE) is not None


def _of_yaml(text: str, file: str) -> Iterator[tuple[Feed, int | None]]:
    document = parse_yaml(text, file)
    document.check(_schema())
    for index, item in enumerate(document.value["feeds"]):
        headers = tuple(sorted(item.get("headers", {}).items()))
        yield Feed(**{**item, "headers": headers}), document.line(("feeds", index))


@cache
def _schema() -> Any:
    return json.loads(files("newsflow.sources").joinpath("feeds.schema.json").read_text(encoding="utf-8"))


def _of_opml(text: str, file: str) -> Iterator[tuple[Feed, int | None]]:
    """Every outline with an `xmlUrl`, however deep. What this format does not know, it keeps in attributes of the same
    name; without one, the source is the host of the site."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=True)
    root = None
    with suppress(etree.XMLSyntaxError):
        root = etree.fromstring(text.encode(), parser)
    seen: set[str] = set()
    for outline in () if root is None else root.iter("outline"):
        attributes = {str(name).lower(): str(value).strip() for name, value in outline.attrib.items()}
        url = attributes.get("xmlurl", "")
        # Readers keep a feed in several folders.
        if not re.match(r"https?://[^\s/]", url, re.IGNORECASE) or url in seen:
            continue
        seen.add(url)
        source = attributes.get("source") or source_of(attributes.get("htmlurl") or url, url)
        title = attributes.get("title") or attributes.get("text") or ""
        feed = Feed(source, url, title[:500], language=attributes.get("language") or None)
        parse_yaml(to_yaml([feed]), file).check(_schema())
        yield feed, None
    if not seen:
        raise ConfigError("has no outline with an xmlUrl; accepted: OPML as a feed reader exports it", file=file)


def source_of(*urls: str) -> str:
    """A source id from the first address that has a host: `https://www.barid.example/feed` gives `barid.example`."""
    for url in urls:
        if source := _source_at(url.partition("://")[2].partition("/")[0]):
            return source
    return "unknown"


@lru_cache(maxsize=4_096)
def _source_at(authority: str) -> str | None:
    try:
        return _NOT_IN_ID.sub("-", canonical_host(authority)).strip("-._")[:100]
    except ValueError:
        return None


def to_yaml(feeds: Sequence[Feed]) -> str:
    """`feeds.yaml`."""
    members = [feed.members() for feed in feeds]
    return yaml.safe_dump({"version": 1, "feeds": members}, allow_unicode=True, sort_keys=False, width=120)


def to_opml(feeds: Sequence[Feed]) -> str:
    """OPML 2.0 that feed readers import. Headers stay behind: they name secrets."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Feeds of newsflow"
    body = etree.SubElement(root, "body")
    for feed in feeds:
        told = {"type": "rss", "text": feed.title or feed.url, "xmlUrl": feed.url, "source": feed.source}
        told |= {"language": feed.language} if feed.language else {}
        etree.SubElement(body, "outline", told)
    return etree.tostring(root, encoding="utf-8", xml_declaration=True, pretty_print=True).decode()
