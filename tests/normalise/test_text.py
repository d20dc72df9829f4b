"""Settled Unicode, decoding, titles, lines, agencies, languages."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsflow.normalise import clean_text, detect_language
from newsflow.normalise.characters import tidy_line, tidy_text
from newsflow.normalise.encodings import decode_bytes, repair_text
from newsflow.normalise.lines import find_agency, is_byline, why_dropped
from newsflow.normalise.title import Site, choose_title, split_title, strip_site

SENTENCES = {
    "ar": "أعلن مجلس ميناء مرو يوم الثلاثاء أنه سيرمم الجدار البحري القديم قبل حلول الشتاء",
    "en": "The harbour council of Merrow said on Tuesday that it would repair the old sea wall",
    "ru": "Совет порта Мерроу сообщил во вторник, что старую морскую стену отремонтируют до зимы",
    "uk": "Рада порту Мерроу повідомила у вівторок, що стару морську стіну відремонтують до зими",
    "bg": "Съветът на пристанището съобщи във вторник, че старата морска стена ще бъде ремонтирана",
    "fa": "شورای بندر روز سه‌شنبه اعلام کرد که دیوار قدیمی دریا پیش از زمستان بازسازی می‌شود",
    "ur": "بندرگاہ کی کونسل نے منگل کو کہا کہ پرانی سمندری دیوار کی مرمت سردیوں سے پہلے کی جائے گی",
    "ckb": "ئەنجومەنی بەندەر ڕۆژی سێشەممە ڕایگەیاند کە دیوارە کۆنەکەی دەریا نۆژەن دەکرێتەوە",
    "he": "מועצת הנמל הודיעה ביום שלישי כי חומת הים הישנה תשופץ לפני החורף",
    "fr": "Le conseil du port a annoncé mardi que la vieille digue serait réparée avant l'hiver",
    "de": "Der Hafenrat teilte am Dienstag mit, dass die alte Kaimauer vor dem Winter repariert wird",
    "es": "El consejo del puerto anunció el martes que el viejo muro será reparado antes del invierno",
    "tr": "Liman meclisi salı günü eski deniz duvarının kıştan önce onarılacağını açıkladı",
    "pl": "Rada portu poinformowała we wtorek, że stary mur zostanie naprawiony przed zimą",
    "sr": "Savet luke saopštio je u utorak da će stari zid biti popravljen pre zime, a vesti su dobre",
    "hr": "Vijeće luke priopćilo je u utorak da će stari zid biti popravljen prije zime, a vijesti su dobre",
    "ja": "港湾評議会は火曜日、古い防波堤を冬までに修理すると発表した",
    "zh": "港口委员会周二宣布将在冬季之前修复旧海堤",
    "ko": "항만 위원회는 화요일 오래된 방파제를 겨울 전에 수리하겠다고 밝혔다",
    "el": "Το συμβούλιο του λιμανιού ανακοίνωσε την Τρίτη ότι το παλιό τείχος θα επισκευαστεί",
}


@pytest.mark.parametrize(("language", "text"), SENTENCES.items())
def test_languages(language: str, text: str) -> None:
    tag, confidence = detect_language(text)
    assert tag == language
    assert confidence > 0.3


def test_what_cannot_be_told_is_und() -> None:
    for text in ("", "12345", "😀😀😀", "xz", "https://merrow.example/a", "@merrow #wall", "zxq wvk plm"):
        assert detect_language(text)[0] == "und"


def test_names_in_latin_letters_do_not_turn_a_text() -> None:
    assert detect_language("قال John Smith من Merrow Harbour Trust إن العمل سيبدأ")[0] == "ar"


@pytest.mark.property
@given(st.text(max_size=300))
def test_any_text_has_a_language_or_und(text: str) -> None:
    tag, confidence = detect_language(text)
    assert tag
    assert 0 <= confidence <= 1


def test_settled_text_stays_human() -> None:
    assert tidy_text("أعلــــن\u200f المجلس\u202a في 1446هـ") == "أعلن المجلس في 1446هـ"
    assert tidy_text("می\u200cشود") == "می\u200cشود"
    assert tidy_text("wall\u200b \u00a0 sea\r\nold") == "wall sea\nold"
    assert tidy_text("إ\u0650") == "إ\u0650"
    assert tidy_text("e\u0301") == "é"
    assert tidy_line(" a \n b ") == "a b"


@pytest.mark.property
@given(st.text(max_size=200))
def test_settling_twice_changes_nothing(text: str) -> None:
    once = tidy_text(text)
    assert tidy_text(once) == once
    assert unicodedata.is_normalized("NFC", once)


@pytest.mark.parametrize(
    "text", [SENTENCES["ar"], SENTENCES["ru"], SENTENCES["fr"] * 3, "Öffentliche Maßnahmen für Grün " * 3]
)
def test_mojibake_is_read_again(text: str) -> None:
    text *= 3
    assert repair_text(text.encode().decode("latin-1")) == text
    assert repair_text(text) == text


@pytest.mark.property
@given(st.text(max_size=200))
def test_repairing_never_raises(text: str) -> None:
    assert isinstance(repair_text(text), str)


def test_bytes_are_decoded_by_mark_declaration_or_language() -> None:
    text = SENTENCES["ar"]
    assert decode_bytes(text.encode("utf-16")) == text
    assert decode_bytes(b"\xef\xbb\xbf" + text.encode()) == text
    assert decode_bytes(b"<meta charset=windows-1256>" + text.encode("cp1256")).endswith(text)
    assert decode_bytes(b"<html lang='ar'>" + text.encode("cp1256")).endswith(text)
    assert decode_bytes(b"<meta charset=no-such>" + "é".encode("latin-1")).endswith("\ufffd")
    assert decode_bytes(text.encode()[:-1]).startswith(text[:-1])


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("ميناء مرو يرمم جداره القديم | BBC News عربي", "ميناء مرو يرمم جداره القديم"),
        ("ميناء مرو يرمم جداره القديم - صحيفة الساحل", "ميناء مرو يرمم جداره القديم"),
        ("В порту ремонтируют стену - Новости Мерроу", "В порту ремонтируют стену"),
        ("Merrow Post | Harbour wall to be repaired", "Harbour wall to be repaired"),
        ("Harbour wall to be repaired - Merrow Post", "Harbour wall to be repaired"),
        ("Smith - Jones talks: what we know", "Smith - Jones talks: what we know"),
        ("Harbour wall: a review", "Harbour wall: a review"),
        ("<script>x</script>Harbour wall", "Harbour wall"),
    ],
)
def test_site_names_are_cut(title: str, expected: str) -> None:
    assert strip_site(title, Site(("Merrow Post",), "merrowpost.example")) == expected


def test_a_suffix_of_the_profile_is_cut() -> None:
    assert strip_site("Harbour wall – tides and more", Site(), suffixes=["– tides and more"]) == "Harbour wall"


def test_suffixes_of_a_profile_are_cut_from_headings_too() -> None:
    titles, heading = {"title": "الميناء يعود للعمل | بريد الساحل"}, "الميناء يعود للعمل | بريد الساحل"
    assert choose_title(titles, [heading], Site(), ["| بريد الساحل"]) == "الميناء يعود للعمل"
    assert choose_title({}, ["Harbour reopens - Daily"], Site(), ["- Daily"]) == "Harbour reopens"


def test_marks_are_kept_apart() -> None:
    assert split_title("ترميم الجدار (فيديو وصور)") == ("ترميم الجدار", ("فيديو وصور",))
    assert split_title("عاجل | ترميم الجدار") == ("ترميم الجدار", ("عاجل",))
    assert split_title("Wall repaired [VIDEO]") == ("Wall repaired", ("VIDEO",))
    assert split_title("Wall (old) repaired") == ("Wall (old) repaired", ())
    assert split_title("(فيديو)") == ("(فيديو)", ())


def test_two_readings_that_agree_win() -> None:
    titles = {"og:title": "Wall repaired", "title": "Harbour wall to be repaired | Merrow"}
    assert choose_title(titles, ["Harbour wall to be repaired"], Site()) == "Harbour wall to be repaired"
    assert choose_title({}, ["", "Harbour wall"], Site()) == "Harbour wall"
    assert choose_title({}, [], Site()) == ""


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("تابعونا على", "promotion"),
        ("جميع الحقوق محفوظة © 2024", "footer"),
        ("اقرأ أيضاً: سفينة جديدة", "read-also"),
        ("Читайте также: новый паром", "read-also"),
        ("Read also: a new ferry", "read-also"),
        ("Facebook Twitter WhatsApp", "share-bar"),
        ("شارك عبر فيسبوك", "share-bar"),
        ("Photo: Anna Reed", "caption"),
        ("Boats in the harbour / AFP", "caption"),
        ("المصدر: رويترز", "source-line"),
        ("* * *", "no-words"),
        ("Facebook said on Monday that it would open an office in Merrow.", None),
        ("قال المجلس إن العمل سيبدأ غداً.", None),
        ("Follow the old wall to the east and you reach the lighthouse.", None),
        ("Photographs of the wall were shown to the council.", None),
    ],
)
def test_lines_of_no_article(line: str, why: str | None) -> None:
    assert why_dropped(line) == why


def test_bylines() -> None:
    assert is_byline("By Anna Reed")
    assert is_byline("كتب: محمد علي")
    assert not is_byline("By the time they came the wall was gone.")


@pytest.mark.parametrize(
    ("body", "agency"),
    [
        ("MERROW (Reuters) - The council met.", "Reuters"),
        ("القاهرة - رويترز - قال المجلس.", "Reuters"),
        ("دمشق (أ ف ب) - قال المجلس.", "AFP"),
        ("МЕРРОУ, 15 декабря. /ТАСС/. Совет собрался.", "TASS"),
        ("قال المجلس.\n(وكالات)", "agencies"),
        ("The council met.\nSource: AFP", "AFP"),
        ("أفاد مسؤول لوكالة رويترز بأن العمل بدأ.", None),
        ("The council told Reuters that work had begun.", None),
        ("The council met.", None),
    ],
)
def test_agencies_by_dateline_and_credit_only(body: str, agency: str | None) -> None:
    assert find_agency(body) == agency


def test_agencies_by_byline() -> None:
    assert find_agency("x", ["By Anna Reed, Associated Press"]) == "AP"
    assert find_agency("x", ["Anna AP Reed"]) is None


def test_comments_are_not_the_article() -> None:
    story = "\n".join(
        f"The council met for the {word} time and agreed to repair the wall." for word in ("first", "second", "third")
    )
    comments = "\n".join(
        f"I have lived here for {n} years and the wall was never any good to us, believe me." for n in range(9)
    )
    assert clean_text(f"Home\nHarbour wall to be repaired\n{story}\nComments\n{comments}").body == story


@pytest.mark.property
@given(st.text(max_size=500))
def test_any_text_is_cleaned(text: str) -> None:
    page = clean_text(text)
    assert clean_text(text) == page
    assert "\x00" not in page.body + page.title


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("相关阅读：开往外岛的渡轮再次取消", "read-also"),
        ("関連記事", "read-also"),
        ("관련기사: 바깥 섬으로 가는 배 취소", "read-also"),
        ("来源：梅罗通讯社", "source-line"),
        ("分享到：微博 微信", "share-bar"),
        ("版权所有 梅罗邮报", "footer"),
        ("本サイトの記事の無断転載を禁じます", "footer"),
        ("무단전재 및 재배포 금지", "footer"),
        ("相关报道称，海堤将在冬季之前修复。", None),
        ("版权所有人表示不满，并将起诉。", None),
        ("未经授权的船只不得进入港口。", None),
        ("来源于港口的消息说，海堤将修复。", None),
        ("記者会で港湾評議会は修理を発表した。", None),
    ],
)
def test_lines_around_articles_in_east_asian_pages(line: str, why: str | None) -> None:
    assert why_dropped(line) == why


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Already a subscriber? Log in to read on.", "promotion"),
        ("Déjà abonné ? Connectez-vous.", "promotion"),
        ("Уже подписаны? Войдите.", "promotion"),
        ("هل أنت مشترك؟ سجل الدخول", "promotion"),
        ("Already a member of the council, Ida Varn became its chair in May.", None),
    ],
)
def test_subscription_notes(line: str, why: str | None) -> None:
    assert why_dropped(line) == why
