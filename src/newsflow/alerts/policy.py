"""When a subscriber wants to hear, as values: thresholds, cool-down, quiet hours, caps, digests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

HoldReason = Literal["digest", "quiet", "cool-down", "cap", "muted"]


@dataclass(frozen=True, slots=True)
class DailyHours:
    """From `start` to `end` by the wall clock of `zone`; over midnight when `end` is not after `start`.

    `days` (0 is Monday) are those on which it starts; empty for every day.
    """

    zone: str
    start: time
    end: time
    days: frozenset[int] = frozenset()

    def ends(self, now: datetime) -> datetime | None:
        """Return when the hours that hold at `now` end (UTC); None outside of them."""
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        for day in (today - timedelta(days=1), today):
            if self.days and day.weekday() not in self.days:
                continue
            begin = _instant(datetime.combine(day, self.start, zone))
            last = day if self.end > self.start else day + timedelta(days=1)
            end = _instant(datetime.combine(last, self.end, zone))
            if begin <= now < end:
                return end
        return None


@dataclass(frozen=True, slots=True)
class QuietHours(DailyHours):
    """Hours in which alerts are held."""


@dataclass(frozen=True, slots=True)
class Digest:
    """Alerts come together, every hour or once a day at `at` by the wall clock of `zone`."""

    every: Literal["hour", "day"]
    at: time = time(8, 0)
    zone: str = "UTC"

    def next_after(self, now: datetime) -> datetime:
        """Return when the next digest goes out (UTC), strictly after `now`."""
        if self.every == "hour":
            return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        zone = ZoneInfo(self.zone)
        today = now.astimezone(zone).date()
        moments = (_instant(datetime.combine(today + timedelta(days=n), self.at, zone)) for n in (0, 1, 2))
        return next(moment for moment in moments if moment > now)


@dataclass(frozen=True, slots=True)
class Policy:
    """What makes a story worth an alert, and when one may go out. The default: at once, once a story.

    Independent sources: the articles of one agency count as one source, however many outlets print them.
    """

    sources: int = 1
    """So many independent sources before the first alert."""
    update_sources: int = 0
    """Again whenever so many more independent sources have it; 0 for never."""
    new_country: bool = False
    """Again when the story reaches a country (an ISO 3166 topic) it did not touch before."""
    retraction: bool = True
    """Again when one of several articles is withdrawn. That the last one is, is always told."""
    critical_sources: int = 0
    """With so many independent sources the severity becomes critical, which breaks through quiet hours."""
    cool_down: timedelta = timedelta(minutes=15)
    """The least time between two alerts of one story, so that a wave of changes is told as one; its end does not
    wait."""
    cap_per_hour: int = 0
    """At most so many alerts in any hour; what is over it comes as one summary. 0 for no cap."""
    quiet: QuietHours | None = None
    digest: Digest | None = None


def _instant(wall: datetime) -> datetime:
    """A wall-clock time as an instant. One that the clocks skip means the moment after the gap."""
    return wall.astimezone(UTC)
