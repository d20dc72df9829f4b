# ruff: noqa: SIM905 - rows of words read best as rows
"""What a page says about itself outside of its body: one walk over its tree."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from lxml.html import HtmlElement

from newsflow.model import DateEvidence
from newsflow.normalise.page.jsonld import find_article, names_of
from newsflow.normalise.page.jsonld import text_of as ld_text
from newsflow.normalise.page.tree import text_of

MAX_ELEMENTS = 2_000
_DATE_META = (
    "article:published_time og:published_time og:article:published_time datepublished publishdate pubdate publish_date "
    "publish-date date dc.date.issued dcterms.created dc.date dcterms.date dc.date.created sailthru.date "
    "parsely-pub-date cxenseparse:recs:publishtime article.published article_date_original article:published "
    "published_time datecreated timestamp"
).split()
_AUTHOR_META = ("author", "article:author_name", "dc.creator", "parsely-author", "sailthru.author", "byl")
_TITLE_META = ("og:title", "twitter:title", "dc.title", "sailthru.title", "parsely-title")


@dataclass(slots=True)
class Metadata:
    """Raw text as the page has it. `titles` maps where a title stood to the title; `dates` are best first."""

    titles: dict[str, str] = field(default_factory=dict)
    headings: list[str] = field(default_factory=list)
    dates: list[tuple[DateEvidence, str]] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    canonical: str | None = None
    language: str | None = None
    site_name: str | None = None
    description: str = ""
    article_body: str = ""
    article_type: bool = False


@dataclass(slots=True)
class _Found:
    meta: dict[str, str] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    early: list[tuple[DateEvidence, str]] = field(default_factory=list)
    times: list[tuple[DateEvidence, str]] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    title: str = ""


def read_metadata(tree: HtmlElement) -> Metadata:
    """Titles, dates, authors, canonical URL, language and more of a page."""
    found = _walk(tree)
    node = find_article(found.scripts)
    meta = found.meta
    result = Metadata(
        headings=found.heads,
        canonical=found.links.get("canonical") or meta.get("og:url") or _url_of(node),
        language=tree.get("lang") or tree.get("xml:lang") or meta.get("og:locale") or meta.get("content-language"),
        site_name=meta.get("og:site_name") or meta.get("application-name"),
        description=ld_text(node.get("description")) or meta.get("og:description") or meta.get("description", ""),
        article_body=ld_text(node.get("articleBody")),
        article_type=bool(node) or meta.get("og:type") == "article",
    )
    result.titles = _titles(found, node)
    result.dates = _dates(found, node)
    result.authors = _authors(meta, node)
    return result


def _walk(tree: HtmlElement) -> _Found:
    found = _Found()
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
            if element.get("rel", "").lower() == "canonical" and element.get("href"):
                found.links.setdefault("canonical", element.get("href", "").strip())
        elif tag == "title":
            found.title = found.title or text_of(element)
        elif tag == "h1":
            if not found.heads:
                found.early, found.times = found.times, []
            found.heads.append(text_of(element))
        else:
            _take_time(element, found)
    return found


def _take_meta(element: HtmlElement, found: _Found) -> None:
    content = (element.get("content") or "").strip()
    if not content:
        return
    for attribute in ("property", "name", "itemprop", "http-equiv"):
        name = element.get(attribute)
        if name:
            found.meta.setdefault(name.strip().lower(), content)


def _take_time(element: HtmlElement, found: _Found) -> None:
    stamp, text = (element.get("datetime") or "").strip(), text_of(element)
    if not found.heads and next(element.iterancestors("article", "main"), None) is None:
        return  # a clock in the page's header
    is_modified = "modif" in f"{element.get('itemprop')} {element.get('class')}".lower()
    if stamp and not is_modified:
        found.times.append(("meta", stamp))
    if text and not is_modified:
        found.times.append(("text", text))


def _titles(found: _Found, node: dict[str, Any]) -> dict[str, str]:
    titles = {"json-ld": ld_text(node.get("headline")) or ld_text(node.get("name"))}
    titles |= {name: found.meta.get(name, "") for name in _TITLE_META}
    titles["title"] = found.title
    return {name: title for name, title in titles.items() if title.strip()}


def _dates(found: _Found, node: dict[str, Any]) -> list[tuple[DateEvidence, str]]:
    stamps = (ld_text(node.get(member)) for member in ("datePublished", "uploadDate", "dateCreated"))
    dates: list[tuple[DateEvidence, str]] = [("json-ld", stamp) for stamp in stamps if stamp]
    dates += [("meta", found.meta[name]) for name in _DATE_META if name in found.meta]
    # Only the first `time` behind the heading is the article's own: later ones belong to teasers and comments.
    dates += found.times[:2] or found.early[-2:]
    return dates


def _authors(meta: dict[str, str], node: dict[str, Any]) -> list[str]:
    named = names_of(node.get("author")) or [meta[name] for name in _AUTHOR_META if name in meta][:1]
    return [name for name in named if name]


def _url_of(node: dict[str, Any]) -> str | None:
    page = node.get("mainEntityOfPage") or node.get("url")
    url = page.get("@id") if isinstance(page, dict) else page
    return url if isinstance(url, str) else None
