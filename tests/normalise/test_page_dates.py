"""Which date of a page is when it was published. All pages are invented."""

from __future__ import annotations

import json
from datetime import datetime

import pytest

from newsflow.normalise import extract_html
from newsflow.normalise.dates.within import date_within
from newsflow.normalise.page.dates import day_of

URL = "https://www.merrow.example/news/wall-1234"
TITLE = "Harbour wall to be repaired before winter"
BODY = "".join(
    f"<p>The harbour council of Merrow met for the {word} time and agreed to repair the old sea wall.</p>"
    for word in ("first", "second", "third", "fourth", "fifth", "sixth")
)
FAR = "<i>x</i>" * 100
DAY = "2025-02-20"


def page(
    shown: str = "", *, head: str = "", above: str = "", below: str = "", lang: str = "en", title: str = TITLE
) -> str:
    return (
        f"<html lang='{lang}'><head><title>{title} | Merrow Post</title>{head}</head><body>{above}<div><h1>{title}</h1>"
        f"{shown}</div><div class='text'>{BODY}</div>{below}</body></html>"
    )


def day(html: str, url: str | None = URL) -> str:
    found = extract_html(html, url).published
    return found.at.date().isoformat() if found else ""


def stated(date: str) -> str:
    return f"<meta property='article:published_time' content='{date}'>"


@pytest.mark.parametrize(
    ("line", "lang"),
    [
        ("20 February 2025", "en"),
        ("Feb. 20th, 2025, 9:15 am", "en"),
        ("By Ada Quay, 20 February 2025", "en"),
        ("20 February 2025 · Filed under Harbours", "en"),
        ("20 Feb 2025 // Ada Quay", "en"),
        ("Published 20 February 2025 | Updated 21 February 2025", "en"),
        ("Von Ada Quay, 20.2.25", "de"),
        ("Do 20.02.25 | 14:07 Uhr | Von Ada Quay", "de"),
        ("Erstellt am: 20.02.2025 18:36 / aq", "de"),
        ("Ada Quay | 20 février 2025", "fr"),
        ("Publié le 20 février 2025 à 14h52, modifié le 21 février 2025 à 15h54", "fr"),
        ("أحمد المروي - 20 فبراير 2025 - 5:21 م", "ar"),
        ("الخميس، 20 شباط 2025", "ar"),
        ("Ада Ки, 20 февраля 2025, 14:30", "ru"),
        ("20 Şubat 2025 14:30", "tr"),
        ("记者 安达 ｜ 2025年2月20日 14:30", "zh"),
        ("by 灯台新聞 ／ 2025.02.20", "ja"),
        ("۱۴۰۳/۱۲/۰۲ - ۱۴:۳۰", "fa"),
    ],
)
@pytest.mark.parametrize("where", ["below", "above", "in"])
def test_a_date_line_at_the_headline(line: str, lang: str, where: str) -> None:
    shown = f"<p>{line}</p>"
    if where == "in":
        html = page(lang=lang).replace("</h1>", f"<span>{line}</span></h1>")
    else:
        html = page(shown, lang=lang) if where == "below" else page(lang=lang).replace("<h1>", f"{shown}<h1>")
    assert day(html) == DAY


def test_a_date_in_pieces() -> None:
    assert day(page("<p><span>20</span> <span>February</span> <span>2025</span></p>")) == DAY
    assert (
        day(page("<p class='date'><b>Date:</b> 20.02.2025 <span>- Desk: Ada Quay (harbours)</span></p>", lang="de"))
        == DAY
    )
    assert day(page("<p>By Ada <svg></svg>20 February 2025</p>")) == DAY


@pytest.mark.parametrize(
    "line",
    [
        "The wall fell on 20 February 2025.",
        "Storm of 20 February 2025 in pictures",
        "20 February 2025: the storm, day by day",
        "From 20 February 2025 to 3 March 2025",
        "Room 4, 20 February 2024 or 2025",
    ],
)
def test_dates_of_what_is_reported_are_not_taken(line: str) -> None:
    assert day(page(f"<p>{line}</p>")) == ""


@pytest.mark.parametrize(
    "around",
    [
        "<div class='comments'>{}</div>",
        "<ul class='related-news'>{}</ul>",
        "<nav>{}</nav>",
        "<ul class='main-menu'>{}</ul>",
        "<figure>{}</figure>",
        "<div class='caption'>{}</div>",
        "<blockquote>{}</blockquote>",
        "<footer>{}</footer>",
        "<div class='sidebar'>{}</div>",
        "<p class='last-modified'>{}</p>",
    ],
)
def test_dates_of_other_things_are_not_taken(around: str) -> None:
    date = "<span class='date'>20 February 2025</span>"
    assert day(page(around.format(date))) == ""
    assert day(page(date + around.format("<span class='date'>19 February 2025</span>"))) == DAY


