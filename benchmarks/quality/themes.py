"""Sentences of our own words for each theme, in fifteen languages: half of them traps that only sound like it.

`themes/LANGUAGE.txt` holds frames (`= … {} …`), then for each theme (`[id]`) clauses that are about it (`+`) and
clauses that are not (`-`). Each clause is tried alone and in each frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from newsflow.tagging import RuleSet
from newsflow.tagging.lint import text_article

from .topics import Tally

FOLDER = Path(__file__).with_name("themes")
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


class Sentence(NamedTuple):
    """A sentence, and whether it is about a theme."""

    theme: str
    clause: str
    text: str
    about: bool


def sentences(language: str) -> Iterator[Sentence]:
    """All of a language: each clause alone and in each frame."""
    frames, theme = ["{}"], ""
    for line in (FOLDER / f"{language}.txt").read_text("utf-8").splitlines():
        kind, _, text = line.partition(" ")
        if kind == "=":
            frames.append(text)
        elif kind in ("+", "-"):
            yield from (Sentence(theme, text, frame.format(text), kind == "+") for frame in frames)
        elif line:
            theme = line.strip("[]")


def tally(rules: RuleSet, language: str) -> Tally:
    """What is found of it and what is found wrongly, by the theme that each sentence is about or sounds like."""
    found = Tally()
    for sentence in sentences(language):
        themes = {match.id for match in rules.tag(text_article(f"{sentence.text}.", language)).topics}
        found.add({sentence.theme} if sentence.about else set(), themes & {sentence.theme}, sentence.clause)
    return found
