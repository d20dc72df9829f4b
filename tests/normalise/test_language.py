"""Short titles in close languages, letters that look alike, and what is said of texts that tell nothing."""

from __future__ import annotations

import math
import subprocess
import sys
import unicodedata

import numpy
import pycld2
import pytest
import wordfreq
from hypothesis import given
from hypothesis import strategies as st

from newsflow.normalise import detect_language, likeliest
from newsflow.normalise.language import LANGUAGES
from newsflow.normalise.language_words import UNKNOWN_COST, marks, word_costs, word_list, words_of
from newsflow.normalise.scripts import mend_lookalikes

TITLES = {
    "bg": ("Пристанището ще бъде затворено", "Времето утре", "Цените на рибата растат", "Новият мост е готов"),
    "ru": ("Порт закрыт до весны", "Ваш город", "Новые цены на рыбу", "Мост открыли раньше срока"),
    "uk": ("Порт зачинено до весни", "Нові ціни на рибу", "Міст відкрили раніше", "Погода на завтра: дощ"),
    "mk": ("Пристаништето ќе биде затворено", "Новиот мост е готов", "Цените на рибата растат повторно, вели советот"),
    "be": ("Порт зачынены да вясны", "Новы мост гатовы раней тэрміну", "Цэны на рыбу растуць"),
    "sr": ("Лука ће бити затворена до пролећа", "Нови мост је отворен раније"),
    "pl": ("Port zamknięty do wiosny", "Nowe ceny ryb", "Most otwarto wcześniej", "Pogoda na jutro"),
    "cs": ("Přístav bude do jara zavřený", "Nové ceny ryb", "Most otevřeli dříve", "Zprávy z přístavu"),
    "sk": ("Prístav bude do jari zatvorený", "Most otvorili skôr", "Počasie na zajtra", "Správy z prístavu"),
    "sl": ("Pristanišče bo zaprto do pomladi", "Nove cene rib", "Most so odprli prej", "Vreme jutri", "Mnenja"),
    "hr": ("Luka će biti zatvorena do proljeća", "Nove cijene ribe", "Vijesti iz luke", "Prognoza vremena za sutra"),
    "de": ("Der Hafen bleibt zu", "Neue Preise für Fisch"),
    "it": ("Il porto resta chiuso", "Prezzi del pesce in aumento"),
    "es": ("El puerto sigue cerrado", "Suben los precios del pescado"),
    "pt": ("O porto continua fechado", "Preços do peixe sobem de novo"),
    "ar": ("الميناء مغلق", "أسعار السمك ترتفع", "طقس الغد"),
    "fa": ("بندر بسته ماند", "قیمت ماهی بالا رفت"),
}


@pytest.mark.parametrize(("language", "title"), [(tag, title) for tag, titles in TITLES.items() for title in titles])
def test_short_titles(language: str, title: str) -> None:
    assert detect_language(title)[0] == language


@pytest.mark.parametrize("title", ["02.11.2020", "12:30 | 7", "№ 5 (2021)", "…", "2–1", "100 %"])
def test_without_letters_nothing_is_said(title: str) -> None:
    assert detect_language(title) == ("und", 0.0)


def test_a_shared_word_is_less_sure_than_a_sentence() -> None:
    assert detect_language("Погода")[1] < 0.8 < detect_language("Погода на завтра: ожидается сильный дождь")[1]


def test_latin_letters_within_cyrillic_words_are_read_as_what_they_look_like() -> None:
    disguised = "Пpиcтaнищeтo щe бъдe зaтвopeнo дo пpoлeттa"
    assert mend_lookalikes(disguised) == "Пристанището ще бъде затворено до пролетта"
    assert mend_lookalikes("NATO и порт Merrow") == "NATO и порт Merrow"
    assert detect_language(disguised)[0] == "bg"


def test_words_cost_less_in_their_own_language() -> None:
    costs = word_costs(words_of("Nove cene rib"), ("sl", "cs", "sq", "sr"))
    assert costs["sl"] < costs["cs"]
    assert "sq" not in costs  # no list of its words
    assert word_costs(["zxqwv"], ("sl",)) == {"sl": UNKNOWN_COST}


def test_serbian_words_are_found_in_both_alphabets() -> None:
    latin, cyrillic = word_costs(["njihov", "ljudi"], ("sr",)), word_costs(["њихов", "људи"], ("sr",))
    assert latin == cyrillic
    assert latin["sr"] < UNKNOWN_COST


