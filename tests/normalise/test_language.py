"""Short titles in close languages, letters that look alike, and what is said of texts that tell nothing."""

from __future__ import annotations

import math

import numpy
import pytest
import wordfreq

from newsflow.normalise import detect_language
from newsflow.normalise import words as module
from newsflow.normalise.words import UNKNOWN_COST, word_costs, words_of
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
    found = module.word_list((code,))
    assert found is not None
    assert len(found.hashes) == sum(map(len, words))
    rarest = next(place for place in reversed(range(len(words))) if words[place])
    hashed = numpy.array([hash(words[rarest][0])], dtype=numpy.int64)
    assert found.cost(hashed)[code] == pytest.approx(rarest / 100 * math.log(10), rel=1e-5)
    assert module.word_list(("xx",)) is None
