"""What an import reads: one record of an archive, as members of a raw article, or why it is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from newsflow.errors import UsageError, in_words
from newsflow.normalise.dates import parse_date
from newsflow.sources.feedlist import source_of

_NOT_IN_ID = re.compile(r"[^a-z0-9._-]+")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")


@dataclass(frozen=True, slots=True)
class Record:
    """Members of a raw article but `source` and `fetched_at`, which may be among them. `at` is its event time."""

    members: Mapping[str, Any]
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A record that is no article. `why` is of a short list, so that it can be counted."""

    why: str


Read = Record | Left
WITHDRAW = {"action": "withdraw"}


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read. `source` is given to all records; `columns` names the column of a member."""

    source: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    most_bytes: int = 4_194_304


def instant_of(text: object) -> datetime | None:
    """The instant in UTC that a record's own words name; without a zone it is taken for UTC. None where they name none,
    or one beyond the years that there are, as some write who know no date."""
    if isinstance(text, datetime):
        try:
            return text.astimezone(UTC) if text.tzinfo is not None else text.replace(tzinfo=UTC)
        except OverflowError:
            return None
    if not isinstance(text, str) or not text.strip():
        return None
    text = text.strip()
    try:
        if _ISO.match(text) or re.fullmatch(r"\d{8}T\d{6}(?:Z|[+-]\d{4})?", text):
            return instant_of(datetime.fromisoformat(text))
    except ValueError:
        pass
    found = parse_date(text)
    return None if found is None else instant_of(found.at)


def source_for(members: Mapping[str, Any], given: str | None) -> str | None:
    """The source of a record: the one that was given, its own, or the host of its address. None where it has none."""
    own = members.get("source")
    slug = _NOT_IN_ID.sub("-", own.casefold()).strip("-._")[:100] if isinstance(own, str) else ""
    url = members.get("url")
    return given or slug or (source_of(url) if isinstance(url, str) else None)


def whole_file(path: Path, reading: Reading) -> bytes | None:
    """A file of one item; None for one that is too large. Raises `UsageError`."""
    try:
        return None if path.stat().st_size > reading.most_bytes else path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {in_words(error)}") from error
