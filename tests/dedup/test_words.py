from __future__ import annotations

import pytest

from newsflow.dedup.words import are_variants, language_of, plain_words, vocabulary


@pytest.mark.parametrize(
    ("language", "left", "right"),
    [
        ("en", "colour", "color"),
        ("en", "travelled", "traveled"),
        ("en", "theatre", "theater"),
        ("en", "defence", "defense"),
        ("en", "muhammad", "mohammed"),
        ("en", "qasim", "qassim"),
        ("en", "petrov", "petroff"),
        ("en", "harbour", "harbuor"),
        ("en", "plan", "plans"),
        ("en", "dlr", "dollar"),
        ("ru", "города", "городу"),
        ("ru", "счётом", "счетом"),
        ("ar", "المسؤولين", "المسئولين"),
        ("ar", "والخطط", "الخطط"),
        ("ar", "انجلترا", "انكلترا"),
        ("ar", "مدينه", "المدينه"),
    ],
)
def test_one_word_however_it_is_spelled(language: str, left: str, right: str) -> None:
    assert are_variants(left, right, language)
    assert are_variants(right, left, language)


@pytest.mark.parametrize(
    ("language", "left", "right"),
    [
        ("en", "iran", "iraq"),
        ("en", "austria", "australia"),
        ("en", "slovakia", "slovenia"),
        ("en", "niger", "nigeria"),
        ("en", "rose", "fell"),
        ("en", "legal", "illegal"),
        ("en", "mario", "maria"),
        ("ru", "томск", "омск"),
        ("ru", "открыл", "закрыл"),
        ("ar", "محمد", "احمد"),
        ("ar", "حسن", "حسين"),
        ("ar", "سعود", "سعيد"),
        ("ar", "ارتفعت", "انخفضت"),
    ],
)
def test_two_words(language: str, left: str, right: str) -> None:
    assert not are_variants(left, right, language)
    assert not are_variants(right, left, language)


@pytest.mark.parametrize(
    ("language", "texts"),
    [
        ("en", ["1,250,000 crowns", "1250000 crowns", "1.25 million crowns", "1.25mln crowns", "1 250 000 crowns"]),
        ("en", ["twenty-five boats", "25 boats"]),
        ("en", ["12 people", "twelve people"]),
        ("ar", ["1.5 في المئة", "5ر1 في المئة", "١٫٥ في المئة"]),
        ("ar", ["خمسة وعشرون طالبا", "25 طالبا"]),
        ("ar", ["ب680 الف", "680 ألف", "680000"]),
        ("ru", ["двенадцать домов", "12 домов"]),
        ("ru", ["3,4 млн рублей", "3 400 000 рублей", "3.4 миллиона рублей"]),
    ],
)
def test_one_number_however_it_is_written(language: str, texts: list[str]) -> None:
    known = vocabulary(language)
    assert len({tuple(plain_words(text, known)) for text in texts}) == 1


def test_numbers_keep_apart() -> None:
    known = vocabulary("en")
    assert plain_words("4.0 m at gauge 7, call 555 0100", known) != plain_words(
        "4.5 m at gauge 7, call 555 0100", known
    )
    assert plain_words("two boats", known) != plain_words("three boats", known)


def test_addresses_say_nothing() -> None:
    known = vocabulary("en")
    assert plain_words("Write to press@tarsen.example now", known) == plain_words(
        "Write to [email protected] now", known
    )


def test_a_monday_is_no_number() -> None:
    known = vocabulary("ar")
    assert plain_words("يوم الاثنين", known) == ["يوم", "الاثنين"]
    assert known.weekdays["والاثنين"] == known.weekdays["الاثنين"] == 0


def test_a_language_that_is_not_known_is_read_by_its_script() -> None:
    assert [language_of("und", text) for text in ("Rain.", "Дождь.", "مطر.")] == ["en", "ru", "ar"]
    assert language_of("fr", "Дождь.") == "fr"
