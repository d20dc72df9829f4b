"""What a page says about itself outside its body: titles, authors, URL, language, dates.

JSON-LD, metadata and headings come from one walk over the tree; dates are looked for in the visible text only where
none of these gives one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.characters import fold, tidy_line
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.names import UPDATED
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.tree import text_of
from newsflow.normalise.values import SourceProfile

# ruff: noqa: SIM905 - rows of words read best as rows


MAX_SCRIPTS, MAX_MEMBER_CHARS, MAX_NODES, MAX_DEPTH = 30, 2_000_000, 5_000, 12
_ARTICLE = re.compile(
    r"(?:News|Report|Blog|Live|Opinion|Analysis|Review|Reportage|Background|Scholarly|Social).*|Article"
)
_CDATA = re.compile(r"^\s*(?://)?\s*<!\[CDATA\[|(?://)?\s*\]\]>\s*$|^\s*<!--|-->\s*$")
_CONTROL = re.compile("[\x00-\x1f]+")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
MAX_ELEMENTS = 2_000
_DATE_META = (
    "article:published_time og:published_time og:article:published_time datepublished publishdate pubdate publish_date "
    "publish-date date dc.date.issued dcterms.created dc.date dcterms.date dc.date.created sailthru.date "
    "parsely-pub-date cxenseparse:recs:publishtime article.published article_date_original article:published "
    "published_time datecreated timestamp"
).split()
_AUTHOR_META = ("author", "article:author_name", "dc.creator", "parsely-author", "sailthru.author", "byl")
_TITLE_META = ("og:title", "twitter:title", "dc.title", "sailthru.title", "parsely-title")
# Dates, best evidence first. How far from the heading a visible one may stand counts in elements.
MAX_DATES, MAX_LOOKED_AT, MAX_CHARS = 6, 20_000, 120
NEAR_BELOW, NEAR_ABOVE = 80, 8
_UPDATED_RANK, _ABOVE_RANK, _NAMED_RANK, _NEVER = 100, 300, 400, 1_000_000
_PUBLISHED = re.compile(
    r"publi|pubdate|posted|post-?(?:date|time|meta)|entry-?date|article-?(?:date|time)|story-?date", re.I
)
_NO_TEXT = frozenset({"script", "style", "meta", "link", "head", "title", "html", "body"})
_NOT_OURS = re.compile(
    r"modif|updat|comment|related|sidebar|footer|copyright|weather|clock|today|current", re.IGNORECASE
)
_YEAR = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰|13|14|۱۳|۱۴)\d\d|\d{1,2}\.\d{1,2}\.\d\d")


def find_article(scripts: list[str]) -> dict[str, Any]:
    """The first JSON-LD node of an article, else of a video, else an empty dict."""
    found: dict[str, Any] = {}
    for script in scripts[:MAX_SCRIPTS]:
        for node in _nodes(_load(script)):
            types = node.get("@type")
            listed = types if isinstance(types, list) else [types]
            names = [name.rpartition("/")[2] for name in listed if isinstance(name, str)]
            is_typed = "VideoObject" in names or "WebPage" in names or any(map(_ARTICLE.fullmatch, names))
            if is_typed and any("Article" in name or "Posting" in name for name in names):
                return node
            if "VideoObject" in names:
                found = found or node
    return found


def _load(script: str) -> Any:
    if len(script) > MAX_MEMBER_CHARS:
        return None
    text = _CDATA.sub("", script).strip().rstrip(";")
    for attempt in (text, _CONTROL.sub(" ", text), _TRAILING_COMMA.sub(r"\1", _CONTROL.sub(" ", text))):
        try:
            return orjson.loads(attempt)
        except orjson.JSONDecodeError:
            continue
    return None


def _nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Objects of a JSON-LD value, outer before inner, within limits."""
    stack: list[tuple[Any, int]] = [(value, 0)]
    seen = 0
    while stack and seen < MAX_NODES:
        item, depth = stack.pop()
        seen += 1
        if depth > MAX_DEPTH:
            continue
        if isinstance(item, list):
            stack.extend((each, depth + 1) for each in reversed(item))
        elif isinstance(item, dict):
            yield item
            stack.extend((item[key], depth + 1) for key in ("mainEntity", "@graph", "hasPart") if key in item)


