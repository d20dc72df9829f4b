"""Read one date out of a short text."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from newsflow.model import PublicationDate

MAX_DATE_CHARS = 160


def parse_date(text: str, language: str | None = None, zone: str | None = None) -> PublicationDate | None:
    """The one date a short text names, or None where it names none, several, or one that can be read two ways.

    `language` is a BCP 47 tag that helps with names and with the order of day and month; `zone` an IANA name
    for texts that name no zone themselves. Raises ZoneInfoNotFoundError on a zone that does not exist.
    """
    import dateparser

    text = text.strip()
    if not text or len(text) > MAX_DATE_CHARS or not any(char.isdigit() for char in text):
        return None
    languages = [language.partition("-")[0]] if language else None
    at = dateparser.parse(text, languages=languages, settings={"REQUIRE_PARTS": ["day", "month", "year"]})
    if at is None:
        return None
    if at.tzinfo is not None:
        return PublicationDate(at.astimezone(UTC), "explicit", "text", text)
    if zone is not None:
        local: datetime = at.replace(tzinfo=ZoneInfo(zone))
        return PublicationDate(local.astimezone(UTC), "source", "text", text)
    return PublicationDate(at, "unknown", "text", text)
