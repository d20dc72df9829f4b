"""What a page says about itself outside its body: titles, authors, URL, language, dates.

JSON-LD, metadata and headings come from one walk over the tree; dates are looked for in the visible text only where
none of these gives one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any

import orjson
from lxml.html import HtmlElement

from newsflow.model import DateEvidence, PublicationDate
from newsflow.normalise.characters import fold, letters_of, tidy_line
from newsflow.normalise.dates import parse_date
from newsflow.normalise.dates.names import UPDATED
from newsflow.normalise.page.authors import is_person, names_outlet, people_of
from newsflow.normalise.page.body import selected_lines
from newsflow.normalise.page.stated import stated_body
from newsflow.normalise.page.tree import text_of
from newsflow.normalise.values import SourceProfile

# ruff: noqa: SIM905 - rows of words read best as rows


MAX_SCRIPTS, MAX_MEMBER_CHARS, MAX_NODES, MAX_DEPTH = 30, 2_000_000, 5_000, 12
# Types of schema.org in lower case: publishers write them as they like.
_ARTICLE = re.compile(r"\w*article|report|(?:live)?blog(?:posting)?|(?:live|social\w*|discussion\w*)posting")
_CDATA = re.compile(r"^\s*(?://)?\s*<!\[CDATA\[|(?://)?\s*\]\]>\s*$|^\s*<!--|-->\s*$")
_CONTROL = re.compile("[\x00-\x1f]+")
_TRAILING_COMMA = re.compile(r",\s*([}\]])")
MAX_ELEMENTS, MAX_BYLINES = 2_000, 100
_DATE_META = (
    "article:published_time og:published_time og:article:published_time datepublished publishdate pubdate publish_date "
    "publish-date date dc.date.issued dcterms.created dc.date dcterms.date dc.date.created sailthru.date "
    "parsely-pub-date cxenseparse:recs:publishtime article.published article_date_original article:published "
    "published_time datecreated timestamp"
).split()
_AUTHOR_META = (
    "author article:author_name article:author articleauthor og:article:author dc.creator parsely-author "
    "sailthru.author cxenseparse:author byl"
).split()
_TITLE_META = ("og:title", "twitter:title", "dc.title", "sailthru.title", "parsely-title")
_BYLINE = " or ".join(f"contains(@class, '{word}')" for word in ("byline", "author", "autor"))
_BY = re.compile(r"^(?:by|par|von|por|di|af|av|door|oleh)\s*[: ]\s*", re.IGNORECASE)
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
# What systems write where they have no date: the first days of their calendars, and days that are still far off.
_NO_YEARS = frozenset({1, 1753, 1899, 1900, 1901, 1969, 1970})
FAR_OFF = 2100
_YEAR = re.compile(r"(?:19|20|١٩|٢٠|۱۹|۲۰|13|14|۱۳|۱۴)\d\d|\d{1,2}\.\d{1,2}\.\d\d")


def find_article(nodes: list[dict[str, Any]], urls: Sequence[str] = (), titles: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON-LD node of the page's own article: by its URL, else by its headline, else the first one.

    Else a video, or a web page that has a date; else an empty dict.
    """
    articles = [node for node in nodes if any(map(_ARTICLE.fullmatch, _types(node)))]
    named = {_address(url) for url in urls}
    own = (node for node in articles if named & {_address(url) for url in _urls_of(node)})
    heads = {letters_of(title) for title in titles}
    alike = (node for node in articles if letters_of(_headline(node)) in heads - {""})
    videos = (node for node in nodes if "videoobject" in _types(node))
    dated = (node for node in nodes if "webpage" in _types(node) and node.get("datePublished"))
    return next(chain(own, alike, articles, videos, dated), {})


def _types(node: dict[str, Any]) -> list[str]:
    types = node.get("@type")
    listed = types if isinstance(types, list) else [types]
    return [re.split("[/#:]", name)[-1].lower() for name in listed if isinstance(name, str)]


def _headline(node: dict[str, Any]) -> str:
    return member_text(node.get("headline")) or member_text(node.get("name"))


def _address(url: str) -> str:
    """A URL without what may differ between two that name one page."""
    return re.sub(r"^https?://(?:www\.)?|/*(?:[?#].*)?$", "", url.strip().lower())


