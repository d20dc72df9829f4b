"""`newsflow config`: check a configuration, and see what holds and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from newsflow.cli.options import BootstrapOption, ConfigOption, Output, OutputOption, settings
from newsflow.cli.output import conclude, data, data_json, few, tell

app = typer.Typer(no_args_is_help=True, help="Check the configuration; show what holds and where it comes from.")


@app.command()
def check(config: ConfigOption = None, output: OutputOption = Output.TEXT) -> None:
    """Check the configuration and every file it names, without starting anything."""
    loaded = settings(config)
    from newsflow.ingest.runtime import check_files, unconfigured, unpublished_topics

    found = check_files(loaded.config)
    for line in found if output is Output.TEXT else ():
        tell(line)
    if silent := unpublished_topics(loaded.config):
        tell(f"feeds that nobody gets, as no route publishes their articles: {few(silent)}")
    for line in (unknown := unconfigured(loaded.config)):
        tell(line)
    members = {"ok": True, "found": found, "unpublished_topics": silent, "unconfigured": unknown}
    conclude(output, members, "configuration ok")


@app.command()
def show(
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value comes from.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Print the configuration that holds, secrets masked."""
    loaded = settings(config, bootstrap_servers)
    types = {o.name.removesuffix(".type"): o.value for o in loaded.origins}
    rows = [(o.name, _shown(o.name, o.value, types), o.origin) for o in loaded.origins]
    if output is Output.JSON:
        data_json({name: {"value": value, "origin": source} if origin else value for name, value, source in rows})
        return
    for name, value, source in rows:
        data(f"{name} = {value}" + (f"    # {source}" if origin else ""))


def _shown(name: str, value: object, types: dict[str, Any]) -> object:
    from newsflow.secrets import masked, masked_destination

    if not isinstance(value, str):
        return value
    where, _, last = name.rpartition(".")
    if where.startswith("alerts.destinations.") and last == "url":
        return masked_destination(value, types.get(where, ""))
    return masked(value)
