"""The watermark: how far the time of a split's events has come, while some of its partitions are silent."""

from __future__ import annotations

from dataclasses import dataclass

DISORDER_MS = 2_000
"""Records of one partition may be this much out of order before one counts as late."""


@dataclass(slots=True)
class _Partition:
    heard_ms: int
    """The clock when the last record came, at first when reading began."""
    seen_ms: int | None = None
    """The latest event time."""
    empty_at_ms: int | None = None
    """The clock when the partition was last known to hold nothing unread."""


class Watermarks:
    """Milliseconds since 1970 before which no more events are expected. Never goes back. Not thread-safe.

    A partition holds the watermark at its own latest event time. One that was *found* empty, and from which nothing
    came for `quiet_s`, is idle and follows the clock. One about which nothing is known yet (new, or its broker is
    unavailable) holds it where it is, so that records after an outage are not late.
    """

    def __init__(self, quiet_s: float = 0.0) -> None:
        self._quiet_ms = round(quiet_s * 1_000)
        self._partitions: dict[int, _Partition] = {}
        self._reached: int | None = None

    def assign(self, partitions: tuple[int, ...], now_ms: int) -> None:
        """Count these partitions and no others; new ones begin unknown."""
        self._partitions = {number: self._partitions.get(number) or _Partition(now_ms) for number in partitions}

    def saw(self, partition: int, event_ms: int, now_ms: int) -> None:
        """A record was read. A time in the future counts as now: one wrong clock must not make all others late."""
        state = self._partitions[partition]
        state.seen_ms = max(state.seen_ms or 0, min(event_ms, now_ms))
        state.heard_ms, state.empty_at_ms = now_ms, None

    def found_empty(self, partition: int, now_ms: int) -> None:
        """The broker answered that nothing unread is there."""
        self._partitions[partition].empty_at_ms = now_ms

    def empty_since(self) -> dict[int, int]:
        """The partitions that were found to hold nothing unread, each with the clock of then."""
        return {number: at for number, each in self._partitions.items() if (at := each.empty_at_ms) is not None}

    def current(self) -> int | None:
        """The watermark; None while it is unknown."""
        times = [self._time_of(state) for state in self._partitions.values()]
        known = [time for time in times if time is not None]
        if known and len(known) == len(times):
            self._reached = max(self._reached or 0, min(known))
        return self._reached

    def _time_of(self, state: _Partition) -> int | None:
        if state.empty_at_ms is not None and state.empty_at_ms - state.heard_ms >= self._quiet_ms:
            return state.empty_at_ms
        return None if state.seen_ms is None else state.seen_ms - DISORDER_MS
