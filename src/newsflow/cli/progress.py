"""How a running job shows itself: a live line on a terminal, plain lines otherwise."""

from __future__ import annotations

import time
from collections import Counter
from types import TracebackType

from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from newsflow.cli.common import words

EVERY_S = 5.0
OUTCOMES = ("added", "replaced", "withdrawn", "repeat", "stale", "duplicate", "dead-lettered")


class RunProgress:
    """Adds up what runs did. Use as a context; `quiet` says nothing."""

    def __init__(self, quiet: bool = False) -> None:
        self.total: Counter[str] = Counter()
        self.records = 0
        self._quiet, self._live = quiet, words.is_terminal and not quiet
        self._began = self._said = time.monotonic()
        self._bar = _bar() if self._live else None
        self._task = None if self._bar is None else self._bar.add_task("reading …", total=None)

    def __enter__(self) -> RunProgress:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def add(self, records: int, counters: Counter[str], left: int | None = None) -> None:
        """Take in what one run did; `left` records are known to be still to come."""
        self.records += records
        self.total.update(counters)
        line = f"{self.records:,} events, {self.records / max(time.monotonic() - self._began, 1e-9):,.0f}/s"
        line += "" if left is None else f", {left:,} to go"
        if self._bar is not None and self._task is not None:
            total = None if left is None else self.records + left
            self._bar.update(self._task, completed=self.records, total=total, description=f"{line} ({self.summary()})")
        elif not self._quiet and time.monotonic() - self._said > EVERY_S:
            self._said = time.monotonic()
            words.print(line, markup=False)

    def outcomes(self) -> dict[str, int]:
        """Events by outcome, all seven."""
        return {name: self.total[f"outcome.{name}"] for name in OUTCOMES}

    def reasons(self) -> dict[str, int]:
        """Dead letters by reason."""
        return {name[7:]: count for name, count in sorted(self.total.items()) if name.startswith("reason.")}

    def summary(self) -> str:
        """`added 40, repeat 2`: only what happened."""
        return ", ".join(f"{name} {count}" for name, count in self.outcomes().items() if count) or "nothing yet"


def _bar() -> Progress:
    return Progress(
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TextColumn("{task.description}"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=words,
        transient=True,
    )
