"""What every command shares: exit codes, where words go, output formats. Imports nothing heavy."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Any

from rich.console import Console

EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_CONFIG = 0, 1, 2, 3

words = Console(stderr=True, highlight=False, soft_wrap=True)
"""For people: progress, warnings, summaries of what was done."""


class Output(StrEnum):
    """How data is written on standard output."""

    TEXT = "text"
    JSON = "json"


def data(text: str) -> None:
    """Write one line of data to standard output."""
    sys.stdout.write(text + "\n")


def data_json(value: Any) -> None:
    """Write one JSON value as one line of standard output."""
    import orjson

    sys.stdout.write(orjson.dumps(value).decode() + "\n")
