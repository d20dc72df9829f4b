"""Readers of pages to compare: ours and those that are installed beside it."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsflow.model import PublicationDate


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found on a page; None stands for what it does not look for."""

    body: str | None = None
    title: str | None = None
    authors: tuple[str, ...] | None = None
    date: str = ""
    """A day or a moment in ISO 8601."""


@dataclass(frozen=True, slots=True)
class Reader:
    """`sets` are the labelled sets it has something to say about; `package` is what must be installed."""

    name: str
    read: Callable[[bytes, str | None], Reading]
    package: str
    sets: tuple[str, ...] = ("aeb", "traf", "fundus", "dates")

    @property
    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.package) is not None


def _ours(page: bytes, url: str | None) -> Reading:
    from newsflow.normalise import extract_html

    found = extract_html(page, url)
    return Reading(found.body, found.title, found.authors, _as_written(found.published) if found.published else "")


def _as_written(published: PublicationDate) -> str:
    """The moment in the zone in which the page writes it: labels are days there, and ours are in UTC."""
    with suppress(ValueError):
        return datetime.fromisoformat(published.text).isoformat()
    return published.at.isoformat()


def _trafilatura(**options: Any) -> Callable[[bytes, str | None], Reading]:
    def read(page: bytes, url: str | None) -> Reading:
        from trafilatura import bare_extraction

        found = bare_extraction(page, url=url, with_metadata=True, include_comments=False, **options)
        if found is None or isinstance(found, dict):
            return Reading("", "", (), "")
        names = [name.strip() for name in (found.author or "").split(";")]
        return Reading(found.text or "", found.title or "", tuple(filter(None, names)), found.date or "")

    return read


def _htmldate(page: bytes, url: str | None) -> Reading:
    from htmldate import find_date

    return Reading(date=find_date(page.decode("utf-8", "replace"), url=url, original_date=True) or "")


def _newspaper(page: bytes, url: str | None) -> Reading:
    # It wants an address, and fetches the page's images where it is not told otherwise.
    article: Any = importlib.import_module("newspaper").Article(url or "https://unknown.invalid/", fetch_images=False)
    article.download(input_html=page.decode("utf-8", "replace"))
    article.parse()
    date = article.publish_date.isoformat() if isinstance(article.publish_date, datetime) else ""
    return Reading(article.text, article.title or "", tuple(article.authors), date)


OURS = Reader("extract_html", _ours, "newsflow")
_BODIES = ("aeb", "traf", "fundus")  # its dates are the same in each way
PEERS = (
    Reader("trafilatura, fast", _trafilatura(fast=True), "trafilatura"),
    Reader("trafilatura", _trafilatura(), "trafilatura", _BODIES),
    Reader("trafilatura, precision", _trafilatura(favor_precision=True), "trafilatura", _BODIES),
    Reader("htmldate", _htmldate, "htmldate", ("fundus", "dates")),
    Reader("newspaper4k", _newspaper, "newspaper"),
)