def _urls_of(node: dict[str, Any]) -> list[str]:
    """Where a node says its page is, the page itself first."""
    page = node.get("mainEntityOfPage")
    values = [page, *(page.get(name) for name in ("@id", "url"))] if isinstance(page, dict) else [page]
    values += [node.get("url"), node.get("@id")]
    return [value for value in values if isinstance(value, str) and value]


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
    meta = found.meta
    nodes = [node for script in found.scripts[:MAX_SCRIPTS] for node in _nodes(_load(script))]
    stated = [url for url in (found.canonical, meta.get("og:url")) if url and _address(url)]
    node = find_article(nodes, stated, [*found.headings, meta.get("og:title", "")])
    return Metadata(
        titles=_titles(found, node),
        headings=found.headings,
        dates=_dates(found, node),
        authors=_authors(tree, meta, node, nodes),
        canonical=found.canonical or meta.get("og:url") or next(iter(_urls_of(node)), None),
        language=tree.get("lang") or tree.get("xml:lang") or meta.get("og:locale") or meta.get("content-language"),
        site_name=meta.get("og:site_name") or meta.get("application-name"),
        description=member_text(node.get("description")) or meta.get("og:description") or meta.get("description", ""),
        article_body=stated_body(node),
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
    titles = {"json-ld": _headline(node)}
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


def _authors(tree: HtmlElement, meta: dict[str, str], node: dict[str, Any], nodes: list[dict[str, Any]]) -> list[str]:
    """Who wrote it: the first place that names a person; the outlet only where none does."""
    outlets = [meta.get("og:site_name", ""), meta.get("application-name", ""), *names_of(node.get("publisher"))]
    outlet: list[str] = []
    for stated in _stated_authors(tree, meta, node, nodes):
        found = [name for value in stated for name in people_of(value)]
        if persons := [name for name in found if not names_outlet(name, outlets)]:
            return persons
        outlet = outlet or found
    return outlet


def _stated_authors(
    tree: HtmlElement, meta: dict[str, str], node: dict[str, Any], nodes: list[dict[str, Any]]
) -> Iterator[list[str]]:
    yield names_of(_resolved(node.get("author"), nodes))
    yield from ([meta[name]] for name in _AUTHOR_META if name in meta)
    yield _bylines(tree)


def _resolved(value: Any, nodes: list[dict[str, Any]]) -> Any:
    """Authors in full, where a node only refers to others of the page by `@id`."""
    if isinstance(value, list):
        return [_resolved(item, nodes) for item in value[:20]]
    if isinstance(value, dict) and not value.get("name") and (name := value.get("@id")):
        return next((node for node in nodes if node.get("@id") == name and node.get("name")), value)
    return value


def _bylines(tree: HtmlElement) -> list[str]:
    """Who is marked as author, where that is one group; else the byline that is a name, where there is no other.

    Bylines of several people on one page are those of teasers or comments, in part or all.
    """
    marked = _elements(tree, "@rel='author' or @itemprop='author'")
    first = marked[0].getparent() if marked else None
    group = list(dict.fromkeys(text_of(each) for each in marked if each.getparent() is first))
    if group and {text_of(each) for each in marked} == set(group):
        return group
    lines = {_BY.sub("", text_of(each)) for each in _elements(tree, f"({_BYLINE}) and string-length(.) < 100")}
    names = [line for line in lines if all(map(is_person, people_of(line) or [""]))]
    return names if len(names) == 1 else []


def _elements(tree: HtmlElement, condition: str) -> list[HtmlElement]:
    found = tree.xpath(f"//*[{condition}][not(ancestor::aside or ancestor::footer or ancestor::nav)]")
    return [each for each in found[:MAX_BYLINES] if isinstance(each, HtmlElement)] if isinstance(found, list) else []


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
    date = parse_date(text, tag)
    if date and not _is_sentinel(date.at):
        found.setdefault((evidence, text), replace(date, evidence=evidence))


def _is_sentinel(at: datetime) -> bool:
    first = (at.month, at.day) in ((1, 1), (12, 31), (12, 30))
    return (first and at.year in _NO_YEARS) or at.year >= FAR_OFF


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
