"""Numbered changes of a database: SQL files that are each run once, in order, and a table that names those that were.

The ledger and the SQL stores each keep such a folder; files are added to it and never changed. In its folder `back` are
files of the same names that take a change back, so that the release before can go on with all that was decided since.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass
from importlib import resources

from newsflow.errors import NewsflowError


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `0001_initial.sql` is number 1."""

    number: int
    name: str
    sql: str

    def statements(self) -> list[str]:
        """Its statements; each ends with a semicolon at the end of a line."""
        statements, part = [], ""
        for line in self.sql.splitlines(keepends=True):
            part += line
            # A trigger has semicolons within, so SQLite itself says where a statement is complete.
            if sqlite3.complete_statement(part):
                statements.append(part.strip())
                part = ""
        return statements


@dataclass(frozen=True, slots=True)
class MigrationSet:
    """The files in `folder` of this package, and the `table` in which a database names those it has.

    `owner` (`the ledger`) is who has the tables, for messages; `error` is what a database of a newer release raises.
    """

    folder: str
    table: str
    owner: str
    error: type[NewsflowError]

    def shipped(self) -> list[Migration]:
        """All that this release knows, in order."""
        return self._read(self.folder)

    def ways_back(self) -> dict[int, Migration]:
        """What takes migrations back, by their numbers; none for those of the first release."""
        return {each.number: each for each in self._read(f"{self.folder}/back")}

    def _read(self, path: str) -> list[Migration]:
        folder = resources.files("newsflow").joinpath(*path.split("/"))
        if not folder.is_dir():
            return []
        files = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name)
        return [Migration(int(each.name[:4]), each.name[:-4], each.read_text("utf-8")) for each in files]

    def pending(self, applied: Collection[int]) -> list[Migration]:
        """Those that a database still needs. Raises `error` when a newer release wrote it."""
        known = self.shipped()
        unknown = set(applied) - {each.number for each in known}
        if unknown:
            raise self.error(
                f"{self.owner} has migration {max(unknown)}, this release knows up to {known[-1].number}: "
                "use the newer release"
            )
        return [each for each in known if each.number not in applied]

    def run(self, execute: Callable[[str], object], applied: Collection[int]) -> list[Migration]:
        """Bring a database to this release; return what was run.

        The caller holds a transaction, and a lock when several processes may begin at once: all of it is kept or
        nothing. `execute` runs one statement, `applied` are the numbers that the table holds already.
        """
        # The columns are those of version 0.1: tables of that release are used as they are.
        execute(f"CREATE TABLE IF NOT EXISTS {self.table} (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)")
        pending = self.pending(applied)
        for migration in pending:
            for statement in migration.statements():
                execute(statement)
            execute(f"INSERT INTO {self.table} (number, name) VALUES ({migration.number}, '{migration.name}')")
        return pending

    def beyond(self, number: int, applied: Collection[int]) -> list[Migration]:
        """What takes a database back to the migration of this number, the last that an older release knows, in the
        order in which it is to be run. Raises `error` when a newer release wrote the database, or none of ours did."""
        self.pending(applied)
        ways = self.ways_back()
        oldest = min(ways, default=self.shipped()[-1].number + 1) - 1
        if number < oldest or number not in applied:
            accepted = [each for each in sorted(applied) if each >= oldest]
            raise self.error(
                f"{self.owner} cannot be taken back to migration {number}; accepted: "
                f"{', '.join(map(str, accepted)) or 'none, it has no migration that can be taken back'}"
            )
        return [ways[each] for each in sorted(applied, reverse=True) if each > number]

    def take_back(self, execute: Callable[[str], object], number: int, applied: Collection[int]) -> list[Migration]:
        """Take a database back to the migration of this number; return what was taken back. As with `run`, the caller
        holds a transaction."""
        ways = self.beyond(number, applied)
        for way in ways:
            for statement in way.statements():
                execute(statement)
            execute(f"DELETE FROM {self.table} WHERE number = {way.number}")
        return ways