@pytest.mark.parametrize("code", ["en", "ar", "sh"])
def test_word_lists_are_those_of_wordfreq(code: str) -> None:
    words = wordfreq.get_frequency_list(code, "small")
    found = word_list((code,))
    assert found is not None
    assert len(found.hashes) == sum(map(len, words))
    rarest = next(place for place in reversed(range(len(words))) if words[place])
    hashed = numpy.array([hash(words[rarest][0])], dtype=numpy.int64)
    assert found.cost(hashed)[code] == pytest.approx(rarest / 100 * math.log(10), rel=1e-5)
    assert word_list(("xx",)) is None


SENTENCES = {
    "fa": "شوراي بندر روز سه شنبه اعلام كرد كه ديوار قديمي دريا پيش از زمستان بازسازي مي شود",
    "ur": "بندرگاہ كي كونسل نے كہا كہ پرانی ديوار كی مرمت سردیوں سے پہلے كی جائے گی",
    "ps": "د بندر شورا وویل چې زوړ دیوال به د ژمي څخه مخکې ترمیم شي",
    "sd": "بندرگاھ جي ڪائونسل چيو آهي تہ پراڻي ڀت سياري کان اڳ مرمت ڪئي ويندي",
    "ug": "پورت كېڭىشى كونا دېڭىز تېمىنىڭ قىشتىن بۇرۇن رېمونت قىلىنىدىغانلىقىنى ئېيتتى",
    "mn": "Боомтын зөвлөл хуучин далан өвөл болохоос өмнө засагдана гэж мэдэгдлээ",
    "tt": "Порт советы иске диңгез стенасын кышка кадәр төзәтәчәкләрен белдерде",
    "uz": "Бандаргоҳ кенгаши эски денгиз девори қишгача таъмирланишини маълум қилди",
    "ne": "बन्दरगाह परिषद्ले पुरानो पर्खाल जाडो अघि मर्मत गरिने जानकारी दिएको छ",
    "mr": "बंदर परिषदेने सांगितले की जुनी भिंत हिवाळ्यापूर्वी दुरुस्त केली जाईल",
    "yi": "דער האַפֿן ראַט האָט געזאָגט אַז די אַלטע וואַנט וועט פֿאַרראָכטן ווערן פֿאַרן ווינטער",
    "am": "የወደቡ ምክር ቤት አሮጌው ግንብ ከክረምት በፊት እንደሚጠገን አስታወቀ",
    "gu": "બંદર પરિષદે કહ્યું કે જૂની દીવાલ શિયાળા પહેલાં સમારકામ કરાશે",
    "te": "పాత గోడను శీతాకాలానికి ముందే మరమ్మతు చేస్తామని ఓడరేవు మండలి తెలిపింది",
    "so": "Golaha dekedda ayaa sheegay Talaadadii in derbiga hore la dayactiri doono ka hor jiilaalka",
    "ku": "Meclîsa benderê roja sêşemê ragihand ku dîwarê kevn ê behrê dê berî zivistanê bê sazkirin",
    "ga": "Dúirt comhairle an chalafoirt Dé Máirt go ndeiseofar an seanbhalla roimh an ngeimhreadh",
    "cy": "Dywedodd cyngor y porthladd ddydd Mawrth y bydd yr hen wal yn cael ei thrwsio cyn y gaeaf",
    "eu": "Portuko kontseiluak asteartean esan zuen horma zaharra negua baino lehen konponduko dela",
    "is": "Hafnarráðið sagði á þriðjudag að gamli sjóvarnargarðurinn yrði lagfærður fyrir veturinn",
    "mt": "Il-kunsill tal-port qal it-Tlieta li l-ħajt il-qadim se jissewwa qabel ix-xitwa",
    "gl": "O consello do porto dixo o martes que o vello muro será reparado antes do inverno e que xa hai cartos",
    "zu": "Umkhandlu wetheku uthe ngoLwesibili udonga oludala luzolungiswa ngaphambi kobusika futhi kuzobe kuphephile",
    "no": "Havnerådet sa tirsdag at den gamle muren skal repareres før vinteren, og at det ikke koster noe mer",
    "nn": "Hamnerådet sa tysdag at den gamle muren skal reparerast før vinteren, og at det ikkje kostar noko meir",
    "id": "Dewan pelabuhan mengatakan pada hari Selasa bahwa tembok tua akan diperbaiki karena musim hujan bisa merusaknya",
    "ms": "Majlis pelabuhan berkata pada hari Selasa bahawa tembok lama akan dibaiki kerana musim hujan boleh merosakkannya",
    "sr": "Савет луке саопштио је у уторак да ће стари зид бити поправљен пре зиме",
    "bem": "Abena cilye ca cabu balandile ukuti icibumba ca kale cikalungishiwa pantu panuma ya mfula calo cikaba bwino",
    "ee": "Melidzeƒe la ƒe takpekpe gblɔ be woadzra gli xoxoa ɖo hafi vuvɔŋɔli naɖo, eye dukɔ la akpɔ dzidzɔ",
}
"""One sentence of ours in languages that letters alone do not tell, Persian and Urdu typed on an Arabic keyboard."""


