"""`newsflow deliver`: the same as `newsflow run deliver`, by its shorter name."""

from __future__ import annotations

from typing import Annotated

import typer

from newsflow.cli.common import (
    BootstrapOption,
    ConfigOption,
    Output,
    OutputOption,
    QuietOption,
    SinksOption,
    VerboseOption,
)
from newsflow.cli.run import run


def deliver(
    context: typer.Context,
    until_caught_up: Annotated[
        bool, typer.Option("--until-caught-up", help="Read to the end offsets seen at the start, then exit.")
    ] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Read on until SIGINT or SIGTERM, which drain.")] = False,
    sinks: SinksOption = None,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
    verbose: VerboseOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Deliver published articles to stores and alert desks: `newsflow run deliver` by its shorter name."""
    run(
        context,
        "deliver",
        until_caught_up=until_caught_up,
        follow=follow,
        sinks=sinks,
        config=config,
        bootstrap_servers=bootstrap_servers,
        output=output,
        verbose=verbose,
        quiet=quiet,
    )
