"""The cores that this process may use."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def cores(root: Path = _ROOT, groups: Path = Path("/proc/self/cgroup")) -> int:
    """How many cores there are for this process: by its affinity and by the quota of its container, if it has one; a
    part of a core counts as one. At least 1."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [quota for folder in _folders(root, groups) if (quota := _quota(folder)) is not None]
    return max(1, min([allowed, *map(math.ceil, quotas)]))


def _folders(root: Path, groups: Path) -> Iterator[Path]:
    """The control groups of this process and those around them: each may set a limit."""
    yield root
    yield root / "cpu"
    try:
        lines = groups.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if not controllers or "cpu" in controllers.split(","):
            within = root / controllers / path.lstrip("/")
            yield from (each for each in (within, *within.parents) if root in each.parents)


def _quota(folder: Path) -> float | None:
    """Cores of a control group, by version 2 or 1; None without a limit."""
    try:
        quota, period = (folder / "cpu.max").read_text("ascii").split()
    except (OSError, ValueError):
        try:
            quota, period = ((folder / f"cpu.cfs_{name}_us").read_text("ascii").strip() for name in ("quota", "period"))
        except (OSError, ValueError):
            return None
    try:
        share = float(quota) / float(period)
    except (ValueError, ZeroDivisionError):  # `max`
        return None
    return share if share > 0 else None
