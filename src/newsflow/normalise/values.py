"""What passes between the parts of normalisation: what a page says, and what is known of its source."""

from __future__ import annotations

from dataclasses import dataclass, field

from newsflow.model import PublicationDate
from newsflow.model.url import canonicalise_url
from newsflow.normalise.words import NO_WORDS, Words


@dataclass(frozen=True, slots=True)
class Dropped:
    """A piece of the page that is left out, and why (a kebab-case word: `share-bar`, `footer`, `caption` ...)."""

    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Extracted:
    """What a page says. Text is tidy (NFC, no invisible characters) and unfolded; paragraphs end with a newline.

    `dates` are all dates found, best evidence first; `published` is the first. A date without a zone stays so.
    `language_hint` is what the page claims. `marks` were taken off the title (`فيديو`). `refused` says what it
    is that is no article (`block page`, `error page` ...). `words` says where all words went. `language` is that of
    the text, where it was asked for already.
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
    refused: str = ""
    words: Words = NO_WORDS
    language: str = ""
    dropped: tuple[Dropped, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Selectors:
    """CSS selectors into a source's pages, tried before the general rules."""

    title: str | None = None
    body: str | None = None
    date: str | None = None
    authors: str | None = None
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameters:
    """Query parameters of a source's addresses, in lower case: those that name its articles, whatever they are
    elsewhere, and those that name none."""

    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceProfile:
    """What is known of a source that its pages do not say.

    `zone` is an IANA name, used for dates that name none. `languages` are what the source publishes in, and `family`
    is the publisher behind it: two sources of one family are not independent.
    """

    id: str
    name: str = ""
    zone: str | None = None
    languages: tuple[str, ...] = ()
    family: str | None = None
    title_suffixes: tuple[str, ...] = ()
    drop_lines: tuple[str, ...] = ()
    selectors: Selectors = field(default_factory=Selectors)
    parameters: Parameters = field(default_factory=Parameters)


def canonical_url(url: str, source: SourceProfile | None) -> str:
    """The canonical form of an address of a source. ValueError when it is not a web URL."""
    return canonicalise_url(url, source.parameters.keep, source.parameters.drop) if source else canonicalise_url(url)
