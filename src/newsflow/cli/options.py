"""What every command is told alike: its options, the configuration, how much it logs. Imports nothing heavy."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from newsflow.config.load import Loaded


class Output(StrEnum):
    """How data is written on standard output."""

    TEXT = "text"
    JSON = "json"


ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Configuration file (YAML); else NEWSFLOW_CONFIG, else defaults."),
]
BootstrapOption = Annotated[
    str | None,
    typer.Option("--bootstrap-servers", "-b", help="Kafka brokers, HOST:PORT, several with commas between."),
]
LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger",
        metavar="URL",
        help="The ledger, instead of the configured one: sqlite:///FILE, postgresql://…",
    ),
]
BackToOption = Annotated[
    int | None,
    typer.Option(
        "--back-to", metavar="NUMBER", help="Take the tables back to the last migration an older release knows."
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done; change nothing.")]
ReplaceOption = Annotated[bool, typer.Option("--replace", help="Leave nothing but these in force.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Go on in spite of what is refused without it.")]
CheckOption = Annotated[bool, typer.Option("--check", help="Only check; exit 1 when something is wrong.")]
LimitOption = Annotated[int, typer.Option("--limit", "-n", min=1, max=100_000, help="At most so many.")]
StateOption = Annotated[
    str | None, typer.Option("--state", help="Only what is in this state; which there are is said above.")
]
WhyOption = Annotated[str, typer.Option("--why", help="Why, for those who look later.")]
SINCE = "How far back: 90m, 36h, 7d."
SinceOption = Annotated[str | None, typer.Option("--since", help=SINCE)]
TopicOption = Annotated[str | None, typer.Option("--topic", metavar="ID", help="Only of this tagging topic.")]
SourceOption = Annotated[str | None, typer.Option("--source", metavar="ID", help="What is of this source.")]
FollowOption = Annotated[
    bool, typer.Option("--follow", "-f", help="Go on with what comes, until SIGINT or SIGTERM, which drain.")
]
DIRECTORY = "Folder for all that it writes."
DirectoryOption = Annotated[Path, typer.Option("--directory", "-d", help=DIRECTORY)]
PortOption = Annotated[int | None, typer.Option("--port", min=1024, max=65535, help="Port of the local broker.")]
PARALLELISM = "On Flink: how many workers at once; else as many slots as are free."
DETACH = "On Flink: return when the job runs."
FlinkMasterOption = Annotated[
    str | None,
    typer.Option(help="JobManager of a Flink cluster, HOST:PORT of its REST port; else NEWSFLOW_FLINK_MASTER."),
]
OutputOption = Annotated[Output, typer.Option("--output-format", "-o", help="How data is written: text or json.")]
VerboseOption = Annotated[int, typer.Option("--verbose", "-v", count=True, help="Say more; twice for debugging.")]
SinksOption = Annotated[
    str | None,
    typer.Option("--sinks", help="For deliver: only these, with commas between: names of stores, and alerts."),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what went wrong.")]


def settings(config: Path | None, bootstrap_servers: str | None = None, ledger: str | None = None) -> Loaded:
    """The checked configuration of a command, with what its options say over it."""
    from newsflow.config.load import load_config

    loaded = load_config(config, flags={"kafka.bootstrap_servers": bootstrap_servers, "ledger.url": ledger})
    if loaded.config.log_format == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(log_json())
    return loaded


def for_job(job: str, loaded: Loaded) -> Loaded:
    """The configuration as one job needs it: some read elsewhere, and one file serves all."""
    from dataclasses import replace

    from newsflow.config.load import config_of

    return replace(loaded, config=config_of(job, loaded.config))


def who() -> str:
    """Who types the command, and where: for what is to be accounted for."""
    import getpass
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # In a container the user may have no name.
        user = "unknown"
    return f"{user}@{socket.gethostname()}"


def set_up_logging(verbose: int = 0, quiet: bool = False) -> None:
    """Log to standard error: warnings, with `-v` information, with `-vv` everything, with `-q` errors only."""
    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    door = logging.StreamHandler(sys.stderr)
    door.setFormatter(log_lines())
    logging.basicConfig(level=level, handlers=[door])
    for handler in logging.getLogger().handlers:
        handler.addFilter(_is_ours)
    # Clients report each lost connection as an error; we report what follows from it.
    logging.getLogger("kafka").setLevel(logging.DEBUG if verbose > 1 else logging.CRITICAL)
    # Beam repeats a failed bundle's traceback at every level; the loop says it once.
    logging.getLogger("apache_beam").setLevel(logging.DEBUG if verbose > 1 else logging.CRITICAL)


def log_lines() -> logging.Formatter:
    """Each record as one line that holds no secret and obeys no text of others, a traceback indented behind it."""
    from newsflow.shown import lines, one_line, without_secrets

    class LogLines(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            record.exc_text = None  # what another handler made of the traceback
            return super().format(record)

        def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802
            record.message = one_line(without_secrets(record.message))
            return super().formatMessage(record)

        def formatException(self, error: Any) -> str:  # noqa: N802
            return _indented(super().formatException(error))

        def formatStack(self, stack: str) -> str:  # noqa: N802
            return _indented(stack)

    def _indented(text: str) -> str:
        return "\n".join("  " + lines(line) for line in without_secrets(text).splitlines())

    return LogLines("%(asctime)s %(levelname)s %(name)s: %(message)s")


def log_json() -> logging.Formatter:
    """Each record as one JSON object: `time`, `level`, `logger`, `message`, `error` with its traceback, and `event_id`
    where it is about one event."""
    from datetime import UTC, datetime

    import orjson

    from newsflow.shown import json_text, without_secrets

    class LogJson(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            said = {"time": at.replace("+00:00", "Z"), "level": record.levelname.lower(), "logger": record.name}
            said["message"] = without_secrets(record.getMessage())
            if record.exc_info:
                said["error"] = without_secrets(self.formatException(record.exc_info))
            if event_id := getattr(record, "event_id", None):
                said["event_id"] = event_id
            return json_text(orjson.dumps(said).decode())

    return LogJson()


def _is_ours(record: Any) -> bool:
    """False for what Beam logs at import about parts of it that are not used here."""
    return not (record.name == "root" and "bigquery" in str(record.msg))
