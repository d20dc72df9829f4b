"""`newsflow ledger`: prepare the ledger's database, look at it, and prune it."""

from __future__ import annotations

from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import (
    BackToOption,
    ConfigOption,
    DryRunOption,
    LedgerOption,
    Output,
    OutputOption,
    QuietOption,
    settings,
)
from newsflow.cli.output import EXIT_FAILED, data, data_json, emit, tell

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from newsflow.config.settings import Config
    from newsflow.ledger import Ledger
    from newsflow.ledger.database import Database
    from newsflow.migrations import Migration

app = typer.Typer(no_args_is_help=True, help="The database that remembers every decision.")


def _open(config: Config, *, create: bool = False) -> Database:
    from newsflow.ledger.opening import open_database
    from newsflow.secrets import resolve

    return open_database(resolve(config.ledger.url), retry_for_s=10, create=create)


def open_existing(config: Config) -> Ledger:
    """The ledger that a command reads; LedgerError where there is none."""
    from newsflow.ledger import open_ledger
    from newsflow.secrets import resolve

    _open(config).close()
    return open_ledger(resolve(config.ledger.url), retry_for_s=10, window_h=config.ledger.window_h)


@app.command()
def init(config: ConfigOption = None, ledger: LedgerOption = None, output: OutputOption = Output.TEXT) -> None:
    """Create the ledger's tables where there are none; a ledger that is there is left as it is."""
    from newsflow.ledger.opening import migrate

    with closing(_open(settings(config, ledger=ledger).config, create=True)) as db:
        if db.run(lambda: db.has_table("migration"), writes=False):
            tell("the ledger is there already; `newsflow ledger migrate` brings it up to date")
            return
        _say_applied(migrate(db), "applied", output)


def _say_applied(migrations: Sequence[Migration], done: str, output: Output) -> None:
    for migration in migrations:
        if output is Output.JSON:
            data_json({"migration": migration.name, "step": done})
        else:
            tell(f"{done} {migration.name}")


@app.command("migrate")
def migrate_ledger(
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    back_to: BackToOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Bring the ledger's tables to this release, or with --back-to back to an older one; nothing decided is lost.

    A job brings them to this release when it starts. Before --back-to, stop all jobs; then install the older release.
    When that one refuses a ledger, it says the NUMBER that it knows.
    """
    from newsflow.ledger.opening import migrate, migrations_beyond, pending_migrations, take_back

    done, would = ("applied", "would apply") if back_to is None else ("took back", "would take back")
    with closing(_open(settings(config, ledger=ledger).config)) as db:
        if back_to is None:
            migrations = db.run(lambda: pending_migrations(db), writes=False) if dry_run else migrate(db)
        else:
            beyond = partial(migrations_beyond, db, back_to)
            migrations = db.run(beyond, writes=False) if dry_run else take_back(db, back_to)
    _say_applied(migrations, would if dry_run else done, output)
    if not migrations:
        tell("nothing to apply: the ledger is up to date" if back_to is None else "nothing to take back")


@app.command()
def status(config: ConfigOption = None, ledger: LedgerOption = None, output: OutputOption = Output.TEXT) -> None:
    """Show where the ledger is, its migrations, what it holds, and the sums of outcomes."""
    from newsflow.ledger import mask_url
    from newsflow.ledger.opening import pending_migrations
    from newsflow.ledger.reading import count_outcomes, count_rows

    loaded = settings(config, ledger=ledger).config
    with closing(_open(loaded)) as db:
        pending = db.run(lambda: [each.name for each in pending_migrations(db)], writes=False)
        found: dict[str, object] = {"ledger": mask_url(loaded.ledger.url), "pending_migrations": pending}
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


def _raw_retention() -> timedelta:
    from datetime import timedelta

    from newsflow.model.names import RAW_TOPIC
    from newsflow.model.topics import declared_topics

    raw = next(spec for spec in declared_topics(()) if spec.name == RAW_TOPIC)
    return timedelta(milliseconds=int(raw.config["retention.ms"]))


@app.command()
def prune(
    config: ConfigOption = None,
    ledger: LedgerOption = None,
    retention_days: Annotated[
        float | None,
        typer.Option(
            "--retention-days",
            min=0,
            help="Forget what was not heard of for so many days, instead of ledger.retention_d.",
        ),
    ] = None,
    quiet: QuietOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Forget texts behind the window and articles, events and alerts behind the retention, in small steps; remove
    blobs that neither the ledger nor a record names any more, and what the archive has kept for long enough.

    It may run beside a job; one that follows its topic does the same every ledger.prune_every_h hours. Keep the
    retention above that of the raw Kafka topic: an event that is read again after it was forgotten is decided anew.
    """
    from dataclasses import asdict
    from datetime import timedelta

    from newsflow.cli.progress import Progress
    from newsflow.ingest.unnamed import tidy

    loaded = settings(config, ledger=ledger).config
    retention = timedelta(days=loaded.ledger.retention_d if retention_days is None else retention_days)
    if retention < (kept := _raw_retention()):
        tell(
            f"warning: the raw topic keeps its records for {kept.days} days as declared, longer than {retention.days}: "
            "one that is read again after its event was forgotten is decided anew, and may go out twice"
        )
    with closing(open_existing(loaded)) as opened:
        with Progress("rows", opened.prunable(retention), quiet) as progress:
            pruned = opened.prune(retention, told=progress.add)
        counts, (blobs, archived) = asdict(pruned), tidy(loaded, opened)
    counts |= ({"blobs": blobs} if blobs else {}) | ({"archived": archived} if archived else {})
    emit(output, counts, "deleted " + ", ".join(f"{count:,} {name}" for name, count in counts.items()))
