"""Bodies of pages: what belongs to the text stays, however its elements are named, and what does not goes."""

from __future__ import annotations

import json
import unicodedata

import pytest

from newsflow.normalise import extract_html

URL = "https://www.merrow.example/news/wall-1234"
TEXTS = {
    "en": (
        "The harbour council of Merrow met on Tuesday evening and agreed to repair the old sea wall before winter comes.",
        "Engineers had warned in March that the lower course of stone was loose in eleven places along the quay.",
        "The work will cost four million crowns, of which the province pays half; the rest comes from mooring fees.",
        "Fishermen asked that the north quay stay open during the repairs, since the herring season begins in October.",
    ),
    "ar": (
        "أعلن مجلس ميناء مرو مساء الثلاثاء أنه سيرمم الجدار البحري القديم قبل أن تهب عواصف الشتاء على المدينة.",
        "وكان المهندسون قد حذروا في آذار من أن الصف الأسفل من الحجارة متخلخل في أحد عشر موضعا من الرصيف.",
        "وتبلغ كلفة العمل أربعة ملايين كرون تدفع المقاطعة نصفها، أما الباقي فيأتي من رسوم الرسو خلال ست سنوات.",
        "وطلب الصيادون أن يبقى الرصيف الشمالي مفتوحا أثناء الترميم، لأن موسم الرنجة يبدأ في تشرين الأول.",
    ),
    "ru": (
        "Совет порта Мерроу во вторник вечером решил отремонтировать старую морскую стену до начала зимних штормов.",
        "Инженеры ещё в марте предупреждали, что нижний ряд камней расшатан в одиннадцати местах вдоль набережной.",
        "Работы обойдутся в четыре миллиона крон, половину которых заплатит провинция, остальное покроют портовые сборы.",
        "Рыбаки просили оставить северный причал открытым на время ремонта, так как сезон сельди начинается в октябре.",
    ),
    "zh": (
        "梅罗港务委员会周二晚间决定，在冬季风暴到来之前修复旧海堤，并公布了施工计划。",
        "工程师早在三月就警告说，海堤下层的石块有十一处松动，大潮可能将其冲开，危及整个港区。",
        "工程将耗资四百万克朗，其中一半由省政府支付，其余部分在六年内从停泊费中支出。",
        "渔民要求在修复期间保持北码头开放，因为鲱鱼季节将于十月开始，不能耽误。",
    ),
}  # fmt: skip
LEFT_OUT = "The ferry to the outer islands was cancelled again on Monday, and nobody knows when it will sail."
MENU = "<nav><ul>" + "".join(f"<li><a href='/{at}'>Section {at}</a></li>" for at in range(9)) + "</ul></nav>"


def page(body: str, head: str = "") -> str:
    return (
        f"<!doctype html><html><head><title>The wall of Merrow</title>{head}</head><body class='has-sidebar no-comments'>"
        f"{MENU}{body}<div class='site-footer'><p>© 2026 Merrow Post. All rights reserved.</p></div></body></html>"
    )


def lines(html: str) -> list[str]:
    return extract_html(html, URL).body.split("\n")


def paragraphs(texts: tuple[str, ...]) -> str:
    return "".join(f"<p>{text}</p>" for text in texts)


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    "name", ["sidebar-grid__content", "promo-free", "social-text", "ad-free-content", "layout--paywall"]
)
def test_no_half_is_lost_for_a_name(language: str, name: str) -> None:
    texts = TEXTS[language]
    halves = f"<div class='story'>{paragraphs(texts[:2])}</div><div class='{name}'>{paragraphs(texts[2:])}</div>"
    assert lines(page(f"<article><h1>The wall</h1>{halves}</article>")) == list(texts)
    each = "".join(f"<div class='{name}'><p>{text}</p></div>" for text in texts)
    assert lines(page(f"<article><h1>The wall</h1>{each}</article>")) == list(texts)


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize("times", [2, 3, 4])
def test_no_part_is_lost_because_much_was_found(language: str, times: int) -> None:
    texts = TEXTS[language]
    first = tuple(" ".join([text] * times) for text in texts)
    html = page(
        f"<div><h1>The wall</h1><div class='a'>{paragraphs(first)}</div><div class='b'>{paragraphs(texts)}</div></div>"
    )
    assert lines(html) == [*first, *texts]


