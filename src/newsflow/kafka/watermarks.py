"""The watermark: how far the time of a split's events has come, while some of its partitions are silent."""

from __future__ import annotations

from dataclasses import dataclass

DISORDER_MS = 2_000
"""Records of one partition may be this much out of order before one counts as late."""


@dataclass(slots=True)
class _Partition:
    seen_ms: int | None = None
    """The latest record time, not beyond the clock."""
    empty_at_ms: int | None = None
    """The clock when the partition was last known to hold nothing unread."""


class Watermarks:
    """Milliseconds since 1970 before which no more events are expected. Never goes back. Not thread-safe.

    A partition that has something to read holds the watermark at its own latest record; one that was *found*
    empty follows the clock. One about which nothing is known yet (new, or its broker is unavailable) holds it where it
    is, so that records after an outage are not late.
    """

    def __init__(self) -> None:
        self._partitions: dict[int, _Partition] = {}
        self._reached: int | None = None

    def assign(self, partitions: tuple[int, ...]) -> None:
        """Count these partitions and no others; new ones begin unknown."""
        self._partitions = {number: self._partitions.get(number) or _Partition() for number in partitions}

    def saw(self, partition: int, timestamp_ms: int, now_ms: int) -> None:
        """A record was read. A time in the future counts as now: one wrong clock must not make all others late."""
        state = self._partitions[partition]
        state.seen_ms = max(state.seen_ms or 0, min(timestamp_ms, now_ms))
        state.empty_at_ms = None

    def found_empty(self, partition: int, now_ms: int) -> None:
        """The broker answered that nothing unread is there."""
        self._partitions[partition].empty_at_ms = now_ms

    def current(self) -> int | None:
        """The watermark; None while it is unknown."""
        times = [self._time_of(state) for state in self._partitions.values()]
        known = [time for time in times if time is not None]
        if known and len(known) == len(times):
            self._reached = max(self._reached or 0, min(known) - DISORDER_MS)
        return self._reached

    @staticmethod
    def _time_of(state: _Partition) -> int | None:
        return state.seen_ms if state.empty_at_ms is None else state.empty_at_ms
