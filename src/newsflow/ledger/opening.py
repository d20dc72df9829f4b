"""Opens the ledger that a URL names, and brings it to this release by numbered migrations: SQL files that are each run
once, in order, in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from newsflow.dedup.similarity import DEFAULT_RULE, Rule
from newsflow.errors import ConfigError, LedgerError
from newsflow.ledger.database import Database
from newsflow.ledger.ledger import Clock, Ledger, system_clock
from newsflow.ledger.sqlite import SqliteDatabase

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

    def work() -> list[Migration]:
        db.lock(["migrations"])
        _refuse_store(db)
        db.execute(_TABLE)
        pending = pending_migrations(db)
        for statement in (statement for migration in pending for statement in migration.statements()):
            db.execute(statement)
        db.insert("migration", "number, name", [(migration.number, migration.name) for migration in pending])
        return pending

    return db.run(work)


def _refuse_store(db: Database) -> None:
    """A store's tables have names of ours. On PostgreSQL a store has a schema of its own and is not seen here."""
    if db.has_table("store_migration"):
        raise LedgerError(
            "this database holds a store; a ledger needs a file of its own. On PostgreSQL, a store's tables move out "
            "of the way when `newsflow deliver` next opens it"
        )


ACCEPTED = "sqlite:///relative.sqlite3, sqlite:////absolute.sqlite3 or postgresql://user@host/database"


def open_ledger(
    url: str,
    *,
    window_h: float = 72,
    clock: Clock = system_clock,
    rule: Rule = DEFAULT_RULE,
    retry_for_s: float = 60.0,
) -> Ledger:
    """The ledger at `url`, brought to this release's schema. May block while the database starts.

    `window_h`: for how long another article with the same text is a duplicate. `clock` gives aware instants.
    `retry_for_s`: how long a call waits for a database that is unavailable or busy before it raises.
    Raises ConfigError for a URL that names no database, LedgerError when it cannot be reached.
    """
    if not window_h > 0:
        raise ConfigError(f"a window of {window_h} h; accepted: more than 0", path="ledger.window_h")
    db = open_database(url, retry_for_s=retry_for_s)
    try:
        migrate(db)
    except BaseException:
        db.close()
        raise
    return Ledger(db, window=timedelta(hours=window_h), clock=clock, rule=rule)


def open_database(url: str, *, retry_for_s: float = 60.0, create: bool = True) -> Database:
    """The database at `url`, as it is. `sqlite://` is a database in memory. LedgerError for a file that is not
    there, unless it may be made."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        if (rest and not rest.startswith("/")) or rest == "/":
            raise ConfigError(f"{url!r} names no file; accepted: {ACCEPTED}", path="ledger.url")
        if rest and not create and not Path(rest[1:]).exists():
            raise LedgerError(f"no ledger at {rest[1:]}; a job makes it, or `newsflow ledger init`")
        return SqliteDatabase(rest[1:] or ":memory:", retry_for_s)
    if scheme in ("postgresql", "postgres"):
        from newsflow.ledger.postgresql import PostgresDatabase

        return PostgresDatabase(url, retry_for_s)
    raise ConfigError(f"{mask_url(url)!r} is not a ledger; accepted: {ACCEPTED}", path="ledger.url")


def mask_url(url: str) -> str:
    """The URL with its password hidden, for messages and logs."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return url.partition("://")[0] + "://…"
    return url.replace(f":{password}@", ":***@", 1) if password else url
