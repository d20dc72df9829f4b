"""Windows of event time. Articles are counted into slices of one period; a window is the sum of its slices.

All times here are whole seconds since 1970-01-01T00:00:00Z. A window is named by its end: [end - size, end).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class WindowRule:
    """How long windows are, how often one ends, and how long they stay open to change.

    A window is closed `grace_s` after its end: until then, articles seen within it may still be on their way. What
    comes later corrects it, up to `lateness_s` after its end. Raises `ValueError` for lengths that do not fit into
    each other: periods must make up a window and a day, so that every day has the same windows.
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
        since_1970 = at - datetime(1970, 1, 1, tzinfo=UTC)
        seconds = since_1970.days * DAY_S + since_1970.seconds
        return seconds - seconds % self.period_s

    def ends(self, slice_start: int) -> range:
        """The ends of all windows that hold the slice, in order."""
        return range(slice_start + self.period_s, slice_start + self.size_s + 1, self.period_s)

    def is_final(self, slice_start: int, closed: int) -> bool:
        """Whether the slice takes no more change, `closed` being the end of the newest closed window."""
        return slice_start + self.size_s + self.lateness_s <= closed


def ends_before(end: int, days: int) -> list[int]:
    """The ends of the same window on each of so many earlier days, the latest day first."""
    return [end - day * DAY_S for day in range(1, days + 1)]


def instant(seconds: int) -> datetime:
    """Seconds since 1970 as an aware instant in UTC."""
    return datetime.fromtimestamp(seconds, UTC)
