"""Windows of event time. Articles are counted into slices of one period; a window is the sum of its slices.

All times here are whole seconds since 1970-01-01T00:00:00Z. A window is named by its end: [end - size, end).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How long windows are, how often one ends, and how long they stay open to change.

    A window is closed `grace_s` after its end: within it, what was seen in time may still be on its way. What
    comes later corrects it, up to `lateness_s` after its end. Raises `ValueError` for lengths that do not fit
    into each other: periods must make up a window and a day, so that every window has its like on every other day.
    """

    size_s: int = 3_600
    period_s: int = 900
    grace_s: int = 60
    lateness_s: int = 72 * 3_600

    def __post_init__(self) -> None:
        if self.size_s % self.period_s:
            raise ValueError(f"a window of {self.size_s} s is not made of periods of {self.period_s} s")
        if DAY_S % self.period_s:
            raise ValueError(f"a day is not made of periods of {self.period_s} s")

    @property
    def layout(self) -> str:
        """Names the grid; counts of two grids do not mix: `3600/900`."""
        return f"{self.size_s}/{self.period_s}"

    def slice_of(self, at: datetime) -> int:
        """The start of the slice that an aware instant lies in."""
        # Not timestamp(): a float cannot hold microseconds of far years, and rounds up at a slice's end.
        seconds = (at - datetime(1970, 1, 1, tzinfo=UTC)).days * DAY_S + _second_of_day(at)
        return seconds - seconds % self.period_s

    def first_end(self, slice_start: int) -> int:
        """The end of the first window that holds the slice."""
        return slice_start + self.period_s

    def last_end(self, slice_start: int) -> int:
        """The end of the last window that holds the slice."""
        return slice_start + self.size_s

    def ends(self, slice_start: int) -> Iterator[int]:
        """The ends of all windows that hold the slice, in order."""
        return iter(range(self.first_end(slice_start), self.last_end(slice_start) + 1, self.period_s))

    def is_final(self, slice_start: int, closed: int) -> bool:
        """Whether the slice takes no more change, `closed` being the end of the newest closed window."""
        return self.last_end(slice_start) + self.lateness_s <= closed


def _second_of_day(at: datetime) -> int:
    utc = at.astimezone(UTC)
    return utc.hour * 3_600 + utc.minute * 60 + utc.second


def instant(seconds: int) -> datetime:
    """Seconds since 1970 as an aware instant in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
