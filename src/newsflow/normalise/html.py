"""Title, body, dates and more of an HTML page."""

from __future__ import annotations

import re
from datetime import datetime
from typing import cast
from urllib.parse import urlsplit

from lxml.etree import XPath, strip_elements
from lxml.html import HtmlElement

from newsflow.model.url import canonicalise_url
from newsflow.normalise.blocks import count_words, densest_block
from newsflow.normalise.characters import tidy_line, tidy_lines
from newsflow.normalise.encodings import decode_bytes, repair_text
from newsflow.normalise.lines import Cleaned, clean_lines, find_agency, why_dropped
from newsflow.normalise.page.body import body_lines, selected_lines, without
from newsflow.normalise.page.dates import find_dates
from newsflow.normalise.page.metadata import Metadata, read_metadata
from newsflow.normalise.page.outline import Outline, read_outline
from newsflow.normalise.page.stated import is_fuller
from newsflow.normalise.page.tree import parse_tree, strip_tags
from newsflow.normalise.refusals import why_no_article
from newsflow.normalise.title import Site, choose_title, split_title
from newsflow.normalise.values import Dropped, Extracted, SourceProfile, canonical_url
from newsflow.normalise.words import Count, Words, accounted, counter_for

# ruff: noqa: SIM905 - rows of words read best as rows


# Elements without article text.
NO_TEXT_TAGS = (
    "script style noscript template svg canvas iframe object embed video audio picture "
    "map select datalist button input dialog nav menu aside footer"
).split()
UNSEEN_TAGS = "script style noscript template svg canvas iframe object".split()
# A body of fewer words is doubted.
SHORT_WORDS = 25
MUCH_MORE = 2.0
_PIECES = XPath("descendant::text()", smart_strings=False)
_BY = re.compile(r"^(?:by|par|von|por|di|بقلم|كتب|كتبت|автор)\s*[: ]\s*", re.IGNORECASE)
MAX_AUTHORS, MAX_LINES = 12, 20_000


def extract_html(
    html: str | bytes, url: str | None, source: SourceProfile | None = None, now: datetime | None = None
) -> Extracted:
    """What an HTML page says; `url` is where it was fetched from, and `now` (aware) when, for dates that count back.

    Never raises on bad markup, but may be slow on it.
    """
    text = repair_text(decode_bytes(html) if isinstance(html, bytes) else html)
    tree = parse_tree(text)
    if tree is None:
        return Extracted()
    meta = read_metadata(tree)
    dates = find_dates(tree, meta, source, url, now)
    strip_elements(tree, *UNSEEN_TAGS, with_tail=False)
    count, seen = _count_seen(tree)
    strip_elements(tree, *NO_TEXT_TAGS, with_tail=False)
    title, marks = split_title(_title(tree, meta, url, source))
    cleaned = _body(text, tree, meta, title, source)
    authors = _authors(tree, meta, source)
    body = "\n".join(cleaned.lines)
    is_known = meta.is_article or (source is not None and source.selectors.body is not None)
    return Extracted(
        title=title,
        body=body,
        published=dates[0] if dates else None,
        dates=dates,
        authors=authors,
        canonical_url=_canonical(meta.canonical, url, source),
        language_hint=_language_tag(meta.language),
        agency=find_agency(body, authors, cleaned.credits),
        marks=marks,
        refused="" if is_known else why_no_article(text, tree, [*meta.titles.values(), *meta.headings], body) or "",
        words=_account(count, seen, title, body, cleaned),
        dropped=tuple(cleaned.dropped),
    )


def _count_seen(tree: HtmlElement) -> tuple[Count, int]:
    """How words of a page are counted, and how many its reader sees."""
    body = tree.find(".//body")
    text = " ".join(cast("list[str]", _PIECES(tree if body is None else body)))
    count = counter_for(text)
    return count, count(text)


def _account(count: Count, seen: int, title: str, body: str, cleaned: Cleaned) -> Words:
    """Where the words of a page went. Its heading is among the lines that were dropped, and kept as the title."""
    dropped = ((each.text, each.why) for each in cleaned.dropped if each.why != "title")
    return accounted(count, seen, (title, body), dropped, "outside-body")


