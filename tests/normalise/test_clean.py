"""Articles that are clean already stay whole; what shows the marks of a page is cut."""

from __future__ import annotations

import pytest

from newsflow.normalise import SourceProfile, clean_text
from newsflow.normalise.lines import why_dropped
from newsflow.normalise.markup import holds_tags, is_page, text_of_fragment

TITLE = "Harbour wall to be repaired"
STORY = [
    "The harbour council of Merrow met on Tuesday evening and agreed to repair the old sea wall before the winter storms.",
    "Who pays",
    "Half of it.",
    "The province pays half of four million crowns; the rest comes from mooring fees over six years.",
    "Photo and text: Anna Reed",
    "(Merrow)",
]


@pytest.mark.parametrize("headline", [TITLE, None])
def test_a_clean_article_stays_whole(headline: str | None) -> None:
    found = clean_text("\n\n".join([TITLE, *STORY]), headline=headline)
    assert found.title == TITLE
    assert found.body.split("\n") == STORY
    assert found.dropped == ()


def test_furniture_goes_from_an_article_and_nothing_else() -> None:
    lines = [TITLE, STORY[0], "Facebook", "Twitter", *STORY[1:4], "Follow us on Telegram"]
    assert clean_text("\n".join(lines)).body.split("\n") == STORY[:4]
    assert clean_text("\n".join(lines), content_is="article").body.split("\n") == lines[1:]


@pytest.mark.parametrize(
    "sentence",
    [
        "Which of the two ferries to Merrow do you take in winter?",
        "أي العبّارتين إلى ميناء مرّو تركبون في الشتاء؟",
        "На каком из двух паромов вы ездите зимой в Мерроу?",
    ],
)
def test_a_sentence_that_runs_into_a_style_or_a_script_stays(sentence: str) -> None:
    code = (
        "#poll ul { margin: 0; padding: 0; } .poll h4 { font: bold 12px; } $(document).ready(function(){ send('x'); });"
    )
    found = clean_text("\n\n".join([*STORY, f"{sentence} {code}"]))
    assert found.body.split("\n") == [*STORY, sentence]
    assert [each.why for each in found.dropped if "{" in each.text] == ["code"]
    kept = clean_text("\n\n".join([*STORY, f"{sentence} {code}"]), content_is="article")
    assert kept.body.split("\n") == [*STORY, f"{sentence} {code}"]


def test_furniture_of_two_kinds_makes_a_page_of_mostly_sentences() -> None:
    sentences = [f"{STORY[0]} It was meeting number {number}." for number in range(12)]
    page = ["Two boats lost off Calden", "logo", "Ida Varn", TITLE, "15 December 2024, 5:21 pm", *sentences]
    found = clean_text("\n\n".join([*page, "logo", "Follow us on Telegram", "© 2024 Merrow Post"]))
    assert found.title == TITLE
    assert found.body.split("\n") == sentences


@pytest.mark.parametrize(
    "title",
    [
        "MERROW HARBOUR <MRH> SETS REPAIR OF WALL",
        "ميناء مرو يرمم جداره القديم.. متى يبدأ العمل؟",
        "Кто заплатит за стену? Совет Мерроу решил",
        "Reuters: Merrow council agreed to repair the wall before winter",
        "Talks on the wall end in the U.S.",
        "«Стена выстоит» — Ида Варн",
        "旧海堤将在冬季前修复",
    ],
)
def test_the_first_line_is_the_headline(title: str) -> None:
    found = clean_text("\n\n".join([title, STORY[0], STORY[3]]))
    assert found.title == title
    assert found.body.split("\n") == [STORY[0], STORY[3]]


@pytest.mark.parametrize(
    "first",
    [
        "MERROW, March 4 (Reuters)",
        "القاهرة - رويترز",
        "The council met.",
        "By Anna Reed",
        "It was late. The council met on Tuesday and agreed to repair the old wall.",
        "在周二晚间，委员会开会。",
    ],
)
def test_a_dateline_or_a_line_of_the_body_is_no_headline(first: str) -> None:
    found = clean_text("\n\n".join([first, STORY[0], STORY[3]]))
    assert found.title == ""
    assert found.body.split("\n") == [first, STORY[0], STORY[3]]


