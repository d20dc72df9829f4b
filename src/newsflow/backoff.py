"""How long to wait before something is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits in seconds: doubling from `base_s` to `cap_s`, with jitter."""

    base_s: float = 1.0
    cap_s: float = 300.0

    def delay_s(self, failures: int, share: float | None = None) -> float:
        """Return the wait after so many failures (from 1): between the half and the whole of what the doubling gives,
        as far as `share` (0 to 1) says; at random when it is None."""
        full = min(self.cap_s, self.base_s * 2.0 ** min(failures - 1, 60))
        return full * (0.5 + (random.random() if share is None else share) / 2)
