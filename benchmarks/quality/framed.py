"""Sentences of our own words: clauses in a file, each tried alone and in frames."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


class Framed(NamedTuple):
    """A clause of a section in one of its frames. `about` is false of traps, which only sound like it."""

    section: str
    clause: str
    text: str
    about: bool


def framed(file: Path) -> Iterator[Framed]:
    """The sentences of a file: frames (`= … {} …`), sections (`[id]`), and in these clauses (`+`) and traps (`-`)."""
    frames, section = ["{}"], ""
    for line in file.read_text("utf-8").splitlines():
        kind, _, text = line.partition(" ")
        if kind == "=":
            frames.append(text)
        elif kind in ("+", "-"):
            yield from (Framed(section, text, frame.format(text), kind == "+") for frame in frames)
        elif line:
            section = line.strip("[]")
