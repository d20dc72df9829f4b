"""Source profiles: what we know of a publisher that its pages do not say themselves."""

from __future__ import annotations

from dataclasses import dataclass, field


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