@pytest.mark.parametrize("tag", ["header", "footer", "aside"])
def test_furniture_of_the_article_itself_may_say_its_date(tag: str) -> None:
    line = f"<article><{tag} class='entry-meta'><time datetime='{DAY}'>Thursday</time></{tag}></article>"
    assert day(page(line)) == DAY


@pytest.mark.parametrize(
    "mark",
    [
        f"<time datetime='{DAY}T10:00:00Z'>Thursday</time>",
        f"<time class='entry-date published updated' datetime='{DAY}T10:00:00Z'>Thursday</time>",
        f"<time itemprop='datePublished' content='{DAY}'>Thursday</time>",
        f"<span itemprop='datePublished' content='{DAY}T10:00:00Z'>Thursday</span>",
        f"<abbr class='published' title='{DAY}T10:00:00Z'>10:00</abbr>",
        f"<time class='updated' datetime='2025-02-21'></time><time class='published' datetime='{DAY}'></time>",
        f"<time datetime='2025-02-21'>Updated: Friday</time><time datetime='{DAY}'>Thursday</time>",
    ],
)
def test_what_is_said_for_machines(mark: str) -> None:
    assert day(page(mark)) == DAY


def test_the_heading_that_is_the_title_and_not_the_first() -> None:
    other = "<h1>Merrow Post</h1><p>19 February 2025</p>" + FAR
    assert day(page(f"<p>{DAY}</p>", above=other)) == DAY
    assert day(page(f"<p>{DAY}</p>", above=other, title="Harbour wall")) == DAY
    teaser = f"<h3>Wall of Merrow: {TITLE}</h3><p>19 February 2025</p>" + FAR
    assert day(page(f"<p>{DAY}</p>", above=teaser)) == DAY


def test_a_date_far_from_the_headline_is_marked_or_has_a_time_and_is_the_only_one() -> None:
    assert day(page(below=f"{FAR}<p class='date'>20 February 2025</p>")) == DAY
    assert day(page(below=f"{FAR}<p>20 February 2025, 14:30</p>")) == DAY
    assert day(page(below=f"{FAR}<p>20 February 2025</p>")) == ""
    two = "<p class='date'>20 February 2025</p><p class='date'>21 February 2025</p>"
    assert day(page(below=FAR + two)) == ""
    assert day(page(below=FAR + two.replace("date", "post-date", 1))) == DAY


def test_an_update_counts_where_nothing_else_is_said() -> None:
    assert day(page("<p>Updated 20 February 2025</p>")) == DAY
    assert day(page("<p>آخر تحديث: 20 فبراير 2025</p>", lang="ar")) == DAY
    update = f"<p>Updated 21 February 2025</p>{FAR}"
    assert day(page(f"{update}<p class='post-date'>20 February 2025</p>")) == DAY
    assert day(page(f"{update}<p class='date'>20 February 2025</p>")) == "2025-02-21", "a teaser, perhaps"


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/2025/02/20/wall", DAY),
        ("/news/2025/2/20/wall", DAY),
        ("/news/2025-02-20-wall", DAY),
        ("/news/20250220/wall", DAY),
        ("/news/20-02-2025", DAY),
        ("/news/2025/02/20/wall?from=2024/01/01", DAY),
        ("/2025/02/20/a/2025/02/20/b", DAY),
        ("/2025/02/20/a/2024/02/20/b", ""),
        ("/news/10-02-2025", ""),
        ("/news/2025/02/wall", ""),
        ("/news/2025/13/20/wall", ""),
        ("/news/2025/02/30/wall", ""),
        ("/news/120250220120908039", ""),
        ("/news/1250220", ""),
        ("", ""),
    ],
)
def test_the_day_in_an_address(path: str, found: str) -> None:
    at = day_of(f"https://merrow.example{path}")
    assert (at.at.date().isoformat() if at else "") == found
    assert day(page(), f"https://merrow.example{path}") == found


