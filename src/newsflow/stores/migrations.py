"""Numbered schema changes of the SQL stores: `migrations/<dialect>/0001_name.sql`, each run once, in order."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import resources

from newsflow.errors import SinkError

TABLE = "CREATE TABLE IF NOT EXISTS store_migration (number bigint NOT NULL PRIMARY KEY, name text NOT NULL)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file."""

    number: int
    name: str
    sql: str


def shipped(dialect: str) -> list[Migration]:
    """Return all that this release knows of a dialect (`sqlite`, `postgresql`), in order."""
    folder = resources.files("newsflow.stores") / "migrations" / dialect
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name)
    return [Migration(int(each.name[:4]), each.name[:-4], each.read_text("utf-8")) for each in files]


def state(dialect: str, applied: Collection[int]) -> str:
    """Say in words how far a store is. Raises `SinkError` when a newer release wrote it."""
    todo = len(pending(dialect, applied))
    if not applied:
        return "not made yet"
    return f"{todo} migrations to run, which `newsflow deliver` does" if todo else f"schema {max(applied)}"


def pending(dialect: str, applied: Collection[int]) -> list[Migration]:
    """Return those that a store still needs. Raises `SinkError` when a newer release wrote it."""
    known = shipped(dialect)
    unknown = set(applied) - {each.number for each in known}
    if unknown:
        raise SinkError(
            f"the store has schema {max(unknown)}, this release knows up to {known[-1].number}: use the newer release"
        )
    return [each for each in known if each.number not in applied]
