"""Sentences of our own words with names that can be another's, or a word, in nine languages: half of them traps.

A line of `ambiguity/LANGUAGE.txt` has the codes of the countries that it is about, none in a trap, and a colon.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from newsflow.tagging import RuleSet
from newsflow.tagging.lint import text_article

from .framed import Framed, framed
from .topics import Tally

FOLDER = Path(__file__).with_name("ambiguity")
LANGUAGES = tuple(sorted(path.stem for path in FOLDER.glob("*.txt")))


def sentences(language: str) -> Iterator[tuple[Framed, set[str]]]:
    """The sentences of a language, and the countries each is about."""
    for sentence in framed(FOLDER / f"{language}.txt"):
        codes, _, clause = sentence.clause.partition(": ")
        text = sentence.text.replace(sentence.clause, clause)
        yield Framed(sentence.section, clause, text, sentence.about), set(codes.split())


def tally(rules: RuleSet, language: str) -> Tally:
    """The countries that are found, as a topic or a mention."""
    found = Tally()
    for sentence, codes in sentences(language):
        matches = rules.match(text_article(f"{sentence.text}.", language))
        found.add(codes, {match.code for match in matches if match.scheme == "iso3166"}, sentence.clause)
    return found
