"""The table that `make test-faults` ends with: what was broken, and what was lost by it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """`lost` events have no outcome or are missing from the feeds; `repeated` were written again (with equal ids
    and bytes, which readers drop); `recovery_s` from the end of the fault to the next event done."""

    fault: str
    events: int
    lost: int
    repeated: int
    recovery_s: float | None = None


@dataclass
class FaultTable:
    rows: list[Fault] = field(default_factory=list)

    def add(self, fault: str, *, events: int, lost: int, repeated: int, recovery_s: float | None = None) -> None:
        self.rows.append(Fault(fault, events, lost, repeated, recovery_s))

    def lines(self) -> list[str]:
        width = max(len(row.fault) for row in self.rows)
        head = f"{'fault':<{width}}  {'events':>8}  {'lost':>6}  {'repeated':>8}  {'recovered in':>12}"
        return [head, "-" * len(head), *(self._line(row, width) for row in self.rows)]

    @staticmethod
    def _line(row: Fault, width: int) -> str:
        recovery = "-" if row.recovery_s is None else f"{row.recovery_s:.1f} s"
        return f"{row.fault:<{width}}  {row.events:>8,}  {row.lost:>6,}  {row.repeated:>8,}  {recovery:>12}"
