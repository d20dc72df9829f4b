"""Whole pages in many layouts and languages: the body is the article's paragraphs and nothing else.

Each page goes in with its tags, and again after these were stripped.
"""

from __future__ import annotations

import pytest

from benchmarks.quality.pages import STRIPPERS
from newsflow.normalise import clean_text, extract_html
from newsflow.normalise.lines import is_code

URL = "https://merrow.example/a/1"
TITLE = "Harbour wall to be repaired before winter"
ENGLISH = (
    "The harbour council of Merrow met on Tuesday evening and agreed to repair the old sea wall before the winter storms arrive.",
    "Engineers had warned in March that the lower course of stone was loose in eleven places, and that a spring tide could open it.",
    "“We have waited long enough,” said Ida Varn, who chairs the council. “The money is there and the masons are ready to begin.”",
    "The work will cost four million crowns, of which the province pays half. The rest comes from mooring fees over six years.",
    "Fishermen asked that the north quay stay open during the repairs, since the herring season begins in October.",
    "A first section of ninety metres is to be finished by the end of the month, according to the plan published on Wednesday.",
)
ITEMS = (
    *("The old wall", "The lower course of stone is loose in eleven places and has not been touched since 1931."),
    *("The north quay", "It stays open during the herring season, which begins in October."),
    *("The money", "Half of four million crowns comes from the province, half from mooring fees."),
    *("The masons", "Twelve of them start next Monday; six more follow from the inland quarries."),
)
TALK = (
    *("Why now?", "Because the stone is loose.", "Who pays?", "The province pays half. We pay the rest."),
    *(
        "And the fishermen?",
        "They keep the north quay.",
        "Is that enough?",
        "For this year, yes. We shall see about the next.",
    ),
    *("What if a storm comes early?", "Then we close the gate and wait, as our fathers did."),
)
TABLE = (
    "<table><tr><th>Section</th><th>Metres</th></tr><tr><td>North</td><td>90</td></tr><tr><td>South</td><td>140</td></tr>"
    "</table>"
)
HEAD = f"<h1>{TITLE}</h1><div class='byline'>By Tom Hale</div><time datetime='2026-03-04T10:00:00Z'>4 March 2026</time>"
MENU = "<header><a href='/'>Merrow Post</a><nav><ul>{}</ul></nav></header>".format(
    "".join(f"<li><a href='/{name}'>{name}</a></li>" for name in ("News", "Sport", "Weather", "Video", "Subscribe"))
)
TEASER = "<li><a href='/r{}'><h4>Ferry to the outer islands cancelled {}</h4><p>The boat would not sail on Monday.</p></a></li>"
BELOW = (
    f"<div class='related'><h3>Related stories</h3><ul>{''.join(TEASER.format(at, at) for at in range(6))}</ul></div>"
    "<footer><ul><li>Contact</li><li>Privacy policy</li></ul><p>© 2026 Merrow Post. All rights reserved.</p></footer>"
)


def page(body: str, title: str = TITLE, language: str = "en") -> str:
    head = f"<meta charset='utf-8'><title>{title} | Merrow Post</title>"
    return f"<!doctype html><html lang='{language}'><head>{head}</head><body>{MENU}{body}{BELOW}</body></html>"


def paragraphs(lines: tuple[str, ...]) -> str:
    return "".join(f"<p>{line}</p>" for line in lines)


def post(time: str, line: str) -> str:
    return f"<article class='post'><time>{time}</time><p>{line}</p><div class='share'>Share Tweet</div></article>"