@pytest.mark.parametrize(
    ("copy", "language"),
    [
        (lambda text: unicodedata.normalize("NFD", text), "ru"),
        (lambda text: text.replace("ال", "الـ"), "ar"),
        (lambda text: text.replace("ن", "نَ"), "ar"),
        (lambda text: text.upper(), "ru"),
    ],
    ids=["decomposed", "stretched", "marked", "in capitals"],
)  # fmt: skip
def test_a_copy_for_another_screen_is_not_said_again(copy: object, language: str) -> None:
    assert callable(copy)
    texts = TEXTS[language]
    small = f"<div class='for-small'>{paragraphs(tuple(copy(text) for text in texts[:2]))}</div>"
    html = page(f"<article><h1>The wall</h1><div>{paragraphs(texts)}</div>{small}</article>")
    assert lines(html) == list(texts)


@pytest.mark.parametrize("language", TEXTS)
@pytest.mark.parametrize(
    "around",
    [
        "<article><header><h1>The wall</h1><p class='lead'>{lead}</p></header><div class='text'>{text}</div></article>",
        "<div class='top'><h1>The wall</h1><div class='article-teaser'><p>{lead}</p></div></div><div>{text}</div>",
        "<article><h1>The wall</h1><h2 class='subtitle'>{lead}</h2><div>{text}</div></article>",
    ],
)
def test_the_lead_stays(language: str, around: str) -> None:
    lead, *texts = TEXTS[language]
    assert lines(page(around.format(lead=lead, text=paragraphs(tuple(texts))))) == [lead, *texts]


def test_headings_lists_and_tables_of_the_text_stay() -> None:
    texts = TEXTS["en"]
    table = "<table><tr><th>Part</th><th>Metres</th></tr><tr><td>North</td><td>90</td></tr></table>"
    inner = (
        f"<p>{texts[0]}</p><h2>What is next</h2><p>{texts[1]}</p><ul><li>New stone</li><li>Oak piles</li></ul>{table}"
    )
    found = lines(page(f"<article><h1>The wall</h1>{inner}<p>{texts[2]}</p><h3>More on this</h3></article>"))
    expected = [texts[0], "What is next", texts[1], "New stone", "Oak piles", "Part | Metres", "North | 90", texts[2]]
    assert found == expected


FOREIGN = {
    "list of links": "<ul>" + "".join(f"<li>Read: <a href='/{at}'>Other news of the day {at}</a></li>" for at in range(5)) + "</ul>",
    "promotion": f"<div class='newsletter-box'><p>{LEFT_OUT}</p></div>",
    "members": f"<div class='related-content'><p>{LEFT_OUT}</p></div>",
    "post of others": f"<blockquote class='twitter-tweet'><p>{LEFT_OUT}</p></blockquote>",
    "comments": f"<div id='comments'>{f'<div class=comment-body><p>{LEFT_OUT} {LEFT_OUT}</p></div>' * 20}</div>",
    "teasers": "".join(f"<div class='c'><h3><a href='/{at}'>The boats {at}</a></h3><p>{LEFT_OUT}</p></div>" for at in range(4)),
    "caption": f"<figure><img src='a.jpg'><figcaption>{LEFT_OUT}</figcaption></figure>",
    "image": f"<div class='article-image'><p>{LEFT_OUT}</p></div>",
    "hidden": f"<div style='display: none'><p>{LEFT_OUT}</p></div>",
    "cookies": "<div class='box'><p>" + "We would like to set cookies that count visits to the site. " * 12 + "</p></div>",
}  # fmt: skip


