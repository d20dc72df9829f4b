"""What every storage sink promises; one suite of tests holds them all to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

from newsflow.model import Action, Article
from newsflow.model.codec import decode_article


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One article version to be kept: its article.v1 bytes, and what they say."""

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
    def withdrawn(self) -> bool:
        """Whether this version takes the article back."""
        return self.article.action is Action.WITHDRAW


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that a store will not have however often it is asked, and why, for a person."""

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
        """Look whether the store can be reached, making and changing nothing; return a few words on it. Blocks.

        Raises `SinkError` when it cannot, `ConfigError` when what is there is no store of this kind.
        """
        raise NotImplementedError(f"a store of kind {self.name} cannot be looked at")

    @abstractmethod
    def close(self) -> None:
        """Give back connections and locks. May be called more than once."""

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


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


def published_wall(article: Article) -> str:
    """Return the publication date as it stands in article.v1, with or without a zone."""
    at = article.published.at.isoformat()
    return at.replace("+00:00", "Z")
