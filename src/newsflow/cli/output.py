"""What every command says alike: data for programs, lines for people, foreign text, exit codes."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from newsflow.cli.options import Output

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG = 0, 1, 2, 3

FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"
_BIDI = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C])

console = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: progress, warnings, summaries of what was done."""


def tell(text: str, style: str | None = None) -> None:
    """Write a line for people; nothing in it is markup."""
    console.print(text, markup=False, style=style)


def data(text: str) -> None:
    """Write one line of data to standard output."""
    sys.stdout.write(text + "\n")


def data_json(value: Any) -> None:
    """Write one JSON value as one line of standard output."""
    import orjson

    sys.stdout.write(orjson.dumps(value).decode() + "\n")


def emit(output: Output, value: Any, text: str) -> None:
    """Write one item to standard output: its JSON value, or its text."""
    if output is Output.JSON:
        data_json(value)
    else:
        data(text)


def few(names: Sequence[str], shown: int = 10) -> str:
    """Names as a list, those over a few as their number."""
    rest = len(names) - shown
    return ", ".join(names[:shown]) + (f" and {rest} more" if rest > 0 else "")


def isolate(text: str, max_chars: int = 0) -> str:
    """Return `text` as one line whose direction does not affect the text around it.

    A right-to-left title then leaves the columns beside it in place. https://unicode.org/reports/tr9/
    """
    return f"{FIRST_STRONG_ISOLATE}{one_line(text, max_chars)}{POP_ISOLATE}"


def one_line(text: str, max_chars: int = 0) -> str:
    """Return `text` without what would move the cursor, colour the screen or turn the direction around.

    Line ends and tabs become spaces, control characters U+FFFD, direction marks go. Cut at `max_chars` (0: not).
    """
    plain = " ".join(text.translate(_BIDI).split())
    plain = "".join("\ufffd" if unicodedata.category(char) in ("Cc", "Cs") else char for char in plain)
    return plain if not max_chars or len(plain) <= max_chars else plain[: max_chars - 1] + "…"
