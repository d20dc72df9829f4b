"""Made-up raw events for benchmarks: seeded, so that every run measures the same ones.

Sentences are words of our own phrases in random order, in Arabic, English and Russian: no two articles are alike
by chance. About one event in twelve is a repeat, one in twelve an edit, one in twelve another outlet's copy:
what a real stream holds.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import orjson

PHRASES = {
    "ar": (
        "أعلن المتحدث باسم الوزارة أن الوفد وصل إلى دمشق صباح اليوم",
        "قال مسؤول محلي إن القافلة غادرت بيروت في طريقها إلى الحدود",
        "بحث الجانبان في موسكو سبل التعاون في مجال الطاقة والنقل",
        "أكدت مصادر مطلعة أن المحادثات ستستأنف الأسبوع المقبل",
        "شهدت الأسواق ارتفاعا في أسعار القمح بعد إعلان النتائج",
        "طالب سكان القرية بإصلاح الطريق الذي تضرر بسبب السيول",
        "افتتح رئيس البلدية المدرسة الجديدة بحضور أولياء الأمور",
        "أوضح الخبير أن المحصول تراجع بسبب قلة الأمطار",
        "وصل فريق طبي من طهران لتدريب الأطباء في المستشفى",
        "دعت المنظمة إلى وقف إطلاق النار وفتح المعابر أمام المساعدات",
        "أشارت الصحيفة إلى أن المشروع سيوفر آلاف الوظائف",
        "ناقش البرلمان الأوكراني مشروع القانون في جلسة طويلة",
    ),
    "en": (
        "the ministry said on Monday that the delegation had arrived in Damascus",
        "local officials said the convoy left Beirut for the border",
        "both sides discussed cooperation on energy and transport in Moscow",
        "people familiar with the talks said they would resume next week",
        "wheat prices rose on the exchange after the results were announced",
        "villagers asked the council to repair the road damaged by floods",
        "the mayor opened a new school in the presence of parents",
        "an expert explained that the harvest had fallen for lack of rain",
        "a medical team from Tehran came to train doctors at the hospital",
        "the organisation called for a ceasefire and open crossings",
        "the newspaper noted that the project would create thousands of jobs",
        "the Ukrainian parliament debated the bill in a long session",
    ),
    "ru": (
        "в министерстве сообщили, что делегация прибыла в Дамаск",
        "местные власти заявили, что колонна вышла из Бейрута к границе",
        "стороны обсудили в Москве сотрудничество в области энергетики",
        "источники сообщили, что переговоры продолжатся на следующей неделе",
        "цены на пшеницу выросли после объявления результатов",
        "жители деревни попросили отремонтировать дорогу после паводка",
        "мэр открыл новую школу в присутствии родителей",
        "эксперт объяснил, что урожай снизился из-за нехватки дождей",
        "врачи из Тегерана приехали обучать коллег в больнице",
        "организация призвала к прекращению огня и открытию переходов",
        "газета отметила, что проект создаст тысячи рабочих мест",
        "парламент Украины долго обсуждал законопроект",
    ),
}
WORDS = {language: tuple(" ".join(phrases).split()) for language, phrases in PHRASES.items()}
OUTLETS = tuple(f"outlet-{number:02d}" for number in range(40))
BEGAN = datetime(2025, 3, 1, 6, 0, tzinfo=UTC)


def raw_events(count: int, seed: int = 7, size_chars: int = 2000) -> Iterator[tuple[bytes, bytes]]:
    """`count` pairs of key and value. `size_chars` is about the length of a body, in code points."""
    rng = random.Random(seed)
    recent: list[dict[str, str]] = []
    for number in range(count):
        fate = rng.randrange(12) if recent else 11
        event = _again(rng, recent, number, fate) if fate < 3 else _fresh(rng, number, size_chars)
        recent = [*recent[-199:], event]
        yield f"{event['source']}/{event['url']}".encode(), orjson.dumps(event)


def _fresh(rng: random.Random, number: int, size_chars: int) -> dict[str, str]:
    language = rng.choices(("ar", "en", "ru"), (5, 3, 2))[0]
    source = rng.choice(OUTLETS)
    paragraphs: list[str] = []
    while sum(map(len, paragraphs)) < size_chars:
        paragraphs.append(" ".join(_sentence(rng, language) + "." for _ in range(4)))
    title = _sentence(rng, language)
    at = BEGAN + timedelta(seconds=number)
    return {
        "source": source,
        "url": f"https://{source}.example/news/{number}",
        "fetched_at": at.isoformat(),
        "content_type": "text/plain",
        "title": title,
        "published": (at - timedelta(minutes=5)).isoformat(),
        "language": language,
        "content": "\n\n".join(paragraphs),
    }


def _again(rng: random.Random, recent: list[dict[str, str]], number: int, fate: int) -> dict[str, str]:
    event = dict(rng.choice(recent), fetched_at=(BEGAN + timedelta(seconds=number)).isoformat())
    if fate == 1:
        event["content"] += "\n\n" + _sentence(rng, event["language"]) + "."
    elif fate == 2:
        event["source"] = rng.choice(OUTLETS)
        event["url"] = f"https://{event['source']}.example/wire/{number}"
    return event


def _sentence(rng: random.Random, language: str) -> str:
    return " ".join(rng.choices(WORDS[language], k=rng.randint(9, 16))).capitalize()
