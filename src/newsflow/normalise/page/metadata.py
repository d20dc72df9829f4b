"""What a page says about itself outside its body: titles, authors, URL, language, dates.

JSON-LD, metadata and headings come from one walk over the tree; dates are looked for in the visible text only where
none of these gives one.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import orjson
from lxml.etree import XPath
from lxml.html import HtmlElement

from newsflow.model import DateEvidence
from newsflow.normalise.characters import letters_of
from newsflow.normalise.page.authors import is_outside, is_person, names_outlet, people_of, visible_byline
from newsflow.normalise.page.stated import stated_body
from newsflow.normalise.page.tree import text_of

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
    "publish-date dc.date.issued dcterms.created dc.date dc.date.created sailthru.date "
    "parsely-pub-date cxenseparse:recs:publishtime article.published article_date_original article:published "
    "published_time publication_date publication-date pub_date date_published published_date published "
    "article:post_date article:publicationdate article:published_date article_published_time og:published "
    "og:pubdate og:publish_date og:datepublished dcterms.issued dc.created dc.date.publication bt:pubdate "
    "rnews:datepublished prism.publicationdate vr:published_time mediator_published_time citation_publication_date "
    "shareaholic:article_published_time dateposted datecreated"
).split()
_WEAK_DATE_META = ("date", "dcterms.date", "timestamp")
# Only articles have these; systems write others on every page.
_ARTICLE_META = ("article:published_time", "og:article:published_time", "parsely-pub-date")
_AUTHOR_META = (
    "author article:author_name article:author articleauthor og:article:author dc.creator parsely-author "
    "sailthru.author cxenseparse:author byl"
).split()
_TITLE_META = ("og:title", "twitter:title", "dc.title", "sailthru.title", "parsely-title")
_INSIDE = "[not(ancestor::aside or ancestor::footer or ancestor::nav)]"
_MARKED_AUTHORS = XPath(f"//*[@rel='author' or @itemprop='author']{_INSIDE}")
# Each with a capital letter or without.
_CLASSED = " or ".join(f"contains(., '{word}')" for word in ("yline", "uthor", "utor"))
_BYLINES = XPath(f"//@class[{_CLASSED}]/parent::*[string-length(.) < 100]{_INSIDE}")
_BY = re.compile(r"^(?:by|par|von|por|di|af|av|door|oleh)\s*[: ]\s*", re.IGNORECASE)


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
    """Names of persons or organisations: strings, objects with `name` or its two parts, or lists of them."""
    if isinstance(value, dict) and "@list" in value:
        value = value["@list"]
    if isinstance(value, list):
        return [name for item in value[:20] for name in names_of(item)]
    if isinstance(value, dict):
        parts = filter(None, (member_text(value.get(part)) for part in ("givenName", "familyName")))
        value = value.get("name") or value.get("@value") or " ".join(parts)
        return names_of(value) if isinstance(value, list) else [member_text(value)]
    return [member_text(value)] if isinstance(value, str) else []


@dataclass(slots=True)
class Metadata:
    """Text as the page has it. `titles` maps where a title stood to the title; `dates` are best first, and systems fill
    in `weak_dates` by themselves."""

    titles: dict[str, str] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    dates: list[tuple[DateEvidence, str]] = field(default_factory=list)
    weak_dates: list[tuple[DateEvidence, str]] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    canonical: str | None = None
    language: str | None = None
    site_name: str | None = None
    description: str = ""
    article_body: str = ""
    is_article: bool = False
    """Whether the page says that it is one."""


@dataclass(slots=True)
class _Elements:
    """What the walk met: `meta` by name, JSON-LD `scripts`."""

    meta: dict[str, str] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
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
        weak_dates=[("meta", meta[name]) for name in _WEAK_DATE_META if name in meta],
        authors=_authors(tree, meta, node, nodes),
        canonical=found.canonical or meta.get("og:url") or next(iter(_urls_of(node)), None),
        language=tree.get("lang") or tree.get("xml:lang") or meta.get("og:locale") or meta.get("content-language"),
        site_name=meta.get("og:site_name") or meta.get("application-name"),
        description=member_text(node.get("description")) or meta.get("og:description") or meta.get("description", ""),
        article_body=stated_body(node),
        is_article=any(map(_ARTICLE.fullmatch, _types(node)))
        or meta.get("og:type", "").lower() == "article"
        or any(name in meta for name in _ARTICLE_META),
    )


def _walk(tree: HtmlElement) -> _Elements:
    found = _Elements()
    for count, element in enumerate(tree.iter("meta", "script", "link", "title", "h1")):
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
            found.headings.append(text_of(element))
    return found


def _take_meta(element: HtmlElement, found: _Elements) -> None:
    if content := (element.get("content") or "").strip():
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            if name := element.get(attribute):
                found.meta.setdefault(name.strip().lower(), content)


def _titles(found: _Elements, node: dict[str, Any]) -> dict[str, str]:
    titles = {"json-ld": _headline(node)}
    titles |= {name: found.meta.get(name, "") for name in _TITLE_META}
    titles["title"] = found.title
    return {name: title for name, title in titles.items() if title.strip()}


def _dates(found: _Elements, node: dict[str, Any]) -> list[tuple[DateEvidence, str]]:
    stamps = (member_text(node.get(member)) for member in ("datePublished", "uploadDate", "dateCreated"))
    dates: list[tuple[DateEvidence, str]] = [("json-ld", stamp) for stamp in stamps if stamp]
    dates += [("meta", found.meta[name]) for name in _DATE_META if name in found.meta]
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
    yield from (names_of(_resolved(node.get(member), nodes)) for member in ("author", "creator"))
    yield from ([meta[name]] for name in _AUTHOR_META if name in meta)
    yield visible_byline(tree) or _bylines(tree)


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
    marked = _elements(tree, _MARKED_AUTHORS)
    first = marked[0].getparent() if marked else None
    group = list(dict.fromkeys(text_of(each) for each in marked if each.getparent() is first))
    if group and {text_of(each) for each in marked} == set(group):
        return group
    lines = {_BY.sub("", text_of(each)) for each in _elements(tree, _BYLINES)}
    names = [line for line in lines if all(map(is_person, people_of(line) or [""]))]
    return names if len(names) == 1 else []


def _elements(tree: HtmlElement, path: XPath) -> list[HtmlElement]:
    found = path(tree)
    listed = found[:MAX_BYLINES] if isinstance(found, list) else []
    return [each for each in listed if isinstance(each, HtmlElement) and not is_outside(each)]
