"""Articles for the tagging tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from newsflow.model import Article, Evidence, PublicationDate

SEEN = datetime(2024, 12, 15, 14, 0, tzinfo=UTC)


def make_article(title: str = "", body: str = "", language: str = "en", **more: Any) -> Article:
    """An article as normalisation would give it."""
    published = PublicationDate(SEEN, "explicit", "meta", "2024-12-15T14:00:00Z")
    fields: dict[str, Any] = {"source": "invented-courier", "first_seen": SEEN} | more
    return Article(title=title, body=body, language=language, published=published, **fields)


def slice_of(article: Article, evidence: Evidence) -> str:
    """What stands at the span of a piece of evidence."""
    text = article.title if evidence.field == "title" else article.body
    return text[evidence.start : evidence.end]