def member_text(value: Any) -> str:
    """A string member as plain text, else empty. Entities are resolved twice: publishers escape twice."""
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, str)), "")
    if isinstance(value, dict):
        value = value.get("@value") or value.get("name") or ""
    return html.unescape(html.unescape(value)) if isinstance(value, str) else ""


def names_of(value: Any) -> list[str]:
    """Names of persons or organisations: strings, objects with `name`, or lists of them."""
    if isinstance(value, list):
        return [name for item in value[:20] for name in names_of(item)]
    if isinstance(value, dict):
        value = value.get("name")
        return names_of(value) if isinstance(value, list) else [member_text(value)] if isinstance(value, str) else []
    return [member_text(value)] if isinstance(value, str) else []


@dataclass(slots=True)
class Metadata:
    """Text as the page has it. `titles` maps where a title stood to the title; `dates` are best first."""

    titles: dict[str, str] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    dates: list[tuple[DateEvidence, str]] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    canonical: str | None = None
    language: str | None = None
    site_name: str | None = None
    description: str = ""
    article_body: str = ""


@dataclass(slots=True)
class _Elements:
    """What the walk met: `meta` by name, JSON-LD `scripts`, `time` elements before and after the first heading."""

    meta: dict[str, str] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    early: list[tuple[DateEvidence, str]] = field(default_factory=list)
    times: list[tuple[DateEvidence, str]] = field(default_factory=list)
    headings: list[str] = field(default_factory=list)
    canonical: str | None = None
    title: str = ""


def read_metadata(tree: HtmlElement) -> Metadata:
    """Titles, dates, authors, canonical URL, language and more of a page."""
    found = _walk(tree)
    node = find_article(found.scripts)
    meta = found.meta
    return Metadata(
        titles=_titles(found, node),
        headings=found.headings,
        dates=_dates(found, node),
        authors=_authors(meta, node),
        canonical=found.canonical or meta.get("og:url") or _url_of(node),
        language=tree.get("lang") or tree.get("xml:lang") or meta.get("og:locale") or meta.get("content-language"),
        site_name=meta.get("og:site_name") or meta.get("application-name"),
        description=member_text(node.get("description")) or meta.get("og:description") or meta.get("description", ""),
        article_body=member_text(node.get("articleBody")),
    )


def _walk(tree: HtmlElement) -> _Elements:
    found = _Elements()
    for count, element in enumerate(tree.iter("meta", "script", "link", "title", "time", "h1")):
        if count > MAX_ELEMENTS:
            break
        tag = element.tag
        if tag == "meta":
            _take_meta(element, found)
        elif tag == "script":
            if "ld+json" in (element.get("type") or "").lower() and element.text:
                found.scripts.append(element.text)
        elif tag == "link":
            href = element.get("href")
            if href and found.canonical is None and element.get("rel", "").lower() == "canonical":
                found.canonical = href.strip()
        elif tag == "title":
            found.title = found.title or text_of(element)
        elif tag == "h1":
            if not found.headings:
                found.early, found.times = found.times, []
            found.headings.append(text_of(element))
        else:
            _take_time(element, found)
    return found


def _take_meta(element: HtmlElement, found: _Elements) -> None:
    if content := (element.get("content") or "").strip():
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            if name := element.get(attribute):
                found.meta.setdefault(name.strip().lower(), content)


def _take_time(element: HtmlElement, found: _Elements) -> None:
    if not found.headings and next(element.iterancestors("article", "main"), None) is None:
        return  # a clock in the page's header
    if "modif" in f"{element.get('itemprop')} {element.get('class')}".lower():
        return
    if stamp := (element.get("datetime") or "").strip():
        found.times.append(("meta", stamp))
    if text := text_of(element):
        found.times.append(("text", text))