LIVE = "".join(post(f"18:{59 - at}", line) for at, line in enumerate(ENGLISH))
LIST = "".join(f"<li><h2>{ITEMS[at]}</h2><p>{ITEMS[at + 1]}</p></li>" for at in range(0, 8, 2))
INTERVIEW = "".join(f"<p><b>{TALK[at]}</b></p><p>{TALK[at + 1]}</p>" for at in range(0, 10, 2))
CUT = (
    f"{paragraphs(ENGLISH[:2])}<div class='advert'>Advertisement</div><p>Read also: <a href='/x'>Ferry cancelled</a></p>"
    f"{paragraphs(ENGLISH[2:4])}<aside><p>Sign up for our newsletter.</p></aside>{paragraphs(ENGLISH[4:])}"
)
WALL = "<div class='paywall'><h2>Subscribe to read on</h2><p>Already a subscriber? Log in to read on.</p></div>"
CARD = "<div class='card'><h3><a href='/c{}'>Another story {}</a></h3><p>The boats sailed on Monday and came back with herring.</p></div>"
LAYOUTS = {
    "live blog": (f"<main>{HEAD}{LIVE}</main>", ENGLISH),
    "video": (
        f"<main>{HEAD}<video src='a.mp4'></video><p>{ENGLISH[0]}</p><p>{ENGLISH[2]}</p></main>",
        ENGLISH[::2][:2],
    ),
    "video, one line": (f"<main>{HEAD}<div class='description'>{ENGLISH[0]}</div></main>", ENGLISH[:1]),
    "AMP": (
        f"<amp-sidebar><p>Home</p></amp-sidebar><article>{HEAD}<amp-img></amp-img>{paragraphs(ENGLISH)}<amp-ad></amp-ad></article>",
        ENGLISH,
    ),
    "paywall stub": (f"<main>{HEAD}{paragraphs(ENGLISH[:2])}{WALL}</main>", ENGLISH[:2]),
    "list": (f"<main>{HEAD}{paragraphs(ENGLISH[:1])}<ol>{LIST}</ol></main>", ENGLISH[:1] + ITEMS),
    "interview": (f"<article>{HEAD}{paragraphs(ENGLISH[:1])}{INTERVIEW}</article>", ENGLISH[:1] + TALK),
    "breaks": (f"<div><div>{HEAD}<div class='text'>{'<br><br>'.join(ENGLISH)}</div></div></div>", ENGLISH),
    "boxes": (f"<div>{HEAD}<div>{''.join(f'<div>{line}</div>' for line in ENGLISH)}</div></div>", ENGLISH),
    "cut by advertisements": (f"<article>{HEAD}{CUT}</article>", ENGLISH),
    "sections": (
        f"<main>{HEAD}{''.join(f'<section><div class=body><p>{line}</p></div></section>' for line in ENGLISH)}</main>",
        ENGLISH,
    ),
    "laid out by a table": (
        f"<table><tr><td><div>{HEAD}{paragraphs(ENGLISH)}</div></td><td><a href='/'>x</a></td></tr></table>",
        ENGLISH,
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layouts(name: str) -> None:
    body, expected = LAYOUTS[name]
    found = extract_html(page(body), URL)
    assert found.body.split("\n") == list(expected)
    assert found.title == TITLE


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("way", ["block tags to lines", "every tag to a line"])
def test_layouts_without_their_tags(name: str, way: str) -> None:
    body, expected = LAYOUTS[name]
    found = clean_text(STRIPPERS[way](page(body)))
    assert found.body.split("\n") == list(expected)


def test_short_articles_among_many_teasers_stay_short() -> None:
    cards = "".join(CARD.format(at, at) for at in range(12))
    body = f"<div id='main'>{HEAD}{paragraphs(ENGLISH[:2])}</div>{cards}"
    assert extract_html(page(body), URL).body.split("\n") == list(ENGLISH[:2])


def test_a_table_of_figures_does_not_end_a_stripped_article() -> None:
    body = f"<article>{HEAD}{paragraphs(ENGLISH[:3])}{TABLE}{paragraphs(ENGLISH[3:])}</article>"
    found = clean_text(STRIPPERS["every tag to a line"](page(body))).body.split("\n")
    assert [line for line in found if line in ENGLISH] == list(ENGLISH)
    assert not any("ferry" in line.lower() for line in found)


OTHERS = {
    "ar": (
        "ترميم الجدار البحري في ميناء مرو قبل الشتاء",
        "اقرأ أيضا: إلغاء العبارة إلى الجزر الخارجية",
        (
            "أعلن مجلس ميناء مرو مساء الثلاثاء أنه سيرمم الجدار البحري القديم قبل أن تهب عواصف الشتاء على المدينة.",
            "وكان المهندسون قد حذروا في آذار من أن الصف الأسفل من الحجارة متخلخل في أحد عشر موضعا، وأن مدا عاليا قد يفتحه.",
            "وتبلغ كلفة العمل أربعة ملايين كرون تدفع المقاطعة نصفها، أما الباقي فيأتي من رسوم الرسو خلال ست سنوات.",
        ),
    ),
    "fa": (
        "دیوار دریایی بندر مرو پیش از زمستان بازسازی می‌شود",
        "بیشتر بخوانید: لغو کشتی جزایر",
        (
            "شورای بندر مرو سه‌شنبه شب تصمیم گرفت دیوار قدیمی دریا را پیش از رسیدن توفان‌های زمستانی بازسازی کند.",
            "مهندسان در ماه مارس هشدار داده بودند که ردیف پایینی سنگ‌ها در یازده جا سست شده است و مد بلند می‌تواند آن را بشکافد.",
            "هزینه کار چهار میلیون کرون است که نیمی از آن را استان می‌پردازد و باقی از عوارض پهلوگیری در شش سال تأمین می‌شود.",
        ),
    ),
    "he": (
        "חומת הים במרו תשופץ לפני החורף",
        "קראו גם: המעבורת לאיים בוטלה שוב",
        (
            "מועצת נמל מרו החליטה ביום שלישי בערב לשפץ את חומת הים הישנה לפני שיגיעו סערות החורף אל העיר.",
            "מהנדסים הזהירו כבר במרץ שהשורה התחתונה של האבנים רופפת באחד עשר מקומות, ושגאות גבוהה עלולה לפתוח אותה.",
            "העבודה תעלה ארבעה מיליון כתרים, ומחציתם ישולמו על ידי המחוז. השאר יבוא מדמי עגינה במשך שש שנים.",
        ),
    ),
    "ru": (
        "Морскую стену в Мерроу отремонтируют до зимы",
        "Читайте также: Паром на дальние острова снова отменён",
        (
            "Совет порта Мерроу во вторник вечером решил отремонтировать старую морскую стену до начала зимних штормов.",
            "Инженеры ещё в марте предупреждали, что нижний ряд камней расшатан в одиннадцати местах и высокий прилив его вскроет.",
            "Работы обойдутся в четыре миллиона крон, половину которых заплатит провинция, остальное покроют портовые сборы.",
        ),
    ),
    "zh": (
        "梅罗港海堤将在冬季前修复",
        "相关阅读：开往外岛的渡轮再次取消",
        (
            "梅罗港务委员会周二晚间决定，在冬季风暴到来之前修复旧海堤。",
            "工程师早在三月就警告说，海堤下层的石块有十一处松动，大潮可能将其冲开，危及整个港区。",
            "工程将耗资四百万克朗，其中一半由省政府支付，其余部分在六年内从停泊费中支出。",
        ),
    ),
}


@pytest.mark.parametrize("language", OTHERS)
def test_pages_in_other_scripts(language: str) -> None:
    title, also, lines = OTHERS[language]
    body = f"<article><h1>{title}</h1>{paragraphs(lines[:2])}<p><a href='/x'>{also}</a></p>{paragraphs(lines[2:])}</article>"
    whole = page(body, title, language)
    for found in (extract_html(whole, URL), clean_text(STRIPPERS["block tags to lines"](whole))):
        assert found.body.split("\n") == list(lines)
        assert found.title == title


SCRIPTS = (
    "window.dataLayer = window.dataLayer || []; dataLayer.push({'page': 'article', 'section': 'harbour', 'paid': false});",
    "(function(w,d,s){var f=d.getElementsByTagName(s)[0]; if (w.x) { return; } f.parentNode.insertBefore(j,f);})(window,document);",
    ".card{margin:0;padding:0} @media (max-width:600px){.card{display:none}}",
)


def test_scripts_that_stayed_in_stripped_text_are_no_body() -> None:
    lines = [*SCRIPTS * 4, TITLE, *ENGLISH[:3], *SCRIPTS[:2], *ENGLISH[3:], *SCRIPTS * 4]
    found = clean_text("\n".join(lines))
    assert found.body.split("\n") == list(ENGLISH)
    assert {dropped.why for dropped in found.dropped if dropped.text in SCRIPTS} <= {"code", "repeated", "outside-body"}


def test_what_only_looks_like_code_stays() -> None:
    for line in (*ENGLISH, "He wrote: “a = b” (and more); then he left.", "Нет. ====== Да, сказала Ида Варн."):
        assert not is_code(line)
