"""Where a split of the endless source stands, as Beam keeps it: its restriction, tracker and coder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from apache_beam.coders import Coder
from apache_beam.io.iobase import RestrictionProgress, RestrictionTracker
from apache_beam.transforms.core import RestrictionProvider


@dataclass(frozen=True, slots=True)
class Positions:
    """The next offset to read of each partition. A closed one is what a bundle has done; the rest is its residual."""

    offsets: Mapping[int, int] = field(default_factory=dict)
    closed: bool = False


class PositionsCoder(Coder):
    """Positions as JSON: small, and readable in a savepoint."""

    def encode(self, value: Positions) -> bytes:
        """Positions to bytes."""
        offsets = {str(partition): offset for partition, offset in sorted(value.offsets.items())}
        return orjson.dumps({"offsets": offsets, "closed": value.closed})

    def decode(self, encoded: bytes) -> Positions:
        """Bytes that any release of newsflow wrote to positions."""
        value = orjson.loads(encoded)
        return Positions({int(partition): offset for partition, offset in value["offsets"].items()}, value["closed"])

    def is_deterministic(self) -> bool:
        """True."""
        return True


class PositionsTracker(RestrictionTracker):
    """A bundle claims where it has got to *before* it hands on what it read; Beam splits off the rest after it."""

    def __init__(self, positions: Positions) -> None:
        self._offsets, self._closed = dict(positions.offsets), positions.closed

    def current_restriction(self) -> Positions:
        """What is claimed so far."""
        return Positions(dict(self._offsets), self._closed)

    def try_claim(self, position: Mapping[int, int]) -> bool:
        """Take what lies before `position`; False when the rest was given away."""
        if self._closed:
            return False
        self._offsets = dict(position)
        return True

    def try_split(self, fraction_of_remainder: float) -> tuple[Positions, Positions] | None:
        """End here, all else to a residual. An open end has no middle: other fractions are refused."""
        if self._closed or fraction_of_remainder != 0:
            return None
        self._closed = True
        return Positions(dict(self._offsets), True), Positions(dict(self._offsets))

    def check_done(self) -> bool:
        """Raises `ValueError` when a bundle ended without handing on the rest: that would lose it."""
        if not self._closed:
            raise ValueError(f"the bundle ended at {self._offsets} without passing on what comes after")
        return True

    def current_progress(self) -> RestrictionProgress:
        """Nothing can be said of something without an end."""
        return RestrictionProgress(completed=0.0, remaining=1.0)

    def is_bounded(self) -> bool:
        """False."""
        return False


class PositionsProvider(RestrictionProvider):
    """Splits begin without positions; the reader finds them, where the topic is within reach."""

    def initial_restriction(self, element: bytes) -> Positions:
        """None yet."""
        return Positions()

    def create_tracker(self, restriction: Positions) -> PositionsTracker:
        """A tracker at `restriction`."""
        return PositionsTracker(restriction)

    def restriction_size(self, element: bytes, restriction: Positions) -> int:
        """All splits alike."""
        return 1

    def restriction_coder(self) -> Coder:
        """JSON."""
        return PositionsCoder()

    def truncate(self, element: bytes, restriction: Positions) -> Any:
        """A drain reads nothing more."""
        return None
