"""How far long work is: what is done, how fast, and how long the rest takes. A bar on a terminal, a line now and then
elsewhere."""

from __future__ import annotations

import time
from datetime import timedelta

from newsflow.cli.finding import span
from newsflow.cli.output import console, tell

TELL_S = 5.0


def how_far(what: str, done: int, seconds: float, left: int | None) -> str:
    """`1,200 events, 400 a second, 2,000 to go in 5 s`: the end only where it is known how much is `left`."""
    rate = done / max(seconds, 1e-3)
    said = f"{done:,} {what}, {rate:,.0f} a second"
    if left is None:
        return said
    return f"{said}, {left:,} to go" + (f" in {span(timedelta(seconds=left / rate))}" if done and left else "")


class Progress:
    """Counts `what`, of about `total` where that is known. `quiet` shows nothing; data goes to standard output."""

    def __init__(self, what: str, total: int | None = None, quiet: bool = False) -> None:
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars

        self._what, self._total, self._quiet, self._done = what, total, quiet, 0
        columns = (BarColumn(30), TextColumn("{task.description}"), TimeRemainingColumn(elapsed_when_finished=True))
        self._bars = Bars(
            *columns, console=console, transient=True, disable=quiet or not console.is_terminal, redirect_stdout=False
        )
        self._bar = self._bars.add_task("…", total=total)
        self._began_s = self._told_s = time.monotonic()

    def add(self, number: int) -> None:
        """So many more are done."""
        self._done += number
        now_s = time.monotonic()
        left = None if self._total is None else max(0, self._total - self._done)
        line = how_far(self._what, self._done, now_s - self._began_s, left)
        if not self._bars.disable:
            self._bars.update(self._bar, completed=self._done, description=line)
        elif not self._quiet and now_s - self._told_s > TELL_S:
            self._told_s = now_s
            tell(line)

    def __enter__(self) -> Progress:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()
