"""Arabic names of months, in all the usages that news is written in, and of the Hijri year. Keys are folded."""

from __future__ import annotations

from newsflow.normalise.dates.fold import fold

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
    11: "نوفمبر تشرين_الثاني تشرين_ثاني تشرين_ثان تشرين2 ت2 نونبر نونمبر",
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
