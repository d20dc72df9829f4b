"""Dates that count back from when a page was fetched, in pages and in plain text. All texts are invented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import orjson
import pytest

from newsflow.model import Article, PublicationDate, RawArticle
from newsflow.model.raw import parse_raw
from newsflow.normalise import extract_html, normalise, parse_date
from newsflow.normalise.article import extract_page
from newsflow.normalise.values import Selectors, SourceProfile
from newsflow.testing import raw_event

NOW = datetime(2025, 3, 1, 12, 34, 56, tzinfo=UTC)
FETCHED = "2025-03-01T12:34:56Z"
DUBAI = SourceProfile("merrow", zone="Asia/Dubai")
SENTENCES = " ".join(
    f"The harbour council of Merrow met for the {word} time and agreed to repair the old sea wall."
    for word in ("first", "second", "third", "fourth", "fifth")
)


@pytest.mark.parametrize(
    ("text", "language", "minutes"),
    [
        ("3 hours ago", "en", 180),
        ("an hour ago", "en", 60),
        ("5 mins ago", "en", 5),
        ("3h ago", "en", 180),
        ("1 hour 20 minutes ago", "en", 80),
        ("Published 3 hours ago", "en", 180),
        ("منذ ساعتين", "ar", 120),
        ("منذ ساعة", "ar", 60),
        ("منذ 3 ساعات", "ar", 180),
        ("قبل ٥ دقائق", "ar", 5),
        ("نشر منذ دقيقتين", "ar", 2),
        ("2 часа назад", "ru", 120),
        ("час назад", "ru", 60),
        ("5 минут тому назад", "ru", 5),
        ("2 години тому", "uk", 120),
        ("vor 3 Stunden", "de", 180),
        ("vor einer Stunde", "de", 60),
        ("Veröffentlicht vor 10 Min.", "de", 10),
        ("il y a 2 heures", "fr", 120),
        ("il y a une heure", "fr", 60),
        ("Publié il y a 5 min", "fr", 5),
        ("hace 2 horas", "es", 120),
        ("há 2 horas", "pt", 120),
        ("2 ore fa", "it", 120),
        ("2 uur geleden", "nl", 120),
        ("2 godziny temu", "pl", 120),
        ("před 2 hodinami", "cs", 120),
        ("acum 2 ore", "ro", 120),
        ("πριν από 2 ώρες", "el", 120),
        ("3 saat önce", "tr", 180),
        ("bir saat önce", "tr", 60),
        ("۳ ساعت پیش", "fa", 180),
        ("לפני שעתיים", "he", 120),
        ("3小时前", "zh", 180),
        ("5分钟前", "zh", 5),
        ("5 分前", "ja", 5),
        ("3시간 전", "ko", 180),
        ("3 giờ trước", "vi", 180),
        ("2 jam yang lalu", "id", 120),
    ],
)
def test_spans_of_time(text: str, language: str, minutes: int) -> None:
    found = parse_date(text, language, None, NOW)
    precision = "minute" if minutes % 60 else "hour"
    at = (NOW - timedelta(minutes=minutes)).replace(second=0)
    assert found == PublicationDate(at, "explicit", "text", text, precision)  # type: ignore[arg-type]
    assert parse_date(text, language) is None, "without the time of the fetch it is not a date"


@pytest.mark.parametrize("language", [None, "en"])
def test_pages_err_about_their_language(language: str | None) -> None:
    for text in ("منذ ساعتين", "2 часа назад", "2小时前", "vor 2 Stunden", "2 saat önce"):
        found = parse_date(text, language, None, NOW)
        assert found is not None, text
        assert found.at == datetime(2025, 3, 1, 10, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "language", "at", "precision"),
    [
        ("вчера", "ru", "2025-02-28T00:00:00", "day"),
        ("вчера в 14:30", "ru", "2025-02-28T14:30:00", "minute"),
        ("Сегодня, 10:15", "ru", "2025-03-01T10:15:00", "minute"),
        ("أمس 10:30 ص", "ar", "2025-02-28T10:30:00", "minute"),
        ("اليوم، 12:20", "ar", "2025-03-01T12:20:00", "minute"),
        ("yesterday at 9:05 pm", "en", "2025-02-28T21:05:00", "minute"),
        ("Gestern, 14:30 Uhr", "de", "2025-02-28T14:30:00", "minute"),
        ("vorgestern", "de", "2025-02-27T00:00:00", "day"),
        ("hier à 14h30", "fr", "2025-02-28T14:30:00", "minute"),
        ("Publié hier", "fr", "2025-02-28T00:00:00", "day"),
        ("dün 10:15", "tr", "2025-02-28T10:15:00", "minute"),
        ("دیروز ۱۰:۱۵", "fa", "2025-02-28T10:15:00", "minute"),
        ("昨天14:30", "zh", "2025-02-28T14:30:00", "minute"),
        ("어제 14:30", "ko", "2025-02-28T14:30:00", "minute"),
        ("3 days ago", "en", "2025-02-26T00:00:00", "day"),
        ("منذ يومين", "ar", "2025-02-27T00:00:00", "day"),
    ],
)
def test_days(text: str, language: str, at: str, precision: str) -> None:
    found = parse_date(text, language, None, NOW)
    assert found is not None
    assert (found.at.isoformat(), found.zone, found.precision, found.text) == (at, "unknown", precision, text)


def test_a_day_is_one_of_the_source() -> None:
    late = datetime(2025, 2, 28, 22, tzinfo=UTC)  # the first of March in Dubai
    found = parse_date("أمس 10:30 ص", "ar", "Asia/Dubai", late)
    assert found is not None
    assert (found.at, found.zone) == (datetime(2025, 2, 28, 6, 30, tzinfo=UTC), "source")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Updated 3 hours ago", "en"),
        ("آخر تحديث منذ ساعتين", "ar"),
        ("Обновлено 2 часа назад", "ru"),
        ("2 weeks ago", "en"),
        ("hours ago", "en"),
        ("منذ ساعات", "ar"),
        ("in 3 hours", "en"),
        ("3 hours", "en"),
        ("0 minutes ago", "en"),
        ("500 hours ago", "en"),
        ("3 hours ago, 12:30", "en"),
        ("Ann Quay left 3 hours ago", "en"),
        ("hier", "de"),
        ("hier 14:30", "de"),
        ("ma 14:30", "it"),
        ("yesterday or today", "en"),
        ("yesterday's wall", "en"),
        ("昨日の会議", "ja"),
        ("before the storm", "en"),
        ("5 hours ago " + "x" * 60, "en"),
    ],
)
def test_what_does_not_count_back(text: str, language: str) -> None:
    assert parse_date(text, language, None, NOW) is None


def page(shown: str, below: str = "", head: str = "") -> str:
    title = "Harbour wall to be repaired before winter"
    return (
        f"<html lang='en'><head><title>{title}</title>{head}</head><body><h1>{title}</h1>{shown}"
        f"<article><p>{SENTENCES}</p><p>{SENTENCES}</p></article>{below}</body></html>"
    )


@pytest.mark.parametrize(
    "shown",
    [
        "<span>3 hours ago</span>",
        "<time>3 hours ago</time>",
        "<p class='meta'>By Ada Quay</p><div class='date'> 3 hours ago </div>",
        "<p><b>Harbour</b> <i class='icon'></i>3 hours ago</p>",
    ],
)
def test_a_page_is_read_against_its_fetch(shown: str) -> None:
    found = extract_html(page(shown), None, None, NOW).published
    assert found == PublicationDate(datetime(2025, 3, 1, 9, 34, tzinfo=UTC), "explicit", "text", "3 hours ago", "hour")
    assert extract_html(page(shown), None).published is None


@pytest.mark.parametrize(
    "html",
    [
        page("", below="<div class='comments'><p>Cleo</p><span>3 hours ago</span></div>"),
        page("<aside><span>3 hours ago</span></aside>"),
        page("<div>Updated <span>3 hours ago</span></div>"),
        page("<nav><a>3 hours ago</a></nav>"),
        page("", below="<i>x</i>" * 50 + "<span>3 hours ago</span>"),
    ],
)
def test_what_others_did_hours_ago_is_not_the_date_of_the_page(html: str) -> None:
    assert extract_html(html, None, None, NOW).published is None


def test_a_date_that_is_written_out_goes_before() -> None:
    found = extract_html(page("<span>3 hours ago</span><span>28 February 2025</span>"), None, None, NOW).published
    assert found is not None
    assert found.text == "28 February 2025"


def test_a_profile_may_name_the_place() -> None:
    source = SourceProfile("merrow", selectors=Selectors(date="i.when"))
    html = page("", below="<i>x</i>" * 100 + "<i class='when'>3 hours ago</i>")
    found = extract_html(html, None, source, NOW).published
    assert found is not None
    assert found.at == datetime(2025, 3, 1, 9, 34, tzinfo=UTC)


def raw(content: str, **members: str) -> RawArticle:
    sent = {"title": None, "url": "https://merrow.example/1", "content": content, "fetched_at": FETCHED, **members}
    read = parse_raw(orjson.dumps(raw_event(**sent)), ())
    assert isinstance(read, RawArticle)
    return read


def article(content: str, source: SourceProfile | None = None, **members: str) -> Article:
    read = raw(content, **members)
    found = normalise(read, source, read.fetched_at)
    assert isinstance(found, Article)
    return found


@pytest.mark.parametrize(
    ("line", "at", "precision"),
    [
        ("3 hours ago", "2025-03-01T09:34:00+00:00", "hour"),
        ("Yesterday, 14:30", "2025-02-28T10:30:00+00:00", "minute"),
        ("منذ ساعتين", "2025-03-01T10:34:00+00:00", "hour"),
    ],
)
@pytest.mark.parametrize("content_is", ["article", "page"])
def test_plain_text_whose_date_line_counts_back(line: str, at: str, precision: str, content_is: str) -> None:
    text = f"Harbour wall to be repaired before winter\n\n{line}\n\n{SENTENCES}\n\n{SENTENCES.upper()}"
    found = article(text, DUBAI, content_type="text/plain", content_is=content_is)
    assert (found.published.at.isoformat(), found.published.precision) == (at, precision)
    assert (found.title, line in found.body) == ("Harbour wall to be repaired before winter", False)


def test_a_line_that_counts_back_is_no_headline() -> None:
    found = extract_page(raw(f"3 hours ago\n\n{SENTENCES}\n\n{SENTENCES.upper()}", content_type="text/plain"), None)
    assert found.title != "3 hours ago"


def test_a_sentence_that_begins_so_stays_in_the_text() -> None:
    line = "3 hours ago the council of Merrow closed the harbour road."
    found = article(f"Harbour road closed\n\n{line}\n\n{SENTENCES}", content_type="text/plain", content_is="article")
    assert line in found.body
    assert found.published.evidence == "first-seen"


def test_the_hint_of_a_feed_counts_back_too() -> None:
    found = article(page(""), content_type="text/html", published="2 hours ago")
    assert (found.published.evidence, found.published.at) == ("feed", datetime(2025, 3, 1, 10, 34, tzinfo=UTC))


def test_it_is_the_time_of_the_event_that_counts_and_no_clock() -> None:
    first = article(page("<span>3 hours ago</span>"), content_type="text/html")
    later = article(page("<span>3 hours ago</span>"), content_type="text/html", fetched_at="2025-03-02T12:34:56Z")
    assert later.published.at - first.published.at == timedelta(days=1)
    assert first.content_hash == later.content_hash
    read = raw(page("<span>Yesterday, 10:15</span>"), content_type="text/html")
    seen_late = normalise(read, DUBAI, read.fetched_at + timedelta(days=30))
    assert isinstance(seen_late, Article)
    assert seen_late.published.at == datetime(2025, 2, 28, 6, 15, tzinfo=UTC)