def _titles(found: _Elements, node: dict[str, Any]) -> dict[str, str]:
    titles = {"json-ld": member_text(node.get("headline")) or member_text(node.get("name"))}
    titles |= {name: found.meta.get(name, "") for name in _TITLE_META}
    titles["title"] = found.title
    return {name: title for name, title in titles.items() if title.strip()}


def _dates(found: _Elements, node: dict[str, Any]) -> list[tuple[DateEvidence, str]]:
    stamps = (member_text(node.get(member)) for member in ("datePublished", "uploadDate", "dateCreated"))
    dates: list[tuple[DateEvidence, str]] = [("json-ld", stamp) for stamp in stamps if stamp]
    dates += [("meta", found.meta[name]) for name in _DATE_META if name in found.meta]
    # Only the first `time` after the heading is the article's own: later ones belong to teasers and comments.
    dates += found.times[:2] or found.early[-2:]
    return dates


def _authors(meta: dict[str, str], node: dict[str, Any]) -> list[str]:
    named = names_of(node.get("author")) or [meta[name] for name in _AUTHOR_META if name in meta][:1]
    return [name for name in named if name]


def _url_of(node: dict[str, Any]) -> str | None:
    page = node.get("mainEntityOfPage") or node.get("url")
    url = page.get("@id") if isinstance(page, dict) else page
    return url if isinstance(url, str) else None


def find_dates(tree: HtmlElement, meta: Metadata, source: SourceProfile | None) -> tuple[PublicationDate, ...]:
    """Dates with their evidence: by a profile's selector, of JSON-LD, of metadata, else of the visible text."""
    tag = meta.language or (source.languages[0] if source and source.languages else None)
    found: dict[tuple[str, str], PublicationDate] = {}
    candidates = list(meta.dates)
    if source and source.selectors.date:
        candidates[:0] = [("text", line) for line in selected_lines(tree, source.selectors.date)[:3]]
    for evidence, text in candidates:
        _add(found, evidence, text, tag)
    if not found:
        for text in _visible(tree):
            _add(found, "text", text, tag)
            if found:
                break
    return tuple(found.values())[:MAX_DATES]


def _add(found: dict[tuple[str, str], PublicationDate], evidence: DateEvidence, text: str, tag: str | None) -> None:
    text = tidy_line(text)[:MAX_CHARS]
    if date := parse_date(text, tag):
        found.setdefault((evidence, text), replace(date, evidence=evidence))


def _visible(tree: HtmlElement) -> list[str]:
    """Short visible texts that may be the date line, best first.

    What follows the heading comes first, nearest first; then what stands right above it; then what a class or id calls
    a publication date. So the clock in a page's header, which shows today's date, is left out.
    """
    found: list[tuple[int, str, str]] = []
    heading: int | None = None
    for index, element in enumerate(tree.iter()):
        if index > MAX_LOOKED_AT:
            break
        if not isinstance(element.tag, str) or element.tag in _NO_TEXT or len(element) > 7:
            continue
        if element.tag == "h1" and heading is None:
            heading = index
        name = f"{element.get('class', '')} {element.get('id', '')} {element.get('itemprop', '')}"
        if _NOT_OURS.search(name):
            continue
        text = text_of(element)
        if 6 <= len(text) <= MAX_CHARS and _YEAR.search(text):
            found.append((index, name, text))
    ranked = [(_rank(index, heading, name, text), text) for index, name, text in found]
    return [text for rank, text in sorted(ranked, key=lambda pair: pair[0]) if rank < _NEVER]


def _rank(index: int, heading: int | None, name: str, text: str) -> int:
    """How far down the list a text belongs, by the index of its element and that of the heading."""
    updated = _UPDATED_RANK if set(fold(text).split()[:3]) & UPDATED else 0
    if heading is not None and 0 <= index - heading <= NEAR_BELOW:
        return index - heading + updated
    if _PUBLISHED.search(name):
        return _NAMED_RANK + updated
    if heading is None:
        return _NAMED_RANK + index
    return _ABOVE_RANK + heading - index if 0 < heading - index <= NEAR_ABOVE else _NEVER
