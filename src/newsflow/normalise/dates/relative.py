"""Dates that count back from when the page was fetched: `3 hours ago`, `вчера в 14:30`, `منذ ساعتين`.

Weeks and longer are not read, since nobody can say which day they mean; nor is what names an update.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from newsflow.model import DatePrecision, PublicationDate
from newsflow.normalise.characters import fold
from newsflow.normalise.dates.names import known
from newsflow.normalise.dates.words import is_label, says_update

# ruff: noqa: E501 - rows of words read best as rows

MAX_CHARS = 60
# How precise, how long, and how many of it anybody counts.
_UNITS: tuple[tuple[DatePrecision, timedelta, int], ...] = (
    ("second", timedelta(seconds=1), 120),
    ("minute", timedelta(minutes=1), 600),
    ("hour", timedelta(hours=1), 72),
    ("day", timedelta(days=1), 31),
)
# Before the number | behind the number | words for 1 | seconds | minutes | hours | days | today | yesterday | the day
# before. `=2` is a form that says its number itself, `_` a space.
_ROWS = {
    "ar": "منذ قبل|||ثانية=1 ثانيتين=2 ثوان ثواني|دقيقة=1 دقيقتين=2 دقائق|ساعة=1 ساعة_واحدة=1 ساعتين=2 ساعات|يوم=1 يومين=2 أيام يوما|اليوم|أمس|أول_أمس",
    "en": "|ago|a an one|second seconds sec secs s|minute minutes min mins m|hour hours hr hrs h|day days d|today|yesterday|",
    "fr": "il_y_a||un une|seconde secondes s|minute minutes min mn|heure heures h|jour jours j|aujourd'hui|hier|avant-hier",
    "de": "vor||einer einem|sekunde sekunden sek|minute minuten min|stunde stunden std h|tag tagen|heute|gestern|vorgestern",
    "ru": "|назад тому_назад|один одну|секунду=1 секунды секунд сек|минуту=1 минуты минут мин|час=1 часа часов ч|день=1 дня дней|сегодня|вчера|позавчера",
    "uk": "|тому назад|один одну|секунду=1 секунди секунд|хвилину=1 хвилини хвилин хв|годину=1 години годин год|день=1 дні днів|сьогодні|вчора учора|позавчора",
    "be": "|таму назад|адзін адну|секунду=1 секунды секунд|хвіліну=1 хвіліны хвілін|гадзіну=1 гадзіны гадзін|дзень=1 дні дзён|сёння|учора|",
    "bg": "преди||един една|секунда секунди|минута минути мин|час часа ч|ден дни|днес|вчера|завчера",
    "sr": "пре prije pre||један једну jedan jedan|секунду секунди|минут минута minut minuta minuta min|сат сата сати sat sata sati h|дан дана dan dana|данас danas|јуче juče jučer|",
    "hr": "prije||jedan jednu|sekundu sekundi|minutu minute minuta min|sat sata sati h|dan dana|danas|jučer|",
    "es": "hace||un una|segundo segundos|minuto minutos min|hora horas h|día días d|hoy|ayer|anteayer",
    "pt": "há|atrás|um uma|segundo segundos|minuto minutos min|hora horas h|dia dias d|hoje|ontem|anteontem",
    "it": "|fa|un un' una|secondo secondi|minuto minuti min|ora ore h|giorno giorni|oggi|ieri|",
    "nl": "|geleden|een één|seconde seconden|minuut minuten min|uur uren u|dag dagen|vandaag|gisteren|eergisteren",
    "sv": "för|sedan|en ett|sekund sekunder|minut minuter min|timme timmar tim h|dag dagar|idag i_dag|igår i_går|",
    "nb": "for|siden|en ett et|sekund sekunder|minutt minutter min|time timer t|dag dager|i_dag|i_går|",
    "da": "for|siden|en et|sekund sekunder|minut minutter min|time timer t|dag dage|i_dag|i_går|",
    "fi": "|sitten||sekunti=1 sekuntia|minuutti=1 minuuttia min|tunti=1 tuntia h|päivä=1 päivää|tänään|eilen|",
    "pl": "|temu|jedną jeden|sekundę=1 sekundy sekund|minutę=1 minuty minut min|godzinę=1 godziny godzin godz h|dzień=1 dni|dziś dzisiaj|wczoraj|przedwczoraj",
    "cs": "před||jednou jedním|sekundou=1 sekundami|minutou=1 minutami min|hodinou=1 hodinami h|dnem=1 dny|dnes|včera|předevčírem",
    "sk": "pred||jednou jedným|sekundou=1 sekundami|minútou=1 minútami min|hodinou=1 hodinami h|dňom=1 dňami|dnes|včera|",
    "sl": "pred||eno enim|sekundo=1 sekundami|minuto=1 minutama=2 minutami min|uro=1 urama=2 urami h|dnem=1 dnevoma=2 dnevi|danes|včeraj|",
    "ro": "acum||un o|secundă secunde|minut minute min|oră ore|zi zile|astăzi azi|ieri|",
    "hu": "|ezelőtt||másodperccel=1|perccel=1|órával=1|nappal=1|ma|tegnap|",
    "el": "πριν πριν_από||ένα μία|δευτερόλεπτο δευτερόλεπτα|λεπτό λεπτά|ώρα ώρες|ημέρα ημέρες μέρα μέρες|σήμερα|χθες χτες|προχθές",
    "tr": "|önce|bir|saniye sn|dakika dk|saat sa|gün|bugün|dün|",
    "az": "|əvvəl öncə|bir|saniyə|dəqiqə|saat|gün|bu_gün|dünən|",
    "fa": "|پیش قبل|یک|ثانیه|دقیقه|ساعت|روز|امروز|دیروز|پریروز",
    "ur": "|قبل پہلے|ایک|سیکنڈ|منٹ|گھنٹہ گھنٹے گھنٹوں|دن|آج||",
    "he": "לפני||אחד אחת|שניה=1 שנייה=1 שניות|דקה=1 דקות|שעה=1 שעתיים=2 שעות|יום=1 יומיים=2 ימים|היום|אתמול|שלשום",
    "hi": "|पहले पूर्व|एक|सेकंड|मिनट|घंटा घंटे|दिन|आज||",
    "id": "|lalu yang_lalu|se satu|detik|menit mnt|jam|hari|hari_ini|kemarin|",
    "vi": "|trước|một|giây|phút|giờ tiếng|ngày|hôm_nay|hôm_qua|",
    "zh": "|前 以前 之前||秒 秒钟 秒鐘|分钟 分鐘 分|小时 小時 个小时 個小時|天|今天 今日|昨天 昨日|前天",
    "ja": "|前||秒|分|時間|日|今日|昨日|一昨日",
    "ko": "|전||초|분|시간|일|오늘|어제|그저께",
}  # fmt: skip
_NO_SPACES = frozenset({"zh", "ja", "ko"})


@dataclass(frozen=True, slots=True)
class _Words:
    """Patterns over folded text for a span of time, each number and unit of it and a word that names a day, and what
    the words mean."""

    span: re.Pattern[str]
    piece: re.Pattern[str]
    units: dict[str, tuple[int, int]]
    """A form to the place of its unit in `_UNITS`, and to the number it says itself, or 0."""
    day: re.Pattern[str]
    days: dict[str, int]


def read_relative(
    text: str, language: str | None, zone: str | None, now: datetime, read: Callable[[str], PublicationDate | None]
) -> PublicationDate | None:
    """The date that a short text counts back from `now` (aware), or None. `read` reads a date that is written out.

    A day is one of `zone`; without it one of UTC, and its zone is unknown.
    """
    if not may_count_back(text):
        return None
    folded = fold(text)
    if says_update(folded):
        return None
    today = now.astimezone(ZoneInfo(zone) if zone else UTC).date()
    dates = (_date(words, folded, now, today, read) for words in _languages(folded, known(language)))
    found = {date for date in dates if date is not None}
    return replace(found.pop(), text=text) if len(found) == 1 else None


def may_count_back(text: str) -> bool:
    """Whether a text is short enough to, and has a word without which none does in any language. Quick."""
    return len(text) <= MAX_CHARS and _some_word().search(fold(text)) is not None


def _languages(folded: str, named: str | None) -> Iterator[_Words]:
    """The words of the language that is named; where it has none of these, those of others, but not a name of a day in
    Latin letters, which may be another word here (German `hier`)."""
    if named in _ROWS and (words := _words(named)) and (words.span.search(folded) or words.day.search(folded)):
        yield words
        return
    is_latin = re.search("[a-z]", folded) is not None
    for words in map(_words, _ROWS):
        if words.span.search(folded) or (not is_latin and words.day.search(folded)):
            yield words


def _date(
    words: _Words, folded: str, now: datetime, today: date, read: Callable[[str], PublicationDate | None]
) -> PublicationDate | None:
    span = words.span.search(folded)
    if span is None:
        back = {words.days[name] for name in words.day.findall(folded)}
        return read(words.day.sub(f" {today - timedelta(days=back.pop())} ", folded)) if len(back) == 1 else None
    around = folded[: span.start()] + " " + folded[span.end() :]
    if any(map(str.isdigit, around)) or not is_label(around):
        return None
    counted = [_count(words, *piece) for piece in words.piece.findall(span[0])]
    known_only = [each for each in counted if each is not None]
    if len(known_only) < len(counted):
        return None
    precision = _UNITS[min(place for place, _ in known_only)][0]
    ago = sum((_UNITS[place][1] * number for place, number in known_only), timedelta())
    if precision == "day":
        return read((today - ago).isoformat())
    at = (now - ago).astimezone(UTC).replace(second=0, microsecond=0)
    return PublicationDate(at, "explicit", "text", "", precision)


def _count(words: _Words, number: str, form: str) -> tuple[int, int] | None:
    """The place of a unit and how many of it; None where that is not said or is more than anybody counts."""
    place, own = words.units[form]
    count = int(number) if number.isdigit() else 1 if number else own
    return (place, count) if 0 < count <= _UNITS[place][2] else None


@cache
def _some_word() -> re.Pattern[str]:
    cells = (row.split("|") for row in _ROWS.values())
    forms = {
        form
        for before, after, *_, today, yesterday, earlier in cells
        for form in f"{before} {after} {today} {yesterday} {earlier}".split()
    }
    return re.compile(_any(fold(form.replace("_", " ")) for form in forms))


@cache
def _words(language: str) -> _Words:
    before, after, ones, *units, today, yesterday, earlier = (
        [fold(form.replace("_", " ")) for form in cell.split()] for cell in _ROWS[language].split("|")
    )
    forms = {
        form.partition("=")[0]: (place, int(form.partition("=")[2] or 0))
        for place, cell in enumerate(units)
        for form in cell
    }
    days = {name: back for back, names in enumerate((today, yesterday, earlier)) for name in names}
    begin, end = ("", "") if language in _NO_SPACES else (r"(?<![^\W\d_])", r"(?![^\W\d_])")
    number, unit = rf"(?<!\d)(?:[0-9]{{1,3}}|{begin}(?:{_any(ones)}))\s?", rf"{begin}(?:{_any(forms)}){end}\.?"
    spans = rf"(?:{number})?{unit}(?:[\s,]{{1,3}}{number}{unit})?"
    ways = [rf"{begin}(?:{_any(before)}){end}\s?{spans}"] if before else []
    ways += [rf"{spans}\s?{begin}(?:{_any(after)}){end}"] if after else []
    return _Words(
        span=re.compile("|".join(ways)),
        piece=re.compile(rf"(?:(?<!\d)([0-9]{{1,3}}|{begin}(?:{_any(ones)}))\s?)?{begin}({_any(forms)}){end}"),
        units=forms,
        day=re.compile(rf"{begin}(?:{_any(days)}){end}"),
        days=days,
    )


def _any(forms: Iterable[str]) -> str:
    """One of the forms, the longest that fits; nothing where there is none."""
    return "|".join(map(re.escape, sorted(forms, key=len, reverse=True))) or "(?!)"