@pytest.mark.parametrize(("language", "text"), SENTENCES.items())
def test_languages_that_letters_do_not_tell(language: str, text: str) -> None:
    assert detect_language(text)[0] == language


@pytest.mark.parametrize("text", ["Marla Quenby", "Sanderling Holdings", "Tobias Ferrand, Inga Sollner", "Port Selwyn"])
def test_names_alone_are_in_no_language(text: str) -> None:
    assert detect_language(text) == ("und", 0.0)


def test_relatives_without_a_word_of_their_own_are_told_with_doubt() -> None:
    tag, confidence = detect_language("Luka je zatvorena zbog jakog vjetra i visokih valova")
    assert tag in {"hr", "bs"}
    assert confidence < 0.8
    assert detect_language("Vijeće luke priopćilo je da će tijekom tjedna vlak voziti do sveučilišta")[1] > confidence


def test_every_tag_of_cld2_is_an_answer_or_none() -> None:
    codes = dict(pycld2.LANGUAGES)
    known = {codes[name] for name in pycld2.DETECTED_LANGUAGES} - likeliest.NEVER
    assert {likeliest.TAGS.get(code, code) for code in known} <= set(LANGUAGES)
    assert {"ku", "ckb", *marks()[1]} <= set(LANGUAGES)
    assert {tag for listed in likeliest.LISTED.values() for tag in listed} <= set(LANGUAGES)


def test_no_word_marks_a_language_and_all_its_relatives() -> None:
    words, relatives = marks()
    for word, languages in words.items():
        for head in {relatives[language] or language for language in languages}:
            family = {head} | {each for each, relative in relatives.items() if relative == head}
            assert len(family) == 1 or family - set(languages), word


HOSTILE = {
    "lone surrogates": "The harbour \ud800\udfff\udc00 council " * 9,
    "NULs and controls": "\x00The\x01 har\x7fbour\x85 council\x9f said\x00" * 20,
    "noncharacters": "The harbour \ufffe\uffff\ufdd0\U0001ffff\U0010ffff council said " * 20,
    "broken UTF-8 read as such": b"\xff\xfe\xc0\x80\xed\xa0\x80 harbour council \xf4\x90\x80\x80".decode(
        "utf-8", "surrogateescape"
    )
    * 30,
    "broken UTF-8 replaced": b"\xff\xfe harbour \xe2\x82 council".decode("utf-8", "replace") * 30,
    "one letter": "a" * 1_000_000,
    "one letter of three bytes": "ក" * 100_000,
    "marks upon marks": "a" + "\u0301\u0323" * 100_000,
    "accents without letters": "\u0301" * 1_000,
    "no space": "harbourcouncil" * 100_000,
    "only spaces": " \t\n" * 100_000,
    "tags and entities": "<b lang=fr>&#x110000;&amp;&bogus;<!--" * 10_000,
    "directions": "\u202e\u2066\u200f harbour council \u2069" * 1_000,
    "ideographs that normalise out of the plane": "\ufa6c\ufacf" * 1_000,
    "beyond the first plane": "𝐓𝐡𝐞 𝐡𝐚𝐫𝐛𝐨𝐮𝐫 𠀀𠀁 𞤀𞤁 " * 1_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_what_cld2_gets_is_short_and_sound(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[str] = []
    detect = pycld2.detect

    def spy(text: str, **options: bool) -> object:
        given.append(text)
        return detect(text, **options)

    monkeypatch.setattr(pycld2, "detect", spy)
    tag, confidence = detect_language(text)
    assert tag == "und" or tag in LANGUAGES
    assert 0 <= confidence <= 1
    for each in given:
        assert len(each.encode("utf-8")) <= 8_000  # raises on a lone surrogate
        assert not [char for char in each if unicodedata.category(char) in ("Cc", "Cs", "Cn") and char not in "\t\n"]


@pytest.mark.property
@given(st.text(st.characters(), max_size=700))
def test_no_text_breaks_the_detector(text: str) -> None:
    """Surrogates, controls and unassigned characters among them."""
    tag, _ = detect_language(text)
    assert tag == "und" or tag in LANGUAGES


def test_hostile_texts_leave_a_process_alive() -> None:
    """Random bytes in every way of decoding them, in a process of its own, whose end would show a fault of memory."""
    script = """
import random
from newsflow.normalise import detect_language
random.seed(20)
said = 0
for size in range(2_000):
    raw = random.randbytes(size % 600 * 2)
    for text in (raw.decode("latin-1"), raw.decode("utf-8", "surrogateescape"), raw.decode("utf-16-le", "surrogatepass")):
        said += bool(detect_language(text))
print(said)
"""
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "6000\n", "")
