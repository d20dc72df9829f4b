"""`newsflow doctor`: is everything a job needs there and well, for whoever is woken at night."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from newsflow.cli.common import (
    EXIT_FAILED,
    BootstrapOption,
    ConfigOption,
    Output,
    OutputOption,
    data,
    data_json,
    settings,
    words,
)


def doctor(
    max_lag: Annotated[int, typer.Option("--max-lag", min=0, help="Records a group may be behind.")] = 10_000,
    max_wait_s: Annotated[int, typer.Option("--max-wait", min=1, help="Seconds an alert may wait.")] = 600,
    config: ConfigOption = None,
    bootstrap_servers: BootstrapOption = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check configuration, broker, topics, lag, ledger, outbox and stores; change nothing. Exit 1 when one fails."""
    from newsflow.cli.checks import Bounds, State, examine

    loaded = settings(config, bootstrap_servers).config
    bounds = Bounds(max_lag, timedelta(seconds=max_wait_s))
    failed = 0
    for finding in examine(loaded, bounds, datetime.now(UTC)):
        failed += finding.state is State.FAIL
        if output is Output.JSON:
            data_json(asdict(finding))
        else:
            data(f"{finding.state.value:<4}  {finding.part}: {finding.words}")
    words.print("all well" if not failed else f"{failed} to look at")
    if failed:
        raise typer.Exit(EXIT_FAILED)
