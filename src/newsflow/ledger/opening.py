"""Opens the ledger that a URL names, and brings its tables to this release."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from newsflow.dedup.similarity import DEFAULT_RULE, Rule
from newsflow.errors import ConfigError, LedgerError
from newsflow.ledger.database import Database
from newsflow.ledger.ledger import Clock, Ledger, system_clock
from newsflow.ledger.sqlite import SqliteDatabase
from newsflow.ledger.story_adoption import adopt_stories
from newsflow.ledger.tables import remake_prints
from newsflow.migrations import Migration, MigrationSet
from newsflow.secrets import masked as mask_url

STORIES = 10
"""The migration that made the tables of stories."""
MIGRATIONS = MigrationSet("ledger/migrations", "migration", "the ledger", LedgerError)


def applied_migrations(db: Database) -> list[int]:
    """Numbers of those that the database has; none when it is empty. Within a transaction."""
    if not db.has_table(MIGRATIONS.table):
        return []
    return [row[0] for row in db.query(f"SELECT number FROM {MIGRATIONS.table} ORDER BY number")]


def pending_migrations(db: Database) -> list[Migration]:
    """Those that the database still needs. Within a transaction. LedgerError when a newer release wrote it."""
    return MIGRATIONS.pending(applied_migrations(db))


def migrate(db: Database) -> list[Migration]:
    """Bring the database to this release; return what was run. Safe when several processes begin at once."""

    def look() -> list[Migration]:
        _refuse_store(db)
        return pending_migrations(db)

    def work() -> list[Migration]:
        db.lock(["migrations"])
        _refuse_store(db)
        run = MIGRATIONS.run(db.execute, applied_migrations(db))
        while run and remake_prints(db):  # in the same transaction: nobody compares fingerprints of two kinds
            pass
        if any(each.number == STORIES for each in run):
            adopt_stories(db)
        return run

    # To look takes no lock: a command is not held up by a job that writes.
    return db.run(work) if db.run(look, writes=False) else []


def migrations_beyond(db: Database, number: int) -> list[Migration]:
    """What `take_back` would take back. Within a transaction. LedgerError where there is no such way back."""
    return MIGRATIONS.beyond(number, applied_migrations(db))


def take_back(db: Database, number: int) -> list[Migration]:
    """Take the database back to the migration that an older release knows as its last; return what was taken back.

    All that was decided stays. No job may run: one that does, or starts, brings the database to this release again.
    """

    def work() -> list[Migration]:
        db.lock(["migrations"])
        return MIGRATIONS.take_back(db.execute, number, applied_migrations(db))

    return db.run(work)


def _refuse_store(db: Database) -> None:
    """A store's tables have the same names. On PostgreSQL a store has a schema of its own and is not seen here."""
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
    namespace: str | None = None,
) -> Ledger:
    """The ledger at `url`, brought to this release's schema. May block while the database starts.

    `window_h`: for how long another article with the same text is a duplicate. `clock` gives aware instants.
    `retry_for_s`: how long a call waits for a database that is unavailable or busy before it raises.
    `namespace`: a schema of PostgreSQL, made where it is not there, for a ledger beside the one that `url` names.
    Raises ConfigError for a URL that names no database, LedgerError when it cannot be reached.
    """
    if not window_h > 0:
        raise ConfigError(f"a window of {window_h} h; accepted: more than 0", path="ledger.window_h")
    db = open_database(url, retry_for_s=retry_for_s, namespace=namespace)
    try:
        if namespace is not None:
            db.run(lambda: db.execute(f'CREATE SCHEMA IF NOT EXISTS "{namespace}"'))
        migrate(db)
    except BaseException:
        db.close()
        raise
    return Ledger(db, window=timedelta(hours=window_h), clock=clock, rule=rule)


def open_database(
    url: str,
    *,
    retry_for_s: float = 60.0,
    create: bool = True,
    read_only: bool = False,
    schema: str | None = None,
    namespace: str | None = None,
) -> Database:
    """The database at `url`, as it is. `sqlite://` is a database in memory. LedgerError for a file that is not
    there, unless it may be made. `schema` names that of a store's tables on PostgreSQL, `namespace` that of a ledger
    which has locks of its own."""
    scheme, _, rest = url.partition("://")
    if scheme == "sqlite":
        if (rest and not rest.startswith("/")) or rest == "/":
            raise ConfigError(f"{url!r} names no file; accepted: {ACCEPTED}", path="ledger.url")
        if rest and not create and not Path(rest[1:]).exists():
            raise LedgerError(f"no ledger at {rest[1:]}; a job makes it, or `newsflow ledger init`")
        return SqliteDatabase(rest[1:] or ":memory:", retry_for_s, read_only=read_only)
    if scheme in ("postgresql", "postgres"):
        from newsflow.ledger.postgresql import PostgresDatabase

        return PostgresDatabase(
            url, retry_for_s, read_only=read_only, schema=namespace or schema, apart=namespace or ""
        )
    raise ConfigError(f"{mask_url(url)!r} does not name a ledger; accepted: {ACCEPTED}", path="ledger.url")
