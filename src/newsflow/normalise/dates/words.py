# ruff: noqa: E501 - rows of words read best as rows
"""Words around a date that are no name: halves of the day, zones, fillers. All folded, all languages together."""

from __future__ import annotations

from newsflow.normalise.dates.fold import fold


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
    "updated update modified actualisé modifié mise_à_jour actualizado actualización atualizado aggiornato aktualisiert "
    "bijgewerkt обновлено оновлено aktualizacja aktualizováno güncelleme actualizat تحديث محدث آخر_تحديث עודכן "
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
    ("cet west", 60),
    ("cest eet", 120),
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
"""Folded zone name to minutes east of Greenwich or an IANA name; None for a name that does not settle it."""
