"""What is no article says so; what only speaks of such pages stays one. All pages are invented."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.quality.refusals import articles_about_them, evaluate_refusals, refused_pages
from newsflow.model import Article, RawArticle, Reason, Rejected
from newsflow.normalise import Selectors, SourceProfile, extract_html, normalise

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MISSING = (
    "<html><head><title>Page not found | Merrow Post</title>{}</head><body><h1>404</h1>"
    "<p>Sorry, the page you were looking for does not exist.</p></body></html>"
)


def outcome(content: str, content_type: str = "text/html", **hints: str) -> Article | Rejected:
    return normalise(RawArticle("x", NOW, content_type, content, guid="1", **hints), None, NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "language", "page"), list(refused_pages()), ids=lambda value: value[:20])
def test_each_kind_is_told_in_ten_languages(kind: str, language: str, page: str) -> None:
    assert extract_html(page, None).refused == kind


@pytest.mark.parametrize(("language", "page"), list(articles_about_them()), ids=lambda value: value[:2])
def test_articles_about_such_pages_stay(language: str, page: str) -> None:
    found = outcome(page)
    assert isinstance(found, Article)
    assert found.body


def test_a_refused_page_is_a_dead_letter_that_says_what_it_is() -> None:
    found = outcome(MISSING)
    assert isinstance(found, Rejected)
    assert (found.reason, found.stage) == (Reason.NOT_AN_ARTICLE, "Normalise")
    assert found.message == "the page is not an article but an error page: 'Page not found'"


@pytest.mark.parametrize(
    "stated",
    [
        '<meta property="og:type" content="article">',
        '<meta property="article:published_time" content="2025-02-20T10:00:00Z">',
        '<script type="application/ld+json">{"@type": "NewsArticle", "headline": "Page not found"}</script>',
    ],
)
def test_a_page_that_says_it_is_an_article_is_one(stated: str) -> None:
    assert isinstance(outcome(MISSING.format(stated)), Article)
    assert isinstance(outcome(MISSING.format('<meta property="og:type" content="website">')), Rejected)


def test_the_body_that_a_profile_selects_is_one() -> None:
    profile = SourceProfile("x", selectors=Selectors(body="body"))
    assert extract_html(MISSING, None, profile).refused == ""
    assert extract_html(MISSING, None, SourceProfile("x")).refused == "error page"


@pytest.mark.parametrize(
    "text",
    [
        "Just a moment...\n\nVerify you are human by completing the action below.\n\nRay ID: 8f2a11c0",
        "403 Forbidden\nnginx",
    ],
)
def test_text_without_tags_is_told_too(text: str) -> None:
    found = outcome(text, "text/plain")
    assert isinstance(found, Rejected)
    assert found.reason is Reason.NOT_AN_ARTICLE
    assert isinstance(outcome(text, "text/plain", content_is="article"), Article)


@pytest.mark.parametrize(
    "text",
    [
        "Access denied\n\nThe old gate of the harbour stayed shut on Sunday, and visitors went home without a look.",
        "Visitors saw the words 'Verify you are human' for two hours on Monday.",
        "Log in now, says the minister: the new tax portal of Merrow opened on Monday for all residents.",
    ],
)
def test_text_that_speaks_of_such_pages_stays(text: str) -> None:
    assert isinstance(outcome(text, "text/plain"), Article)


def test_a_headline_alone_is_no_refusal() -> None:
    assert isinstance(outcome("", "text/plain", title="Access denied"), Article)


def test_an_article_with_teasers_below_it_stays() -> None:
    teasers = "".join(
        f"<div><h3><a href='/{n}'>Ferry number {n} sails</a></h3><p>Twice a day.</p></div>" for n in range(9)
    )
    text = "".join(
        f"<p>The harbour council of Merrow met for the {n}th time and agreed to repair the wall.</p>"
        for n in range(4, 8)
    )
    page = "<html><head><title>Merrow Post</title></head><body><h1>Wall</h1>{}{}</body></html>"
    assert extract_html(page.format(text, teasers), None).refused == ""
    assert extract_html(page.format("", teasers), None).refused == "list of teasers"


def test_the_measure_counts_what_is_told_and_what_stays(tmp_path: Path) -> None:
    assert list(evaluate_refusals(tmp_path)) == []
    (tmp_path / "pages").mkdir()
    rows = {row.name: row for row in evaluate_refusals(tmp_path)}
    assert rows["invented pages told"].count == 50
    assert rows["articles about such pages stay"].value == 1.0
