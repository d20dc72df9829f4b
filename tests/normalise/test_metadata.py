"""What pages say of themselves: whose JSON-LD it is, dates that are none, headlines, authors. All pages are invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from newsflow.normalise import Extracted, extract_html
from newsflow.normalise.page.authors import people_of

URL = "https://www.merrow.example/news/wall-1234"
TITLE = "Harbour wall to be repaired before winter"
OTHER = "Ferry to the islands sails twice a day"
BODY = "".join(
    f"<p>The harbour council of Merrow met for the {word} time and agreed to repair the old sea wall.</p>"
    for word in ("first", "second", "third", "fourth")
)


def read(*nodes: Any, head: str = "", title: str = TITLE, h1: str = TITLE, body: str = "") -> Extracted:
    scripts = "".join(f'<script type="application/ld+json">{json.dumps(node)}</script>' for node in nodes)
    return extract_html(
        f"<html lang='en'><head><title>{title}</title><link rel='canonical' href='{URL}'>{head}{scripts}</head>"
        f"<body><h1>{h1}</h1><article>{body}{BODY}</article></body></html>",
        URL,
    )


def article(day: str, **members: Any) -> dict[str, Any]:
    return {"@type": "NewsArticle", "datePublished": f"2025-02-{day}T10:00:00Z", **members}


def day(found: Extracted) -> str:
    return found.published.at.isoformat()[8:10] if found.published else ""


@pytest.mark.parametrize(
    "own",
    [
        {"mainEntityOfPage": URL},
        {"mainEntityOfPage": {"@type": "WebPage", "@id": URL + "/"}},
        {"mainEntityOfPage": {"@id": URL + "/?amp=1"}},
        {"mainEntityOfPage": {"url": "http://merrow.example/news/wall-1234?from=home"}},
        {"url": URL + "#article"},
        {"@id": URL},
        {"headline": TITLE},
    ],
)
def test_the_own_article_is_chosen_and_not_the_first(own: dict[str, Any]) -> None:
    other = article("19", headline=OTHER, url="https://www.merrow.example/news/ferry-9")
    found = read({"@graph": [other, article("20", **own)]})
    assert (found.title, day(found)) == (TITLE, "20")
    assert day(read(other, article("20", **own))) == "20"


def test_without_a_sign_of_the_own_article_the_first_counts() -> None:
    assert day(read([article("19"), article("20")])) == "19"


@pytest.mark.parametrize(
    "kind",
    ["Report", "TechArticle", "newsarticle", "schema:NewsArticle", "https://schema.org/LiveBlogPosting", ["Thing", "blogPosting"]],
)  # fmt: skip
def test_types_as_publishers_write_them(kind: Any) -> None:
    assert day(read({"@type": "WebSite", "name": "Merrow Post"}, article("20") | {"@type": kind})) == "20"


@pytest.mark.parametrize("kind", ["ReportedDoseSchedule", "Review", "ReviewNewsletter", "Organization", None, 7])
def test_other_types_are_no_articles(kind: Any) -> None:
    assert day(read(article("20") | {"@type": kind})) == ""


def test_a_dated_web_page_counts_where_there_is_no_article() -> None:
    page = {"@type": "WebPage", "datePublished": "2025-02-18T10:00:00Z"}
    assert day(read(page)) == "18"
    assert day(read(page, article("20"))) == "20"


@pytest.mark.parametrize(
    "sentinel",
    ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "1969-12-31T16:00:00-08:00", "1900-01-01", "9999-12-31T23:59:59Z"],
)
def test_sentinel_dates_are_passed_over(sentinel: str) -> None:
    meta = "<meta property='article:published_time' content='2025-02-20T10:00:00Z'>"
    assert day(read(article("20") | {"datePublished": sentinel}, head=meta)) == "20"
    assert read(article("20") | {"datePublished": sentinel}).published is None


def test_an_old_report_keeps_its_day() -> None:
    assert read(article("20") | {"datePublished": "1970-06-05"}).dates[0].at.year == 1970


@pytest.mark.parametrize("h1", ["Merrow Post", "Islands and harbours"])
def test_the_site_or_section_as_heading_is_not_the_title(h1: str) -> None:
    site = "<meta property='og:site_name' content='Merrow Post'>"
    assert read(title=f"{TITLE} | {h1}", h1=h1, head=site).title == TITLE
    assert read(title=f"{h1} | {TITLE}", h1=h1).title == TITLE


def test_a_short_headline_beside_a_long_name_of_the_site() -> None:
    long = "Merrow Post, all the news of the harbour and the islands"
    site = f"<meta property='og:site_name' content='{long}'>"
    assert read(title=f"Harbour wall falls | {long}", h1="Harbour wall falls", head=site).title == "Harbour wall falls"


def test_the_headline_of_the_editors_before_that_for_search_engines() -> None:
    stated = "Why the old wall may still fall"
    found = read(article("20", headline=stated, url=URL), title=f"{TITLE} | Merrow Post")
    assert found.title == stated
    assert read(head=f"<meta property='og:title' content='{stated}'>").title == stated
    assert read(head="<meta property='og:title' content='News'>").title == TITLE


@pytest.mark.parametrize(
    ("stated", "people"),
    [
        ("Ada Quay", ["Ada Quay"]),
        ("Ada Quay and Ben Holm", ["Ada Quay", "Ben Holm"]),
        ("Ada Quay, Ben Holm and Cleo van der Strand", ["Ada Quay", "Ben Holm", "Cleo van der Strand"]),
        ("Ada Quay und Ben Holm", ["Ada Quay", "Ben Holm"]),
        ("Ada Newsome and Ben Presson", ["Ada Newsome", "Ben Presson"]),
        ("Ada Quay; Ben Holm", ["Ada Quay", "Ben Holm"]),
        ("Ada Quay, harbour correspondent", ["Ada Quay"]),
        ("Ada Quay, Political Editor", ["Ada Quay"]),
        ("Ada Quay <ada@merrow.example>", ["Ada Quay"]),
        ("Ada Quay https://merrow.example/ada", ["Ada Quay"]),
        ("Ada Quay | Merrow Post", ["Ada Quay"]),
        ("Ada Quay (Merrow)", ["Ada Quay"]),
        ("Ada Quay for Merrow Post", ["Ada Quay"]),
        ("View all posts by Ada Quay", ["Ada Quay"]),
        ("Veröffentlicht von Ada Quay", ["Ada Quay"]),
        ("By Ada Quay and Ben Holm", ["Ada Quay", "Ben Holm"]),
        ("@adaquay", []),
        ("ada@merrow.example", []),
        ("Trade and Industry Desk", ["Trade and Industry Desk"]),
        ("Quay, Ada", ["Quay, Ada"]),
        ("Anadolu Ajansı", ["Anadolu Ajansı"]),
        ("أحمد المروي", ["أحمد المروي"]),
        ("", []),
    ],
)
def test_people_of_a_stated_author(stated: str, people: list[str]) -> None:
    assert people_of(stated) == people


def test_the_person_and_not_the_outlet() -> None:
    outlet = {"@type": "Organization", "name": "Merrow Post"}
    node = article("20", author=outlet, publisher=outlet)
    assert read(node).authors == ("Merrow Post",)
    assert read(node, head="<meta name='author' content='Ada Quay'>").authors == ("Ada Quay",)
    assert read(node, body="<p class='meta'>By <a rel='author' href='/ada'>Ada Quay</a></p>").authors == ("Ada Quay",)
    assert read(node, body="<div class='article-byline'>By Ada Quay and Ben Holm</div>").authors == (
        "Ada Quay",
        "Ben Holm",
    )


def test_bylines_of_several_people_name_none() -> None:
    lines = "<div class='byline'>By Ada Quay</div><div class='byline'>By Ben Holm</div>"
    assert read(body=lines).authors == ()
    assert read(body="<aside><div class='byline'>By Ben Holm</div></aside>").authors == ()


def test_an_author_that_is_referred_to_is_found() -> None:
    graph = [article("20", author={"@id": "#ada"}), {"@type": "Person", "@id": "#ada", "name": "Ada Quay"}]
    assert read({"@graph": graph}).authors == ("Ada Quay",)
    assert read({"@graph": graph[:1]}).authors == ()


OUTLET = article("20", author={"@type": "Organization", "name": "Merrow Post"}, publisher={"name": "Merrow Post"})


@pytest.mark.parametrize(
    ("byline", "people"),
    [
        ('<ul class="metaAuthorList"><li class="metaAuthorList-item"><a href="/a">Ada Quay</a></li></ul>', ("Ada Quay",)),
        ('<div class="authorWrapper"><p class="author">von <a href="/a">Ada Quay, Merrow</a></p><p>Stand: 3 Uhr</p></div>', ("Ada Quay",)),
        ('<ul><li class="authors__item"><span> von </span> <span>Ada Quay</span></li></ul>', ("Ada Quay",)),
        ("<p>By Ada Quay and Ben Holm</p>", ("Ada Quay", "Ben Holm")),
        ("<p>Par Ada Quay</p>", ("Ada Quay",)),
        ("<div>Автор: Анна Реева</div>", ("Анна Реева",)),
        ("<p>بقلم: أحمد المروي</p>", ("أحمد المروي",)),
        ('<div id="Byline">Ada Quay</div><aside class="related"><div class="byline">By Ben Holm</div></aside>', ("Ada Quay",)),
        ('<div class="byline">By Ada Quay</div><div class="comments"><span class="author">Ben Holm</span></div>', ("Ada Quay",)),
    ],
)  # fmt: skip
def test_the_byline_below_the_heading(byline: str, people: tuple[str, ...]) -> None:
    page = (
        f"<html><head><title>{TITLE}</title><script type='application/ld+json'>{json.dumps(OUTLET)}</script></head>"
        f"<body><h1>{TITLE}</h1>{byline}<article>{BODY}</article></body></html>"
    )
    assert extract_html(page, URL).authors == people


@pytest.mark.parametrize(
    "line",
    [
        "<p>By Tuesday the wall was gone</p>",
        "<p>Von der Mauer blieb nichts</p>",
        '<p class="author-note">Read how we work</p>',
        '<div class="related"><span class="author">Ben Holm</span></div>',
        '<figcaption class="caption">By Ben Holm</figcaption>',
        '<p class="teaser">By Ben Holm</p>',
    ],
)
def test_what_is_no_byline(line: str) -> None:
    page = (
        f"<html><head><title>{TITLE}</title></head><body><h1>{TITLE}</h1>{line}<article>{BODY}</article></body></html>"
    )
    assert extract_html(page, URL).authors == ()


@pytest.mark.parametrize(
    "author",
    [
        {"@list": [{"@type": "Person", "name": "Ada Quay"}]},
        {"@type": "Person", "name": {"@value": "Ada Quay", "@language": "en"}},
        {"@type": "Person", "givenName": "Ada", "familyName": "Quay"},
        {"@type": ["Person"], "name": ["Ada Quay"]},
        ["Ada Quay"],
    ],
)
def test_authors_as_json_ld_writes_them(author: Any) -> None:
    assert read(article("20", author=author)).authors == ("Ada Quay",)
    assert read(article("20", creator=author)).authors == ("Ada Quay",)


HEADS = {
    "desktop": "<meta property='og:site_name' content='Merrow Post'><meta property='og:title' content='{title}'>"
    "<title>{title} | Merrow Post</title>",
    "amp": "<link rel='canonical' href='{url}'><style amp-boilerplate>body{{}}</style><title>{title} - Merrow Post</title>",
    "mobile": "<meta name='application-name' content='Merrow Post'><title>Merrow Post: {title}</title>",
    "print": "<meta name='robots' content='noindex'><title>{title} - Merrow Post</title>",
}
TOPS = {
    "desktop": "<header><a href='/'><h1 class='logo'>Merrow Post</h1></a></header><h1>{title}</h1>",
    "amp": "<header><amp-img alt='Merrow Post'></amp-img></header><h1 class='amp-wp-title'>{title}</h1>",
    "mobile": "<div class='m-top'><h1>Merrow Post</h1></div><h2>{title}</h2>",
    "print": "<p>Merrow Post</p><h1>{title}</h1>",
}


@pytest.mark.parametrize("form", HEADS)
def test_forms_of_one_page_read_alike(form: str) -> None:
    head, top = (part[form].format(title=TITLE, url=URL) for part in (HEADS, TOPS))
    host = "m.merrow.example" if form == "mobile" else "www.merrow.example"
    page = f"<html lang='en'><head>{head}</head><body>{top}<p class='byline'>By Ada Quay</p><div>{BODY}</div></body></html>"
    found = extract_html(page, f"https://{host}/news/wall-1234")
    assert (found.title, found.authors) == (TITLE, ("Ada Quay",))
