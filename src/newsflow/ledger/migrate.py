"""Numbered migrations: SQL files that are each run once, in order, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from newsflow.errors import LedgerError
from newsflow.ledger.database import Database

_TABLE = "CREATE TABLE IF NOT EXISTS migration (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file of `migrations/`: `0001_initial.sql` is number 1."""

    number: int
    name: str
    sql: str

    def statements(self) -> list[str]:
        """Its statements; each ends with a semicolon at the end of a line."""
        lines = [line for line in self.sql.splitlines() if not line.lstrip().startswith("--")]
        return [part.strip() for part in "\n".join(lines).split(";\n") if part.strip(" \n;")]


def shipped_migrations() -> list[Migration]:
    """All that this release knows, in order."""
    folder = resources.files("newsflow.ledger") / "migrations"
    files = sorted((each for each in folder.iterdir() if each.name.endswith(".sql")), key=lambda each: each.name)
    return [Migration(int(each.name[:4]), each.name[:-4], each.read_text("utf-8")) for each in files]


def applied_migrations(db: Database) -> list[int]:
    """Numbers of those that the database has; none when it is empty. Within a transaction."""
    if not db.has_table("migration"):
        return []
    return [row[0] for row in db.query("SELECT number FROM migration ORDER BY number")]


def pending_migrations(db: Database) -> list[Migration]:
    """Those that the database still needs. LedgerError when it was written by a newer release."""
    applied, shipped = applied_migrations(db), shipped_migrations()
    unknown = sorted(set(applied) - {each.number for each in shipped})
    if unknown:
        latest = shipped[-1].number
        raise LedgerError(
            f"the ledger has migration {unknown[-1]}, this release knows up to {latest}: use the newer release"
        )
    return [each for each in shipped if each.number not in applied]


def migrate(db: Database) -> list[Migration]:
    """Bring the database to this release; what was run. Safe when several processes begin at once."""
    return db.run(lambda: _migrate(db))


def _migrate(db: Database) -> list[Migration]:
    db.lock(["migrations"])
    _refuse_store(db)
    db.execute(_TABLE)
    pending = pending_migrations(db)
    for migration in pending:
        for statement in migration.statements():
            db.execute(statement)
        db.execute("INSERT INTO migration (number, name) VALUES (?, ?)", [migration.number, migration.name])
    return pending


def _refuse_store(db: Database) -> None:
    """A store's tables have names of ours. On PostgreSQL a store has a schema of its own and is not seen here."""
    if db.has_table("store_migration"):
        raise LedgerError(
            "this database holds a store; a ledger needs a file of its own. On PostgreSQL, a store's tables move out "
            "of the way when `newsflow deliver` next opens it"
        )
