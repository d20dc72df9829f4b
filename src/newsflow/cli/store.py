"""`newsflow store`: look after stores on files, and bring the tables of the others from release to release."""

from __future__ import annotations

from contextlib import closing
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import BackToOption, ConfigOption, DryRunOption, Output, OutputOption, QuietOption, settings
from newsflow.cli.output import conclude, emit, tell
from newsflow.errors import UsageError, not_there

if TYPE_CHECKING:
    from newsflow.stores.contract import Store
    from newsflow.stores.folder import FolderStore

app = typer.Typer(no_args_is_help=True, help="Stores: compact those on files, migrate those in tables.")

StoreArgument = Annotated[str, typer.Argument(help="Name of a configured store, or a URL: parquet:///FOLDER.")]


@app.command()
def compact(
    store: StoreArgument,
    target_mb: Annotated[int, typer.Option("--target-mb", min=1, max=4096, help="Size of the files to make.")] = 128,
    config: ConfigOption = None,
    quiet: QuietOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Merge the small files of each partition, and remove what crashes left over. A writer waits meanwhile."""
    from newsflow.cli.progress import Progress

    opened = _open(store, config)
    with Progress("rows", sum(entry.rows for entry in opened.files()), quiet) as progress:
        done = opened.compact(target_mb * 1024 * 1024, progress.add)
    said = f"{done.files_before} files are {done.files_after} now, {done.rows} rows; {done.leftovers} leftovers removed"
    conclude(output, asdict(done), said)


@app.command()
def files(store: StoreArgument, config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """List the files that count, for a reader that wants no half-written batch."""
    opened = _open(store, config)
    for entry in opened.files():
        path = str(opened.folder / entry.path)
        emit(output, {"path": path, "rows": entry.rows, "size_bytes": entry.size_bytes}, path)


@app.command()
def migrate(
    stores: Annotated[list[str] | None, typer.Argument(help="Names or URLs; else all configured ones.")] = None,
    config: ConfigOption = None,
    back_to: BackToOption = None,
    dry_run: DryRunOption = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Bring stores in tables to this release, or with --back-to back to an older one; no article is lost.

    `deliver` brings them to this release when it writes. Before --back-to, stop all jobs; then install the older
    release. When that one refuses a store, it says the NUMBER that it knows.
    """
    from newsflow.stores.sql import SqlStore

    step = "apply" if back_to is None else "take back"
    said = f"would {step}" if dry_run else {"apply": "applied", "take back": "took back"}[step]
    found = 0
    for name in stores or sorted(dict(settings(config).config.stores)):
        with closing(_any_store(name, config)) as store:
            if isinstance(store, SqlStore):
                for migration in store.migrate(back_to, dry_run=dry_run):
                    found += 1
                    result = {"store": name, "migration": migration.name, "step": said}
                    emit(output, result, f"{said} {migration.name} of the store {name}")
            elif stores:
                raise UsageError(f"{name} is a store of kind {store.name}, which has nothing to migrate")
    if not found:
        tell(f"nothing to {step}")


def _any_store(name: str, config: ConfigOption) -> Store:
    from newsflow.secrets import resolve
    from newsflow.stores.registry import open_store

    known = dict(settings(config).config.stores)
    if name not in known and "://" not in name:
        raise UsageError(f"{not_there('store', name, known)}; or give a URL")
    return open_store(resolve(known.get(name, name)))


def _open(name: str, config: ConfigOption) -> FolderStore:
    from newsflow.stores.folder import FolderStore
    from newsflow.stores.registry import STORES

    opened = _any_store(name, config)
    if not isinstance(opened, FolderStore):
        opened.close()
        accepted = " and ".join(kind.schemes[0] for kind in STORES if kind.url.endswith("FOLDER"))
        raise UsageError(f"{name} is a store of kind {opened.name}; accepted: {accepted}")
    return opened
