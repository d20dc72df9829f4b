"""What every command says alike: data for programs, lines for people, foreign text, exit codes."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from newsflow.cli.options import Output
from newsflow.shown import FIRST_STRONG_ISOLATE, POP_ISOLATE, isolate, json_text, lines, one_line, without_secrets

__all__ = ["FIRST_STRONG_ISOLATE", "POP_ISOLATE", "isolate", "one_line"]

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG = 0, 1, 2, 3

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: progress, warnings, summaries of what was done."""


def tell(text: str, style: str | None = None) -> None:
    """Write a line for people; nothing in it is markup."""
    console.print(lines(without_secrets(text)), markup=False, style=style)


def data(text: str) -> None:
    """Write one line of data to standard output."""
    sys.stdout.write(lines(text) + "\n")


def data_json(value: Any) -> None:
    """Write one JSON value as one line of standard output."""
    import orjson

    sys.stdout.write(json_text(orjson.dumps(value).decode()) + "\n")


def words_line(total: int, kept: int, dropped: Mapping[str, int]) -> str:
    """Where words went, in a line."""
    gone = ", ".join(f"{why} {number:,}" for why, number in sorted(dropped.items(), key=lambda pair: -pair[1]))
    return f"words: {total:,} in, {kept:,} kept" + (f"; dropped: {gone}" if gone else "")


def emit(output: Output, value: Any, text: str) -> None:
    """Write one item to standard output: its JSON value, or its text."""
    if output is Output.JSON:
        data_json(value)
    else:
        data(text)


def conclude(output: Output, value: Any, text: str) -> None:
    """Say what was done: to people on standard error, or to programs as JSON."""
    if output is Output.JSON:
        data_json(value)
    else:
        tell(text)


def few(names: Sequence[str], shown: int = 10) -> str:
    """Names as a list, those over a few as their number."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def cut_to_columns(line: str, columns: int) -> str:
    """The beginning of a line that takes at most so many columns of a terminal; what it isolates ends with it."""
    from rich.cells import cell_len

    if cell_len(line) <= columns:
        return line
    kept, width = "", 1  # of the sign that something was cut
    for char in line:
        width += cell_len(char)
        if width > columns:
            break
        kept += char
    return kept + "…" + POP_ISOLATE * (kept.count(FIRST_STRONG_ISOLATE) - kept.count(POP_ISOLATE))
