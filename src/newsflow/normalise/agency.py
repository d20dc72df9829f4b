"""The news agency an article credits: by byline, dateline or credit line. A mention in the text is not a credit."""

# ruff: noqa: E501 - rows of words read best as rows

from __future__ import annotations

import re
from collections.abc import Iterable

from newsflow.normalise.characters import compile_folded, fold

_AGENCIES = {
    "Reuters": "reuters|رويترز|рейтер|рейтерс|reuter",
    "AFP": r"afp|agence france-?presse|ا\.? ?ف\.? ?ب\.?|فرانس برس|وكاله فرانس برس|وكاله الصحافه الفرنسيه|афп|франс пресс",
    "AP": r"ap|associated press|ا\.? ?ب|اسوشيتد ?برس|اسوشييتد برس|ассошиэйтед пресс",
    "TASS": "tass|itar-tass|тасс|итар-тасс|تاس",
    "RIA Novosti": "ria(?: novosti)?|риа(?: новости)?|نوفوستي|ريا نوفوستي",
    "Interfax": "interfax|интерфакс|انترفاكس",
    "Sputnik": "sputnik|спутник|سبوتنيك",
    "dpa": r"dpa|deutsche presse-?agentur|د\.? ?ب\.? ?ا\.?|الالمانيه",
    "EFE": "efe|agencia efe|افي",
    "ANSA": "ansa",
    "Xinhua": "xinhua|شينخوا|синьхуа|新华社",
    "Anadolu": "anadolu(?: agency| ajansi)?|aa|الاناضول|وكاله الاناضول|анадолу",
    "SANA": "sana|سانا",
    "WAM": "wam|وام",
    "SPA": "spa|واس",
    "MENA": "mena|ا\\.? ?ش\\.? ?ا|الشرق الاوسط",
    "PETRA": "petra|بترا",
    "QNA": "qna|قنا",
    "KUNA": "kuna|كونا",
    "NNA": "nna|الوطنيه",
    "APS": "aps|واج",
    "TAP": "tap|وات",
    "MAP": "map|ومع",
    "INA": "ina|واع",
    "WAFA": "wafa|وفا",
    "IRNA": "irna|ايرنا|ارنا",
    "Fars": "fars|فارس",
    "Tasnim": "tasnim|تسنيم",
    "Ukrinform": "ukrinform|укринформ|укрінформ",
    "UNIAN": "unian|униан|уніан",
    "PAP": "pap",
    "ČTK": "ctk",
    "BelTA": "belta|белта",
    "Kyodo": "kyodo|共同通信",
    "Yonhap": "yonhap|연합뉴스",
    "Bloomberg": "bloomberg|بلومبرغ|بلومبيرغ|блумберг",
    "UPI": "upi",
    "agencies": "agencies|وكالات|الوكالات|agences|agenturen|agencias|agenzie|ajanslar|агентства|информагентства|agencje|خبرگزاري ها|סוכנויות",
}
_ORDERED = tuple((name, compile_folded(rf"(?:{pattern})")) for name, pattern in _AGENCIES.items())
_ANY = "|".join(f"(?:{pattern})" for pattern in _AGENCIES.values())


def _name(number: int) -> str:
    return rf"(?:وكاله(?: انباء)? )?(?P<agency{number}>{_ANY})"


# CITY (Reuters) - | القاهرة - رويترز - | МОСКВА, 15 дек - РИА Новости. | /ТАСС/. | (AFP)
_DATELINE = compile_folded(
    rf"(?:[^.!?؟\n]{{0,50}}?[\s,،/–—\-(:])?[(\[/]\s*{_name(1)}\s*[)\]/](?:\s*[.\-–—:]|\s)"
    rf"|[^.!?؟()\n]{{1,45}}?(?:\.?\s*[\-–—|/:,،]+\s*|\s*\d{{1,2}} \w+\.?\s*[\-–—.]+\s*){_name(2)}\s*[.\-–—:/)]"
    rf"|{_name(3)}\s*[\-–—:]\s"
)
_CREDIT = compile_folded(
    rf"[\s(\[/*–—\-|]*(?:(?:المصدر|مصدر|نقلا عن|source|sources|via|источник|источники|джерело|quelle|fuente|fonte|kaynak|zrodlo|منبع|credit)\s*[:|/–—\-]*\s*)"
    rf"(?:\w+ ?[+&/,،\-–—] ?)?{_name(4)}[\s)\]/.*]*(?:[+&/,،\-–—|].{{0,30}})?"
    rf"|[\s]*[(\[/*–—\-]+\s*{_name(5)}\s*[)\]/.*–—\-]*|{_name(6)}"
)
_BYLINE = compile_folded(
    rf"(?:(?:by|by the|with|من|عن|par|von)\s+)?(?:.{{0,60}}?(?:[\s(/,،|\-–—+&]|^))?{_name(7)}"
    r"(?:\s*[)/,،|&+].{0,40}|(?: \w+){0,3} (?:writers?|reporters?|correspondents?|photographers?|staff))?"
)
_SHORT_CHARS = 80
_HEAD_CHARS = 140


def find_agency(body: str, bylines: Iterable[str] = (), credit_lines: Iterable[str] = ()) -> str | None:
    """The agency credited (`Reuters`, `AFP`, `agencies` ...), or None.

    `bylines` are author names and byline lines; `credit_lines` are lines outside the body such as `Source: Reuters`.
    Of the body only the first words and the last line are read.
    """
    for byline in bylines:
        if len(byline) <= _SHORT_CHARS and (match := _BYLINE.fullmatch(fold(byline))):
            return _canonical(match)
    lines = body.split("\n")
    if match := _DATELINE.match(fold(lines[0][:_HEAD_CHARS])):
        return _canonical(match)
    for line in [*credit_lines, lines[-1]]:
        if len(line) <= _SHORT_CHARS and (match := _CREDIT.fullmatch(fold(line))):
            return _canonical(match)
    return None


def _canonical(match: re.Match[str]) -> str | None:
    found = next(text for text in match.groupdict().values() if text)
    return next((name for name, pattern in _ORDERED if pattern.fullmatch(found)), None)
