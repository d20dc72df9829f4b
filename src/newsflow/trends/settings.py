"""What a trends job is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from newsflow.trends.bursts import BurstRule
from newsflow.trends.windows import WindowRule


@dataclass(frozen=True, slots=True)
class TrendSettings:
    """What is read, how it is counted, and what is a burst. `fresh_h`: an article published longer before it was
    first seen is no news of that hour and counts nowhere."""

    input_topic: str = "news.article.v1"
    group: str = "newsflow.trends"
    fresh_h: float = 48.0
    windows: WindowRule = field(default_factory=WindowRule)
    bursts: BurstRule = field(default_factory=BurstRule)

    @property
    def fresh(self) -> timedelta:
        """`fresh_h` as a duration."""
        return timedelta(hours=self.fresh_h)
