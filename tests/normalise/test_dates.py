# ruff: noqa: SIM905 - rows of words
"""Dates: every form we know is right, and what can be read two ways has no answer."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsflow.normalise import parse_date
from newsflow.normalise.dates import names as arabic
from newsflow.normalise.dates.calendars import jalali_to_date
from newsflow.normalise.dates.names import LANGUAGES, names_of
from tools.date_names import generate

LEVANT = "كانون الثاني|شباط|آذار|نيسان|أيار|حزيران|تموز|آب|أيلول|تشرين الأول|تشرين الثاني|كانون الأول".split("|")
MAGHREB = "جانفي|فيفري|مارس|أفريل|ماي|جوان|جويلية|أوت|سبتمبر|أكتوبر|نوفمبر|ديسمبر".split("|")
MOROCCO = "يناير|فبراير|مارس|أبريل|ماي|يونيو|يوليوز|غشت|شتنبر|أكتوبر|نونبر|دجنبر".split("|")
STANDARD = "يناير|فبراير|مارس|أبريل|مايو|يونيو|يوليو|أغسطس|سبتمبر|أكتوبر|نوفمبر|ديسمبر".split("|")
WEEKDAYS = "الاثنين|الثلاثاء|الأربعاء|الخميس|الجمعة|السبت|الأحد".split("|")
HIJRI = "محرم|صفر|ربيع الأول|ربيع الآخر|جمادى الأولى|جمادى الآخرة|رجب|شعبان|رمضان|شوال|ذو القعدة|ذو الحجة".split("|")
ARABIC_DIGITS = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")
DAYS = [date(2024, month, 3 + 2 * month) for month in range(1, 13)]


def _variants() -> list[tuple[str, str]]:
    """Two hundred and more date lines, each with the ISO form it stands for."""
    rows: list[tuple[str, str]] = []
    for day, levant, maghreb, morocco, standard, hijri in zip(
        DAYS, LEVANT, MAGHREB, MOROCCO, STANDARD, HIJRI, strict=True
    ):
        number, weekday, iso = day.day, WEEKDAYS[day.weekday()], day.isoformat()
        rows += [
            (f"{number} {levant} 2024", iso),
            (f"{weekday}، {number} {levant} 2024 - 17:21", f"{iso}T17:21:00"),
            (f"{weekday} {number} {maghreb} 2024", iso),
            (f"نشر في {number} {maghreb} 2024 على الساعة 09:05", f"{iso}T09:05:00"),
            (f"{weekday} {number} {morocco} 2024 - 14:30", f"{iso}T14:30:00"),
            (f"{levant}/{standard} {number}, 2024", iso),
            (f"{number} {levant}/{standard} 2024", iso),
            (f"{number} {standard}/{levant} 2024، 5:21 م", f"{iso}T17:21:00"),
            (f"{number} {levant} ({standard}) 2024", iso),
            (f"{weekday} {number} {levant} - {standard} 2024", iso),
            (f"{weekday} 13 {hijri} 1446هـ الموافق {number} {standard} 2024م", iso),
            (f"13 {hijri} 1446 هـ - {number} {standard} 2024 م", iso),
            (f"{number} {standard} 2024 الموافق 13 {hijri} 1446 هـ", iso),
            (f"{number} {standard} 2024م، الساعة 11:40 مساءً".translate(ARABIC_DIGITS), f"{iso}T23:40:00"),
            (f"{number:02}-{day.month:02}-2024م الموافق 13-06-1446هـ", iso),
            (f"آخر تحديث: {weekday}، {number} {standard} 2024 - 12:05 ص", f"{iso}T00:05:00"),
            (f"{number} ـ {standard} ـ 2024", iso),
        ]
    return rows


VARIANTS = _variants()


def test_there_are_two_hundred_variants() -> None:
    assert len(VARIANTS) >= 200


@pytest.mark.parametrize(("text", "iso"), VARIANTS)
@pytest.mark.parametrize("language", ["ar", None])
def test_arabic_lines_are_read(text: str, iso: str, language: str | None) -> None:
    found = parse_date(text, language)
    assert found is not None
    assert found.at.isoformat().removesuffix("T00:00:00") == iso
    assert (found.zone, found.evidence, found.text) == ("unknown", "text", text)


@pytest.mark.parametrize(
    ("text", "language", "iso"),
    [
        ("January 8, 2024 at 5:11 p.m. ET", "en", "2024-01-08T22:11:00+00:00"),
        ("Mon, 15 Jan 2024 10:22:00 +0300", None, "2024-01-15T07:22:00+00:00"),
        ("Dec. 15, 2024, 10:05 AM EST", None, "2024-12-15T15:05:00+00:00"),
        ("2024-01-08T10:22:00.123Z", None, "2024-01-08T10:22:00+00:00"),
        ("2024-01-08 10:22:00 +0300", None, "2024-01-08T07:22:00+00:00"),
        ("2024-1-8T10:22:00+03", None, "2024-01-08T07:22:00+00:00"),
        ("Mon Jan 8 11:22:00 CET 2024", None, "2024-01-08T10:22:00+00:00"),
        ("8. Januar 2024, 11:22 Uhr MEZ", "de", "2024-01-08T10:22:00+00:00"),
        ("15 ديسمبر 2024 12:05 ص بتوقيت القاهرة", "ar", "2024-12-14T22:05:00+00:00"),
        ("الاثنين 8 يناير 2024 - 14:30 بتوقيت غرينتش", "ar", "2024-01-08T14:30:00+00:00"),
        ("8 янв 2024 в 14:30 (мск)", "ru", "2024-01-08T11:30:00+00:00"),
    ],
)
def test_a_named_zone_is_explicit(text: str, language: str | None, iso: str) -> None:
    found = parse_date(text, language, "Asia/Tokyo")
    assert found is not None
    assert found.at.isoformat() == iso
    assert found.zone == "explicit"


@pytest.mark.parametrize(
    ("text", "language", "iso"),
    [
        ("8 января 2024 года, 5 часов вечера", "ru", "2024-01-08T17:00:00"),
        ("08.01.24 14.30 Uhr", "de", "2024-01-08T14:30:00"),
        ("lun. 8 janv. 2024 à 14h30", "fr", "2024-01-08T14:30:00"),
        ("mar. 2 janv. 2024", "fr", "2024-01-02T00:00:00"),
        ("8 Ocak 2024 Pazartesi 14:30", "tr", "2024-01-08T14:30:00"),
        ("دوشنبه ۱۸ دی ۱۴۰۲ - ۱۴:۳۰", "fa", "2024-01-08T14:30:00"),
        ("۱۴۰۲/۱۰/۱۸", "fa", "2024-01-08T00:00:00"),
        ("2024年1月8日 14:30", "zh", "2024-01-08T14:30:00"),
        ("2024년 1월 8일", "ko", "2024-01-08T00:00:00"),
        ("8 tháng 1 năm 2024", "vi", "2024-01-08T00:00:00"),
        ("2024. január 8. 14:30", "hu", "2024-01-08T14:30:00"),
        ("Τρίτη 2 Ιανουαρίου 2024", "el", "2024-01-02T00:00:00"),
        ("יום שני, 8 בינואר 2024, 14:30", "he", "2024-01-08T14:30:00"),
        ("3 listopada 2024", "pl", "2024-11-03T00:00:00"),
        ("3. listopada 2024", "hr", "2024-10-03T00:00:00"),
        ("4/13/2024", "en", "2024-04-13T00:00:00"),
        ("3/4/2024", "en-GB", "2024-04-03T00:00:00"),
        ("3/4/2024", "en_US", "2024-03-04T00:00:00"),
        ("3/4/2024", "ar", "2024-04-03T00:00:00"),
        ("Published 8 Jan 2024 10:00, Updated 9 Jan 2024 11:00", "en", "2024-01-08T10:00:00"),
        ("Publié le 8 janvier 2024 à 14h30, mis à jour le 9 janvier 2024", "fr", "2024-01-08T14:30:00"),
        ("Publicado em 08/01/2024 - 14:30 e atualizado em 09/01/2024", "pt", "2024-01-08T14:30:00"),
        ("نشر: 8 يناير 2024 2:30 م، تم التحديث: 9 يناير 2024", "ar", "2024-01-08T14:30:00"),
        ("Monday, January 8th, 2024", "en", "2024-01-08T00:00:00"),
        ("8-Jan-2024", "en", "2024-01-08T00:00:00"),
        ("8-янв-2024", "ru", "2024-01-08T00:00:00"),
        ("8.1.2024. u 14:30", "hr", "2024-01-08T14:30:00"),
        ("Thứ hai, 8/1/2024, 14:30", "vi", "2024-01-08T14:30:00"),
        ("8 كانون 2 2024", "ar", "2024-01-08T00:00:00"),
        ("8 ت1 2024", "ar", "2024-10-08T00:00:00"),
        ("8 نوڤمبر 2024", "ar", "2024-11-08T00:00:00"),
        ("8 نومبر 2024ء", "ur", "2024-11-08T00:00:00"),
        ("۱۸ دی ماه ۱۴۰۲", "fa", "2024-01-08T00:00:00"),
        ("۱۸ جدی ۱۴۰۲", "fa", "2024-01-08T00:00:00"),
    ],
)
def test_other_forms(text: str, language: str, iso: str) -> None:
    found = parse_date(text, language)
    assert found is not None
    assert found.at.isoformat() == iso


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", None),
        ("yesterday", "en"),
        ("3 hours ago", "en"),
        ("منذ 3 ساعات", "ar"),
        ("15 ديسمبر", "ar"),
        ("ديسمبر 2024", "ar"),
        ("15 رجب 1445 هـ", "ar"),
        ("1445/07/15", "ar"),
        ("السبت 15 ديسمبر 2024", "ar"),  # it was a Sunday
        ("15-16 ديسمبر 2024", "ar"),
        ("15 ديسمبر 2024 - 16 ديسمبر 2024", "ar"),
        ("3/4/2024", None),
        ("3/4/2024", "en"),
        ("3/4/2024", "de"),
        ("4/13/2024", "ar"),
        ("31 نيسان 2024", "ar"),
        ("15 ديسمبر 2024 25:10", "ar"),
        ("15:30 ص 15 ديسمبر 2024", "ar"),
        ("3 listopad 2024", None),  # October in Croatian, November in Polish
        ("20240108", None),
        ("room 5, 15 December 2024", "en"),
        ("© 2024", "en"),
        ("1.2.3.4", None),
        ("2024-13-45", None),
        ("9999-12-31T23:59:59Z", None),
        ("٣ من ٥", "ar"),
        ("15/12/24", "ar"),
        ("الساعة 5 15 ديسمبر 2024", "ar"),
    ],
)
def test_no_answer_beats_a_wrong_one(text: str, language: str | None) -> None:
    assert parse_date(text, language) is None


def test_the_zone_of_the_source_is_used_and_said() -> None:
    found = parse_date("15 ديسمبر 2024، 5:21 م", "ar", "Asia/Dubai")
    assert found is not None
    assert (found.at, found.zone) == (datetime(2024, 12, 15, 13, 21, tzinfo=UTC), "source")


def test_a_zone_name_of_several_zones_settles_nothing() -> None:
    found = parse_date("15 December 2024 10:00 IST", "en", "Asia/Dubai")
    assert found is not None
    assert (found.at, found.zone) == (datetime(2024, 12, 15, 10, 0), "unknown")  # noqa: DTZ001 unknown on purpose


def test_names_are_those_of_cldr() -> None:
    made = generate()
    for language in LANGUAGES:
        for name, number in made.get(language, {"months": {}})["months"].items():
            assert names_of(language).months[name] == number


def test_persian_calendar_over_a_leap_day() -> None:
    assert jalali_to_date(1402, 12, 29) == date(2024, 3, 19)
    assert jalali_to_date(1403, 1, 1) == date(2024, 3, 20)
    assert jalali_to_date(1403, 12, 30) == date(2025, 3, 20)
    assert jalali_to_date(1402, 12, 30) is None


MOMENTS = st.datetimes(datetime(1980, 1, 1), datetime(2039, 12, 31))  # noqa: DTZ001 wall clocks


def _arabic_forms(at: datetime, months: list[str]) -> list[str]:
    half = "ص" if at.hour < 12 else "م"
    long_half = "صباحاً" if at.hour < 12 else "مساءً"
    clock, weekday, month = f"{(at.hour - 1) % 12 + 1}:{at.minute:02}", WEEKDAYS[at.weekday()], months[at.month - 1]
    return [
        f"{at.day} {month} {at.year}، {clock} {half}",
        f"{weekday} {at.day} {month} {at.year} - {at.hour:02}:{at.minute:02}",
        f"{clock} {long_half} | {at.day} {month} {at.year}",
        f"{at.day}/{at.month}/{at.year} {clock} {half}",
        f"{at.day} {month}/{STANDARD[at.month - 1]} {at.year}م الساعة {clock} {long_half}",
        f"{at.day} {month} {at.year} {at:%H:%M}".translate(ARABIC_DIGITS),
    ]


@pytest.mark.property
@settings(max_examples=150, deadline=None)
@given(MOMENTS, st.sampled_from([LEVANT, MAGHREB, MOROCCO, STANDARD]))
def test_arabic_moments_come_back(at: datetime, months: list[str]) -> None:
    for text in _arabic_forms(at, months):
        found = parse_date(text, "ar")
        assert found is not None, text
        assert found.at == at.replace(second=0, microsecond=0), text


LOCALES = [*LANGUAGES, *"ar_LB ar_TN ar_MA ar_DZ ar_IQ en_US en_GB es_PR fil_PH sr_Latn de_AT fa_AF zh_Hant".split()]


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(MOMENTS, st.sampled_from(LOCALES), st.sampled_from(["medium", "long", "full"]), st.booleans())
def test_cldr_forms_are_never_wrong(at: datetime, locale: str, width: str, knows_language: bool) -> None:
    from babel import localedata
    from babel.dates import format_date, format_datetime

    localedata._cache.clear()  # it leaks names of one locale into others
    at = at.replace(microsecond=0)
    language = locale if knows_language else None
    for text, expected in (
        (format_date(at, width, locale), at.replace(hour=0, minute=0, second=0)),
        (format_datetime(at, width, locale=locale), at),
    ):
        found = parse_date(text, language)
        if found is not None:
            assert found.at.replace(tzinfo=None) in (expected, expected.replace(second=0)), (text, found)


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200), st.sampled_from([None, "ar", "en", "ru", "xx", ""]))
def test_any_text_is_read_or_not_but_never_raises(text: str, language: str | None) -> None:
    found = parse_date(text, language)
    assert found is None or found.at.year >= 1900


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [*LEVANT, *WEEKDAYS, *HIJRI[:4], "2024", "15", "1446", "م", "هـ", "الموافق", "5:21", "/", "-", "،"]
        ),
        max_size=9,
    )
)
def test_a_shuffled_dateline_gives_a_date_that_it_names(parts: list[str]) -> None:
    found = parse_date(" ".join(parts), "ar")
    if found is not None:
        assert (found.at.year, found.at.day) == (2024, 15)
        assert LEVANT[found.at.month - 1] in " ".join(parts)


def test_all_months_of_the_own_table_are_in_reach() -> None:
    assert set(arabic.MONTHS.values()) == set(range(1, 13)) == set(arabic.HIJRI_MONTHS.values())


def test_a_day_is_its_midnight_in_the_zone_of_the_source() -> None:
    found = parse_date("8 كانون الثاني 2024", "ar", "Asia/Beirut")
    assert found is not None
    assert found.at == datetime(2024, 1, 8, tzinfo=UTC) - timedelta(hours=2)
