"""What a check of `newsflow doctor` came to, and what is too much."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from newsflow.errors import NewsflowError


class Health(StrEnum):
    """How well a part is."""

    OK = "ok"
    WARN = "warn"
    """It works, and somebody should look at it by day."""
    FAIL = "fail"
    """Somebody should look at it now."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to. `detail` has the numbers, for machines; `todo` says what to do about what is not well."""

    part: str
    state: Health
    message: str
    detail: dict[str, Any] = field(default_factory=dict)
    todo: str = ""


@dataclass(frozen=True, slots=True)
class DoctorBounds:
    """What is too much, or too little."""

    lag_records: int = 10_000
    """Records a group may be behind."""
    wait: timedelta = timedelta(minutes=10)
    """How long an alert may wait."""
    free_bytes: int = 1 << 30
    """What a disk must have left."""
    skew: timedelta = timedelta(minutes=1)
    """How far two clocks may be apart."""
    certificate: timedelta = timedelta(days=21)
    """How long a certificate must still be valid."""


def guarded(part: str, check: Callable[[], tuple[Health, str]], todo: str) -> Finding:
    """What `check` came to; what it raises is a failure of `part`."""
    try:
        state, message = check()
    except NewsflowError as error:
        state, message = Health.FAIL, str(error)
    return Finding(part, state, message, todo="" if state is Health.OK else todo)


def span(age: timedelta) -> str:
    """A length of time for people, rounded down to whole units."""
    seconds = max(0, round(age.total_seconds()))
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
