"""`newsflow ledger`: prepare the ledger's database, look at it, and prune it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from newsflow.cli.options import ConfigOption, Output, OutputOption, settings
from newsflow.cli.output import EXIT_FAILED, console, data, data_json, emit, tell

if TYPE_CHECKING:
    from pathlib import Path

    from newsflow.ledger import Ledger
    from newsflow.ledger.database import Database

app = typer.Typer(no_args_is_help=True, help="The database that remembers every decision.")

UrlOption = Annotated[
    str | None, typer.Option("--url", help="The ledger, instead of the configured one: sqlite:///FILE, postgresql://…")
]


def ledger_url(config: Path | None, url: str | None) -> str:
    """The ledger's URL: the flag, else the configured one with its reference resolved."""
    from newsflow.secrets import resolve

    return resolve(url if url is not None else settings(config).config.ledger.url)


def _open(config: Path | None, url: str | None, *, create: bool = False) -> Database:
    from newsflow.ledger.opening import open_database

    return open_database(ledger_url(config, url), retry_for_s=10, create=create)


def open_existing(config: Path | None, url: str | None, **options: Any) -> Ledger:
    """The ledger that a command reads; LedgerError where there is none."""
    from newsflow.ledger import open_ledger

    _open(config, url).close()
    return open_ledger(ledger_url(config, url), retry_for_s=10, **options)


@app.command()
def init(config: ConfigOption = None, url: UrlOption = None) -> None:
    """Create the ledger's tables where there are none; a ledger that is there is left as it is."""
    from newsflow.ledger.opening import migrate

    with closing(_open(config, url, create=True)) as db:
        if db.run(lambda: db.has_table("migration"), writes=False):
            tell("the ledger is there already; `newsflow ledger migrate` brings it up to date")
            return
        for migration in migrate(db):
            tell(f"applied {migration.name}")


@app.command("migrate")
def migrate_ledger(
    config: ConfigOption = None,
    url: UrlOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be applied.")] = False,
) -> None:
    """Bring the ledger's tables to this release. A job does the same when it starts."""
    from newsflow.ledger.opening import migrate, pending_migrations

    with closing(_open(config, url)) as db:
        migrations = db.run(lambda: pending_migrations(db), writes=False) if dry_run else migrate(db)
    for migration in migrations:
        tell(f"{'would apply' if dry_run else 'applied'} {migration.name}")
    if not migrations:
        console.print("nothing to apply: the ledger is up to date")


@app.command()
def status(config: ConfigOption = None, url: UrlOption = None, output: OutputOption = Output.TEXT) -> None:
    """Show where the ledger is, its migrations, what it holds, and the sums of outcomes."""
    from newsflow.ledger import mask_url
    from newsflow.ledger.opening import pending_migrations
    from newsflow.ledger.reading import count_outcomes, count_rows

    address = ledger_url(config, url)
    with closing(_open(config, address)) as db:
        pending = db.run(lambda: [each.name for each in pending_migrations(db)], writes=False)
        found: dict[str, object] = {"ledger": mask_url(address), "pending_migrations": pending}
        if not pending:
            counts = db.run(lambda: count_outcomes(db), writes=False)
            found["rows"] = db.run(lambda: count_rows(db), writes=False)
            found["outcomes"] = {
                outcome.value + (f" ({reason.value})" if reason else ""): events
                for (outcome, reason), events in sorted(counts.items(), key=str)
            }
    _print_status(found, output)
    if pending:
        tell("the ledger is not up to date: run `newsflow ledger migrate`")
        raise typer.Exit(EXIT_FAILED)


def _print_status(found: dict[str, object], output: Output) -> None:
    if output is Output.JSON:
        data_json(found)
        return
    for name, value in found.items():
        if isinstance(value, dict):
            data(f"{name}:")
            for key, count in value.items():
                data(f"  {key:<32} {count:>12,}")
        else:
            listed = ", ".join(value) or "none" if isinstance(value, list) else value
            data(f"{name}: {listed}")


@app.command()
def prune(
    config: ConfigOption = None,
    url: UrlOption = None,
    retention_days: Annotated[
        float | None,
        typer.Option(
            "--retention-days",
            min=0,
            help="Forget what was not heard of for so many days, instead of ledger.retention_d.",
        ),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Forget texts behind the window and articles, events and alerts behind the retention, in small steps.

    It may run beside a job; one that follows its topic does the same every ledger.prune_every_h hours. Keep the
    retention above that of the raw Kafka topic: an event that is read again after it was forgotten is decided anew.
    """
    from dataclasses import asdict
    from datetime import timedelta

    configured = settings(config).config.ledger
    retention = timedelta(days=configured.retention_d if retention_days is None else retention_days)
    with closing(open_existing(config, url, window_h=configured.window_h)) as ledger:
        pruned = ledger.prune(retention)
    counts = asdict(pruned)
    emit(output, counts, "deleted " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
