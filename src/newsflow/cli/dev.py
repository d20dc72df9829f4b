"""`newsflow dev`: a real Kafka broker on this machine, for trying things and for tests."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from newsflow.cli.options import DirectoryOption, Output, OutputOption, PortOption
from newsflow.cli.output import EXIT_FAILED, data, data_json, tell

if TYPE_CHECKING:
    from newsflow.tools.broker import BrokerStatus, LocalBroker

app = typer.Typer(no_args_is_help=True, help="A real Kafka broker on this machine, reachable from it alone.")

_DIRECTORY = Path(".newsflow/kafka")


@app.command()
def up(port: PortOption = None, directory: DirectoryOption = _DIRECTORY, output: OutputOption = Output.TEXT) -> None:
    """Start the broker, unless it is up, and return when it answers. The first time fetches it with Maven.

    Its jars, log and data are in the folder, one broker a folder. Without --port it takes another where the usual one
    is taken. Commands find the broker of the usual folder by themselves, wherever no other is configured.
    """
    broker = _broker(directory, port)
    status = broker.up(say=tell)
    if status.already:
        tell(f"already up (process {status.pid})")
    else:
        tell(f"Kafka is up (process {status.pid}, log {status.log})")
    if directory != _DIRECTORY:
        tell(f"commands find it by: -b {status.bootstrap_servers}")
    tell(f"stop it with: newsflow dev down{same(directory)}")
    _write(status, output)


@app.command()
def status(directory: DirectoryOption = _DIRECTORY, output: OutputOption = Output.TEXT) -> None:
    """Say whether the broker is up; the exit code is 0 only when it answers."""
    from newsflow.tools.broker import BrokerState

    found = _broker(directory).status()
    if found.state is BrokerState.DOWN:
        tell(f"no broker of {found.directory} runs; start one with: newsflow dev up{same(directory)}")
    else:
        tell(f"{found.state} (process {found.pid}, log {found.log})")
    _write(found, output)
    if found.state is not BrokerState.UP:
        sys.exit(EXIT_FAILED)


@app.command()
def down(directory: DirectoryOption = _DIRECTORY, output: OutputOption = Output.TEXT) -> None:
    """Stop the broker; its data stays for the next start."""
    found = _broker(directory).down()
    tell(f"no broker of {found.directory} runs" if found.already else "stopped; its data is kept")
    if output is Output.JSON:
        data_json(_members(found))


def _broker(directory: Path, port: int | None = None) -> LocalBroker:
    from newsflow.tools.broker import broker_in

    return broker_in(directory, port)


def same(directory: Path) -> str:
    """What another command must be told to mean the broker of `directory`."""
    return "" if directory == _DIRECTORY else f" --directory {directory}"


def _write(found: BrokerStatus, output: Output) -> None:
    if output is Output.JSON:
        data_json(_members(found))
    elif found.pid is not None:
        data(found.bootstrap_servers)


def _members(found: BrokerStatus) -> dict[str, Any]:
    members = {"state": found.state.value, "bootstrap_servers": found.bootstrap_servers, "pid": found.pid}
    return members | {"directory": str(found.directory), "log": str(found.log)}