def test_an_address_says_when_a_page_was_first_published() -> None:
    url = f"https://merrow.example/{DAY.replace('-', '/')}/wall"
    assert day(page(head=stated("2025-03-05T10:00:00Z")), url) == DAY
    found = extract_html(page(head=stated("2025-02-20T22:00:00-05:00")), url).published
    assert found is not None
    assert found.at.isoformat() == "2025-02-21T03:00:00+00:00", "the same day, and its time is known"
    assert day(page("<p>20 February 2025, 14:30</p><p>24 February 2025</p>"), url) == DAY
    assert day(page("<p>24 February 2025</p>"), url) == DAY
    two = stated("2025-01-05T10:00:00Z") + "<meta itemprop='datePublished' content='2025-02-20T09:00:00Z'>"
    assert day(page(head=two), url) == DAY, "the one that agrees with it"
    assert day(page(head=stated("2025-01-05T10:00:00Z")), url) == "2025-01-05", "not dated back"


def test_a_month_in_an_address_speaks_against_other_months() -> None:
    url = "https://merrow.example/2025/02/wall"
    assert day(page("<p>14.08.2024</p><p>20.02.2025</p>", lang="de"), url) == DAY
    assert day(page("<p>14.08.2024</p>", lang="de"), url) == ""
    assert day(page("<p>1.3.2025</p>", lang="de"), url) == "2025-03-01"


def test_where_statements_differ_what_is_shown_decides() -> None:
    node = json.dumps({"@type": "NewsArticle", "headline": TITLE, "datePublished": "2021-05-05T10:00:00Z"})
    script = f"<script type='application/ld+json'>{node}</script>"
    shown = "<p>20 February 2025</p>"
    head = script + stated("2025-02-20T10:00:00Z")
    assert day(page(shown, head=head)) == DAY
    assert day(page(head=head)) == "2021-05-05"
    assert day(page(shown, head=script)) == "2021-05-05", "one statement is not doubted"


@pytest.mark.parametrize(
    "name", ["dcterms.issued", "article:post_date", "Publication_Date", "prism.publicationDate", "og:pubdate"]
)
@pytest.mark.parametrize("attribute", ["name", "property", "itemprop"])
def test_names_of_metadata(name: str, attribute: str) -> None:
    assert day(page(head=f"<meta {attribute}='{name}' content='{DAY}'>")) == DAY


def test_a_date_that_the_system_fills_in_gives_way() -> None:
    head = "<meta name='date' content='2025-02-24'>"
    assert day(page(head=head)) == "2025-02-24"
    assert day(page("<p>20 February 2025</p>", head=head)) == DAY
    assert day(page("<p>26 February 2025</p>", head=head)) == "2025-02-24"
    assert day(page("<p class='published'>26 February 2025</p>", head=head)) == "2025-02-26"


@pytest.mark.parametrize("quote", ['"', '\\"'])
def test_the_date_in_a_script(quote: str) -> None:
    members = f"{quote}datePublished{quote}: {quote}2025-02-20T10:00:00Z{quote}"
    assert day(page(below=f"<script>var page = {{{members}}}</script>")) == DAY
    assert day(page(below=f"<script>var page = [{members}, {members.replace('20T', '21T')}]</script>")) == ""


def test_months_and_days_that_a_program_may_have_turned_round() -> None:
    assert day(page("<p>05/08/2019</p>", lang="de")) == ""
    assert day(page("<p>05/08/2019</p>", lang="fr")) == "2019-08-05"
    assert day(page("<p>05.08.2019</p>", lang="de")) == "2019-08-05"


@pytest.mark.parametrize(
    ("line", "at", "is_update"),
    [
        ("Ada Quay | 20 February 2025 | 14:07", "2025-02-20T14:07:00", False),
        ("Updated Nov. 19, 2019 8:21 am ET / Original Nov. 18, 2019 6:00 am ET", "2019-11-18T11:00:00+00:00", False),
        ("Harbours - updated 20 February 2025", "2025-02-20T00:00:00", True),
        ("20.02.2025, 08:12 von Ada", "2025-02-20T08:12:00", False),
    ],
)
def test_the_date_within_a_line(line: str, at: str, is_update: bool) -> None:
    found = date_within(line, "en")
    assert found is not None
    assert (found.date.at, found.is_update) == (datetime.fromisoformat(at), is_update)
    assert date_within(line + "x" * 160, "en") is None


@pytest.mark.parametrize(
    ("text", "precision"),
    [
        ("2025-02-20T10:00:30Z", "second"),
        ("2025-02-20 10:00", "minute"),
        ("20 February 2025, 10:00:30", "second"),
        ("20 February 2025, 10:00", "minute"),
        ("20 February 2025, 10 am", "hour"),
        ("20 February 2025", "day"),
    ],
)
def test_how_precise_a_date_is(text: str, precision: str) -> None:
    found = extract_html(page(f"<p>{text}</p>"), URL).published
    assert found is not None
    assert found.precision == precision
