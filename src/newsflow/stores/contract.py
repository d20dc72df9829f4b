"""What every storage sink promises; one suite of tests holds them all to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from newsflow.errors import ConfigError, SinkError
from newsflow.model import Action, Article
from newsflow.model.codec import decode_article


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One article version to be kept, and its article.v1 bytes."""

    article: Article
    value: bytes

    @classmethod
    def read(cls, value: bytes) -> StoreRow:
        """Return the row of article.v1 bytes. Raises `ValueError` when they hold no article."""
        return cls(decode_article(value), value)

    @property
    def key(self) -> tuple[str, int]:
        """Article id and version: a store keeps each once."""
        return self.article.id, self.article.version

    @property
    def day(self) -> str:
        """The day in UTC on which the article was first seen, as `2026-03-01`."""
        return self.article.first_seen.astimezone(UTC).date().isoformat()

    @property
    def withdrawn(self) -> bool:
        return self.article.action is Action.WITHDRAW

    @property
    def shown(self) -> Article:
        """The article as the current state has it: a withdrawn one without its text and topics."""
        return replace(self.article, title="", body="", topics=()) if self.withdrawn else self.article


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that a store refuses however often it is given, and why, for a person."""

    row: StoreRow
    message: str


class Store(ABC):
    """Keeps article versions. One thread at a time uses an object; several processes may share what is behind it.

    - Each (article id, version) is kept once: the same rows again change nothing, in whatever batches they come.
    - The highest version of an article is its current one; an older version that comes later does not take over.
    - A withdrawal is a version: the article stays known, and its text is no longer what a reader of the current
      state finds.
    - `write` returns when the rows are durable. When it raises, some of them may be: give it all of them again.
    """

    name: str

    @abstractmethod
    def write(self, rows: Sequence[StoreRow]) -> list[Refused]:
        """Keep rows; return those refused, the others are kept. Blocks.

        Raises `SinkError` while the store cannot be reached or written; the same object may be used again later.
        """

    def check(self) -> str:
        """Look whether the store can be reached, changing nothing; return a few words on its state. Blocks.

        Raises `SinkError` when it cannot, `ConfigError` when what is there is not a store of this kind.
        """
        raise NotImplementedError(f"a store of kind {self.name} cannot be looked at")

    def forget(self, article_id: str, before: int) -> int:
        """Remove an article's versions before this one, for good; how many those were. Blocks.

        Raises `SinkError` while the store cannot be reached or written, and where it cannot forget.
        """
        raise SinkError(f"a store of kind {self.name} cannot forget {article_id} before version {before}")

    @abstractmethod
    def close(self) -> None:
        """Give back connections and locks. May be called more than once."""

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def path_of(url: str) -> Path:
    """Return the path in the URL of a store on files. Raises `ConfigError` when it has none."""
    scheme, _, rest = url.partition("://")
    if not rest.startswith("/") or rest == "/":
        raise ConfigError(f"the URL {scheme}://… does not name a store; accepted: {scheme}:///PATH")
    return Path(rest[1:])


def separate_refused(
    rows: Sequence[StoreRow], problem: Callable[[StoreRow], str]
) -> tuple[list[StoreRow], list[Refused]]:
    """Return the rows that can be kept and those that cannot; `problem` says why, and is empty for the former."""
    problems = [problem(row) for row in rows]
    good = [row for row, message in zip(rows, problems, strict=True) if not message]
    return good, [Refused(row, message) for row, message in zip(rows, problems, strict=True) if message]


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, cut: what follows may repeat the row."""
    return (str(error).splitlines() or [type(error).__name__])[0][:300]


def unique(rows: Iterable[StoreRow]) -> list[StoreRow]:
    """Return the rows, each key once (the first), in their order."""
    return list({row.key: row for row in reversed(list(rows))}.values())[::-1]


def newest(rows: Iterable[StoreRow]) -> list[StoreRow]:
    """Return the highest version of each article, by article id."""
    best: dict[str, StoreRow] = {}
    for row in rows:
        held = best.get(row.article.id)
        if held is None or row.article.version > held.article.version:
            best[row.article.id] = row
    return [best[article_id] for article_id in sorted(best)]


def published_instant(article: Article) -> datetime | None:
    """Return when the article was published, in UTC; None when its zone is unknown."""
    return article.published.at if article.published.at.tzinfo is not None else None
