"""Writes deploy/dataflow/metadata.json, the parameters of the flex template, from the options of `newsflow run`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import typer

from newsflow.cli.app import app

METADATA = Path(__file__).resolve().parents[1] / "deploy" / "dataflow" / "metadata.json"
TAKEN = ("job", "config", "bootstrap_servers", "ledger")
"""What of `newsflow run` says something to a job there. The others are about local runs, files, Flink, or sinks: what
sends alerts is one process that stays."""
JOBS = "^(ingest|trends)$"
MEANS = {
    "ledger": "It must be a PostgreSQL that all workers reach; file:PATH keeps its password out of the job's page.",
    "config": "A path within the image.",
}


def metadata() -> dict[str, Any]:
    """What `gcloud dataflow flex-template build --metadata-file` takes."""
    command: Any = typer.main.get_command(app)
    options = {each.name: each for each in command.commands["run"].params}
    return {
        "name": "newsflow",
        "description": "A job of newsflow: raw news events from Kafka to clean, deduplicated, tagged feeds.",
        "streaming": True,
        "supportsAtLeastOnce": True,
        "supportsExactlyOnce": False,
        "parameters": [_parameter(options[name]) for name in TAKEN],
    }


def _parameter(option: Any) -> dict[str, Any]:
    name, help_text = str(option.name), " ".join(str(option.help).split())
    made: dict[str, Any] = {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "helpText": f"{help_text} {MEANS[name]}" if name in MEANS else help_text,
        "isOptional": not option.required,
        "paramType": "TEXT",
    }
    if name == "job":
        made |= {"helpText": "The job: ingest or trends.", "regexes": [JOBS]}
    return made


def rendered() -> bytes:
    return orjson.dumps(metadata(), option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


if __name__ == "__main__":
    METADATA.write_bytes(rendered())
