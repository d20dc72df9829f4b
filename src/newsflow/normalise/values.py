"""Values that pass between the parts of normalisation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from newsflow.model import PublicationDate

Part = Literal["title", "body", "date", "mark"]


@dataclass(frozen=True, slots=True)
class Dropped:
    """A piece of the page that was thrown away, and why (a kebab-case word: `share-bar`, `footer`, `caption` ...)."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page says. Text is settled (NFC, no invisible signs) and unfolded; paragraphs are split by a newline.

    `published` is the date found, with its evidence; `dates` are all that were found, best evidence first.
    `language_hint` is what the page claims. `marks` are what was taken off the title (`فيديو`).
    """

    title: str = ""
    body: str = ""
    published: PublicationDate | None = None
    dates: tuple[PublicationDate, ...] = ()
    authors: tuple[str, ...] = ()
    canonical_url: str | None = None
    language_hint: str | None = None
    agency: str | None = None
    marks: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = field(default=())
