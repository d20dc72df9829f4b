"""When something is asked again: how often a feed publishes, how often it failed, what its server asks for. Pure."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from datetime import datetime
from email.utils import parsedate_to_datetime

from newsflow.backoff import Backoff

_FASTER, _SLOWER, _JITTER = 0.5, 1.25, 0.1
_NEARLY_ALL = 0.8
DAY_S = 86_400.0
MOST_ASKED_S = 30 * DAY_S
"""The longest that a server can send us away for."""


def next_interval_s(
    last_s: float, new: int, of: int, *, first: bool, least_s: float, most_s: float, told_s: float | None = None
) -> float:
    """Seconds until a feed is asked again: less when it had news, more when it had none; so it comes to about one new
    item a request. Where nearly all of its items were new some were perhaps missed, and it is asked as often as
    allowed. `told_s` is how often it says it changes, which otherwise is not undercut."""
    if new and not first and new >= _NEARLY_ALL * of > 2:
        return least_s
    every_s = last_s if first else last_s * (_SLOWER if new == 0 else 1.0 if new == 1 else _FASTER)
    return min(max(every_s, told_s or 0.0, least_s), most_s)


def after_failure_s(every_s: float, failures: int, most_s: float, share: float) -> float:
    """Seconds until what failed so often in a row is tried again."""
    return Backoff(base_s=every_s, cap_s=max(most_s, every_s)).delay_s(failures, share)


def share_of(target_id: str, asked_at: int) -> float:
    """A number from 0 to 1 that differs from one feed and time to the next, and is the same again for the same."""
    return zlib.crc32(f"{target_id} {asked_at}".encode()) / 2**32


def with_jitter(seconds: float, share: float) -> float:
    """Up to a tenth less or more, so that what was once asked together does not stay so."""
    return seconds * (1 + _JITTER * (2 * share - 1))


def retry_after_s(text: str, now: datetime) -> float | None:
    """The seconds that `Retry-After` asks for: a number of them, or a date. None for anything else."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), MOST_ASKED_S)
    try:
        until = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=now.tzinfo)
    return min(max((until - now).total_seconds(), 0.0), MOST_ASKED_S)


def next_look_h(schedule: Sequence[float], looked: int) -> float | None:
    """Hours after publication at which a page is asked for its edits the next time, None when no more."""
    return schedule[looked] if looked < len(schedule) else None
