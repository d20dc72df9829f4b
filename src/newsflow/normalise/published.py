"""Which of several dates is when an article was published.

The rule: JSON-LD before metadata, that before the feed, that before visible text. A date after the article was first
seen is passed over. The first that is left wins, but one of another source within a day of it goes before it when it
has a time of day and the winner has none, or names its zone and the winner does not. Where none is left, first seen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from newsflow.model import PublicationDate
from newsflow.normalise.dates import parse_date

_RANK = {"json-ld": 0, "meta": 1, "feed": 2, "text": 3, "first-seen": 4}
# A wall clock of unknown zone can be this far ahead of UTC.
_EASTERNMOST = timedelta(hours=14)
_SAME = timedelta(hours=26)


def choose_date(found: Sequence[PublicationDate], language: str, zone: str | None, now: datetime) -> PublicationDate:
    """The publication date by the rule above; `now` (aware) is when the article was first seen."""
    settled = [_settle(date, language, zone) for date in found]
    possible = [
        date for date in settled if _instant(date) <= now + (_EASTERNMOST if _is_unknown(date) else timedelta())
    ]
    possible.sort(key=lambda date: _RANK[date.evidence])  # stable: the order of the page within one kind
    if not possible:
        return PublicationDate(now.astimezone(UTC), "explicit", "first-seen", "")
    best = possible[0]
    for other in possible[1:]:
        if abs(_instant(other) - _instant(best)) <= _SAME and _tells_more(other, best):
            best = other
    return best


def _settle(date: PublicationDate, language: str, zone: str | None) -> PublicationDate:
    """A date of unknown zone read again, now that language and zone of its source are known."""
    if not _is_unknown(date):
        return date
    again = parse_date(date.text, None if language == "und" else language, zone)
    return replace(again, evidence=date.evidence) if again else date


def _is_unknown(date: PublicationDate) -> bool:
    return date.at.tzinfo is None


def _instant(date: PublicationDate) -> datetime:
    return date.at if date.at.tzinfo is not None else date.at.replace(tzinfo=UTC)


def _has_time(date: PublicationDate) -> bool:
    return ":" in date.text or date.at.hour != 0 or date.at.minute != 0


def _tells_more(other: PublicationDate, best: PublicationDate) -> bool:
    if _has_time(other) != _has_time(best):
        return _has_time(other)
    return _is_unknown(best) and not _is_unknown(other)
