"""Articles as the topic `news.article.v1` carries them, made to be counted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from newsflow.model import Action, Article, PublicationDate, TopicMatch

START = datetime(2023, 5, 1, tzinfo=UTC)
"""A Monday, and past: brokers refuse records from the future."""


def article(
    number: int | str,
    seen: datetime,
    *,
    topics: tuple[str, ...] = ("harbours",),
    version: int = 1,
    source: str = "velmora-post",
    language: str = "en",
    story: str | None = None,
    withdrawn: bool = False,
    published: datetime | None = None,
) -> Article:
    """One version of an article that was first seen then."""
    action = Action.WITHDRAW if withdrawn else Action.ADD if version == 1 else Action.REPLACE
    return Article(
        source=source,
        title=f"Report {number}",
        body="The harbour authority of Velmora said that dredging would resume.",
        language=language,
        published=PublicationDate(published or seen - timedelta(minutes=20), "explicit", "feed", "as given"),
        first_seen=seen,
        id=f"a{number}",
        version=version,
        action=action,
        url=f"https://{source}.example/{number}",
        word_count=10,
        content_hash=f"{number}-{version}",
        story=story or f"a{number}",
        topics=tuple(TopicMatch(each, "newsflow", each.upper(), 1.0, "1", ()) for each in topics),
    )
