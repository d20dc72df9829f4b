"""Rows of figures beside what they should be, for a person or a machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One figure. `goal` is the least it should be (None: only reported); `count` is what it was measured on."""

    area: str
    name: str
    value: float
    count: int
    goal: float | None = None
    note: str = ""
    misses: tuple[str, ...] = field(default=())

    @property
    def held(self) -> bool:
        return self.goal is None or self.value >= self.goal


def as_text(rows: Sequence[Row], *, misses: int = 0) -> str:
    """A table; with `misses` the first so many examples of what went wrong below each row."""
    width = max((len(f"{row.area}: {row.name}") for row in rows), default=0)
    lines = []
    for row in rows:
        goal = "" if row.goal is None else f"goal {row.goal:.3f} {'held' if row.held else 'NOT HELD'}"
        name = f"{row.area}: {row.name}"
        lines.append(f"{name:<{width}}  {row.value:8.4f}  n={row.count:<6} {goal:<22} {row.note}".rstrip())
        lines += [f"    {miss}" for miss in row.misses[:misses]]
    return "\n".join(lines)