def test_a_date_may_stand_above_the_headline() -> None:
    found = clean_text(
        "\n".join(["15 December 2024, 17:21", TITLE, STORY[0], STORY[3]]), SourceProfile("x", zone="UTC")
    )
    assert found.title == TITLE
    assert found.published is not None
    assert found.body.split("\n") == [STORY[0], STORY[3]]


def test_the_hint_is_the_title_and_the_first_line_stays() -> None:
    found = clean_text("\n\n".join(["Work begins in May", STORY[0], STORY[3]]), headline=TITLE)
    assert found.title == TITLE
    assert found.body.split("\n") == ["Work begins in May", STORY[0], STORY[3]]


NOTES = [
    f"The post {TITLE} appeared first on Merrow Post.",
    f"Der Beitrag {TITLE} erschien zuerst auf Merrow Post.",
    f"L’article {TITLE} est apparu en premier sur Merrow Post.",
    f"La entrada {TITLE} se publicó primero en Merrow Post.",
    f"L'articolo {TITLE} proviene da Merrow Post.",
    f"O post {TITLE} apareceu primeiro em Merrow Post.",
    f"Artykuł {TITLE} pochodzi z serwisu Merrow Post.",
    f"Запись {TITLE} впервые появилась Merrow Post.",
    f"Сообщение {TITLE} появились сначала на Merrow Post.",
    f"ظهرت المقالة {TITLE} أولاً على بريد الساحل.",
    f"نوشته {TITLE} اولین بار در بندر پدیدار شد.",
    f"{TITLE} yazısı ilk önce Merrow Post üzerinde ortaya çıktı.",
    f"投稿 {TITLE} は Merrow に最初に表示されました。",
]


@pytest.mark.parametrize("note", NOTES)
def test_the_note_below_an_article_of_a_feed_goes(note: str) -> None:
    found = clean_text(f"{STORY[0]}\n\n{STORY[3]}\n\n{note}", headline=TITLE, content_is="article")
    assert found.body.split("\n") == [STORY[0], STORY[3]]
    assert [(each.text, each.why) for each in found.dropped] == [(note, "feed-note")]
    if not note.startswith(TITLE):
        assert clean_text(f"{STORY[0]} {note}", headline=TITLE).body == STORY[0]


def test_a_sentence_like_such_a_note_stays() -> None:
    line = "The post office of Merrow appeared first on a map of 1831."
    assert clean_text(f"{STORY[0]}\n\n{line}", headline=TITLE).body.split("\n") == [STORY[0], line]


def test_tickers_are_no_tags() -> None:
    for text in ("Merrow Harbour <MRH> rose", "AT and T <T>, Phillips <P> and <A>", "a < b and b > c", "<3 Merrow"):
        assert not holds_tags(text)
    for text in ("<p>Wall</p>", "Wall<br>built", "<a href='/x'>Wall", "<!DOCTYPE html>", "<B>Wall</B>", "<img src=x>"):
        assert holds_tags(text)
    assert is_page("<html><p>x")
    assert not is_page("<div><p>x</p></div>")


def test_tags_become_paragraphs() -> None:
    html = (
        "<head><title>No</title></head><h2>Wall\n repaired</h2><p>One\nline <b>only</b>.</p>Two<br/>lines<script>x()</script>"
        "<ul><li>First</li><li>Second &lt;MRH&gt;</li></ul><pre>kept\nas it is</pre>"
    )
    lines = [line.strip() for line in text_of_fragment(html).split("\n") if line.strip()]
    assert lines == ["Wall repaired", "One line only.", "Two", "lines", "First", "Second <MRH>", "kept", "as it is"]


@pytest.mark.parametrize(
    "line",
    [
        "Intellectual property rights and copyright were on the agenda of the council in Merrow.",
        "وقال الوزير إن حقوق الملكية الفكرية وحقوق النشر كانت على جدول الأعمال.",
        "The new privacy policy of the ferry company was criticised by passengers.",
        "The book may not be published before May.",
    ],
)
def test_sentences_about_rights_are_no_footers(line: str) -> None:
    assert why_dropped(line) is None


@pytest.mark.parametrize(
    "line",
    [
        "© 2025 Merrow Post. All rights reserved.",
        "Privacy policy | Terms of use",
        "This material may not be published, broadcast or rewritten.",
        "Copyright 2025 Merrow Post.",
    ],
)
def test_footers(line: str) -> None:
    assert why_dropped(line) == "footer"
