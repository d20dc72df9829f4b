"""`newsflow schemas`: the contracts of the values on the wire."""

from __future__ import annotations

from typing import Annotated

import typer

from newsflow.cli.options import Output, OutputOption
from newsflow.cli.output import data, data_json, emit
from newsflow.errors import UsageError, not_there

app = typer.Typer(no_args_is_help=True, help="JSON Schemas of what is read and written.")


@app.callback()
def _group() -> None:
    """Keep `print` a command of its own while it is the only one."""


@app.command("print")
def print_schema(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="As raw-article; else all are listed.")] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print a JSON Schema, or the names of all."""
    import json

    from newsflow.model.schemas import SCHEMAS, load_schema

    if name is None:
        for each in SCHEMAS:
            emit(output, {"name": each, "id": load_schema(each)["$id"]}, each)
        return
    short = name.removesuffix(".v1")
    if short not in SCHEMAS:
        raise UsageError(not_there("schema", short, SCHEMAS))
    if output is Output.JSON:
        data_json(load_schema(short))
    else:
        data(json.dumps(load_schema(short), ensure_ascii=False, indent=2))
