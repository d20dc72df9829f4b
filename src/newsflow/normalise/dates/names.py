"""Names and words of dates, all folded: months and weekdays by language, and the words that stand around a date.

Arabic names are our own table, in all the usages news is written in; the others are CLDR's (data/date-names.json).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

from newsflow.model.languages import OTHER_CODE, SAME_LANGUAGE, primary_subtag
from newsflow.normalise.characters import fold

# ruff: noqa: E501, SIM905 - rows of words read best as rows


_GREGORIAN = {
    # Egypt and the Gulf | the Levant and Iraq | Tunisia and Algeria | Morocco and Mauritania | spellings met
    1: "يناير ينائر كانون_الثاني كانون_ثاني كانون_ثان كانون2 ك2 جانفي",
    2: "فبراير شباط اشباط سباط فيفري فيڤري",
    3: "مارس آذار أدار مارت",
    4: "أبريل إبريل ابريل نيسان أفريل أڤريل أبريل_نيسان",
    5: "مايو ماي أيار ايّار",
    6: "يونيو يونية يونيه حزيران جوان",
    7: "يوليو يولية يوليه تموز جويلية جويليه يوليوز",
    8: "أغسطس آب اغسطوس أوت أووت غشت أغشت",
    9: "سبتمبر أيلول شتنبر شتمبر",
    10: "أكتوبر اكتوبر تشرين_الأول تشرين_أول تشرين1 ت1",
    11: "نوفمبر نوڤمبر تشرين_الثاني تشرين_ثاني تشرين_ثان تشرين2 ت2 نونبر نونمبر",
    12: "ديسمبر كانون_الأول كانون_أول كانون1 ك1 دجنبر دسمبر دجمبر",
}
_HIJRI = {
    1: "محرم المحرم",
    2: "صفر",
    3: "ربيع_الأول ربيع_أول",
    4: "ربيع_الآخر ربيع_الثاني ربيع_آخر ربيع_ثاني ربيع_ثان",
    5: "جمادى_الأولى جمادى_الأول جمادى_أولى جماد_أول جماد_الأول",
    6: "جمادى_الآخرة جمادى_الآخر جمادى_الثانية جمادى_الثاني جمادى_ثانية جماد_ثاني جماد_الآخر جماد_الثاني",
    7: "رجب",
    8: "شعبان",
    9: "رمضان رمضان_المبارك",
    10: "شوال",
    11: "ذو_القعدة ذي_القعدة ذوالقعدة ذيالقعدة",
    12: "ذو_الحجة ذي_الحجة ذوالحجة ذيالحجة",
}
_WEEKDAYS = {
    0: "الاثنين الإثنين اثنين الأثنين",
    1: "الثلاثاء ثلاثاء الثلاثا الثلثاء",
    2: "الأربعاء أربعاء الاربعا",
    3: "الخميس خميس",
    4: "الجمعة جمعة",
    5: "السبت سبت",
    6: "الأحد أحد",
}


def _table(names: dict[int, str]) -> dict[str, int]:
    return {fold(name.replace("_", " ")): number for number, row in names.items() for name in row.split()}


MONTHS = _table(_GREGORIAN)
"""Folded month name (one or two words) to 1 to 12."""
HIJRI_MONTHS = _table(_HIJRI)
WEEKDAYS = _table(_WEEKDAYS)
"""Folded weekday name to 0 (Monday) to 6."""

LANGUAGES = (
    "ar en fr ru uk es de tr fa he ur pl pt it nl bg sr mk be cs sk sl hr bs ro hu el sv da nb fi et lv "
    "lt sq ca id ms hi bn ta vi zh ja ko ka hy az kk uz sw"
).split()
# Forms that the news uses beside CLDR's.
_EXTRA: dict[str, dict[int, str]] = {
    "en": {9: "sept", 1: "jan", 3: "mar", 4: "apr", 6: "june jun", 7: "july jul"},
    "fr": {1: "janv", 2: "fevr fev", 7: "juil juill", 4: "avr", 9: "sept"},
    "es": {9: "setiembre set sept"},
    "de": {1: "jänner jaenner", 2: "feber", 3: "maerz"},
    "ru": {2: "фев", 3: "марта", 9: "сен сент", 11: "ноя нояб"},
    "fa": {1: "ژانویه", 2: "فوریه", 3: "مارس", 4: "آوریل", 5: "مه می", 6: "ژوئن", 7: "ژوئیه جولای", 8: "اوت آگوست"},
    "ur": {8: "اگست"},
    "sr": {1: "јануар januar", 6: "јун juni", 7: "јул juli"},
}


@dataclass(frozen=True)
class Names:
    """Folded names of one language, of up to three words."""

    months: dict[str, int]
    weekdays: dict[str, int]


def known(language: str | None) -> str | None:
    """The language of a BCP 47 tag or CLDR locale (`ar-LB`, `ar_LB`) if we have its names, else None."""
    base = primary_subtag(language or "")
    base = SAME_LANGUAGE.get(base, base)
    base = OTHER_CODE.get(base, base)
    return base if base in LANGUAGES else None


@cache
def names_of(language: str) -> Names:
    """The names of one of LANGUAGES."""
    months, weekdays = (dict(MONTHS), dict(WEEKDAYS)) if language == "ar" else _cldr(language)
    for number, extra in _EXTRA.get(language, {}).items():
        months.update((fold(name), number) for name in extra.split())
    if language == "fa":  # written with a space, or with a joiner, which folding takes away
        weekdays.update({name.replace("شنبه", " شنبه"): number for name, number in weekdays.items() if name != "شنبه"})
    return Names(months, weekdays)


def _cldr(language: str) -> tuple[dict[str, int], dict[str, int]]:
    entry = _file().get(language, {"months": {}, "weekdays": {}})
    months = dict(entry["months"])
    if language == "he":  # the preposition is written onto the name
        months.update({"ב" + name: number for name, number in entry["months"].items()})
    return months, dict(entry["weekdays"])


@cache
def _file() -> dict[str, dict[str, dict[str, int]]]:
    text = files("newsflow.normalise").joinpath("data/date-names.json").read_text(encoding="utf-8")
    loaded: dict[str, dict[str, dict[str, int]]] = json.loads(text)
    return loaded


@cache
def all_names() -> Names:
    """The names of all languages together, without those of two letters or with two meanings."""
    months: dict[str, set[int]] = {}
    weekdays: dict[str, set[int]] = {}
    for language in LANGUAGES:
        names = names_of(language)
        for source, target in ((names.months, months), (names.weekdays, weekdays)):
            for name, number in source.items():
                target.setdefault(name, set()).add(number)
    return Names(_unanimous(months), _unanimous(weekdays))


def _unanimous(found: dict[str, set[int]]) -> dict[str, int]:
    return {
        name: next(iter(numbers))
        for name, numbers in found.items()
        if len(numbers) == 1 and (len(name) > 2 or not name.isascii())
    }


# The words around a date: halves of the day, fillers, zones. All languages together.


def _folded(text: str) -> frozenset[str]:
    return frozenset(fold(word.replace("_", " ")) for word in text.split())


AM = _folded(
    "am a.m. a.m a._m. ص صباحا صباحاً الصباح فجرا فجراً الفجر صبح قبل_الظهر ق.ظ ق_ظ قبل‌ازظهر قبل_از_ظهر "
    'утра ранку öö ös öö. de_la_mañana da_manhã del_mattino matin morgens vormittags przed_południem لפנה״צ לפנה"צ '
    "बजे_सुबह पूर्वाह्न sa 上午 凌晨 早上 午前 오전 pagi π.μ. πμ dop. dopoledne πμ. am. 早晨"
)
PM = _folded(
    "pm p.m. p.m p._m. م مساء مساءً المساء مساءا عصرا عصراً العصر بعد_الظهر ب.ظ ب_ظ بعدازظهر بعد_از_ظهر "
    'вечера вечора de_la_tarde da_tarde del_pomeriggio abends nachmittags po_południu אחה״צ אחה"צ '
    "अपराह्न ch chiều 下午 晚上 午後 오후 sore malam μ.μ. μμ odp. odpoledne pm."
)
NOON = _folded("ظهرا ظهراً الظهر дня noon midi öğle 中午")
NIGHT = _folded("ليلا ليلاً الليل ليل ночи ночі nachts de_la_noche da_noite")
"""Six to eleven is before midnight, twelve is midnight, one to five after it."""

FILLERS = _folded(
    # English, French, Spanish, Portuguese, Italian, German, Dutch
    "and und y e i и та і و mis u ماه ء "
    "published posted updated on at the of date time by since first created modified last update release released "
    "st nd rd th o'clock hrs hours h "
    "publié publiée le mis à_jour à a modifié mise_à_jour date_de_publication er de du heure heures "
    "publicado publicada el a_las las del de actualizado actualización fecha hora horas em às as atualizado "
    "pubblicato il alle ore aggiornato del "
    "veröffentlicht am um uhr den der aktualisiert stand gepubliceerd op om uur bijgewerkt kl kl. klo "
    # Russian, Ukrainian, Bulgarian, Serbian
    "опубликовано обновлено в г г. года год часов час ч ч. дата публикации от опубліковано оновлено о об р р. року рік "
    "публикувана на публикувано годин година године објављено у "
    # Polish, Czech, Turkish, Romanian
    "opublikowano dodano godz godz. o roku r r. dnia data aktualizacja publikováno zveřejněno v dne "
    "yayınlanma güncelleme tarihi saat tarih eklenme yayın publicat la ora actualizat pe m d gada թ "
    # Arabic
    "نشر نشرت تم النشر في يوم الساعة الساعه بتاريخ تاريخ تاريخ_النشر النشر بتوقيت عند على من شهر سنة عام الموافق الموافقة "
    "آخر تحديث آخر_تحديث اخر_تحديث حدث محدث تحديث كتب أضيف اضيفت وقت التاريخ الوقت التوقيت ميلادي ميلادية "
    # Persian, Urdu, Hebrew
    "ساعت انتشار تاریخ منتشر شده در به_روز به روز_رسانی بروزرسانی شائع تاریخ_اشاعت اپ_ڈیٹ بتاریخ بجے "
    "פורסם עודכן בתאריך בשעה ב יום תאריך ה שעה "
    # Greek, Hindi, Vietnamese, Indonesian
    "δημοσιεύτηκε δημοσίευση στις ενημέρωση ώρα प्रकाशित को बजे ngày lúc giờ năm pukul jam wib tanggal pada"
)
UPDATED = _folded(
    "updated update modified actualisé modifié mis mise_à_jour actualizado actualización atualizado aggiornato aktualisiert "
    "bijgewerkt обновлено оновлено aktualizacja aktualizováno güncelleme actualizat تحديث التحديث محدث آخر_تحديث עודכן "
    "به‌روزرسانی بروزرسانی اپ_ڈیٹ ενημέρωση"
)
HIJRI_MARKS = _folded("ه هـ هجري هجرية هجريه")
GREGORIAN_MARKS = _folded("م ميلادي ميلادية ميلاديه")

HOUR_WORDS = _folded("h hs hrs uhr heure heures ч ч. час часов часа год. hod. hod óra bajê")
"""After a bare number they make it an hour."""

_ZONES: tuple[tuple[str, int | str | None], ...] = (
    ("z utc gmt tu غرينتش جرينتش غرينيتش جرينيتش توقيت_غرينتش توقيت_جرينتش التوقيت_العالمي جي_إم_تي", 0),
    ("مكة مكة_المكرمة الرياض السعودية", "Asia/Riyadh"),
    ("القاهرة مصر", "Africa/Cairo"),
    ("بيروت لبنان", "Asia/Beirut"),
    ("دمشق سوريا", "Asia/Damascus"),
    ("القدس القدس_المحتلة", "Asia/Jerusalem"),
    ("بغداد العراق", "Asia/Baghdad"),
    ("أبوظبي أبو_ظبي دبي الإمارات", "Asia/Dubai"),
    ("الدوحة قطر", "Asia/Qatar"),
    ("تونس", "Africa/Tunis"),
    ("الجزائر", "Africa/Algiers"),
    ("المغرب الرباط", "Africa/Casablanca"),
    ("msk мск موسكو по_москве", "Europe/Moscow"),
    ("київ києвом за_києвом", "Europe/Kyiv"),
    ("trt", 180),
    ("wet", 0),
    ("cet west mez", 60),
    ("cest eet mesz", 120),
    ("eest", 180),
    ("est", -300),
    ("edt", -240),
    ("cdt", -300),
    ("mdt", -360),
    ("pst", -480),
    ("pdt", -420),
    ("et", "America/New_York"),
    ("pt", "America/Los_Angeles"),
    ("jst kst", 540),
    ("gst", 240),
    # Several zones share these names.
    ("bst ist cst mst ast ct mt local local_time المحلي بالتوقيت_المحلي التوقيت_المحلي عمان", None),
)
ZONES: dict[str, int | str | None] = {
    fold(name.replace("_", " ")): zone for names, zone in _ZONES for name in names.split()
}
"""Folded zone name to minutes east of Greenwich or an IANA name; None for a name that several zones have."""


# A folded text cut into the pieces that a date can be made of.


Kind = Literal["numeric", "time", "dotted", "offset", "number", "month", "hijri", "weekday", "word", "mark"]

_TOKEN = re.compile(
    r"""
    (?P<iso>(?<!\d)\d{4}-\d{2}-\d{2}t(?=\d{2}:))
  | (?P<ymd>(?<![\d.])\d{4}\s?(?P<ysep>[-/.年년])\s?\d{1,2}\s?(?:(?P=ysep)|[月월])\s?\d{1,2}\s?[日일]?(?![\d])(?!:\d))
  | (?P<dmy>(?<![\d.:])\d{1,2}\s?(?P<dsep>[-/.])\s?\d{1,2}\s?(?P=dsep)\s?(?:\d{4}|\d{2})(?![\d])(?!:\d))
  | (?P<time>(?<![\d.:])\d{1,2}\s?[:：]\s?\d{2}(?::\d{2})?(?:[.,]\d{1,9})?(?![\d:]))
  | (?P<htime>(?<![\d.:])\d{1,2}\s?h\s?\d{2}(?![\d:]))
  | (?P<offset>(?:(?:utc|gmt)\s?[+-]\s?\d{1,2}(?::?\d{2})?|(?<![^\W\d_])[+-]\d{2}:?\d{2})(?![\d/.:-]))
  | (?P<dotted>(?<![\d.])\d{1,2}\.\d{2}(?![\d.]))
  | (?P<number>\d+)
  | (?P<word>[^\W\d_]+(?:[.'"״][^\W\d_]+)*\.?)
  | (?P<mark>\S)
    """,
    re.VERBOSE,
)

_EAST_ASIAN_WEEKDAY = re.compile("(?:星期|周|週)[一二三四五六日天]|[日月火水木金土]曜日?|[월화수목금토일]요일")
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)(?![^\W\d_])")  # `th` is Thursday too
_LEVANTINE = {
    fold(short): fold(long)
    for short, long in {
        "ك": "كانون",
        "كانون": "كانون",
        "ت": "تشرين",
        "تشرين": "تشرين",
        "1": "الأول",
        "2": "الثاني",
    }.items()
}
_NUMBERED_MONTH = re.compile(rf"(?<![^\W\d_])({'|'.join(name for name in _LEVANTINE if name.isalpha())}) ?([12])(?!\d)")
_VIETNAMESE_WEEKDAY = re.compile(r"\b(?:thu (?:hai|ba|tu|nam|sau|bay|[2-7](?!\d))|chu nhat)\b")
_VIETNAMESE = re.compile(r"(\d{1,2}) (?:thang|thg) (\d{1,2}),?(?: nam)? (\d{4})")
_PHRASES = (AM, PM, NOON, NIGHT, FILLERS, ZONES)


@dataclass(slots=True)
class Token:
    """One piece: its kind, its text, and what a name may mean (a word can be a month and a weekday)."""

    kind: Kind
    text: str
    month: int | None = None
    weekday: int | None = None


def tokenise(text: str, language: str | None) -> list[Token]:
    """The tokens of a folded text. Names are looked up in `language`, then in all languages together."""
    text = _ORDINAL.sub("", _EAST_ASIAN_WEEKDAY.sub(" ", text))
    text = _NUMBERED_MONTH.sub(lambda match: f"{_LEVANTINE[match[1]]} {_LEVANTINE[match[2]]}", text)
    text = _VIETNAMESE_WEEKDAY.sub(" ", text)
    text = _VIETNAMESE.sub(r"\1.\2.\3", text)
    found = [_token(match) for match in _TOKEN.finditer(text)]
    tables = [names_of(language), all_names()] if language else [all_names()]
    tokens: list[Token] = []
    index = 0
    while index < len(found):
        named, length = _named(found, index, tables)
        tokens.append(named or found[index])
        index += length
    return tokens


def _token(match: re.Match[str]) -> Token:
    group, text = match.lastgroup or "mark", match.group()
    if group in ("iso", "ymd", "dmy"):
        return Token("numeric", text.rstrip("t") if group == "iso" else text)
    if group == "htime":
        return Token("time", text.replace("h", ":"))
    if group in ("time", "offset", "dotted", "number"):
        return Token(group, text)  # type: ignore[arg-type]
    return Token("word", text.rstrip(".")) if group == "word" else Token("mark", text)


def _named(found: list[Token], index: int, tables: list[Names]) -> tuple[Token | None, int]:
    """A token for the longest name (of up to three words) that begins here, and how many tokens it spans."""
    for length in (3, 2, 1):
        part = found[index : index + length]
        if len(part) < length or any(token.kind != "word" for token in part):
            continue
        name = " ".join(token.text for token in part)
        month = next((table.months[name] for table in tables if name in table.months), None)
        weekday = next((table.weekdays[name] for table in tables if name in table.weekdays), None)
        if month is not None:
            return Token("month", name, month, weekday), length
        if name in HIJRI_MONTHS:
            return Token("hijri", name), length
        if weekday is not None:
            return Token("weekday", name, None, weekday), length
        if length > 1 and any(name in table for table in _PHRASES):
            return Token("word", name), length
    return None, 1
