"""`newsflow store`: look after stores on files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from newsflow.cli.options import ConfigOption, Output, OutputOption, settings
from newsflow.cli.output import conclude, emit
from newsflow.errors import UsageError, not_there

if TYPE_CHECKING:
    from newsflow.stores.folder import FolderStore

app = typer.Typer(no_args_is_help=True, help="Stores on files: compact them, list their files.")

StoreArgument = Annotated[str, typer.Argument(help="Name of a configured store, or a URL: parquet:///FOLDER.")]


@app.command()
def compact(
    store: StoreArgument,
    target_mb: Annotated[int, typer.Option("--target-mb", min=1, max=4096, help="Size of the files to make.")] = 128,
    config: ConfigOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Merge the small files of each partition, and remove what crashes left over. A writer waits meanwhile."""
    done = _open(store, config).compact(target_mb * 1024 * 1024)
    said = f"{done.files_before} files are {done.files_after} now, {done.rows} rows; {done.leftovers} leftovers removed"
    conclude(output, asdict(done), said)


@app.command()
def files(store: StoreArgument, config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """List the files that count, for a reader that wants no half-written batch."""
    opened = _open(store, config)
    for entry in opened.files():
        path = str(opened.folder / entry.path)
        emit(output, {"path": path, "rows": entry.rows, "size_bytes": entry.size_bytes}, path)


def _open(name: str, config: ConfigOption) -> FolderStore:
    from newsflow.secrets import resolve
    from newsflow.stores.folder import FolderStore
    from newsflow.stores.registry import STORES, open_store

    known = dict(settings(config).config.stores)
    if name not in known and "://" not in name:
        raise UsageError(f"{not_there('store', name, known)}; or give a URL")
    opened = open_store(resolve(known.get(name, name)))
    if not isinstance(opened, FolderStore):
        opened.close()
        accepted = " and ".join(kind.schemes[0] for kind in STORES if kind.url.endswith("FOLDER"))
        raise UsageError(f"{name} is a store of kind {opened.name}; accepted: {accepted}")
    return opened