def lines_outside(html: str, page: Extracted) -> tuple[Dropped, ...]:
    """The lines of a page that are not in its body or title, nor among what was dropped."""
    kept = "".join(f"{page.title}{page.body}".split()) + "".join("".join(each.text.split()) for each in page.dropped)
    outside: dict[str, Dropped] = {}
    for line in tidy_lines(strip_tags(repair_text(html)))[:MAX_LINES]:
        if "".join(line.split()) not in kept:
            outside.setdefault(line, Dropped(line, why_dropped(line) or "outside-body"))
    return tuple(outside.values())


def _title(tree: HtmlElement, meta: Metadata, url: str | None, source: SourceProfile | None) -> str:
    if source and source.selectors.title and (lines := selected_lines(tree, source.selectors.title)):
        return lines[0]
    names = tuple(name for name in (meta.site_name, source.name if source else None) if name)
    return choose_title(meta.titles, meta.headings, Site(names, _host(url)), source.title_suffixes if source else ())


def _host(url: str | None) -> str:
    try:
        return urlsplit(url or "").netloc.removeprefix("www.")
    except ValueError:
        return ""


def _body(text: str, tree: HtmlElement, meta: Metadata, title: str, source: SourceProfile | None) -> Cleaned:
    lines: list[str] = []
    if source:
        tree = without(tree, source.selectors.drop)
        lines = selected_lines(tree, source.selectors.body) if source.selectors.body else []
    outline = None if lines else read_outline(tree)
    if outline:
        lines = _page_lines(outline, text)
    titles = [title, *meta.titles.values(), *meta.headings]
    cleaned = clean_lines(lines, titles, source.drop_lines if source else ())
    return _with_published_text(cleaned, meta, titles, outline)


def _page_lines(outline: Outline, text: str) -> list[str]:
    """The lines of the article; or the densest block of the page's text, where they are few, or the tree lacks a part,
    and it is much more."""
    lines = body_lines(outline)
    found = sum(map(count_words, lines))
    if found >= SHORT_WORDS and not outline.is_cut:
        return lines
    stripped = tidy_lines(strip_tags(text, furniture=False))[:MAX_LINES]
    block = densest_block(stripped)
    if block is None:
        return lines
    dense = stripped[slice(*block)]
    return dense if sum(map(count_words, dense)) > MUCH_MORE * found else lines


def _with_published_text(cleaned: Cleaned, meta: Metadata, titles: list[str], outline: Outline | None) -> Cleaned:
    """The body that the page states in JSON-LD, where it is the same and fuller; its summary, where we have none."""
    stated = _stated_lines(meta.article_body) if meta.article_body else []
    if is_fuller(stated, cleaned.lines, outline):
        better = clean_lines(stated, titles)
        better.dropped += [Dropped(line, "not-in-json-ld") for line in cleaned.lines if line not in stated]
        return better
    if not cleaned.lines and len(meta.description) >= 30:
        cleaned.lines = clean_lines(_stated_lines(meta.description), titles).lines
    return cleaned


def _stated_lines(text: str) -> list[str]:
    if "<" in text and ">" in text and (tree := parse_tree(f"<div>{text}</div>")) is not None:
        text = "\n".join(tree.itertext())
    return tidy_lines(text)


def _authors(tree: HtmlElement, meta: Metadata, source: SourceProfile | None) -> tuple[str, ...]:
    named = meta.authors
    if source and source.selectors.authors:
        named = selected_lines(tree, source.selectors.authors) or named
    names = (_BY.sub("", tidy_line(name)[:200]) for name in named[:MAX_AUTHORS])
    return tuple(dict.fromkeys(name for name in names if name and not name.startswith(("http:", "https:"))))


def _canonical(canonical: str | None, url: str | None, source: SourceProfile | None) -> str | None:
    """The canonical URL the page states, if it is on the host the page came from and not a front page."""
    if not canonical:
        return None
    try:
        named = canonical_url(canonical, source)
        parts = urlsplit(named)
        if url and urlsplit(canonicalise_url(url)).netloc != parts.netloc:
            return None
    except ValueError:
        return None
    return named if parts.path.strip("/") or parts.query or parts.fragment else None


def _language_tag(language: str | None) -> str | None:
    tag = (language or "").replace("_", "-").strip()
    return tag if 2 <= len(tag) <= 20 and tag.replace("-", "").isalnum() and tag.isascii() else None
