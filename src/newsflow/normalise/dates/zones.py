"""Names of time zones, all folded."""

from __future__ import annotations

from newsflow.normalise.characters import fold

# ruff: noqa: E501 - rows of words read best as rows

_ZONES: tuple[tuple[str, int | str | None], ...] = (
    (
        "z utc gmt tu غرينتش جرينتش غرينيتش جرينيتش التوقيت_العالمي جي_إم_تي ت.غ گرینویچ coordinated_universal_time greenwich_mean_time",
        0,
    ),
    ("مكة مكة_المكرمة الرياض السعودية", "Asia/Riyadh"),
    ("الكويت", "Asia/Kuwait"),
    ("المنامة البحرين", "Asia/Bahrain"),
    ("صنعاء اليمن", "Asia/Aden"),
    ("الأردن", "Asia/Amman"),
    ("القاهرة مصر", "Africa/Cairo"),
    ("بيروت لبنان", "Asia/Beirut"),
    ("دمشق سوريا", "Asia/Damascus"),
    ("القدس القدس_المحتلة", "Asia/Jerusalem"),
    ("بغداد العراق", "Asia/Baghdad"),
    ("أبوظبي أبو_ظبي دبي الإمارات", "Asia/Dubai"),
    ("الدوحة قطر", "Asia/Qatar"),
    ("مسقط", "Asia/Muscat"),
    ("ليبيا", "Africa/Tripoli"),
    ("الخرطوم السودان", "Africa/Khartoum"),
    ("نواكشوط", "Africa/Nouakchott"),
    ("تونس", "Africa/Tunis"),
    ("الجزائر", "Africa/Algiers"),
    ("المغرب الرباط", "Africa/Casablanca"),
    ("لندن بتوقيت_لندن london_time", "Europe/London"),
    ("باريس heure_de_paris", "Europe/Paris"),
    ("msk мск موسكو по_москве московское_время московскому_времени по_московскому_времени", "Europe/Moscow"),
    ("київ києвом за_києвом київським_часом за_київським_часом", "Europe/Kyiv"),
    ("تهران به_وقت_تهران", "Asia/Tehran"),
    ("کابل به_وقت_کابل", "Asia/Kabul"),
    ("tsi", "Europe/Istanbul"),
    ("horario_de_brasilia hora_de_brasilia", "America/Sao_Paulo"),
    ("北京时间 北京時間", "Asia/Shanghai"),
    ("日本時間 日本标准时间", "Asia/Tokyo"),
    ("한국시간", "Asia/Seoul"),
    ("wet", 0),
    ("cet met west mez wat", 60),
    ("cest mest eet mesz cat sast", 120),
    ("eest eat trt", 180),
    ("irst", 210),
    ("gst", 240),
    ("aft", 270),
    ("pkt uzt", 300),
    ("npt", 345),
    ("mmt", 390),
    ("ict wib", 420),
    ("hkt sgt myt pht awst wita", 480),
    ("jst kst wit", 540),
    ("acst", 570),
    ("aest", 600),
    ("acdt", 630),
    ("aedt", 660),
    ("nzst", 720),
    ("nzdt", 780),
    ("ndt", -150),
    ("brt art uyt clst adt", -180),
    ("nst", -210),
    ("edt clt", -240),
    ("est cdt cot pet", -300),
    ("mdt", -360),
    ("pdt", -420),
    ("pst akdt", -480),
    ("akst", -540),
    ("hst", -600),
    ("et eastern_time", "America/New_York"),
    ("pt pacific_time", "America/Los_Angeles"),
    # Several zones share these names.
    (
        "bst ist cst mst ast amt bdt sst ct mt local local_time heure_locale hora_local ora_locale ortszeit محلي المحلي عمان طرابلس",
        None,
    ),
)
ZONES: dict[str, int | str | None] = {
    fold(name.replace("_", " ")): zone for names, zone in _ZONES for name in names.split()
}
"""Folded zone name to minutes east of Greenwich or an IANA name; None for a name that several zones have."""
