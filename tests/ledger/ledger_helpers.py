"""Builds events and candidates by hand, on a clock that moves when told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsflow.model import Action, Article, Candidate, Event, PublicationDate, Reason, Rejected

START = datetime(2031, 5, 4, 9, 0, tzinfo=UTC)

HARBOUR = (
    "The harbour authority of Velmora said on Tuesday that dredging of the eastern channel would resume after a "
    "court lifted the order that had stopped the work for nine months. Fishing crews had argued that the sediment "
    "buried their grounds, while the shipping firms complained of vessels waiting 40 hours for the tide. Engineers "
    "expect to remove 310 thousand cubic metres before winter, and a panel of marine biologists will publish what "
    "it measures every second week. The mayor called the ruling a relief for the 2600 people who work at the docks."
)
RIVER = (
    "Heavy rain over the upper Tarsen valley pushed the river above its banks on Sunday night, and volunteers moved "
    "furniture out of the old quarter by lantern light. The civil protection service counted 73 flooded cellars and "
    "two damaged bridges, one of them closed since the spring for repairs. Schools will stay shut until Thursday. "
    "Meteorologists in the capital expect a drier week, though the soil, they warn, can hold little more water."
)
ARABIC = (
    "أعلنت بلدية مدينة النورس يوم الاثنين عن افتتاح خط جديد للحافلات الكهربائية يربط الميناء القديم بالجامعة مرورا بالسوق "
    "المركزي والمستشفى العام. وقال رئيس المجلس إن المشروع كلف 18 مليون وحدة نقدية واستغرق تنفيذه 26 شهرا بسبب أعمال الحفر "
    "الأثري. وسيعمل على الخط 32 حافلة في المرحلة الأولى على أن يرتفع العدد إلى الضعف قبل نهاية العام المقبل بحسب ما ورد في البيان."
)


class Wire:
    """Gives each candidate the next place of one partition."""

    def __init__(self, topic: str = "news.article.raw.v1", partition: int = 0) -> None:
        self.topic, self.partition, self.offset = topic, partition, -1

    def event(self, value: bytes = b"{}") -> Event:
        self.offset += 1
        # Another value for each place: the same bytes elsewhere would be a repeat.
        place = f"{self.partition}/{self.offset}".encode()
        return Event(self.topic, self.partition, self.offset, 0, None, value + place)

    def publish(
        self,
        url: str | None = "https://velmora-post.example/harbour",
        body: str = HARBOUR,
        *,
        title: str = "Dredging resumes",
        source: str = "velmora-post",
        guid: str | None = None,
        language: str = "en",
        fetched: float = 0,
        version: str | None = None,
        agency: str | None = None,
    ) -> Candidate:
        """`fetched` in minutes after the start."""
        at = START + timedelta(minutes=fetched)
        date = PublicationDate(START - timedelta(hours=1), "explicit", "meta", "2031-05-04T08:00:00Z")
        article = Article(
            source, title, body, language, date, START, url=url, guid=guid, agency=agency, raw={"section": "news"}
        )
        return Candidate(self.event(), article, at, version)

    def withdraw(
        self, url: str | None = "https://velmora-post.example/harbour", *, guid: str | None = None, fetched: float = 0
    ) -> Candidate:
        candidate = self.publish(url, "", title="", guid=guid, language="und", fetched=fetched)
        assert isinstance(candidate.result, Article)
        return replace(candidate, result=replace(candidate.result, action=Action.WITHDRAW))

    def reject(self, reason: Reason = Reason.MALFORMED_JSON, message: str = "no JSON") -> Candidate:
        return Candidate(self.event(), Rejected(reason, message, "Normalise"))
