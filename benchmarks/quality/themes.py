"""Sentences of our own words for each theme, in fifteen languages: half of them traps that only sound like it.

The sections of `themes/LANGUAGE.txt` are themes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from newsflow.tagging import RuleSet
from newsflow.tagging.lint import text_article

from .framed import Framed, framed
from .topics import Tally

FOLDER = Path(__file__).with_name("themes")
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


def sentences(language: str) -> Iterator[Framed]:
    return framed(FOLDER / f"{language}.txt")


def tally(rules: RuleSet, language: str) -> Tally:
    """What is found of it and what is found wrongly, by the theme that each sentence is about or sounds like."""
    found = Tally()
    for sentence in sentences(language):
        themes = {match.id for match in rules.tag(text_article(f"{sentence.text}.", language)).topics}
        theme = {sentence.section}
        found.add(theme if sentence.about else set(), themes & theme, sentence.clause)
    return found