@pytest.mark.parametrize("kind", FOREIGN)
@pytest.mark.parametrize("language", TEXTS)
def test_what_is_not_the_text_goes(kind: str, language: str) -> None:
    texts = TEXTS[language]
    html = page(f"<article><h1>The wall</h1><div class='body'>{paragraphs(texts)}</div>{FOREIGN[kind]}</article>")
    assert lines(html) == list(texts)


def test_a_post_is_not_furniture_for_what_it_is_about() -> None:
    texts = TEXTS["en"]
    post = f"<div class='post hentry tag-comments category-newsletter'>{paragraphs(texts)}</div>"
    assert lines(page(f"<div id='content'><h1>The wall</h1>{post}</div>")) == list(texts)


def test_a_list_of_things_with_links_is_an_article() -> None:
    text = " ".join(TEXTS["en"])
    things = "".join(
        f"<div class='thing'><h2><a href='/{at}'>Thing {at}</a></h2><p>{at}: {text}</p></div>" for at in range(3)
    )
    found = lines(page(f"<main><h1>Three things</h1>{things}</main>"))
    assert [line for line in found if line.endswith(".")] == [f"{at}: {text}" for at in range(3)]


@pytest.mark.parametrize("language", TEXTS)
def test_mobile_and_print_forms(language: str) -> None:
    texts = TEXTS[language]
    amp = f"<amp-sidebar><p>Home</p></amp-sidebar><main><amp-story-x><h1>The wall</h1>{paragraphs(texts)}</amp-story-x></main>"
    print_form = f"<table><tr><td><h1>The wall</h1>{'<br><br>'.join(texts)}</td></tr></table>"
    assert lines(page(amp)) == lines(page(print_form)) == list(texts)


def ld(**members: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({"@type": "NewsArticle", **members})}</script>'


def test_a_stated_body_that_holds_more_than_the_article_is_distrusted() -> None:
    texts = TEXTS["en"][:2]
    teasers = "".join(f"<li class='related'><a href='/{at}'>{at}: {LEFT_OUT}</a></li>" for at in range(6))
    shown = f"<article><h1>The wall</h1>{paragraphs(texts)}</article><ul>{teasers}</ul>"
    more = "\n".join([*texts, *(f"{at}: {LEFT_OUT}" for at in range(6))])
    assert lines(page(shown, ld(articleBody=more))) == list(texts)
    assert lines(page(shown, ld(articleBody="\n".join(TEXTS["ru"] * 2)))) == list(texts)
    assert lines(page(shown, ld(articleBody="\n".join(TEXTS["en"] * 2))))[:4] == list(TEXTS["en"])


def test_the_updates_of_a_live_blog_are_its_text() -> None:
    updates = [
        {"@type": "BlogPosting", "headline": f"Update {at}", "articleBody": text} for at, text in enumerate(TEXTS["en"])
    ]
    head = ld(**{"@type": "LiveBlogPosting", "headline": "The wall", "liveBlogUpdate": updates})
    found = lines(page("<h1>The wall</h1><div id='live'></div>", head))
    assert found == [line for at, text in enumerate(TEXTS["en"]) for line in (f"Update {at}", text)]


def test_the_sign_of_an_agency_behind_the_text_stays() -> None:
    text = "".join(
        f"<p>The council of Merrow spoke of the harbour wall for the {n}th time, and of its cost.</p>"
        for n in range(4, 9)
    )
    page = "<html><body><article><h1>The harbour wall</h1><section>{}</section><p>{}</p></article></body></html>"
    for sign in ("(Tarsen)", "/TRS/", "(النهر)"):
        assert extract_html(page.format(text, sign), None).body.split("\n")[-1] == sign
    assert "Merrow" in extract_html(page.format(text, "Read on"), None).body.split("\n")[-1]
