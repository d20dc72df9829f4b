"""Names of months and weekdays by language, all folded.

Arabic names are our own table, in all the usages news is written in; the others are CLDR's (data/date-names.json).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

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
    1: "محرم المحرم محرم_الحرام muharram muharrem",
    2: "صفر صفر_المظفر safar",
    3: "ربيع_الأول ربيع_أول rabiul_awal rebiülevvel",
    4: "ربيع_الآخر ربيع_الثاني ربيع_آخر ربيع_ثاني ربيع_ثان rabiul_akhir rebiülahir",
    5: "جمادى_الأولى جمادى_الأول جمادى_أولى جماد_أول جماد_الأول جمادی_الاول jumadil_awal cemaziyelevvel",
    6: "جمادى_الآخرة جمادى_الآخر جمادى_الثانية جمادى_الثاني جمادى_ثانية جماد_ثاني جماد_الآخر جماد_الثاني jumadil_akhir cemaziyelahir",
    7: "رجب رجب_المرجب rajab recep",
    8: "شعبان شعبان_المعظم shaban sha'ban syaban şaban",
    9: "رمضان رمضان_المبارك ramadan ramadhan ramazan",
    10: "شوال شوال_المکرم shawwal syawal şevval",
    11: "ذو_القعدة ذي_القعدة ذوالقعدة ذيالقعدة ذی_القعد ذیقعد zulkaidah zilkade",
    12: "ذو_الحجة ذي_الحجة ذوالحجة ذيالحجة ذی_الحج ذوالحج zulhijah zilhicce",
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
OTHER_MONTHS = HIJRI_MONTHS | dict.fromkeys(
    map(
        fold,
        "বৈশাখ জ্যৈষ্ঠ আষাঢ় শ্রাবণ ভাদ্র আশ্বিন কার্তিক অগ্রহায়ণ পৌষ মাঘ ফাল্গুন চৈত্র "
        "tishrei cheshvan heshvan kislev tevet shevat shvat adar nisan iyar iyyar sivan tammuz av elul".split(),
    ),
    0,
)
"""Months of calendars that are not read: Hijri, Bengali, Hebrew in Latin letters."""
WEEKDAYS = _table(_WEEKDAYS)
"""Folded weekday name to 0 (Monday) to 6."""

LANGUAGES = (
    "ar en fr ru uk es de tr fa he ur pl pt it nl bg sr mk be cs sk sl hr bs ro hu el sv da nb fi et lv "
    "lt sq ca id ms hi bn ta vi zh ja ko ka hy az kk uz sw "
    "af am as ckb cy eu fil ga gl gu is km kn ky lb lo ml mn mr mt my ne or pa ps si so te tg th tk tt ug"
).split()
# Forms that the news uses beside CLDR's.
_EXTRA: dict[str, dict[int, str]] = {
    "en": {9: "sept", 1: "jan", 3: "mar", 4: "apr", 6: "june jun", 7: "july jul"},
    "fr": {1: "janv", 2: "fevr fev", 7: "juil juill", 4: "avr", 9: "sept"},
    "es": {9: "setiembre set sept"},
    "de": {1: "jänner jaenner", 2: "feber", 3: "maerz mrz"},
    "am": {1: "ጃንዩወሪ", 2: "ፌብሩወሪ"},
    "bg": {9: "септ"},
    "he": {3: "מרס במרס מארס"},
    "mk": {9: "септ", 11: "ноем"},
    "ro": {11: "noiem"},
    "uk": {3: "берез", 9: "верес", 11: "лис листоп"},
    "ru": {2: "фев", 3: "марта", 9: "сен сент", 11: "ноя нояб"},
    "fa": {1: "ژانویه", 2: "فوریه", 3: "مارس", 4: "آوریل", 5: "مه می", 6: "ژوئن", 7: "ژوئیه جولای", 8: "اوت آگوست"},
    "sr": {6: "juni", 7: "juli"},
    "th": {1: "ม.ค", 7: "กรกฏาคม"},
    "ur": {8: "اگست"},
    "bn": {1: "জানুয়ারি", 2: "ফেব্রুয়ারি", 8: "আগষ্ট অগাস্ট"},
    "hi": {9: "सितम्बर", 10: "अक्टूबर", 11: "नवम्बर", 12: "दिसम्बर"},
}
_ALONE = frozenset({"be", "cs", "hr", "pl", "uk"})
_EXTRA_WEEKDAYS: dict[str, str] = {  # Monday to Sunday, `|` between forms, `-` where there is none
    "en": "- tues weds thur|thurs - - -",
    "ru": "пнд втр срд|среду чтв птн|пятницу сбт|субботу вск|воскресение",
    "uk": "- - середу - п'ятницю|пят суботу неділю",
    "be": "- - сераду - пятніцу суботу нядзелю",
    "pl": "pn wtor środę cz|czw - sobotę niedzielę",
    "cs": "- - středu - - sobotu neděli",
    "sk": "- - stredu - - sobotu nedeľu",
    "hr": "- - srijedu - - subotu nedjelju",
    "sr": "- - среду|sredu - - суботу|subotu недељу|nedelju",
    "sl": "- - sredo - - soboto nedeljo",
    "sv": "månd tisd onsd torsd fred lörd sönd",
    "pt": "segunda terça quarta quinta sexta - -",
    "he": "שני שלישי רביעי חמישי שישי שבת ראשון",
    "tr": "- - çrs prs - - -",
    "th": "- - - พฤหัส - - -",
}
_FORMS: dict[str, str] = {  # after a day or before a time, month by month
    "sr": "јануара фебруара марта априла маја јуна јула августа септембра октобра новембра децембра "
    "januara februara marta aprila maja juna jula avgusta septembra oktobra novembra decembra",
    "sl": "januarja februarja marca aprila maja junija julija avgusta septembra oktobra novembra decembra",
    "bs": "januara februara marta aprila maja juna jula augusta septembra oktobra novembra decembra",
    "lv": "janvārī februārī martā aprīlī maijā jūnijā jūlijā augustā septembrī oktobrī novembrī decembrī",
    "ka": "იანვარს თებერვალს მარტს აპრილს მაისს ივნისს ივლისს აგვისტოს სექტემბერს ოქტომბერს ნოემბერს დეკემბერს",
}


@dataclass(frozen=True)
class Names:
    """Folded names of one language, of up to three words."""

    months: dict[str, int]
    weekdays: dict[str, int]
    is_alone: bool = False
    """Whether close languages call other months so: `listopad` is October in Croatian, November in Polish."""


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
    months.update((fold(name), at % 12 + 1) for at, name in enumerate(_FORMS.get(language, "").split()))
    for number, row in enumerate(_EXTRA_WEEKDAYS.get(language, "").split()):
        weekdays.update((fold(name), number) for name in row.split("|") if name != "-")
    weekdays.update({name.replace("-", " "): number for name, number in weekdays.items()})  # as in tokens
    if language == "fa":  # written with a space, or with a joiner, which folding takes away
        weekdays.update({name.replace("شنبه", " شنبه"): number for name, number in weekdays.items() if name != "شنبه"})
    if language == "ckb":  # before a year
        months.update({f"{name}{fold('ی')}": number for name, number in months.items()})
    if language == "th":  # `วัน` is day, `ที่` makes an ordinal of what follows
        bare = {name.removeprefix("วน"): number for name, number in weekdays.items()}
        weekdays.update(bare | {f"{name}{end}": number for name, number in (weekdays | bare).items() for end in ("ท",)})
    return Names(months, weekdays, language in _ALONE)


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
