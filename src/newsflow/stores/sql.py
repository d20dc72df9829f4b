"""What the SQL stores share: the columns of the current state, and how far the tables of a store are."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from newsflow.errors import SinkError
from newsflow.migrations import Migration, MigrationSet
from newsflow.model.codec import published_text
from newsflow.stores.contract import Store, StoreRow, published_instant
from newsflow.tagging.text import fold, unfolded

COLUMNS = (
    "id, version, withdrawn, source, url, guid, title, body, language, published_at, published_text, first_seen, "
    "agency, word_count, content_hash, story, words"
)
CHANGED = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ")[1:])


def current_values(row: StoreRow, instant: Callable[[datetime], Any]) -> tuple[Any, ...]:
    """Return a row's values of `COLUMNS`; `instant` turns an aware datetime into what the database takes."""
    article, published = row.shown, published_instant(row.article)
    return (
        *row.key,
        row.withdrawn,
        article.source,
        article.url,
        article.guid,
        article.title,
        article.body,
        article.language,
        None if published is None else instant(published),
        published_text(article.published),
        instant(article.first_seen),
        article.agency,
        article.word_count,
        article.content_hash,
        article.story,
        search_words(f"{article.title}\n{article.body}"),
    )


FORGET = (
    "DELETE FROM article_version WHERE id = {0} AND version < {0}",
    "DELETE FROM article_topic WHERE article_id IN (SELECT id FROM article WHERE id = {0} AND version < {0})",
    "DELETE FROM article WHERE id = {0} AND version < {0}",
)
"""What takes an article's versions out, with the database's sign for a parameter; the first one counts them."""


def search_words(text: str) -> str:
    """Return the words of a text as topic rules fold them, each once, those left out that are written so: what a search
    finds an article by beside its text, however hamza, alef or accents are written."""
    return " ".join(sorted(set(fold(text).split()) - set(unfolded(text).split())))


def migrations_of(dialect: str) -> MigrationSet:
    """Return the migrations of a dialect: `sqlite` or `postgresql`."""
    return MigrationSet(f"stores/migrations/{dialect}", "store_migration", "the store", SinkError)


def describe_state(migrations: MigrationSet, applied: Collection[int]) -> str:
    """Say how far a store's tables are. Raises `SinkError` when a newer release wrote them."""
    pending = len(migrations.pending(applied))
    if not applied:
        return "not made yet"
    return f"{pending} migrations to run, which `newsflow deliver` does" if pending else f"schema {max(applied)}"


class SqlStore(Store):
    """A store in tables that change from release to release."""

    @abstractmethod
    def migrate(self, back_to: int | None = None, *, dry_run: bool = False) -> list[Migration]:
        """Bring the tables to this release, or back to the last migration that an older release knows, in one
        transaction; return what was done, or with `dry_run` what would be. A store that was not made yet has nothing
        to take back, and is not made for it. Raises `SinkError` where there is no such way back."""


def move(
    migrations: MigrationSet,
    execute: Callable[[str], object],
    applied: Collection[int],
    back_to: int | None,
    dry_run: bool,
) -> list[Migration]:
    """Do what `SqlStore.migrate` says. The caller holds a transaction, and a lock on the tables."""
    if back_to is None:
        return migrations.pending(applied) if dry_run else migrations.run(execute, applied)
    if not applied:
        return []
    return migrations.beyond(back_to, applied) if dry_run else migrations.take_back(execute, back_to, applied)
