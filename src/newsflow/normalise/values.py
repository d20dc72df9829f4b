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


# Source profiles: what we know of a publisher that its pages do not say themselves.


@dataclass(frozen=True, slots=True)
class Selectors:
    """CSS selectors into a source's pages, tried before the general rules."""

    title: str | None = None
    body: str | None = None
    date: str | None = None
    authors: str | None = None
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """One source. `zone` is an IANA name, used for dates that name none; `languages` are what it publishes in.

    `family` names the publisher behind it (two sources of one family are not independent).
    """

    id: str
    name: str = ""
    zone: str | None = None
    languages: tuple[str, ...] = ()
    family: str | None = None
    title_suffixes: tuple[str, ...] = ()
    drop_lines: tuple[str, ...] = ()
    selectors: Selectors = field(default_factory=Selectors)
