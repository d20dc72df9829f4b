"""A raw article in, a clean article or a reason out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.dedup.identity import identity_keys
from newsflow.model import Action, Article, PublicationDate, RawArticle, Reason, Rejected
from newsflow.normalise import SourceProfile, content_hash, normalise
from newsflow.normalise.article import choose_date
from newsflow.normalise.values import Parameters

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)
DUBAI = SourceProfile("barid-sahel", name="بريد الساحل", zone="Asia/Dubai")
BODY = "أعلن مجلس ميناء مرو يوم الثلاثاء أنه سيرمم الجدار البحري القديم قبل حلول الشتاء بتمويل من البلدية."
# The layout of a page that lost its tags: a foreign headline, a logo, a caption, the title, the date, the body, a footer.
TEXT_PAGE = f"""وصول أول سفينة سياحية إلى ميناء كالدون هذا الموسم

logo
رئيس البلدية وأعضاء المجلس
فيديو

ميناء مرو يرمم جداره القديم.. متى يبدأ العمل؟ (فيديو بريد)

15 ديسمبر 2024، 5:21 م

{BODY}

{BODY.replace("أعلن", "وأضاف")}

فهل يكتمل العمل؟

{BODY.replace("أعلن", "وأكد")}

logo
تابعونا على
جميع الحقوق محفوظة © 2024 بريد الساحل
مركز الإشعارات"""


def raw(content: str = TEXT_PAGE, content_type: str = "text/plain", **members: Any) -> RawArticle:
    members.setdefault("url", "https://www.barid.example/news/1234?utm_source=rss")
    return RawArticle("barid-sahel", NOW, content_type, content, **members)


def article(*arguments: Any, source: SourceProfile | None = DUBAI, **members: Any) -> Article:
    result = normalise(raw(*arguments, **members), source, NOW)
    assert isinstance(result, Article)
    return result


def rejected(*arguments: Any, **members: Any) -> Rejected:
    result = normalise(raw(*arguments, **members), None, NOW)
    assert isinstance(result, Rejected)
    assert result.message
    assert result.stage == "Normalise"
    return result


def test_a_page_that_lost_its_tags() -> None:
    found = article()
    assert found.title == "ميناء مرو يرمم جداره القديم.. متى يبدأ العمل؟"
    assert found.raw["title_marks"] == ["فيديو بريد"]
    assert found.body.split("\n") == [
        BODY,
        BODY.replace("أعلن", "وأضاف"),
        "فهل يكتمل العمل؟",
        BODY.replace("أعلن", "وأكد"),
    ]
    assert found.published == PublicationDate(
        datetime(2024, 12, 15, 13, 21, tzinfo=UTC), "source", "text", "15 ديسمبر 2024، 5:21 م", "minute"
    )
    assert found.language == "ar"
    assert found.url == "https://www.barid.example/news/1234"
    assert found.raw["url"] == "https://www.barid.example/news/1234?utm_source=rss"
    assert (found.id, found.version, found.action) == ("", 1, Action.ADD)
    assert found.first_seen == NOW
    assert found.word_count == len(found.body.split())
    assert found.content_hash == content_hash(found.title, found.body)


def test_a_zone_nobody_names_stays_unknown() -> None:
    published = article(source=None).published
    assert (published.at, published.zone) == (datetime(2024, 12, 15, 17, 21), "unknown")  # noqa: DTZ001


def test_an_undated_article_was_published_when_first_seen() -> None:
    published = article(f"ميناء مرو يرمم جداره القديم\n\n{BODY}").published
    assert (published.at, published.evidence) == (NOW, "first-seen")


def test_the_feed_dates_what_the_text_does_not() -> None:
    published = article(f"ميناء مرو يرمم جداره القديم\n\n{BODY}", published="Mon, 24 Feb 2025 10:00:00 +0300").published
    assert (published.at, published.evidence) == (datetime(2025, 2, 24, 7, tzinfo=UTC), "feed")


def test_a_date_after_first_seen_gives_way_to_the_next() -> None:
    found = article(TEXT_PAGE.replace("2024، 5", "2031، 5"), published="2025-02-24T10:00:00Z")
    assert (found.published.at, found.published.evidence) == (datetime(2025, 2, 24, 10, tzinfo=UTC), "feed")
    alone = article(TEXT_PAGE.replace("2024، 5", "2031، 5"))
    assert alone.published.evidence == "first-seen"


def test_hints_that_were_not_used_are_kept() -> None:
    found = article(
        section="ports", language="en", published="2024-12-15T10:00:00Z", extra={"paywall": True}, version="7"
    )
    assert {"section": "ports", "language": "en", "paywall": True, "version": "7"}.items() <= found.raw.items()
    assert found.language == "ar"


def test_a_headline_beside_the_text_is_the_title() -> None:
    found = article(f"{BODY}\n{BODY}", title="ميناء مرو يرمم جداره (صور) - بريد الساحل")
    assert found.title == "ميناء مرو يرمم جداره"
    assert found.raw["title_marks"] == ["صور"]


def test_a_withdrawal_needs_no_content() -> None:
    result = normalise(raw("", withdrawn=True, guid="b-1"), None, NOW)
    assert isinstance(result, Article)
    assert (result.action, result.title, result.body) == (Action.WITHDRAW, "", "")
    assert (result.url, result.guid) == ("https://www.barid.example/news/1234", "b-1")


def test_reasons() -> None:
    assert rejected("").reason is Reason.NO_TEXT
    assert rejected("<html><body></body></html>", "text/html").reason is Reason.NO_TEXT
    assert rejected("....\n!!!! ----\n" * 40).reason is Reason.NO_TEXT
    assert rejected(url="javascript:alert(1)").reason is Reason.BAD_URL
    assert rejected(content_type="application/pdf").reason is Reason.UNSUPPORTED_CONTENT_TYPE
    assert (
        rejected("خبر من الميناء\n\n" + BODY.replace("ا", "\ufffd").replace("ل", "\ufffd")).reason
        is Reason.BAD_ENCODING
    )


def test_parameters_of_a_content_type_are_no_other_type() -> None:
    assert article(content_type="Text/Plain; charset=utf-8").title


@pytest.mark.parametrize(
    ("canonical", "expected"),
    [
        ("https://barid.example/ar/1234", "https://www.barid.example/ar/1234"),
        ("https://barid.example/", "https://www.barid.example/news/1234"),
        ("https://barid.example/news/9999", "https://www.barid.example/news/1234"),
        ("https://other.example/news/1234", "https://www.barid.example/news/1234"),
        ("no url", "https://www.barid.example/news/1234"),
    ],
)
def test_a_canonical_url_counts_when_it_names_the_same_article(canonical: str, expected: str) -> None:
    assert article(canonical_url=canonical).url == expected


FLASH = "مجلس ميناء مرو يقر ترميم الجدار البحري القديم"


@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
def test_a_headline_alone_is_an_article(content_type: str) -> None:
    for found in (article(FLASH, content_type), article("", content_type, title=FLASH)):
        assert (found.title, found.body, found.word_count, found.language) == (FLASH, "", 0, "ar")


@pytest.mark.parametrize(
    "page",
    [
        f"<html><head><title>{FLASH}</title></head><body></body></html>",
        f"<html><body><h1>{FLASH}</h1><img src='a.jpg'></body></html>",
    ],
)
def test_a_page_without_text_has_a_headline_and_is_no_article(page: str) -> None:
    for content_type in ("text/html", "text/plain"):
        assert rejected(page, content_type, title=FLASH).reason is Reason.NO_TEXT


def test_what_has_no_letters_is_no_headline() -> None:
    assert rejected("", title="*** 12 ***").reason is Reason.NO_TEXT
    assert rejected("***").reason is Reason.NO_TEXT


ITEM = "The council of Merrow met on Tuesday & chose <b>a new chair</b>.<br>Work begins in <a href='/may'>May</a>."
ITEM_LINES = ["The council of Merrow met on Tuesday & chose a new chair.", "Work begins in May."]


@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
@pytest.mark.parametrize("content_is", ["article", None])
def test_a_fragment_of_a_feed_is_an_article(content_type: str, content_is: Any) -> None:
    found = article(ITEM, content_type, title="New chair in Merrow", content_is=content_is)
    assert found.title == "New chair in Merrow"
    assert found.body.split("\n") == ITEM_LINES
    assert "content_is" not in found.raw


@pytest.mark.parametrize("content_type", ["text/plain", "text/html"])
def test_text_without_a_tag_is_text(content_type: str) -> None:
    text = "Merrow Harbour <MRH> said profit rose to 4.1 mln crowns &amp; more is expected.\n\nIt gave no reason."
    found = article(text, content_type, title="MERROW HARBOUR <MRH> PROFIT UP")
    assert found.title == "MERROW HARBOUR <MRH> PROFIT UP"
    first = text.partition("\n")[0]
    assert found.body.split("\n") == [
        first.replace("&amp;", "&") if content_type == "text/html" else first,
        "It gave no reason.",
    ]


def test_a_page_that_says_it_is_text_is_read_as_a_page() -> None:
    page = (
        "<html><body><nav><a href='/'>Home</a></nav><article><h1>Wall repaired</h1>"
        f"<p>{BODY}</p><p>{BODY.replace('أعلن', 'وأضاف')}</p></article><footer>© 2025 Merrow Post</footer></body></html>"
    )
    assert article(page, "text/plain").body.split("\n") == [BODY, BODY.replace("أعلن", "وأضاف")]


def test_what_the_fetcher_says_of_the_content_decides() -> None:
    assert "تابعونا على" in article(content_is="article").body
    assert "تابعونا على" not in article(content_is="page").body
    html = f"<div><p>{BODY}</p><p>Read also: a new ferry</p><table><tr><td>North</td><td>90 m</td></tr></table></div>"
    assert article(html, "text/html", content_is="article").body.split("\n") == [
        BODY, "Read also: a new ferry", "North 90 m"
    ]  # fmt: skip


ARABIC_WORDS = quote("جدار-الميناء-القديم")


@pytest.mark.parametrize(
    ("found", "stated", "believed"),
    [
        ("/2031/05/04/harbour-wall", "/2031/05/04", False),  # a day
        ("/20310504/harbour-wall", "/20310504", False),
        ("/2031/05/harbour-wall", "/2031/05/harbour-wall", True),
        ("/news/harbour-wall-rebuilt?tab=2", "/news/harbour-wall-rebuilt", True),
        ("/show-story?id=55", "/show-story", False),
        ("/index.php?id=55", "/index.php", False),
        ("/index.php?id=55&view=full", "/index.php?id=55", False),
        ("/index.php?id=55&ref=rss", "/index.php?id=55", True),
        ("/news/12345/harbour-wall", "/news/12345", True),
        ("/news/harbour-wall", "/news", False),
        ("/news/harbour-wall", "/", False),
        (f"/{ARABIC_WORDS}?tab=2", f"/{ARABIC_WORDS}", True),
    ],
)
def test_a_canonical_link_of_a_section_is_not_believed(found: str, stated: str, believed: bool) -> None:
    site = "https://www.barid.example"
    page = f"<html><head><link rel=canonical href='{site}{stated}'></head><body><p>{BODY}</p></body></html>"
    result = article(page, "text/html", url=site + found)
    assert result.url == site + (stated if believed else found.replace("&ref=rss", ""))
    assert ("canonical_url" in result.raw) == (not believed and stated != "/")


def test_a_profile_says_which_parameters_count() -> None:
    source = SourceProfile("barid-sahel", parameters=Parameters(keep=("ref",), drop=("view",)))
    result = article(url="https://www.barid.example/read?ref=rss&view=full&id=7", source=source)
    assert result.url == "https://www.barid.example/read?id=7&ref=rss"
    assert identity_keys(result) != identity_keys(replace(result, url="https://www.barid.example/read?id=7"))


def test_a_front_page_names_no_article_that_has_an_id() -> None:
    assert article(url="https://barid.example/ar/", guid="b-7").url is None
    assert article(url="https://barid.example/ar/").url == "https://barid.example/ar"


def date(at: str, evidence: str, text: str = "10:00") -> PublicationDate:
    moment = datetime.fromisoformat(at)
    zone, precision = "explicit" if moment.tzinfo else "unknown", "minute" if ":" in text else "day"
    return PublicationDate(moment, zone, evidence, text, precision)  # type: ignore[arg-type]


def test_dates_that_disagree() -> None:
    stated, meta = (
        date("2025-02-20T00:00:00", "json-ld", "2025-02-20"),
        date("2025-02-20T09:30:00+00:00", "meta", "09:30"),
    )
    assert choose_date([meta, stated], "en", None, NOW).evidence == "meta"  # it knows the time and the zone
    far = date("2025-02-10T09:30:00+00:00", "meta", "09:30")
    assert choose_date([far, stated], "en", None, NOW).evidence == "json-ld"
    text = date("2025-02-19T10:00:00+00:00", "text")
    assert choose_date([text, date("2025-02-20T10:00:00+00:00", "feed")], "en", None, NOW).evidence == "feed"


@pytest.mark.property
@given(st.text(max_size=400), st.sampled_from(["text/plain", "text/html"]), st.one_of(st.none(), st.text(max_size=40)))
def test_any_content_has_an_outcome(content: str, content_type: str, title: str | None) -> None:
    result = normalise(raw(content, content_type, title=title, published=title), DUBAI, NOW)
    assert isinstance(result, Article | Rejected)
    if isinstance(result, Article):
        assert result.body or result.title
        assert (result.title + result.body).encode("utf-8")
        again = normalise(raw(content, content_type, title=title, published=title), DUBAI, NOW)
        assert again == result
