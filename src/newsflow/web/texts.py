"""Texts of others as pages show them: harmless, in their own direction, with what was found in them marked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from newsflow.dedup.alignment import align
from newsflow.model.languages import RIGHT_TO_LEFT, primary_subtag
from newsflow.shown import same_length


@dataclass(frozen=True, slots=True)
class Span:
    """A passage that is marked, and what for."""

    start: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a paragraph. `why` is empty where nothing is marked."""

    text: str
    why: str = ""


Paragraph = tuple[Piece, ...]


def direction(language: str) -> str:
    """The `dir` of text in a language; what is unknown goes by its letters."""
    if primary_subtag(language) in RIGHT_TO_LEFT:
        return "rtl"
    return "auto" if primary_subtag(language) in ("", "und") else "ltr"


def marked(text: str, spans: Iterable[Span]) -> list[Paragraph]:
    """The paragraphs of a text; `spans` count its code points, and may overlap."""
    spans = [each for each in spans if 0 <= each.start < each.end <= len(text)]
    # A paragraph ends at each line end; so does what is marked.
    edges = {0, len(text), *(at for each in spans for at in (each.start, each.end))}
    edges |= {at for found in re.finditer("\n", text) for at in found.span()}
    shown, places = same_length(text), sorted(edges)
    paragraphs: list[list[Piece]] = [[]]
    for start, end in pairwise(places):
        if text[start:end] == "\n":
            paragraphs.append([])
            continue
        why = ", ".join(sorted({each.why for each in spans if each.start <= start and end <= each.end}))
        paragraphs[-1].append(Piece(shown[start:end], why))
    return [tuple(each) for each in paragraphs if each]


@dataclass(frozen=True, slots=True)
class Edit:
    """A passage of two versions: `kept`, `gone` or `new`."""

    kind: str
    text: str


def edits(before: str, after: str) -> list[list[Edit]]:
    """What was changed from one text to another, word by word, as paragraphs."""
    left, right = (re.findall(r"\n|[^\S\n]*\S+", same_length(text)) for text in (before, after))
    paragraphs: list[list[Edit]] = [[]]
    i = j = 0
    for a, b, words in [*align(left, right), (len(left), len(right), 0)]:
        for kind, tokens in (("gone", left[i:a]), ("new", right[j:b]), ("kept", left[a : a + words])):
            _put(paragraphs, kind, tokens)
        i, j = a + words, b + words
    return [each for each in paragraphs if each]


def _put(paragraphs: list[list[Edit]], kind: str, tokens: Sequence[str]) -> None:
    for at, line in enumerate("".join(tokens).split("\n")):
        if at:
            paragraphs.append([])
        if line:
            paragraphs[-1].append(Edit(kind, line))
