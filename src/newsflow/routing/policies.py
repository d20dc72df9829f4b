"""The parts of a subscription that say when: its alert policy and its schedule."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from datetime import time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from newsflow.alerts.values import DailyHours, Digest, Policy, QuietHours

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def read_policy(alert: Mapping[str, Any]) -> Policy:
    """The policy of a subscription's `alert`, which its schema has accepted."""
    update, usual = alert.get("update", {}), Policy()
    return Policy(
        sources=alert.get("sources", usual.sources),
        update_sources=update.get("sources", usual.update_sources),
        new_country=update.get("new_country", usual.new_country),
        retraction=update.get("retraction", usual.retraction),
        critical_sources=alert.get("critical_sources", usual.critical_sources),
        cool_down=_duration(alert["cool_down"]) if "cool_down" in alert else usual.cool_down,
        cap_per_hour=alert.get("cap_per_hour", usual.cap_per_hour),
        quiet=QuietHours(*_hours(alert["quiet_hours"])) if "quiet_hours" in alert else None,
        digest=_digest(alert["digest"]) if "digest" in alert else None,
    )


def read_schedule(schedule: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> tuple[DailyHours, ...]:
    """The hours of a `schedule`, which its schema has accepted: one mapping or a list of them."""
    spans = [schedule] if isinstance(schedule, Mapping) else schedule
    return tuple(DailyHours(*_hours(each)) for each in spans)


def zone_problem(name: str) -> str:
    """What is wrong with the name of a time zone; empty when nothing is."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = difflib.get_close_matches(name, available_timezones(), n=1)
        hint = f"did you mean {near[0]!r}?" if near else "accepted: names of the IANA database, as 'Asia/Dubai'"
        return f"there is no time zone {name!r}; {hint}"
    return ""


def _hours(value: Mapping[str, Any]) -> tuple[str, time, time, frozenset[int]]:
    days = frozenset(DAYS.index(day) for day in value.get("days", ()))
    return value["zone"], _time(value.get("from", "00:00")), _time(value.get("until", "00:00")), days


def _digest(value: Mapping[str, Any]) -> Digest:
    return Digest(value["every"], _time(value.get("at", "08:00")), value.get("zone", "UTC"))


def _time(text: str) -> time:
    return time.fromisoformat(text.zfill(len("08:00")))


def _duration(text: str) -> timedelta:
    return timedelta(**{_UNITS[text[-1]]: int(text[:-1])})
