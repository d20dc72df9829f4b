"""`newsflow config`: check a configuration, and see what holds and why."""

from __future__ import annotations

from typing import Annotated

import typer

from newsflow.cli.options import BootstrapOption, ConfigOption, Output, OutputOption, settings
from newsflow.cli.output import console, data, data_json, few, tell

app = typer.Typer(no_args_is_help=True, help="Check the configuration; show what holds and where it comes from.")


@app.command()
def check(config: ConfigOption = None) -> None:
    """Check the configuration and every file it names, without starting anything."""
    loaded = settings(config)
    from newsflow.ingest.runtime import check_files, unpublished_topics

    for line in check_files(loaded.config):
        tell(line)
    if silent := unpublished_topics(loaded.config):
        tell(f"feeds that nobody gets, as no route publishes their articles: {few(silent)}")
    console.print("configuration ok")


@app.command()
def show(
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print the configuration that holds, secrets masked."""
    from newsflow.secrets import masked

    loaded = settings(config, bootstrap_servers)
    rows = [(o.name, masked(o.value) if isinstance(o.value, str) else o.value, o.origin) for o in loaded.origins]
    if output is Output.JSON:
        data_json({name: {"value": value, "origin": source} if origin else value for name, value, source in rows})
        return
    for name, value, source in rows:
        data(f"{name} = {value}" + (f"    # {source}" if origin else ""))
